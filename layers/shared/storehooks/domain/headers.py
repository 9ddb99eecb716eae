"""The headers a hook may add to its deliveries."""

import json
import re
import unicodedata
from collections.abc import Mapping

from storehooks.domain.errors import InvalidValueError

MAX_HEADERS = 64
MAX_NAME_BYTES = 64
MAX_VALUE_BYTES = 8 * 1024
MAX_TOTAL_BYTES = 16 * 1024
# With this, a page of 250 hooks fits into one response of the API. Besides headers, a hook takes 2.6 KB.
MAX_ANSWER_BYTES = 22_000

ACCEPTED = (
    f"null or an object of at most {MAX_HEADERS} strings: names are HTTP tokens of at most {MAX_NAME_BYTES} "
    f"bytes, values have at most {MAX_VALUE_BYTES} bytes, {MAX_TOTAL_BYTES} in all"
)

_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+\-.^_`|~]+", re.ASCII)  # RFC 9110, 5.6.2
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
_FORBIDDEN_CATEGORIES = {"Cc", "Cs", "Zl", "Zp"}  # controls, surrogates, line and paragraph separators
# Headers that a delivery sets itself, or that frame a message and could split it.
_RESERVED = frozenset(
    {
        "accept-encoding",
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "expect",
        "host",
        "http2-settings",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "user-agent",
    }
)
_RESERVED_PREFIX = "webhook-"


def check_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Check headers, and return them unchanged.

    :raises InvalidValueError: if they break a rule. The error never repeats a header's value.
    """
    if len(headers) > MAX_HEADERS:
        raise InvalidValueError(f"has {len(headers)} headers", ACCEPTED)
    seen: set[str] = set()
    for name, value in headers.items():
        _check_name(name)
        if name.lower() in seen:
            raise InvalidValueError(f"has the header {name} twice, in different letter case", ACCEPTED)
        seen.add(name.lower())
        _check_value(name, value)
    total = sum(len(name) + len(value.encode()) for name, value in headers.items())
    if total > MAX_TOTAL_BYTES:
        raise InvalidValueError(f"takes {total} bytes", ACCEPTED)
    if response_bytes(headers) > MAX_ANSWER_BYTES:
        raise InvalidValueError(
            f"takes {response_bytes(headers)} bytes in a response, where a quote or backslash takes four",
            f"at most {MAX_ANSWER_BYTES} bytes in a response",
        )
    return dict(headers)


def response_bytes(headers: Mapping[str, str]) -> int:
    """The bytes that headers take in a response of the API, which is JSON within a JSON string."""
    return len(_json(_json(dict(headers))).encode())


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _check_name(name: str) -> None:
    if not _TOKEN.fullmatch(name):
        raise InvalidValueError(
            f"has a header name that is not an HTTP token: {name[:MAX_NAME_BYTES]!r}", ACCEPTED
        )
    if len(name) > MAX_NAME_BYTES:
        raise InvalidValueError(
            f"has a header name of {len(name)} bytes: {name[:MAX_NAME_BYTES]}...", ACCEPTED
        )
    if name.lower() in _RESERVED or name.lower().startswith(_RESERVED_PREFIX):
        raise InvalidValueError(f"has the header {name}, which the delivery sets itself", ACCEPTED)


def _check_value(name: str, value: str) -> None:
    if any(unicodedata.category(char) in _FORBIDDEN_CATEGORIES for char in value):
        raise InvalidValueError(f"has a control character in the value of {name}", ACCEPTED)
    if _REPLACEMENT in value:
        raise InvalidValueError(f"has bytes that are not UTF-8 in the value of {name}", ACCEPTED)
    if len(value.encode()) > MAX_VALUE_BYTES:
        raise InvalidValueError(f"has more than {MAX_VALUE_BYTES} bytes in the value of {name}", ACCEPTED)
    if value != value.strip():
        raise InvalidValueError(
            f"has white space around the value of {name}, which HTTP does not carry", ACCEPTED
        )
