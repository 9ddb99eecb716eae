"""An API Gateway proxy event, read as a request.

The gateway passes header names in the client's letter case, the body as text or in base64, and the
authorizer's context. Only this module reads them. Imports that only some requests need, such as those about
lists or deliveries, are inside their methods, so that other functions do not load them.
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
# The admin API has V3's form of errors.
_V3_ROUTES = ("/stores/{store_hash}/v3/", _ADMIN_ROUTES)
_JSON_TYPE = re.compile(r"(application|text)/(json|[a-z0-9.\-+]+\+json)", re.ASCII)


class Request:
    """One request of a client, in API Gateway's payload format 1.0."""

    def __init__(self, event: Mapping[str, Any]) -> None:
        self._event = event

    @property
    def log_keys(self) -> dict[str, Any]:
        """The fields that identify it in log lines."""
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
        """The version of the API in the request's path."""
        is_v3 = str(self._event.get("resource")).startswith(_V3_ROUTES)
        return Version.V3 if is_v3 else Version.V2

    @property
    def api_url(self) -> str:
        """The API's URL that this request used, to which ``/console`` and ``/stores/...`` are added.

        The gateway's path is that of the request's URL: the part before the route is the stage, or a custom
        domain's base path. The gateway serves only https; the local stack serves http as well.
        """
        before, _, _ = str(self._context["path"]).rpartition(_ADMIN_ROUTES)
        scheme = "http" if self._headers.get("x-forwarded-proto") == "http" else "https"
        return f"{scheme}://{self._context['domainName']}{before}"

    def caller(self, oauth_scope: str) -> Caller:
        """The caller that the authorizer found, if its token allows this in the path's store.

        The gateway has checked both already. They are checked again, so that a wrong configuration of the
        gateway does not give one store access to another.

        :raises NotAllowedError: if the token is for another store, or lacks the OAuth scope.
        """
        caller = self._caller
        in_own_store = is_store_hash(caller.store_hash) and self._path("store_hash") == caller.store_hash
        if not (in_own_store and caller.client_id and caller.has(oauth_scope)):
            raise NotAllowedError
        return caller

    def store_of_admin(self) -> str:
        """The store in the path, for a request with an admin token.

        :raises NotAllowedError: for any other token.
        :raises InvalidRequestError: if it is not a store hash.
        """
        if not self._caller.is_admin:
            raise NotAllowedError
        return self._checked("store_hash", check_store_hash)

    def client_of_admin(self) -> tuple[str, str]:
        """The store and the client in the path, for a request with an admin token.

        :raises NotAllowedError: as for :meth:`store_of_admin`.
        :raises InvalidRequestError: if they are not a store hash and a client id.
        """
        return self.store_of_admin(), self._checked("client_id", check_client_id)

    def token_id(self) -> str:
        """The token's id in the path.

        :raises TokenNotFoundError: if it has another form, because no token has such an id.
        """
        try:
            return check_token_id(self._path("token_id"))
        except InvalidValueError:
            raise TokenNotFoundError from None

    def hook_id(self) -> int:
        """The hook's id in the path.

        :raises HookNotFoundError: if it is not decimal digits without leading zeros, because no hook has such
            an id.
        """
        text = self._path("id")
        if not is_hook_id(text):
            raise HookNotFoundError(text)
        return int(text)

    def hooks_wanted(self, *, v3_page_size: int | None = None) -> HooksWanted:
        """The hooks that the query selects; only V3 can narrow them.

        :param v3_page_size: the default of ``limit`` in V3; 50 if it is None.
        :raises InvalidRequestError: with each parameter that is invalid.
        """
        if self.version is Version.V2:
            return self._query.hooks_wanted()
        return self._query.filtered_hooks_wanted(v3_page_size)

    def delivery_id(self) -> str:
        """The delivery's id in the path.

        :raises DeliveryNotFoundError: if it has another form, because no delivery has such an id.
        """
        from storehooks.domain.delivery import is_delivery_id

        text = self._path("delivery_id")
        if not is_delivery_id(text):
            raise DeliveryNotFoundError
        return text

    def recovery_id(self) -> str:
        """The recovery's id in the path.

        :raises RecoveryNotFoundError: if it has another form, because no recovery has such an id.
        """
        from storehooks.domain.recovery import is_recovery_id

        text = self._path("recovery_id")
        if not is_recovery_id(text):
            raise RecoveryNotFoundError
        return text

    def deliveries_wanted(self) -> DeliveriesWanted:
        """The deliveries that the query selects.

        :raises InvalidRequestError: with each parameter that is invalid.
        """
        return self._query.deliveries_wanted()

    def stats_wanted(self, now: float) -> StatsWanted:
        """The time of the figures that the query asks for.

        :param now: in seconds since 1970.
        :raises InvalidRequestError: with each parameter that is invalid.
        """
        return self._query.stats_wanted(now)

    def events_wanted(self) -> EventsWanted:
        """The events that the query selects.

        :raises InvalidRequestError: with each parameter that is invalid.
        """
        return self._query.events_wanted()

    def clients_wanted(self) -> ListWanted:
        """The page of a list of clients that the query selects.

        :raises InvalidRequestError: with each parameter that is invalid.
        """
        return self._query.list_wanted(check_client_id)

    def tokens_wanted(self) -> ListWanted:
        """The page of a list of tokens that the query selects.

        :raises InvalidRequestError: with each parameter that is invalid.
        """
        return self._query.list_wanted(check_token_id)

    def json_object(self, *, max_bytes: int = MAX_BODY_BYTES) -> dict[str, Any]:
        """The body, which must be one JSON object.

        :raises UnsupportedMediaTypeError: if it is declared as anything else.
        :raises UnsupportedContentEncodingError: if it is declared as compressed.
        :raises BodyTooLargeError: if it has more than ``max_bytes``.
        :raises InvalidRequestError: if it is not JSON, not an object, or names a member twice.
        """
        accepted = f"one JSON object in UTF-8 of at most {max_bytes} bytes"
        body = self._json(max_bytes, accepted)
        if not isinstance(body, dict):
            raise InvalidRequestError(Problem("body", "is not a JSON object", accepted))
        return body

    def json_objects(self, *, limit: int, max_bytes: int) -> tuple[list[Any], bool]:
        """The body, which must be one JSON object or an array of them; and whether it is an array.

        The elements of the array are not checked.

        :raises UnsupportedMediaTypeError: if it is declared as anything else.
        :raises UnsupportedContentEncodingError: if it is declared as compressed.
        :raises BodyTooLargeError: if it has more than ``max_bytes``, or the array more than ``limit``
            elements.
        :raises InvalidRequestError: as for :meth:`json_object`, or if the array is empty.
        """
        accepted = f"a JSON object, or an array of 1 to {limit}, in UTF-8 of at most {max_bytes} bytes"
        body = self._json(max_bytes, accepted)
        if isinstance(body, dict):
            return [body], False
        if not isinstance(body, list) or not body:
            reason = "is an empty array" if body == [] else "is not a JSON object or array"
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
        """A checked parameter of the path."""
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
        """A header's values, one for each line that has it. (``headers`` has only the last line.)"""
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
