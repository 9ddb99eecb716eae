"""The local stack's front: who lets it wait is not waited for, and which hosts it takes.

It is given less time here than it really has.
"""

import asyncio
import json
import socket
import ssl

import pytest
import trustme
from aiohttp import web
from hypothesis import example, given
from hypothesis import strategies as st

from storehooks_cli.local import front
from storehooks_cli.local.gateway_responses import read_gateway_responses

REFUSAL = read_gateway_responses()["BAD_REQUEST_PARAMETERS"]
NOT_FOUND = read_gateway_responses()["MISSING_AUTHENTICATION_TOKEN"]
POST = b"POST /stores/a/v2/hooks HTTP/1.1\r\nHost: 127.0.0.1\r\n"
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
        async with front.Front("http://127.0.0.1:1", credentials={}) as serving, asyncio.timeout(10):
            await serving.listen(listener)
            reader, writer = await asyncio.open_connection(*listener.getsockname())
            for part in parts:
                writer.write(part)
                await asyncio.sleep(0.05)
            response = await reader.read()
            writer.close()
        return response

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


class Behind:
    """A front with an API behind it, which answers with the headers that it gets."""

    def __init__(self, loop):
        self._loop = loop

    async def _answer(self, request):
        return web.json_response(list(request.headers.items()))

    async def start(self, authority):
        self._runner = web.ServerRunner(web.Server(self._answer))
        await self._runner.setup()
        api, plain, tls = (socket.create_server(("127.0.0.1", 0)) for _ in range(3))
        await web.SockSite(self._runner, api).start()
        self._front = front.Front(
            f"http://127.0.0.1:{api.getsockname()[1]}",
            credentials={"Authorization": "the start's"},
            allowed_hosts={"hooks.test"},
        )
        await self._front.__aenter__()
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        authority.issue_cert("localhost").configure_cert(context)
        await self._front.listen(plain)
        await self._front.listen(tls, context)
        self._plain, self._tls = plain.getsockname(), tls.getsockname()
        self._trust = ssl.create_default_context()
        authority.configure_trust(self._trust)

    async def stop(self):
        await self._front.__aexit__(None, None, None)
        await self._runner.cleanup()

    def get(self, *lines, tls=False, path="/stores/a/v2/hooks"):
        """The status, the head and the body of the response to a request with these headers."""
        return self._loop.run_until_complete(self._get(lines, tls, path))

    async def _get(self, lines, tls, path):
        security = {"ssl": self._trust, "server_hostname": "localhost"} if tls else {}
        async with asyncio.timeout(10):
            reader, writer = await asyncio.open_connection(*(self._tls if tls else self._plain), **security)
            head = "\r\n".join([f"GET {path} HTTP/1.1", "Connection: close", *lines, "", ""])
            writer.write(head.encode("latin-1"))
            response = await reader.read()
            writer.close()
        head, _, body = response.partition(b"\r\n\r\n")
        return int(head.split()[1]), head.lower(), body


@pytest.fixture(scope="module")
def behind():
    loop = asyncio.new_event_loop()
    one = Behind(loop)
    loop.run_until_complete(one.start(trustme.CA()))
    yield one
    loop.run_until_complete(one.stop())
    loop.close()


@pytest.mark.parametrize(
    "host", ["127.0.0.1:3000", "localhost", "[::1]:3000", "Hooks.test:3000", "hooks.test"]
)
def test_the_loopbacks_hosts_and_those_that_are_allowed_are_taken(behind, host):
    status, _, _ = behind.get(f"Host: {host}")
    assert status == 200


@given(
    st.from_regex(r"[a-z0-9.-]{1,30}(:[0-9]{1,5})?", fullmatch=True).filter(
        lambda host: host.partition(":")[0] not in {"127.0.0.1", "localhost", "hooks.test"}
    )
)
@example("evil.example:3000")
@example("127.0.0.1.evil.example")
@example("hooks.test.evil.example")
@example("a1b2c3d4.execute-api.localhost")
@example("127.0.0.1@evil.example")
@example("[::ffff:7f00:1]")
@example("")
def test_another_host_is_refused_over_http_and_taken_over_https(behind, host):
    status, head, body = behind.get(f"Host: {host}", "Origin: http://evil.example")
    assert status == 403
    assert b"access-control-" not in head
    (error,) = json.loads(body)
    assert (error["status"], set(error["details"])) == (403, {"Host"})
    assert "ALLOWED_HOSTS" in error["details"]["Host"]
    status, _, _ = behind.get(f"Host: {host}", tls=True)
    assert status == 200


@pytest.mark.parametrize("hosts", [[], ["Host: 127.0.0.1", "Host: evil.example"]])
def test_a_request_without_a_host_or_with_two_is_refused(behind, hosts):
    status, _, _ = behind.get(*hosts)
    assert status in {400, 403}


def test_the_console_is_no_web_page_to_the_local_aws(behind):
    _, _, body = behind.get(
        "Host: 127.0.0.1:3000",
        "Origin: http://127.0.0.1:3000",
        "Sec-Fetch-Site: same-origin",
        "Sec-Fetch-Mode: cors",
        "Authorization: another's",
        "X-Auth-Token: token",
    )
    headers = {name.lower(): value for name, value in json.loads(body)}
    assert headers["authorization"] == "the start's"
    assert headers["x-auth-token"] == "token"
    assert not [name for name in headers if name == "origin" or name.startswith("sec-fetch-")]


@pytest.mark.parametrize(
    "path",
    [
        "//",
        "//stores/a/v2/hooks",
        "///stores/a/v3/hooks",
        "/stores//v3/hooks",
        "/stores/a//v2/hooks",
        "/stores/a/v2//hooks",
        "/stores/a/v2/hooks//",
        "/stores/a/v2/hooks//1?page=1",
        "/stores/a/v3%2F/hooks",
        "/stores/a/v3/%2fhooks",
    ],
)
def test_a_path_with_an_empty_segment_is_a_404_and_never_a_matter_of_the_token(behind, path):
    status, _, body = behind.get("Host: 127.0.0.1", "X-Auth-Token: token", path=path)
    assert (status, body.decode()) == (404, NOT_FOUND.body)


@pytest.mark.parametrize(
    "path",
    [
        "/stores/a/v2/hooks/",
        "/stores/a/v2/hooks/1/",
        "/stores/a/v3/hooks?destination=https://app.example.com//a",
    ],
)
def test_a_slash_at_the_end_and_slashes_in_a_query_go_on_to_the_api(behind, path):
    assert behind.get("Host: 127.0.0.1", path=path)[0] == 200
