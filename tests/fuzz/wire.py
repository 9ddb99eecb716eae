"""What goes over the wire while requests are made up: a last look at each, and the status of its answer.

Here and not where the requests are made up: what schemathesis changes, repeats or makes for a check of
its own passes this too. A request that would break the rule is not sent, and ends the run as an error.
"""

from collections import Counter
from typing import Any
from urllib.parse import urlsplit

from requests import PreparedRequest, Response
from requests.adapters import HTTPAdapter

from storehooks.api.strict_json import RefusedJsonError, strict_json
from storehooks.domain.destination import check_destination, origin
from storehooks.domain.errors import InvalidValueError


class LeadsElsewhereError(Exception):
    """A request to another server, or with a destination that is not the receiver's."""


def leads_elsewhere(body: Any, receiver: str) -> bool:
    """Whether a hook with this body would be taken and have its events sent to another than the receiver.

    :param receiver: scheme, host and port.
    """
    destination = body.get("destination") if isinstance(body, dict) else None
    if not isinstance(destination, str):
        return False
    try:
        return origin(check_destination(destination, allow_private=True)) != receiver
    except InvalidValueError:
        return False  # as the API refuses it


def watch(server: str, receiver: str) -> Counter[int]:
    """Let this process ask nothing but the server, and name no destination but the receiver's.

    :param server: and ``receiver``: scheme, host and port.
    :return: how many answers have had which status; it goes on counting.
    """
    send = HTTPAdapter.send
    responded: Counter[int] = Counter()

    def watched(adapter: HTTPAdapter, request: PreparedRequest, *args: Any, **options: Any) -> Response:
        if _origin(request) != server or leads_elsewhere(_body(request), receiver):
            raise LeadsElsewhereError(f"{request.method} {request.url} {request.body!r}")
        response = send(adapter, request, *args, **options)
        responded[response.status_code] += 1
        return response

    HTTPAdapter.send = watched  # type: ignore[method-assign]
    return responded


def _origin(request: PreparedRequest) -> str:
    parts = urlsplit(request.url or "")
    return f"{parts.scheme}://{parts.netloc}"


def _body(request: PreparedRequest) -> Any:
    """The body as the API reads it; None where it reads none."""
    try:
        return strict_json(request.body or b"")
    except RefusedJsonError:
        return None
