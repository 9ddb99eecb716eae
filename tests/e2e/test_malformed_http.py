"""Requests that are no HTTP, or two in one: refused as the client's fault, and the connection is closed."""

import re
import socket
import time
from contextlib import suppress

import psutil
import pytest

pytestmark = pytest.mark.toolchain

HOOKS = "/stores/5ueh97/v2/hooks"
MEGABYTE = 1024 * 1024
CHUNKED = b"Transfer-Encoding: chunked"


@pytest.fixture
def connection(stack):
    with socket.create_connection(("127.0.0.1", stack.run.port), timeout=60) as connection:
        yield connection


@pytest.fixture
def head(stack):
    """The head of a request that would be good but for the lines that are added."""

    def head(*lines: bytes, method: bytes = b"POST", target: str = HOOKS) -> bytes:
        first = b"%s %s HTTP/1.1" % (method, target.encode())
        return b"\r\n".join(
            [first, b"Host: localhost", b"X-Auth-Token: " + stack.token.encode(), *lines, b"", b""]
        )

    return head


@pytest.fixture
def smuggled(head):
    """A good request, where nobody should look for one."""
    return head(method=b"GET")


def responses(connection) -> list[int]:
    """The statuses of all that is answered until the connection is closed."""
    received = b""
    with suppress(ConnectionResetError):  # it may be closed before all is read that was sent
        while part := connection.recv(65536):
            received += part
    return [int(status) for status in re.findall(rb"^HTTP/1\.[01] (\d{3}) ", received, re.MULTILINE)]


def send_what_is_taken(connection, data: bytes) -> None:
    """It may be closed before all is sent."""
    with suppress(BrokenPipeError, ConnectionResetError):
        connection.sendall(data)


@pytest.mark.parametrize(
    "framing",
    [
        [b"Content-Length: 5", CHUNKED],
        [CHUNKED, b"Content-Length: 5"],
        [b"Content-Length: 0", b"Content-Length: 5"],
        [b"Content-Length: 5", b"Content-Length: 5"],
        [b"Content-Length: 5, 5"],
        [b"Content-Length: +5"],
        [b"Content-Length: -1"],
        [b"Content-Length: 0x5"],
        [b"Content-Length: 5_0"],
        [b"Content-Length : 5"],
        [b"Content-Length: 99999999999999999999999999"],
        [b"Transfer-Encoding: xchunked"],
        [b"Transfer-Encoding: chunked, identity"],
        [b"Transfer-Encoding: \x0bchunked"],
        [b"Transfer-Encoding:\r\n chunked"],
        [b"Transfer-Encoding : chunked"],
        [CHUNKED, CHUNKED],
    ],
    ids=lambda lines: " & ".join(line.decode("latin-1") for line in lines),
)
def test_a_body_whose_end_could_be_read_in_two_ways_hides_no_second_request(
    connection, head, smuggled, framing
):
    connection.sendall(head(*framing) + b"0\r\n\r\n" + smuggled)
    assert responses(connection) == [400]


@pytest.mark.parametrize(
    "body",
    [
        b"zz\r\n",
        b"2\r\n{}XX",
        b"2\r\n{}\nX\r\n",
        b"fffffffffffffffff\r\n",
        b"-2\r\n{}\r\n",
        b"0\r\nno trailer\r\n\r\n",
    ],
)
def test_a_chunk_that_is_none_ends_the_connection(connection, head, smuggled, body):
    connection.sendall(head(CHUNKED) + body + smuggled)
    assert responses(connection) == [400]


@pytest.mark.parametrize(
    "line",
    [
        b"no colon",
        b": no name",
        b"X A: a space in the name",
        b"X-A: folded\r\n as it was done once",
        b"X-A: a\0b",
        b"X-A: a\rX-B: b",
        b"X-A: a\nX-B: b",
        b"Host: y",
        b"X-A: " + b"a" * MEGABYTE,
        b"\r\n".join(b"X-%d: a" % number for number in range(100_000)),
    ],
    ids=lambda line: line[:24].decode("latin-1"),
)
def test_a_malformed_header_is_refused(connection, head, smuggled, line):
    send_what_is_taken(connection, head(line, method=b"GET") + smuggled)
    assert responses(connection) == [400]


@pytest.mark.parametrize(
    "request_line",
    [
        f"GET {HOOKS}?{'a' * 100_000} HTTP/1.1".encode(),
        f"GET {HOOKS} HTTP/9.9".encode(),
        f"G(T {HOOKS} HTTP/1.1".encode(),
        f"GET {HOOKS}\0 HTTP/1.1".encode(),
        "GET /stores/\xff HTTP/1.1".encode("latin-1"),
        b"PRI * HTTP/2.0",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
    ids=lambda line: line[:24].decode("latin-1"),
)
def test_a_malformed_request_line_is_refused(connection, smuggled, request_line):
    send_what_is_taken(connection, request_line + b"\r\nHost: localhost\r\n\r\n" + smuggled)
    assert responses(connection) == [400]


@pytest.mark.parametrize(("method", "target"), [(b"CONNECT", "127.0.0.1:22"), (b"OPTIONS", "*")])
def test_what_is_asked_of_no_path_is_refused(connection, head, method, target):
    connection.sendall(head(b"Connection: close", method=method, target=target))
    assert responses(connection) == [400]


def endless():
    while True:
        yield b"10000\r\n%s\r\n" % (b"x" * 65536)


def test_an_endless_body_is_refused_and_fills_no_memory(stack, connection, head):
    front = psutil.Process(stack.run.pid)
    before = front.memory_info().rss
    limit, began = 0, time.monotonic()
    connection.sendall(head(CHUNKED))
    with suppress(BrokenPipeError, ConnectionResetError):
        for chunk in endless():
            connection.sendall(chunk)
            limit = max(limit, front.memory_info().rss)
            assert time.monotonic() - began < 30, "it is read without end"
    assert limit - before < 64 * MEGABYTE


def test_one_that_sends_nothing_holds_up_nobody(stack, connection):
    connection.sendall(b"GET / HT")
    assert stack.run.request("GET").status_code == 200


def test_a_malformed_request_is_not_told_of_where_the_stack_runs(stack, connection, head):
    """Its text may hold a token."""
    connection.sendall(head(b"X-Auth-Token: a-secret\0"))
    assert responses(connection) == [400]
    assert "Traceback" not in stack.run.output
    assert "a-secret" not in stack.run.output
