"""An API Gateway proxy event, read as a request.

The gateway gives header names in whatever case the client used, a body as text or in
base64, and the authorizer's context beside the path; all of it is read here and nowhere else.
"""

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NoReturn

from storehooks.domain.errors import (
    BodyTooLargeError,
    HookNotFoundError,
    InvalidRequestError,
    NotAllowedError,
    Problem,
    UnsupportedMediaTypeError,
)
from storehooks.domain.identity import Caller, is_store_hash

MAX_BODY_BYTES = 64 * 1024
MAX_PAGE_SIZE = 250

# A number without sign or leading zeros. No store has hooks or pages that 18 digits don't count.
_NUMBER = re.compile(r"[1-9][0-9]{0,17}", re.ASCII)
_JSON_TYPE = re.compile(r"(application|text)/(json|[a-z0-9.\-+]+\+json)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of a list is asked for: ``number`` counts from 1, ``size`` is at most 250."""

    number: int
    size: int


class Request:
    """One request of a client, as API Gateway hands it to a function (payload format 1.0)."""

    def __init__(self, event: Mapping[str, Any]) -> None:
        self._event = event

    @property
    def log_keys(self) -> dict[str, Any]:
        """What follows this request through the logs."""
        return {
            "request_id": self._context.get("requestId"),
            "store_hash": self._granted.get("store_hash"),
            "client_id": self._granted.get("client_id"),
            "hook_id": self._path("id")[:20] or None,
        }

    def caller(self, oauth_scope: str) -> Caller:
        """Whom the authorizer found behind the token, if it may do this in this store.

        The gateway has compared both already; a gateway that is set up wrongly must not be
        enough to cross from one store to another.

        :raises NotAllowedError: for the path's store, or without the OAuth scope.
        """
        caller = Caller(
            store_hash=str(self._granted.get("store_hash", "")),
            client_id=str(self._granted.get("client_id", "")),
            oauth_scopes=frozenset(str(self._granted.get("oauth_scopes", "")).split()),
        )
        in_own_store = is_store_hash(caller.store_hash) and self._path("store_hash") == caller.store_hash
        if not (in_own_store and caller.client_id and oauth_scope in caller.oauth_scopes):
            raise NotAllowedError
        return caller

    def hook_id(self) -> int:
        """The id in the path; what is no id is the id of no hook.

        :raises HookNotFoundError: unless it is plain decimal digits without leading zeros.
        """
        text = self._path("id")
        if not _NUMBER.fullmatch(text):
            raise HookNotFoundError
        return int(text)

    def page(self) -> Page:
        """The part of the list that ``page`` and ``limit`` name.

        :raises InvalidRequestError: with each that is no number in range.
        """
        problems: list[Problem] = []
        number = self._count("page", default=1, problems=problems)
        size = self._count("limit", default=MAX_PAGE_SIZE, most=MAX_PAGE_SIZE, problems=problems)
        if problems:
            raise InvalidRequestError(*problems)
        return Page(number, size)

    def json_object(self) -> dict[str, Any]:
        """The body, which must be one JSON object.

        :raises UnsupportedMediaTypeError: when it is declared as anything else.
        :raises BodyTooLargeError: over 64 KB.
        :raises InvalidRequestError: when it is no JSON, no object, or names a member twice.
        """
        self._require_json_type()
        raw = self._body
        if len(raw) > MAX_BODY_BYTES:
            raise BodyTooLargeError(MAX_BODY_BYTES)
        try:
            body = json.loads(
                raw.decode("utf-8"), object_pairs_hook=_unique_members, parse_constant=_refuse_constant
            )
            # A lone surrogate, escaped in JSON, is no character: nothing could store or send it.
            json.dumps(body, ensure_ascii=False).encode("utf-8")
        except UnicodeError:
            _refuse_body("is not UTF-8")
        except json.JSONDecodeError as error:
            _refuse_body(
                f"is not JSON: {error.msg} at line {error.lineno} column {error.colno}" if raw else "is empty"
            )
        except RecursionError:
            _refuse_body("is nested too deeply")
        except _RefusedJsonError as error:
            _refuse_body(str(error))
        except ValueError:  # int() gives up at 4300 digits
            _refuse_body("has a number of too many digits")
        if not isinstance(body, dict):
            _refuse_body("is no JSON object")
        return body

    @property
    def _context(self) -> Mapping[str, Any]:
        return self._event.get("requestContext") or {}

    @property
    def _granted(self) -> Mapping[str, Any]:
        return self._context.get("authorizer") or {}

    @cached_property
    def _headers(self) -> dict[str, str]:
        return {name.lower(): value for name, value in (self._event.get("headers") or {}).items()}

    @property
    def _body(self) -> bytes:
        text: str = self._event.get("body") or ""
        if not self._event.get("isBase64Encoded"):
            return text.encode("utf-8", "surrogatepass")
        try:
            return base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            _refuse_body("is not base64, as the gateway declares it")

    def _path(self, name: str) -> str:
        return (self._event.get("pathParameters") or {}).get(name) or ""

    def _count(self, name: str, *, default: int, problems: list[Problem], most: int | None = None) -> int:
        text = (self._event.get("queryStringParameters") or {}).get(name)
        if text is None:
            return default
        if _NUMBER.fullmatch(text) and (most is None or int(text) <= most):
            return int(text)
        accepted = "a number from 1 on" if most is None else f"a number from 1 to {most}"
        problems.append(Problem(name, "is no number in range", accepted, given=text))
        return default

    def _require_json_type(self) -> None:
        declared = self._headers.get("content-type", "")
        media_type, *parameters = [part.strip().lower() for part in declared.split(";")]
        charset = next(
            (part.removeprefix("charset=") for part in parameters if part.startswith("charset=")), "utf-8"
        )
        if (media_type and not _JSON_TYPE.fullmatch(media_type)) or charset.strip('"') not in {
            "utf-8",
            "utf8",
        }:
            raise UnsupportedMediaTypeError(declared)


class _RefusedJsonError(ValueError):
    """Why JSON that a lenient parser would take is refused."""


def _refuse_body(reason: str) -> NoReturn:
    raise InvalidRequestError(
        Problem("body", reason, f"one JSON object in UTF-8 of at most {MAX_BODY_BYTES} bytes")
    ) from None


def _unique_members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members: dict[str, Any] = {}
    for name, value in pairs:
        if name in members:
            raise _RefusedJsonError(f"has the member {name[:64]!r} twice")
        members[name] = value
    return members


def _refuse_constant(name: str) -> NoReturn:
    raise _RefusedJsonError(f"has the number {name}, which JSON does not know")
