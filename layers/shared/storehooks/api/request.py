"""An API Gateway proxy event, read as a request.

The gateway gives header names in whatever case the client used, a body as text or in
base64, and the authorizer's context beside the path; all of it is read here and nowhere else.
What only requests about deliveries need is imported by them, not by every function.
"""

import base64
import binascii
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from storehooks.api.strict_json import RefusedJsonError, strict_json
from storehooks.api.version import Version
from storehooks.domain.errors import (
    BodyTooLargeError,
    DeliveryNotFoundError,
    HookNotFoundError,
    InvalidRequestError,
    NotAllowedError,
    Problem,
    RecoveryNotFoundError,
    UnsupportedMediaTypeError,
)
from storehooks.domain.event import LATEST, check_created_at
from storehooks.domain.hook import ALL_HOOKS, HookFilter
from storehooks.domain.identity import Caller, is_store_hash

if TYPE_CHECKING:
    from storehooks.domain.delivery import Status

MAX_BODY_BYTES = 64 * 1024
MAX_PAGE_SIZE = 250
V3_PAGE_SIZE = 50
DELIVERIES_PAGE_SIZE = 50

_V3_ROUTES = "/stores/{store_hash}/v3/"

# A number without sign or leading zeros. No store has hooks or pages that 18 digits don't count.
_NUMBER = re.compile(r"[1-9][0-9]{0,17}", re.ASCII)
_MOST = 10**18 - 1
_SECONDS = re.compile(r"[0-9]{1,12}", re.ASCII)
_TIME_ACCEPTED = (
    f"seconds since 1970, up to {LATEST}, or ISO 8601 with an offset such as 2026-11-24T10:00:00Z"
)
_JSON_TYPE = re.compile(r"(application|text)/(json|[a-z0-9.\-+]+\+json)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of a list is asked for: ``number`` counts from 1, ``size`` is at most 250.

    ``given`` is what narrows the list besides, as the query has it.
    """

    number: int
    size: int
    given: Mapping[str, str] = field(default_factory=dict)

    @property
    def skip(self) -> int:
        """How many go before this part."""
        return (self.number - 1) * self.size


@dataclass(frozen=True, slots=True)
class HooksWanted:
    """Which of the caller's hooks are asked for, which part of their list, and whether to count them all."""

    page: Page
    only: HookFilter = ALL_HOOKS
    is_counted: bool = False


@dataclass(frozen=True, slots=True)
class DeliveriesWanted:
    """Which of a hook's deliveries are asked for; ``cursor`` is the id of the last one seen."""

    status: "Status | None"
    most: int
    cursor: str | None


@dataclass(frozen=True, slots=True)
class EventsWanted:
    """Which part of a list of events is asked for, and of which time, in whole seconds since 1970."""

    page: Page
    since: int
    until: int


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
            "delivery_id": self._path("delivery_id")[:64] or None,
            "recovery_id": self._path("recovery_id")[:64] or None,
        }

    @property
    def version(self) -> Version:
        """The version of the API that the request is in."""
        is_v3 = str(self._event.get("resource")).startswith(_V3_ROUTES)
        return Version.V3 if is_v3 else Version.V2

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
            raise HookNotFoundError(text)
        return int(text)

    def hooks_wanted(self, *, v3_page_size: int = V3_PAGE_SIZE) -> HooksWanted:
        """What ``page`` and ``limit`` ask for, and in V3 ``is_active``, ``scope`` and ``destination``.

        :param v3_page_size: of a page in V3, unless ``limit`` says otherwise.
        :raises InvalidRequestError: with each that is no number in range, or neither true nor false.
        """
        problems: list[Problem] = []
        if self.version is Version.V2:
            wanted = HooksWanted(self._page(MAX_PAGE_SIZE, problems))
        else:
            only = HookFilter(
                is_active=self._switch("is_active", problems),
                scope=self._query("scope"),
                destination=self._query("destination"),
            )
            page = self._page(v3_page_size, problems, narrowed_by=("is_active", "scope", "destination"))
            wanted = HooksWanted(page, only, is_counted=True)
        if problems:
            raise InvalidRequestError(*problems)
        return wanted

    def delivery_id(self) -> str:
        """The delivery's id in the path; what is no id is the id of no delivery.

        :raises DeliveryNotFoundError: unless it is one.
        """
        from storehooks.domain.delivery import is_delivery_id

        text = self._path("delivery_id")
        if not is_delivery_id(text):
            raise DeliveryNotFoundError
        return text

    def recovery_id(self) -> str:
        """The recovery's id in the path; what is no id is the id of no recovery.

        :raises RecoveryNotFoundError: unless it is one.
        """
        from storehooks.domain.recovery import is_recovery_id

        text = self._path("recovery_id")
        if not is_recovery_id(text):
            raise RecoveryNotFoundError
        return text

    def deliveries_wanted(self) -> DeliveriesWanted:
        """What ``status``, ``limit`` and ``cursor`` ask for.

        :raises InvalidRequestError: with each that is out of range.
        """
        from storehooks.domain.delivery import Status, is_delivery_id

        problems: list[Problem] = []
        most = self._count("limit", default=DELIVERIES_PAGE_SIZE, most=MAX_PAGE_SIZE, problems=problems)
        status = self._query("status")
        if status is not None and status not in set(Status):
            problems.append(Problem("status", "is no status", " or ".join(Status), given=status))
        cursor = self._query("cursor")
        if cursor is not None and not is_delivery_id(cursor):
            problems.append(Problem("cursor", "is no cursor", "next_cursor of the page before", given=cursor))
        if problems:
            raise InvalidRequestError(*problems)
        return DeliveriesWanted(None if status is None else Status(status), most, cursor)

    def events_wanted(self) -> EventsWanted:
        """What ``page``, ``limit``, ``created_at:min`` and ``created_at:max`` ask for.

        :raises InvalidRequestError: with each that is out of range.
        """
        problems: list[Problem] = []
        since = self._time("created_at:min", default=0, problems=problems)
        until = self._time("created_at:max", default=LATEST, problems=problems)
        page = self._page(V3_PAGE_SIZE, problems, narrowed_by=("created_at:min", "created_at:max"))
        if problems:
            raise InvalidRequestError(*problems)
        return EventsWanted(page, since, until)

    def json_object(self) -> dict[str, Any]:
        """The body, which must be one JSON object.

        :raises UnsupportedMediaTypeError: when it is declared as anything else.
        :raises BodyTooLargeError: over 64 KB.
        :raises InvalidRequestError: when it is no JSON, no object, or names a member twice.
        """
        accepted = f"one JSON object in UTF-8 of at most {MAX_BODY_BYTES} bytes"
        body = self._json(MAX_BODY_BYTES, accepted)
        if not isinstance(body, dict):
            raise InvalidRequestError(Problem("body", "is no JSON object", accepted))
        return body

    def json_objects(self, *, most: int, most_bytes: int) -> tuple[list[Any], bool]:
        """The body, which must be one JSON object or an array of some; and whether it is an array.

        What the array holds is not looked at.

        :raises UnsupportedMediaTypeError: when it is declared as anything else.
        :raises BodyTooLargeError: over this many bytes, or this many in the array.
        :raises InvalidRequestError: as for :meth:`json_object`, or when the array is empty.
        """
        accepted = f"a JSON object, or an array of 1 to {most}, in UTF-8 of at most {most_bytes} bytes"
        body = self._json(most_bytes, accepted)
        if isinstance(body, dict):
            return [body], False
        if not isinstance(body, list) or not body:
            reason = "is an empty array" if body == [] else "is no JSON object or array"
            raise InvalidRequestError(Problem("body", reason, accepted))
        if len(body) > most:
            raise BodyTooLargeError(most, "objects")
        return body, True

    def _json(self, most_bytes: int, accepted: str) -> Any:
        self._require_json_type()
        raw = self._body
        if len(raw) > most_bytes:
            raise BodyTooLargeError(most_bytes)
        try:
            return strict_json(raw)
        except RefusedJsonError as error:
            raise InvalidRequestError(Problem("body", str(error), accepted)) from None

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
            problem = Problem("body", "is not base64, as the gateway declares it", "base64")
            raise InvalidRequestError(problem) from None

    def _path(self, name: str) -> str:
        return (self._event.get("pathParameters") or {}).get(name) or ""

    def _query(self, name: str) -> str | None:
        text: str | None = (self._event.get("queryStringParameters") or {}).get(name)
        # A lone surrogate is no character: neither to be looked for nor to be sent back.
        return None if text is None else text.encode("utf-8", "replace").decode()

    def _page(self, size: int, problems: list[Problem], *, narrowed_by: Sequence[str] = ()) -> Page:
        """
        :param size: of a page, unless ``limit`` says otherwise.
        :param narrowed_by: the names of the query's parameters that narrow the list.
        """
        number = self._count("page", default=1, problems=problems)
        size = self._count("limit", default=size, most=MAX_PAGE_SIZE, problems=problems)
        given = {name: value for name in narrowed_by if (value := self._query(name)) is not None}
        return Page(number, size, given)

    def _switch(self, name: str, problems: list[Problem]) -> bool | None:
        text = self._query(name)
        if text not in {None, "true", "false"}:
            problems.append(Problem(name, "is neither true nor false", "true or false", given=text))
        return None if text is None else text == "true"

    def _count(self, name: str, *, default: int, problems: list[Problem], most: int = _MOST) -> int:
        text = self._query(name)
        if text is None:
            return default
        if _NUMBER.fullmatch(text) and int(text) <= most:
            return int(text)
        problems.append(Problem(name, "is no number in range", f"a number from 1 to {most}", given=text))
        return default

    def _time(self, name: str, *, default: int, problems: list[Problem]) -> int:
        text = self._query(name)
        if text is None:
            return default
        try:
            seconds = int(text) if _SECONDS.fullmatch(text) else _iso_seconds(text)
            return check_created_at(seconds)
        except (ValueError, OverflowError):
            problems.append(Problem(name, "is no time", _TIME_ACCEPTED, given=text))
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


def _iso_seconds(text: str) -> int:
    """The seconds since 1970 of an ISO 8601 time with an offset.

    :raises ValueError: when it is none.
    """
    time = datetime.fromisoformat(text)
    if time.tzinfo is None:
        raise ValueError("without an offset")
    return math.floor(time.timestamp())
