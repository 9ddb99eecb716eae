"""What `storehooks listen` does with a delivery: verify it, and forward it. And its destination."""

import secrets
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any

from storehooks.domain.exact_json import loads
from storehooks_cli.client_secret import LIBRARY_PREFIX, library_secret
from storehooks_cli.local.ports import LOOPBACK
from storehooks_cli.output import colour_of, colour_of_response, fail, json_text, printable

RECEIVER_PATH = "/storehooks-listen/"
"""How the paths of such destinations begin."""

_FORWARD_SECONDS = 20  # the longest that a stack waits for a destination
_IDLE_SECONDS = 2
_MAX_RESPONSE_BYTES = 1024
_RESPONSE_HEADERS = ("Content-Type", "Retry-After")
# What holds for one connection, or is made again for the next.
_NOT_FORWARDED = frozenset(
    {"connection", "content-length", "expect", "host", "keep-alive", "te", "trailer", "transfer-encoding"}
    | {"upgrade", "proxy-connection"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """The response to the sender of a delivery."""

    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A delivery that came, and what was done with it.

    ``times`` counts how often it came so far, this time among them. ``refusal`` says why its
    signature is not valid, ``failure`` why it could not be forwarded; they are None if all is well.
    Without a secret no signature is checked.
    """

    at: datetime
    id: str
    times: int
    body: bytes
    is_checked: bool
    refusal: str | None
    was_forwarded: bool
    failure: str | None
    responded: int
    milliseconds: int

    @property
    def as_json(self) -> dict[str, object]:
        """For programs."""
        return {
            "at": self.at.isoformat(timespec="milliseconds"),
            "id": self.id,
            "times_received": self.times,
            "is_signature_valid": self.refusal is None if self.is_checked else None,
            "signature_error": self.refusal,
            "was_forwarded": self.was_forwarded,
            "forward_error": self.failure,
            "answered": self.responded,
            "payload": self._payload,
        }

    @property
    def line(self) -> str:
        """For people, without colours."""
        return printable("  ".join(text for text, _ in self.parts))

    @property
    def parts(self) -> list[tuple[str, str | None]]:
        """The parts of its line for people, each with its colour or None."""
        payload = self._payload
        is_event = isinstance(payload, dict) and {"scope", "data"} <= payload.keys()
        if self.failure is not None:
            end = f"not forwarded: {self.failure}; response {self.responded}"
        elif self.was_forwarded:
            end = f"forwarded, response {self.responded} in {self.milliseconds} ms"
        else:
            end = f"response {self.responded}"
        return [
            (self.at.astimezone().strftime("%H:%M:%S"), None),
            self._signature,
            (self.id if self.times == 1 else f"{self.id} (for the {self.times}. time)", None),
            (str(payload["scope"]) if is_event else "no event", None),
            (json_text(payload["data"] if is_event else payload, in_ascii=False), None),
            (end, colour_of_response(self.responded)),
        ]

    @property
    def payload_text(self) -> str:
        """The whole payload on lines of its own, indented."""
        text = json_text(self._payload, in_ascii=False, margin="\n")
        return "\n".join(f"    {printable(line)}" for line in text.split("\n"))

    @property
    def _signature(self) -> tuple[str, str | None]:
        if not self.is_checked:
            return "signature not checked", colour_of("not")
        if self.refusal is None:
            return "signature valid", colour_of("ok")
        return f"SIGNATURE NOT VALID ({self.refusal})", colour_of("failed")

    @property
    def _payload(self) -> Any:
        """The body as JSON; its text if it is none."""
        try:
            return loads(self.body.decode())
        except ValueError:
            return self.body.decode(errors="replace")


class Intake:
    """Verifies deliveries, and forwards them if asked.

    :param secret: the client's secret, as it is or as ``whsec_…``; None if it is not known.
    :param forward: the URL of the app that gets them, None for none.
    """

    def __init__(self, secret: str | None, forward: str | None) -> None:
        from standardwebhooks import Webhook

        self._verifier = (
            None
            if secret is None
            else Webhook(secret if secret.startswith(LIBRARY_PREFIX) else library_secret(secret))
        )
        self._forward = forward
        self._times: Counter[str] = Counter()

    def take(self, body: bytes, headers: dict[str, str]) -> tuple[Received, Response]:
        """What came, and the response to its sender."""
        at, started = datetime.now(UTC), time.monotonic()
        refusal, failure = self._refusal(body, headers), None
        if refusal is not None:
            response = Response(status=401, body=b"the signature is not valid")
        elif self._forward is None:
            response = Response(status=204)
        else:
            response, failure = _forwarded(self._forward, body, headers)
        delivery_id = headers.get("webhook-id", "")
        self._times[delivery_id] += 1
        received = Received(
            at=at,
            id=delivery_id,
            times=self._times[delivery_id],
            body=body,
            is_checked=self._verifier is not None,
            refusal=refusal,
            was_forwarded=self._forward is not None and refusal is None and failure is None,
            failure=failure,
            responded=response.status,
            milliseconds=round((time.monotonic() - started) * 1000),
        )
        return received, response

    def _refusal(self, body: bytes, headers: dict[str, str]) -> str | None:
        """Why the signature is not valid; None if it is, or without a secret."""
        from standardwebhooks import WebhookVerificationError

        if self._verifier is None:
            return None
        try:
            self._verifier.verify(body, headers, json_parse=False)
        except (WebhookVerificationError, ValueError) as error:  # the latter for what is no signature at all
            return str(error)
        return None


class Receiver(ThreadingHTTPServer):
    """A destination on this machine, at a path that nobody else knows."""

    daemon_threads = True
    _thread: Thread | None = None  # closed by its base if it finds no port

    def __init__(self, port: int, forward: str | None) -> None:
        try:
            super().__init__((LOOPBACK, port), _Handler)
        except OSError as error:
            fail(f"cannot listen on port {port}: {error.strerror}; --port chooses another")
        self.path = RECEIVER_PATH + secrets.token_hex(16)
        self._forward = forward
        self._deliveries: SimpleQueue[Received] = SimpleQueue()

    @property
    def url(self) -> str:
        """What a hook names to have its deliveries here."""
        return f"http://{LOOPBACK}:{self.server_port}{self.path}"

    def start(self, secret: str) -> None:
        """Receive deliveries that are signed with this secret."""
        self._intake = Intake(secret, self._forward)
        self._thread = Thread(target=self.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
        self._thread.start()

    def server_close(self) -> None:
        """End it, also when it was never started."""
        if self._thread is not None:
            self.shutdown()
        super().server_close()

    def deliveries(self, while_idle: Callable[[], None] = lambda: None) -> Iterator[Received]:
        """What comes, without an end.

        :param while_idle: is called every two seconds while nothing comes.
        """
        while True:
            try:
                yield self._deliveries.get(timeout=_IDLE_SECONDS)
            except Empty:
                while_idle()

    def received(self, body: bytes, headers: dict[str, str]) -> Response:
        """The response to a delivery."""
        received, response = self._intake.take(body, headers)
        self._deliveries.put(received)
        return response

    def handle_error(self, request: object, client_address: object) -> None:
        """Ignore a sender that did not wait for its response."""


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_GET(self) -> None:
        """Whether this is still the run whose hook names it."""
        is_known = self.path == self.server.path
        self._respond(Response(status=200, body=self.path.encode()) if is_known else Response(status=404))

    def do_POST(self) -> None:
        """A delivery."""
        if self.path != self.server.path:
            self._respond(Response(status=404))
            return
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self._respond(self.server.received(body, dict(self.headers)))

    def _respond(self, response: Response) -> None:
        self.send_response(response.status)
        for name, value in response.headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(response.body)))
        self.end_headers()
        self.wfile.write(response.body)

    def log_message(self, *_arguments: object) -> None:
        """Nothing: deliveries are printed on standard output."""


def _forwarded(url: str, body: bytes, headers: dict[str, str]) -> tuple[Response, str | None]:
    """The response of the app that gets the delivery, and why it got none."""
    import requests
    from urllib3.exceptions import HTTPError

    given = {name: value for name, value in headers.items() if name.lower() not in _NOT_FORWARDED}
    try:
        with requests.Session() as session:
            session.trust_env = False
            session.headers.clear()
            with session.post(
                url, body, headers=given, timeout=_FORWARD_SECONDS, allow_redirects=False, stream=True
            ) as response:
                start = b""
                with suppress(HTTPError):  # as for any destination, the status decides once it is there
                    start = response.raw.read(_MAX_RESPONSE_BYTES, decode_content=True)
                kept = [
                    (name, response.headers[name]) for name in _RESPONSE_HEADERS if name in response.headers
                ]
    except requests.RequestException as error:
        reason = str(getattr(error.args[0], "reason", error)) if error.args else type(error).__name__
        return Response(status=502, body=f"could not be forwarded: {reason}".encode()), reason
    has_body = response.status_code not in {204, 304}
    return Response(status=response.status_code, body=start if has_body else b"", headers=tuple(kept)), None
