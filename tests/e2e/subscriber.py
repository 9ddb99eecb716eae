"""An app on this machine with a hook for a store's events."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Queue
from threading import Thread

import requests

from tests.e2e.command_line import storehooks

# Starting a function's process takes seconds of a busy machine, and an event meets two.
ARRIVAL_SECONDS = 30


@dataclass(frozen=True)
class Subscriber:
    """The hook, its store, and the bodies that were posted to it."""

    store_hash: str
    hook: dict
    bodies: Queue

    def next_callback(self) -> dict:
        """Wait for the next callback."""
        return json.loads(self.bodies.get(timeout=ARRIVAL_SECONDS))


@contextmanager
def subscriber(stack, store_hash: str) -> Iterator[Subscriber]:
    """A subscriber to all events of a store."""
    bodies: Queue = Queue()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            bodies.put(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_arguments):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        created = storehooks(stack, "token", "create", "--store-hash", store_hash, "--json")
        response = requests.post(
            f"{stack.base_url}/stores/{store_hash}/v2/hooks",
            headers={"X-Auth-Token": json.loads(created.stdout)["access_token"]},
            json={
                "scope": "store/*",
                "destination": f"http://127.0.0.1:{server.server_port}/hook",
                "headers": {"X-Key": "secret-of-a-header"},
                "is_active": True,
            },
            timeout=60,
        )
        assert response.status_code == 201
        yield Subscriber(store_hash, response.json(), bodies)
        server.shutdown()
