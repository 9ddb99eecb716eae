"""The other side of a measure, in a process and on a core of its own: a TLS receiver, and AWS at the socket.

Both are one loop over sockets that parses no more than it must, so that neither is what a
measure waits for. The stub of AWS answers what botocore really sends, and keeps nothing.
"""

import hashlib
import json
import os
import re
import selectors
import socket
import ssl
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import trustme

# A core for what is measured and one for its peers; on a machine of one core they share it.
CORES = sorted(os.sched_getaffinity(0))
MEASURED_CORE, PEERS_CORE = CORES[0], CORES[-1]

_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)
_TARGET = re.compile(rb"\r\nx-amz-target: *[^.]+\.([A-Za-z]+)", re.IGNORECASE)
_TAKEN = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok"
_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.0\r\nContent-Length: %d\r\n\r\n"

type Item = dict[str, Any]
type Answer = Callable[[bytes, bytes], bytes]
"""The answer to a request's head and body."""


@dataclass(frozen=True, slots=True)
class Tables:
    """What the tables hold: by table, the items by their keys; and what a query finds, by its value."""

    items: Mapping[str, Mapping[str, Item]] = field(default_factory=dict)
    found: Mapping[str, list[Item]] = field(default_factory=dict)


class AwsStub:
    """Answers the calls of ``deliver``, ``match_events`` and the benchmark's senders, and counts them."""

    def __init__(self, tables: Tables) -> None:
        self.calls: Counter[str] = Counter()
        self._items = tables.items
        self._found = tables.found

    def response(self, head: bytes, body: bytes) -> bytes:
        target = _TARGET.search(head)
        assert target is not None, head
        operation = target[1].decode()
        self.calls[operation] += 1
        response = json.dumps(self._answer(operation, json.loads(body)), separators=(",", ":")).encode()
        return _HEAD % len(response) + response

    def _answer(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        match operation:
            case "BatchGetItem":
                return {"Responses": self._read(request["RequestItems"]), "UnprocessedKeys": {}}
            case "GetItem":
                return {"Item": self._items[request["TableName"]][key_text(request["Key"])]}
            case "BatchWriteItem":
                return {"UnprocessedItems": {}}
            case "Query":
                (value,) = request["ExpressionAttributeValues"].values()
                items = self._found.get(value["S"], [])
                return {"Items": items, "Count": len(items), "ScannedCount": len(items)}
            case "SendMessageBatch":
                return {"Successful": [_sent(entry) for entry in request["Entries"]], "Failed": []}
            case "PutItem" | "UpdateItem" | "ReceiveMessage":
                return {}
        raise ValueError(f"no answer to {operation}")

    def _read(self, wanted: dict[str, Any]) -> dict[str, list[Item]]:
        return {
            table: [items[key] for key in map(key_text, keys["Keys"]) if key in items]
            for table, keys in wanted.items()
            for items in [self._items.get(table, {})]
        }


def key_text(key: Item) -> str:
    """A key as :class:`AwsStub` knows it."""
    return json.dumps(key, sort_keys=True)


def _sent(entry: dict[str, Any]) -> dict[str, str]:
    digest = hashlib.md5(entry["MessageBody"].encode(), usedforsecurity=False).hexdigest()
    return {"Id": entry["Id"], "MessageId": entry["Id"], "MD5OfMessageBody": digest}


def aws_settings(endpoint_url: str) -> dict[str, str]:
    """The variables that have AWS clients call a stub."""
    return {
        "AWS_ENDPOINT_URL": endpoint_url,
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    }


@dataclass(frozen=True, slots=True)
class Peers:
    """Where they listen, and the certificate that the receiver's is signed with."""

    receiver: str
    aws: str
    ca_file: str
    _control: Connection

    def use_aws(self) -> None:
        """Have this process's AWS clients call the stub."""
        os.environ |= aws_settings(self.aws)

    def calls(self) -> Counter[str]:
        """The calls to AWS since this was last asked; ``received`` are the receiver's requests."""
        self._control.send("calls")
        counted: Counter[str] = self._control.recv()
        return counted


@contextmanager
def peers(holding: Callable[[str], Tables] = lambda _url: Tables()) -> Iterator[Peers]:
    """Start both, and end them afterwards.

    :param holding: what the tables hold, given the receiver's URL.
    """
    authority = trustme.CA()
    spawn = get_context("spawn")
    control, theirs = spawn.Pipe()
    with tempfile.TemporaryDirectory() as folder, _listener() as receiver, _listener() as aws:
        ca_file, certificate = Path(folder, "ca.pem"), Path(folder, "receiver.pem")
        authority.cert_pem.write_to_path(ca_file)
        authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(certificate)
        url = f"https://localhost:{receiver.getsockname()[1]}"
        process = spawn.Process(target=_serve, args=(theirs, receiver, aws, str(certificate), holding(url)))
        process.start()
        theirs.close()
        try:
            yield Peers(url, f"http://127.0.0.1:{aws.getsockname()[1]}", str(ca_file), control)
        finally:
            process.terminate()
            process.join()


def _listener() -> socket.socket:
    return socket.create_server(("127.0.0.1", 0), backlog=512)


def _serve(
    control: Connection, receiver: socket.socket, aws: socket.socket, certificate: str, holding: Tables
) -> None:
    os.sched_setaffinity(0, {PEERS_CORE})
    stub = AwsStub(holding)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    def take(_head: bytes, _body: bytes) -> bytes:
        stub.calls["received"] += 1
        return _TAKEN

    loop = _Loop()
    loop.listen(receiver, take, context)
    loop.listen(aws, stub.response, None)
    loop.watch(control, lambda: _tell(control, stub.calls))
    with suppress(EOFError):  # whoever measures has ended
        loop.run()


def _tell(control: Connection, calls: Counter[str]) -> None:
    control.recv()
    control.send(calls)
    calls.clear()


class _Loop:
    """Reads whole requests and answers them, on as many connections as there are."""

    def __init__(self) -> None:
        self._selector = selectors.EpollSelector()

    def watch(self, source: Any, callback: Callable[[], None]) -> None:
        self._selector.register(source, selectors.EVENT_READ, callback)

    def listen(self, listener: socket.socket, response: Answer, context: ssl.SSLContext | None) -> None:
        self.watch(listener, lambda: self._accept(listener, response, context))

    def run(self) -> None:
        while True:
            for key, _ in self._selector.select():
                key.data()

    def _accept(self, listener: socket.socket, response: Answer, context: ssl.SSLContext | None) -> None:
        accepted, _ = listener.accept()
        accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        accepted.settimeout(5)
        if context is not None:
            # Who shakes hands may first wait for the stub of AWS, which is this loop too.
            accepted = context.wrap_socket(accepted, server_side=True, do_handshake_on_connect=False)
            accepted.setblocking(False)
        connection = _Connection(accepted, response, self._selector.unregister)
        self.watch(accepted, connection.take)


class _Connection:
    def __init__(self, sock: socket.socket, response: Answer, forget: Callable[[socket.socket], Any]) -> None:
        self._socket = sock
        self._answer = response
        self._forget = forget
        self._unread = b""

    def take(self) -> None:
        try:
            data = self._socket.recv(1 << 20)
            while isinstance(self._socket, ssl.SSLSocket) and self._socket.pending():
                data += self._socket.recv(1 << 20)
            self._unread += data
            while response := self._next():
                self._socket.sendall(response)
        except ssl.SSLWantReadError:
            return  # the handshake, or a record, is not there in full
        except OSError:
            data = b""
        if not data:
            self._forget(self._socket)
            self._socket.close()

    def _next(self) -> bytes | None:
        """The answer to the next request that is there in full."""
        end = self._unread.find(b"\r\n\r\n") + 4
        if end < 4:
            return None
        head = self._unread[:end]
        length = _LENGTH.search(head)
        end += int(length[1]) if length else 0
        if len(self._unread) < end:
            return None
        body, self._unread = self._unread[len(head) : end], self._unread[end:]
        return self._answer(head, body)
