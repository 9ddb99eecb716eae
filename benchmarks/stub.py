"""DynamoDB at a socket: knows one hook, and answers at once."""

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
_ANSWERS: dict[str, dict[str, Any]] = {
    "GetItem": {"Item": HOOK},
    "Query": {"Items": [HOOK] * 10, "Count": 10, "ScannedCount": 10},
    "UpdateItem": {"Attributes": {"last_id": {"N": "1"}}},
    "PutItem": {},
    "TransactWriteItems": {},
}


class _DynamoDb(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # an answer is one packet, so that nobody waits for an acknowledgement

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        answer = json.dumps(_ANSWERS[self.headers["X-Amz-Target"].partition(".")[2]]).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/x-amz-json-1.0")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

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
