"""Destinations on loopback that do, byte for byte, what a test tells them to."""

import contextlib
import os
import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@dataclass(frozen=True)
class Received:
    """A request as it came: its first line, the lines of its headers and its body."""

    line: str
    headers: list[str]
    body: bytes


class Connection:
    """One connection at a receiver."""

    def __init__(self, receiver: "Receiver", sock: socket.socket) -> None:
        self.receiver = receiver
        self._sock = sock
        self._unread = b""

    def read_request(self) -> Received | None:
        """The next request; None when the sender closed."""
        while b"\r\n\r\n" not in self._unread:
            if not self._read():
                return None
        head, _, self._unread = self._unread.partition(b"\r\n\r\n")
        line, *headers = head.decode().split("\r\n")
        lengths = [int(header.split(":")[1]) for header in headers if header.startswith("Content-Length:")]
        while len(self._unread) < sum(lengths):
            if not self._read():
                return None
        body, self._unread = self._unread[: sum(lengths)], self._unread[sum(lengths) :]
        received = Received(line, headers, body)
        self.receiver.requests.append(received)
        return received

    def _read(self) -> bool:
        data = self._sock.recv(65536)
        self._unread += data
        return bool(data)

    def receive_raw(self) -> bytes:
        """What comes next, as it is."""
        return self._sock.recv(65536)

    def send(self, data: bytes) -> None:
        self._sock.sendall(data)

    def send_raw(self, data: bytes) -> None:
        """Send beneath TLS."""
        with socket.socket(fileno=os.dup(self._sock.fileno())) as raw:
            raw.sendall(data)

    def flood(self, data: bytes) -> None:
        """Send the same over and over, until the sender closes."""
        while True:
            self.send(data)

    def trickle(self, data: bytes) -> None:
        """Send a byte at a time, slowly, and then wait."""
        for byte in data:
            self.send(bytes([byte]))
            self.pause(0.01)
        self.pause()

    def pause(self, seconds: float | None = None) -> None:
        """Do nothing for a time, or until the receiver is closed."""
        self.receiver.closed.wait(seconds)

    def secure(self, context: ssl.SSLContext) -> None:
        # Its own before the handshake, which a sender that says nothing lets wait until it is closed.
        self._sock = context.wrap_socket(self._sock, server_side=True, do_handshake_on_connect=False)
        # If it was being closed meanwhile, that closed the socket from before.
        if self.receiver.closed.is_set():
            raise OSError("the receiver is closed")
        self._sock.do_handshake()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)
        self._sock.close()


type Behaviour = Callable[[Connection], None]


def responding(*responses: bytes) -> Behaviour:
    """Answers the requests of a connection in turn, with the last answer from then on; it stays open."""

    def behave(connection: Connection) -> None:
        remaining = list(responses)
        while connection.read_request():
            connection.send(remaining.pop(0) if len(remaining) > 1 else remaining[0])

    return behave


def answering_once(response: bytes) -> Behaviour:
    """Answers one request and closes the connection."""

    def behave(connection: Connection) -> None:
        connection.read_request()
        connection.send(response)

    return behave


def then_hanging(start: bytes) -> Behaviour:
    """Begins an answer and says no more, with the connection open."""

    def behave(connection: Connection) -> None:
        connection.read_request()
        connection.send(start)
        connection.pause()

    return behave


class Receiver:
    """A listening socket, and a thread for each connection. It counts what comes."""

    def __init__(
        self, behave: Behaviour, context: ssl.SSLContext | None, *, address: str = "127.0.0.1", port: int = 0
    ) -> None:
        self.requests: list[Received] = []
        self.connections = 0
        self.closed = threading.Event()
        self._behave = behave
        self._context = context
        self._open: set[Connection] = set()
        self._listener = socket.create_server((address, port), backlog=512)
        self.port: int = self._listener.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def url(self, path: str = "/", host: str = "localhost") -> str:
        return f"{'https' if self._context else 'http'}://{host}:{self.port}{path}"

    def _accept(self) -> None:
        while True:
            try:
                accepted, _ = self._listener.accept()
            except OSError:
                return
            if self.closed.is_set():
                accepted.close()
                return
            self.connections += 1
            accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection = Connection(self, accepted)
            self._open.add(connection)
            thread = threading.Thread(target=self._serve, args=(connection,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: Connection) -> None:
        # The sender may close at any point; what it made of that is what a test looks at.
        with contextlib.suppress(OSError):
            if self._context:
                connection.secure(self._context)
            self._behave(connection)
        connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.closed.set()
        # On Linux, closing a listening socket does not wake who waits on it; a connection does.
        with contextlib.suppress(OSError):
            socket.create_connection(self._listener.getsockname(), timeout=1).close()
        self._listener.close()
        self._threads[0].join()
        for connection in self._open:
            connection.close()
        for thread in self._threads:
            thread.join()
