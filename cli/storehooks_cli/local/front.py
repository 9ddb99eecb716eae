"""The front: serves the API where a developer expects it, on http and on https.

It does what the outer layers of API Gateway do in AWS and ministack does not, and it
lets a request reach nothing in ministack but the API. Over http it takes only requests
that name a known host; over https the certificate keeps other names away. Below /docs it serves the API's
description, which a deployment does not.
"""

import asyncio
import json
import logging
import socket
import ssl
from collections.abc import Collection, Iterator, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Self
from urllib.parse import unquote, unquote_plus

import aiohttp
from aiohttp import hdrs, web
from aiohttp.http import HttpProcessingError
from aiohttp.typedefs import Handler
from multidict import CIMultiDict, MultiMapping
from yarl import URL

from storehooks_cli.local.documentation import Page, read_pages
from storehooks_cli.local.gateway_responses import read_gateway_responses
from storehooks_cli.local.hosts import LOOPBACK_HOSTS, host_of

if TYPE_CHECKING:
    from mypy_boto3_apigateway.literals import GatewayResponseTypeType

# API Gateway's limits.
_MAX_BODY = 10 * 1024 * 1024
_TIMEOUT = 29

# A connection is closed when nothing is under way on it, or no whole head of a request has come.
_IDLE_SECONDS = 60.0

# After a refusal, the rest of a body is thrown away for so long; to close at once could lose the response.
_LINGERING_SECONDS = 2.0

# Each request that runs at the same time as others costs a process of ~75 MB, which takes
# a second of processor time to start and counts that against the function's timeout.
_CONCURRENCY = 8

# Requests that are being handled when the stack is stopped get this long, and as long
# again to notice that they are cut off.
_STOP_SECONDS = 1.0

# ministack's way to the connections of websockets, below any API's path.
_NOT_THE_API = "/@connections"

_HOP_BY_HOP = frozenset(
    {
        "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection",
        "te", "trailer", "transfer-encoding", "upgrade",
    }
)  # fmt: skip
# The connection's own; Authorization, by which ministack picks an account and a region; and Origin, by which
# its guard knows a web page.
_NOT_FORWARDED = _HOP_BY_HOP | {"host", "content-length", "expect", "authorization", "origin"}
# X-Amz-... headers choose a service in ministack, by Sec-Fetch-... its guard knows a web page.
_NOT_FORWARDED_PREFIXES = ("x-amz", "sec-fetch-")
# The connection's own; and an id that S3 gives and API Gateway does not.
_NOT_RETURNED = _HOP_BY_HOP | {"content-length", "date", "server", "x-amz-request-id"}


_OTHER_HOST = [
    {
        "status": 403,
        "message": "The host of the request is unknown.",
        "details": {
            "Host": "is not one that this port takes: 127.0.0.1, localhost, [::1] and those of"
            " make run ALLOWED_HOSTS=name"
        },
    }
]

_logger = logging.getLogger(__name__)


