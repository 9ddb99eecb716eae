"""Responses of functions to the gateway."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from storehooks.domain.errors import InvalidRequestError, Problem
from storehooks.domain.exact_json import dumps

MAX_RESPONSE_BYTES = 6 * 1024 * 1024
"""Maximum bytes of a function's response, with the body as a string in JSON (Lambda)."""

_SURELY_FITS = MAX_RESPONSE_BYTES // 6
"""Characters of a body that surely fits: in a JSON string, a character takes at most six bytes."""

_NO_CONTENT = 204


@dataclass(frozen=True, slots=True)
class Response:
    """A status, a body that is sent as JSON with ``no-store``, and further headers.

    A 204 has no body, even if one is given.
    """

    status: int
    body: object = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def to_gateway(self) -> dict[str, Any]:
        """The response in the form of API Gateway's proxy integration."""
        if self.status == _NO_CONTENT:
            headers = dict(self.headers)
            return {"statusCode": self.status, "headers": headers, "body": "", "isBase64Encoded": False}
        return {
            "statusCode": self.status,
            "headers": {"Content-Type": "application/json", "Cache-Control": "no-store", **self.headers},
            "body": dumps(self.body),
            "isBase64Encoded": False,
        }


@dataclass(frozen=True, slots=True)
class HtmlResponse(Response):
    """A page for people: the body is its text."""

    def to_gateway(self) -> dict[str, Any]:
        """The response in the form of API Gateway's proxy integration, with the text unchanged."""
        return {
            "statusCode": self.status,
            "headers": {"Content-Type": "text/html; charset=utf-8", **self.headers},
            "body": self.body,
            "isBase64Encoded": False,
        }


def check_size(gateway: Mapping[str, Any]) -> None:
    """Check that a response is not too large for Lambda, as a page of large hooks may be.

    :raises InvalidRequestError: if it is too large.
    """
    if len(gateway["body"]) < _SURELY_FITS:
        return
    if len(json.dumps(gateway, ensure_ascii=False).encode()) > MAX_RESPONSE_BYTES:
        raise InvalidRequestError(
            Problem("limit", "asks for more than a response can hold", "a smaller number")
        )
