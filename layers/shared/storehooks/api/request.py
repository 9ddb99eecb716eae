"""An API Gateway proxy event, read as a request.

The gateway gives header names in whatever case the client used, a body as text or in
base64, and the authorizer's context beside the path; all of it is read here and nowhere else.
What only some requests need, such as lists or deliveries, is imported by them, not by every function.
"""

from __future__ import annotations

import base64
import binascii
import re
from functools import cached_property
from typing import TYPE_CHECKING, Any

from storehooks.api.strict_json import RefusedJsonError, strict_json
from storehooks.api.version import Version
from storehooks.domain.errors import (
    BodyTooLargeError,
    DeliveryNotFoundError,
    HookNotFoundError,
    InvalidRequestError,
    InvalidValueError,
    NotAllowedError,
    Problem,
    RecoveryNotFoundError,
    TokenNotFoundError,
    UnsupportedContentEncodingError,
    UnsupportedMediaTypeError,
)
from storehooks.domain.hook import is_hook_id
from storehooks.domain.identity import (
    Caller,
    check_client_id,
    check_store_hash,
    check_token_id,
    is_store_hash,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from storehooks.api.query import Query
    from storehooks.api.wanted import DeliveriesWanted, EventsWanted, HooksWanted, ListWanted
    from storehooks.domain.hook_stats import StatsWanted

MAX_BODY_BYTES = 64 * 1024

_ADMIN_ROUTES = "/admin/v1/"
# The admin API speaks of what is wrong as V3 does.
_V3_ROUTES = ("/stores/{store_hash}/v3/", _ADMIN_ROUTES)
_JSON_TYPE = re.compile(r"(application|text)/(json|[a-z0-9.\-+]+\+json)", re.ASCII)


class Request:
    """One request of a client, as API Gateway hands it to a function (payload format 1.0)."""

    def __init__(self, event: Mapping[str, Any]) -> None:
        self._event = event

    @property
    def log_keys(self) -> dict[str, Any]:
        """What follows this request through the logs."""
        if self._caller.is_admin:
            return {
                "request_id": self._context.get("requestId"),
                "admin_token_id": self._caller.client_id,
                "store_hash": self._path("store_hash")[:64],
                "client_id": self._path("client_id")[:64] or None,
                "token_id": self._path("token_id")[:64] or None,
            }
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

    @property
    def api_url(self) -> str:
        """Where the API is, by the way that this request came: ``/console`` and ``/stores/...`` follow.

        The gateway's path is that of the request's URL: what stands before the route is the stage, or what a
        custom domain has there. It serves https alone; the local stack serves http as well.
        """
        before, _, _ = str(self._context["path"]).rpartition(_ADMIN_ROUTES)
        scheme = "http" if self._headers.get("x-forwarded-proto") == "http" else "https"
        return f"{scheme}://{self._context['domainName']}{before}"

    def caller(self, oauth_scope: str) -> Caller:
        """Whom the authorizer found behind the token, if it may do this in this store.

        The gateway has compared both already; a gateway that is set up wrongly must not be
        enough to cross from one store to another.

        :raises NotAllowedError: for the path's store, or without the OAuth scope.
        """
        caller = self._caller
        in_own_store = is_store_hash(caller.store_hash) and self._path("store_hash") == caller.store_hash
        if not (in_own_store and caller.client_id and caller.has(oauth_scope)):
            raise NotAllowedError
        return caller

    def store_of_admin(self) -> str:
        """The store in the path, if an admin token asks.

        :raises NotAllowedError: for any other token.
        :raises InvalidRequestError: when it is no store's hash.
        """
        if not self._caller.is_admin:
            raise NotAllowedError
        return self._checked("store_hash", check_store_hash)

    def client_of_admin(self) -> tuple[str, str]:
        """The store and the client in the path, if an admin token asks.

        :raises NotAllowedError: as for :meth:`store_of_admin`.
        :raises InvalidRequestError: when it is no store's hash or no client's id.
        """
        return self.store_of_admin(), self._checked("client_id", check_client_id)

    def token_id(self) -> str:
        """The token's id in the path; what is no id is the id of no token.

        :raises TokenNotFoundError: unless it is one.
        """
        try:
            return check_token_id(self._path("token_id"))
        except InvalidValueError:
            raise TokenNotFoundError from None

    def hook_id(self) -> int:
        """The id in the path; what is no id is the id of no hook.

        :raises HookNotFoundError: unless it is plain decimal digits without leading zeros.
        """
        text = self._path("id")
        if not is_hook_id(text):
            raise HookNotFoundError(text)
        return int(text)

    def hooks_wanted(self, *, v3_page_size: int | None = None) -> HooksWanted:
        """Which hooks the query asks for; only V3 can narrow them.

        :param v3_page_size: of a page in V3, unless the query says otherwise; 50 unless it is given.
        :raises InvalidRequestError: with each parameter that is invalid.
        """
        if self.version is Version.V2:
            return self._query.hooks_wanted()
        return self._query.filtered_hooks_wanted(v3_page_size)

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
        """Which deliveries the query asks for.

        :raises InvalidRequestError: with each parameter that is invalid.
        """
        return self._query.deliveries_wanted()

    def stats_wanted(self, now: float) -> StatsWanted:
        """Which time's figures the query asks for.

        :param now: in seconds since 1970.
        :raises InvalidRequestError: with each parameter that is invalid.
        """
        return self._query.stats_wanted(now)

    def events_wanted(self) -> EventsWanted:
        """Which events the query asks for.

        :raises InvalidRequestError: with each parameter that is invalid.
        """
        return self._query.events_wanted()

    def clients_wanted(self) -> ListWanted:
        """Which part of a list of clients the query asks for.

        :raises InvalidRequestError: with each parameter that is invalid.
        """
        return self._query.list_wanted(check_client_id)

    def tokens_wanted(self) -> ListWanted:
        """Which part of a list of tokens the query asks for.

        :raises InvalidRequestError: with each parameter that is invalid.
        """
        return self._query.list_wanted(check_token_id)

    def json_object(self, *, max_bytes: int = MAX_BODY_BYTES) -> dict[str, Any]:
        """The body, which must be one JSON object.

        :raises UnsupportedMediaTypeError: when it is declared as anything else.
        :raises UnsupportedContentEncodingError: when it is declared as compressed.
        :raises BodyTooLargeError: over this many bytes.
        :raises InvalidRequestError: when it is no JSON, no object, or names a member twice.
        """
        accepted = f"one JSON object in UTF-8 of at most {max_bytes} bytes"
        body = self._json(max_bytes, accepted)
        if not isinstance(body, dict):
            raise InvalidRequestError(Problem("body", "is no JSON object", accepted))
        return body

    def json_objects(self, *, limit: int, max_bytes: int) -> tuple[list[Any], bool]:
        """The body, which must be one JSON object or an array of some; and whether it is an array.

        What the array holds is not looked at.

        :raises UnsupportedMediaTypeError: when it is declared as anything else.
        :raises UnsupportedContentEncodingError: when it is declared as compressed.
        :raises BodyTooLargeError: over this many bytes, or this many in the array.
        :raises InvalidRequestError: as for :meth:`json_object`, or when the array is empty.
        """
        accepted = f"a JSON object, or an array of 1 to {limit}, in UTF-8 of at most {max_bytes} bytes"
        body = self._json(max_bytes, accepted)
        if isinstance(body, dict):
            return [body], False
        if not isinstance(body, list) or not body:
            reason = "is an empty array" if body == [] else "is no JSON object or array"
            raise InvalidRequestError(Problem("body", reason, accepted))
        if len(body) > limit:
            raise BodyTooLargeError(limit, "objects")
        return body, True

    def _json(self, max_bytes: int, accepted: str) -> Any:
        self._require_json_type()
        self._require_no_encoding()
        raw = self._body
        if len(raw) > max_bytes:
            raise BodyTooLargeError(max_bytes)
        try:
            return strict_json(raw)
        except RefusedJsonError as error:
            raise InvalidRequestError(Problem("body", str(error), accepted)) from None

    @property
    def _context(self) -> Mapping[str, Any]:
        return self._event.get("requestContext") or {}

    def _checked(self, name: str, check: Callable[[str], str]) -> str:
        """A part of the path that the caller has chosen."""
        try:
            return check(self._path(name))
        except InvalidValueError as error:
            raise InvalidRequestError(Problem(name, error.reason, error.accepted, error.given)) from None

    @property
    def _caller(self) -> Caller:
        return Caller(
            store_hash=str(self._granted.get("store_hash", "")),
            client_id=str(self._granted.get("client_id", "")),
            oauth_scopes=frozenset(str(self._granted.get("oauth_scopes", "")).split()),
        )

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

    def _header_lines(self, name: str) -> list[str]:
        """A header's values, one for each line that had it. (``headers`` has the last line alone.)"""
        lines = self._event.get("multiValueHeaders") or {}
        return [value for given, values in lines.items() if given.lower() == name for value in values]

    def _path(self, name: str) -> str:
        return (self._event.get("pathParameters") or {}).get(name) or ""

    @property
    def _query(self) -> Query:
        from storehooks.api.query import Query

        values = self._event.get("multiValueQueryStringParameters") or {}
        contradicted = {name for name, given in values.items() if len(set(given)) > 1}
        return Query(self._event.get("queryStringParameters") or {}, contradicted)

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

    def _require_no_encoding(self) -> None:
        lines = self._header_lines("content-encoding") or [self._headers.get("content-encoding", "")]
        given = ", ".join(lines)
        codings = {coding.strip().lower() for coding in given.split(",")}
        if codings - {"", "identity"}:
            raise UnsupportedContentEncodingError(given)
