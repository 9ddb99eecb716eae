"""A store, its client, and a destination for its hooks, on the running stack."""

import json
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Queue
from threading import Thread
from typing import Any

import requests

from tests.e2e.command_line import storehooks

ARRIVAL_SECONDS = 40


class Destination:
    """A receiver that answers as it is told, and keeps what came."""

    def __init__(self, status: int = 200, port: int = 0, response: bytes = b"thanks") -> None:
        self.requests: Queue[tuple[dict[str, str], bytes]] = Queue()
        requests_, responded = self.requests, status

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(responded)
                self.end_headers()
                self.wfile.write(response)
                requests_.put((dict(self.headers), body))

            def log_message(self, *_arguments: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.port = self._server.server_port
        self.url = f"http://127.0.0.1:{self.port}/hook"
        self._thread = Thread(target=self._server.serve_forever)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def next(self) -> tuple[dict[str, str], bytes]:
        return self.requests.get(timeout=ARRIVAL_SECONDS)


class Store:
    """A store of its own, and a client of it that may do everything unless told otherwise."""

    def __init__(self, stack, store_hash: str, *, scopes: tuple[str, ...] = ("default", "events")) -> None:
        options = [option for scope in scopes for option in ("--scope", scope)]
        shown = storehooks(stack, "token", "create", "--store-hash", store_hash, *options, "--json")
        token = json.loads(shown.stdout)
        self.store_hash = store_hash
        self.secret = token["client_secret"]
        self.token = token["access_token"]
        self.url = f"{stack.base_url}/stores/{store_hash}/v2"
        self._headers = {"X-Auth-Token": self.token}

    def call(self, method: str, path: str, **arguments: Any) -> requests.Response:
        return requests.request(method, f"{self.url}/{path}", headers=self._headers, timeout=60, **arguments)

    def hook(self, scope: str, url: str, **fields: Any) -> int:
        given = {"scope": scope, "destination": url, "is_active": True} | fields
        response = self.call("POST", "hooks", json=given)
        assert response.status_code == 201, response.text
        return response.json()["id"]

    def publish(self, scope: str, **fields: Any) -> str:
        response = self.call("POST", "events", json={"scope": scope, "data": {"id": 250}} | fields)
        assert response.status_code == 202, response.text
        return response.json()[0]["id"]

    def delivery(self, hook_id: int, event_id: str) -> dict[str, Any]:
        """The delivery of an event to a hook, once it is in the log."""
        until = time.monotonic() + ARRIVAL_SECONDS
        while time.monotonic() < until:
            data = self.call("GET", f"hooks/{hook_id}/deliveries").json()["data"]
            for delivery in data:
                if delivery["event_id"] == event_id:
                    return delivery
            time.sleep(0.2)
        raise AssertionError(f"the log has no delivery of {event_id}: {data}")
