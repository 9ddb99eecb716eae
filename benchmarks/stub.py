"""DynamoDB at a socket: knows one hook, under ten ids and in its client's list, and answers at once.

Where the hook has its events sent is the same socket. Of the other tables it knows a client alone.
"""

import json
import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection
from typing import Any

HOOK: dict[str, Any] = {
    "store_hash": {"S": "5ueh97"},
    "id": {"N": "1"},
    "client_id": {"S": "40c672b9177b5d3a8dbfad24321be15d"},
    "scope": {"S": "store/order/*"},
    "destination": {"S": "https://app.example.com/orders"},
    "headers": {"M": {"X-Custom-Auth-Header": {"S": "a-secret-of-some-length"}}},
    "is_active": {"BOOL": True},
    "created_at": {"N": "1795428000"},
    "updated_at": {"N": "1795428000"},
    "version": {"N": "1"},
    "subscription": {"S": "5ueh97#store/order/*"},
}
_CLIENT: dict[str, Any] = {"client_secret": {"S": "a-secret-that-signs-for-nobody"}}
HOOK_IDS = [str(number) for number in range(1, 11)]
_LIST: dict[str, Any] = {
    "store_hash": {"S": f"hooks#5ueh97#{HOOK['client_id']['S']}"},
    "hook_ids": {"NS": HOOK_IDS},
}
_ANSWERS: dict[str, dict[str, Any]] = {
    "GetItem": {"Item": HOOK},
    "UpdateItem": {"Attributes": {"last_id": {"N": "1"}}},
    "PutItem": {},
    "TransactWriteItems": {},
    "BatchWriteItem": {"UnprocessedItems": {}},
}


class _DynamoDb(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # an answer is one packet, so that nobody waits for an acknowledgement

    def do_POST(self) -> None:
        asked = self.rfile.read(int(self.headers["Content-Length"]))
        response = json.dumps(self._response(asked)).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/x-amz-json-1.0")
        self.send_header("Content-Length", str(len(response)))
        self.end_headers()
        self.wfile.write(response)

    def _response(self, asked: bytes) -> dict[str, Any]:
        operation = self.headers.get("X-Amz-Target", "").partition(".")[2]
        if not operation:  # an event
            return {}
        if operation == "BatchGetItem":
            tables = json.loads(asked)["RequestItems"]
            found = {table: self._found(table, wanted["Keys"]) for table, wanted in tables.items()}
            return {"Responses": found, "UnprocessedKeys": {}}
        return _ANSWERS[operation]

    def _found(self, table: str, keys: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """What is asked for: clients; of the hooks' table the list, or hooks. A counter there is not."""
        if table == "clients":
            return [_CLIENT | key for key in keys]
        if table != "hooks":
            return []
        if _LIST["store_hash"] in [key["store_hash"] for key in keys]:
            return [_LIST]
        here = {"destination": {"S": f"http://{self.headers['Host']}/orders"}}
        return [HOOK | here | key for key in keys]

    def log_message(self, *_arguments: Any) -> None:
        """A line for each request would take longer than the request."""


def _serve(ready: Connection) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _DynamoDb)
    ready.send(server.server_port)
    server.serve_forever()


@contextmanager
def dynamodb_stub() -> Iterator[str]:
    """The stub in a process of its own, so that it takes no time from whom it answers; its URL."""
    spawn = multiprocessing.get_context("spawn")
    here, there = spawn.Pipe()
    process = spawn.Process(target=_serve, args=(there,), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{here.recv()}"
    finally:
        process.terminate()
        process.join()
