"""What stands before the emulator: it lets in the programs of the stack's owner, and no web page.

The emulator itself takes requests from anyone who reaches its port, also from a page in a browser on
this machine, whatever host it names, and allows every page to read the responses. Who can send it
requests can read the clients' secrets and have functions of their own run.
"""

import hmac
import json
import re
from collections.abc import Awaitable, Callable, Collection, Iterator, MutableMapping
from typing import Any
from urllib.parse import parse_qs

from storehooks_cli.local.hosts import LOOPBACK_HOSTS, host_of

type _Message = MutableMapping[str, Any]
type _Receive = Callable[[], Awaitable[_Message]]
type _Send = Callable[[_Message], Awaitable[None]]
type App = Callable[[_Message, _Receive, _Send], Awaitable[None]]

OF_A_CONTAINER = "host.docker.internal"
"""How the container of a function that `sam local invoke` runs addresses this machine."""

# The two ways of the emulator to name one of its APIs. Nobody can register a name below localhost.
_API_HOST = re.compile(r"[a-z0-9]+\.execute-api\.localhost", re.ASCII)
_API_PATH = "/_aws/execute-api/"

# Where SDKs put the access key id: in a header, or in the query of a presigned URL.
_CREDENTIAL = re.compile(rb"\bCredential=([^/]+)/")
_PRESIGNED = ("X-Amz-Credential", "AWSAccessKeyId")

_HOST = (
    "the request names a host that the local AWS does not take: use 127.0.0.1, localhost or [::1],"
    " or start the stack with make run ALLOWED_HOSTS=name"
)
_PAGE = (
    "the local AWS takes no requests of web pages: send it from a program, without Origin and Sec-Fetch-Site"
)
_KEY = (
    "the access key id is missing or not the one of this start: use the credentials in the file"
    " credentials of the stack's data folder, as with AWS_SHARED_CREDENTIALS_FILE=.local/credentials"
)

# An SDK that sends a form, as to CloudFormation, fails over an error that is not XML of this form.
_FORM = b"application/x-www-form-urlencoded"
_XML = "<ErrorResponse><Error><Code>AccessDenied</Code><Message>{}</Message></Error></ErrorResponse>"


def accepted_hosts(allowed: Collection[str]) -> frozenset[str]:
    """The hosts by which a request may address the emulator, when these are allowed besides its own."""
    return LOOPBACK_HOSTS | {OF_A_CONTAINER, *allowed}


class Guard:
    """An ASGI application that refuses with a 403 what may not reach the one behind it.

    :param access_key_id: the secret of this start.
    :param allowed_hosts: by which a request may address it, besides its own.
    """

    def __init__(self, app: App, access_key_id: str, allowed_hosts: Collection[str] = ()) -> None:
        self._app = app
        self._key = access_key_id.encode()
        self._hosts = accepted_hosts(allowed_hosts)

    async def __call__(self, scope: _Message, receive: _Receive, send: _Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif (reason := self._refusal(scope)) is None:
            await self._app(_without_key_of_an_api(scope), receive, send)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close"})  # the server makes a 403 of it
        else:
            await _refuse(scope, send, reason)

    def _refusal(self, scope: _Message) -> str | None:
        host = host_of(_texts(scope, b"host"))
        if host is None or not (host in self._hosts or _API_HOST.fullmatch(host)):
            return _HOST
        if _values(scope, b"origin") or set(_values(scope, b"sec-fetch-site")) - {b"none"}:
            return _PAGE
        if not any(hmac.compare_digest(key, self._key) for key in _keys(scope)):
            return _KEY
        return None


def _keys(scope: _Message) -> Iterator[bytes]:
    """The access key ids that a request brings."""
    for value in _values(scope, b"authorization"):
        if match := _CREDENTIAL.search(value):
            yield match[1]
    query = parse_qs(scope["query_string"].decode("latin-1"))
    for name in _PRESIGNED:
        for text in query.get(name, []):
            yield text.partition("/")[0].encode()


def _without_key_of_an_api(scope: _Message) -> _Message:
    """A request to an API, without what the API's functions would get as one of its headers."""
    if not (
        scope["path"].startswith(_API_PATH) or _API_HOST.fullmatch(host_of(_texts(scope, b"host")) or "")
    ):
        return scope
    headers = [(name, value) for name, value in scope["headers"] if name.lower() != b"authorization"]
    return {**scope, "headers": headers}


def _values(scope: _Message, name: bytes) -> list[bytes]:
    return [value for header, value in scope["headers"] if header.lower() == name]


def _texts(scope: _Message, name: bytes) -> list[str]:
    return [value.decode("latin-1") for value in _values(scope, name)]


async def _refuse(scope: _Message, send: _Send, reason: str) -> None:
    if any(value.startswith(_FORM) for value in _values(scope, b"content-type")):
        kind, text = b"text/xml", _XML.format(reason)
    else:
        kind, text = b"application/json", json.dumps({"message": reason})
    body = text.encode()
    headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 403, "headers": headers})
    await send({"type": "http.response.body", "body": body})
