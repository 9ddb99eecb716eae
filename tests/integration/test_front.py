"""The local stack's front, given less time than it really has: who lets it wait is not waited for."""

import asyncio
import socket

import pytest

from storehooks_cli.local import front
from storehooks_cli.local.gateway_responses import read_gateway_responses

REFUSAL = read_gateway_responses()["BAD_REQUEST_PARAMETERS"]
POST = b"POST /stores/a/v2/hooks HTTP/1.1\r\nHost: x\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(front, "_TIMEOUT", 0.3)
    monkeypatch.setattr(front, "_IDLE_SECONDS", 0.6)
    monkeypatch.setattr(front, "_LINGERING_SECONDS", 0.1)


def exchange(*parts: bytes) -> bytes:
    """What a front answers until it closes the connection; there is no API behind it."""

    async def exchange() -> bytes:
        listener = socket.create_server(("127.0.0.1", 0))
        async with front.Front("http://127.0.0.1:1") as serving, asyncio.timeout(10):
            await serving.listen(listener)
            reader, writer = await asyncio.open_connection(*listener.getsockname())
            for part in parts:
                writer.write(part)
                await asyncio.sleep(0.05)
            answer = await reader.read()
            writer.close()
        return answer

    return asyncio.run(exchange())


@pytest.mark.parametrize(
    "parts",
    [
        [POST + b"Content-Length: 50\r\n\r\n", b"{}"],
        [CHUNKED, b"2\r\n{}\r\n"],
        # It comes when the request is being read already.
        [CHUNKED, b"2\r\n{}\r\n", b"zz\r\n", POST + b"Content-Length: 0\r\n\r\n"],
        [CHUNKED, b"2\r\n{}\r\n0\r\n", b"no trailer\r\n\r\n" + POST + b"Content-Length: 0\r\n\r\n"],
    ],
    ids=["shorter than declared", "chunks without end", "a chunk that is none", "a trailer that is none"],
)
def test_a_body_that_does_not_end_is_refused_and_the_connection_closed(impatient, parts):
    head, _, body = exchange(*parts).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert body.decode() == REFUSAL.body


def test_a_connection_on_which_no_request_comes_is_closed(impatient):
    assert exchange(POST) == b""
