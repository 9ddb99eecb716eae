"""An API on loopback that answers as a test tells it to, for what an API that works does not do."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class ScriptedApi:
    """Its answers, each a status, a body and headers, in their order; and the requests that came."""

    url: str
    responses: list[tuple[int, Any, dict[str, str]]] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    on_request: Callable[[Request], None] = lambda _: None

    def will_answer(self, status: int, body: Any, **headers: str) -> None:
        self.responses.append((status, body, headers))

    @property
    def asked(self) -> list[str]:
        """The requests' methods and paths, without what is the same for all."""
        return [f"{one.method} {one.path.removeprefix('/stores/h1/v2/')}" for one in self.requests]


@contextmanager
def scripted_api() -> Iterator[ScriptedApi]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            api.requests.append(Request(self.command, self.path, dict(self.headers), body))
            api.on_request(api.requests[-1])
            status, content, headers = api.responses.pop(0)
            data = content if isinstance(content, bytes) else json.dumps(content).encode()
            with suppress(ConnectionError):  # who was stopped does not wait for it
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name.replace("_", "-"), value)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

        def do_POST(self) -> None:
            self.do_GET()

        def do_PUT(self) -> None:
            self.do_GET()

        def do_DELETE(self) -> None:
            self.do_GET()

        def log_message(self, *_arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        api = ScriptedApi(f"http://127.0.0.1:{server.server_port}")
        yield api
        server.shutdown()
        thread.join()