class Front:
    """Serves an API of the emulator. Leaving the context stops it.

    :param credentials: the headers with which the emulator lets it in.
    :param allowed_hosts: that a request over http may name, besides the loopback's.
    """

    def __init__(
        self, api_url: str, *, credentials: Mapping[str, str], allowed_hosts: Collection[str] = ()
    ) -> None:
        self._api_url = api_url
        self._credentials = credentials
        self._hosts = LOOPBACK_HOSTS.union(allowed_hosts)
        self._responses = read_gateway_responses()
        self._pages = read_pages()
        self._turns = asyncio.Semaphore(_CONCURRENCY)
        _logger.addFilter(_is_not_the_clients)

    async def __aenter__(self) -> Self:
        self._client = aiohttp.ClientSession(
            # A connection for each request: a kept one could turn out closed, and a POST
            # cannot be sent again.
            connector=aiohttp.TCPConnector(limit=0, force_close=True),
            headers=self._credentials,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=_TIMEOUT),
            auto_decompress=False,
            skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type", "User-Agent"),
        )
        app = web.Application(client_max_size=_MAX_BODY, middlewares=[self._serve])
        self._runner = web.AppRunner(
            app,
            access_log=None,
            logger=_logger,
            auto_decompress=False,
            keepalive_timeout=_IDLE_SECONDS,
            lingering_time=_LINGERING_SECONDS,
            shutdown_timeout=_STOP_SECONDS,
            handle_signals=False,
        )
        await self._runner.setup()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._runner.cleanup()
        await self._client.close()

    async def listen(self, listener: socket.socket, tls: ssl.SSLContext | None = None) -> None:
        """Serve on this socket too."""
        await web.SockSite(self._runner, listener, ssl_context=tls).start()

    @web.middleware
    async def _serve(self, request: web.Request, handler: Handler) -> web.Response:  # noqa: ARG002 (no route)
        if not (request.secure or host_of(request.headers.getall(hdrs.HOST, [])) in self._hosts):
            return web.json_response(_OTHER_HOST, status=403)
        path, _, query = request.raw_path.partition("?")
        if not path.startswith("/"):
            return self._own("BAD_REQUEST_PARAMETERS")  # meant for a proxy, which this is not
        if _is_no_route(unquote(path)):
            return self._own("MISSING_AUTHENTICATION_TOKEN")
        if request.method in {"GET", "HEAD"} and (page := self._pages.get(path)):
            return _page(page)
        try:
            async with asyncio.timeout(_TIMEOUT):
                body = await request.read()
        except web.HTTPRequestEntityTooLarge:
            return self._own("REQUEST_TOO_LARGE")
        except (TimeoutError, web.RequestPayloadError):
            # It never ended, or went on as no body does: where the next request begins, nobody knows.
            refusal = self._own("BAD_REQUEST_PARAMETERS")
            refusal.force_close()
            return refusal
        async with self._turns:
            return await self._forward(request, f"{path}?{_without_credentials(query)}", body)

    async def _forward(self, request: web.Request, target: str, body: bytes) -> web.Response:
        try:
            async with self._client.request(
                request.method,
                # As it came: resolving `..` here would lead out of the API.
                URL(self._api_url + target, encoded=True),
                headers=_request_headers(request),
                data=body,
                allow_redirects=False,
            ) as response:
                content = await response.read()
        except TimeoutError:
            return self._own("INTEGRATION_TIMEOUT")
        except aiohttp.ClientError:
            return self._own("INTEGRATION_FAILURE")
        if response.status >= 500 and _tells_of_emulator(content):
            return self._own("INTEGRATION_FAILURE" if response.status == 502 else "DEFAULT_5XX")
        return web.Response(
            status=response.status,
            body=content,
            headers=CIMultiDict(_except(response.headers, _NOT_RETURNED)),
        )

    def _own(self, kind: "GatewayResponseTypeType") -> web.Response:
        response = self._responses[kind]
        return web.Response(
            status=response.status,
            text=response.body,
            content_type="application/json",
            headers={name: value.strip("'") for name, value in response.headers.items()},
        )


def _is_no_route(path: str) -> bool:
    """Whether no route of the API can be meant.

    No route has an empty segment. ministack leaves those out when it looks for the route, but not in the path
    that it holds against the authorizer's policy: the response would be that the token has no right.
    """
    return "//" in path or path.startswith(_NOT_THE_API)


def _is_not_the_clients(record: logging.LogRecord) -> bool:
    """Whether a failure is worth a line; not if the request is malformed, whose text may hold a token, or its
    client has gone.
    """
    return not (record.exc_info and isinstance(record.exc_info[1], (HttpProcessingError, ConnectionError)))


def _page(page: Page) -> web.Response:
    return web.Response(body=page.content, headers={"Content-Type": page.media_type, **page.headers})


def _request_headers(request: web.Request) -> CIMultiDict[str]:
    headers = CIMultiDict(
        (name, value)
        for name, value in _except(request.headers, _NOT_FORWARDED)
        if not name.lower().startswith(_NOT_FORWARDED_PREFIXES)
    )
    headers["X-Forwarded-For"] = request.remote or ""
    headers["X-Forwarded-Proto"] = request.scheme
    headers["X-Forwarded-Host"] = request.host
    return headers


def _without_credentials(query: str) -> str:
    """The query without the signature of a presigned URL, which chooses ministack's account and region."""
    return "&".join(
        parameter
        for parameter in query.split("&")
        if not unquote_plus(parameter).lower().startswith(("x-amz-", "awsaccesskeyid="))
    )


def _except(headers: MultiMapping[str], names: frozenset[str]) -> Iterator[tuple[str, str]]:
    """All headers but these and those that hold for one connection only."""
    connection = ",".join(headers.getall(hdrs.CONNECTION, []))
    named = {name.strip().lower() for name in connection.split(",")}
    yield from ((name, value) for name, value in headers.items() if name.lower() not in names | named)


def _tells_of_emulator(content: bytes) -> bool:
    """Whether this is an error as ministack words it, with an exception's text in it."""
    try:
        response = json.loads(content)
    except ValueError:
        return False
    return isinstance(response, dict) and response.keys() == {"message"}
