"""The examples of the document: requests of the event files, and responses that the code makes."""

import json
from dataclasses import replace
from typing import Any

from storehooks.api.event_input import MAX_BYTES, MAX_EVENTS, NewEvent
from storehooks.api.hook_input import HookChanges, NewHook
from storehooks.api.provisioning_output import (
    clients_to_json,
    new_secret_to_json,
    new_token_to_json,
    portal_link_to_json,
    put_client_to_json,
    tokens_to_json,
)
from storehooks.api.request import MAX_BODY_BYTES, Request
from storehooks.api.response_types import CallbackV2
from storehooks.api.v2 import (
    deliveries_to_v2,
    delivery_to_v2,
    explanations_to_v2,
    hook_to_v2,
    ping_to_v2,
    pulled_to_v2,
    recovery_to_v2,
    stats_to_v2,
    whole_delivery_to_v2,
)
from storehooks.api.v3 import admin_to_v3, events_to_v3, hooks_to_v3, one_hook_to_v3, pagination
from storehooks.api.wanted import Page
from storehooks.domain.attempt import Attempt, Times
from storehooks.domain.callback import callback
from storehooks.domain.client import Client, IssuedToken, NewSecret, PutClient, Token
from storehooks.domain.delivery import Delivery
from storehooks.domain.email_address import MAX_NEW_ADDRESSES, NEW_ADDRESSES_DAYS
from storehooks.domain.errors import (
    BodyTooLargeError,
    ClientNotFoundError,
    DeliveryNotFoundError,
    DuplicateHookError,
    FaultError,
    HookInactiveError,
    HookNotFoundError,
    HookNotPulledError,
    HookPausedError,
    HookPulledError,
    HookQuotaError,
    InvalidRequestError,
    NotAllowedError,
    RecoveryNotFoundError,
    SecretOverlapError,
    StoreBusyError,
    StoreFailedError,
    StorehooksError,
    TokenNotFoundError,
    TooManyAddressesError,
    TooManyAtOnceError,
    TooManyHooksError,
    UnsupportedContentEncodingError,
    UnsupportedMediaTypeError,
)
from storehooks.domain.event import Event
from storehooks.domain.event_filter import check_filter
from storehooks.domain.explanation import explain
from storehooks.domain.failure import FailureKind
from storehooks.domain.hook import DEFAULT_QUOTAS, MAX_HOOKS_PER_SCOPE, Hook
from storehooks.domain.hook_stats import Figures, HookStats, Percentiles, Waiting
from storehooks.domain.identity import DEFAULT_OAUTH_SCOPE, EVENTS_OAUTH_SCOPE, token_digest
from storehooks.domain.lease import MAX_PINGS
from storehooks.domain.ping import new_ping
from storehooks.domain.recovery import MISSED, Recovery
from storehooks.domain.retry import BIGCOMMERCE_SCHEDULE, RetrySchedule
from storehooks.domain.scope import catalogue
from storehooks.domain.state_machine import Unacknowledged, attempted
from storehooks_cli.local.folders import PROJECT

_CREATED_AT = 1_795_428_000
_HOOK = Hook(
    id=1,
    store_hash="5ueh97",
    client_id="40c672b9177b5d3a8dbfad24321be15d",
    scope="store/order/*",
    destination="https://app.example.com/orders",
    headers=None,
    is_active=True,
    created_at=_CREATED_AT,
    updated_at=_CREATED_AT,
)
_EVENT = Event(
    id="f28f2a33-917a-465c-b65d-087bd6d406d2",
    has_given_id=False,
    publication="f28f2a33-917a-465c-b65d-087bd6d406d2",
    store_hash=_HOOK.store_hash,
    scope="store/order/created",
    data={"type": "order", "id": 250},
    store_id="1025646",
    created_at=_CREATED_AT + 60,
    accepted_at=(_CREATED_AT + 60) * 1_000_000 + 250_000,
)
_TIMES = Times(name_lookup_ms=1.2, connect_ms=8.0, tls_ms=19.4, first_byte_ms=31.2, total_ms=31.5)
_FAILED = Attempt(
    at=_CREATED_AT + 61, status=500, error="answered 500", times=_TIMES, response="cannot reach the database"
)
_DELIVERY = attempted(
    Delivery(
        id="msg_0660f86b44ba90d95f5c2a2b1c0c4d8e",
        store_hash=_HOOK.store_hash,
        hook_id=_HOOK.id,
        client_id=_HOOK.client_id,
        event_id=_EVENT.id,
        scope=_EVENT.scope,
        payload=_EVENT.payload(),
        created_at=_EVENT.accepted_at / 1_000_000,
    ),
    _FAILED,
    RetrySchedule.parse(BIGCOMMERCE_SCHEDULE),
    _CREATED_AT + 61.031,
)
_PINGED = Attempt(at=_CREATED_AT + 120, status=200, error=None, times=_TIMES, response="thanks")
_RECOVERY = Recovery(
    id="rec_5b1b2c5a1f0e4d0f9d3c4b7f8a6e2d10",
    store_hash=_HOOK.store_hash,
    hook_id=_HOOK.id,
    client_id=_HOOK.client_id,
    since=_CREATED_AT,
    until=_CREATED_AT + 3600,
    statuses=MISSED,
    created_at=_CREATED_AT + 3600,
    updated_at=_CREATED_AT + 3607.312,
    progressed_at=_CREATED_AT + 3607.312,
    count=10_000,
    is_count_exact=True,
    recovered=1500,
)
_FIGURES = Figures(3, 4, 2, {FailureKind.STATUS: 1, FailureKind.TIMEOUT: 1})
_STATS = HookStats(
    figures=_FIGURES,
    latency=Percentiles(p50=31.5, p95=10_000.4, p99=10_000.4),
    now=Waiting(
        waiting=1, held=0, is_waiting_exact=True, is_held_exact=True, oldest_at=_EVENT.accepted_at / 1_000_000
    ),
    steps=((_CREATED_AT, _FIGURES), (_CREATED_AT + 3600, Figures(0, 0, 0, {}))),
    covered_since=_CREATED_AT,
    until=_CREATED_AT + 7200,
    is_complete=True,
)

_CLIENT = Client(
    store_hash=_HOOK.store_hash,
    client_id=_HOOK.client_id,
    name="Order sync",
    created_at=_CREATED_AT,
    previous_secret_until=None,
)
_SECRET = "5f2b" * 16
_TOKEN = Token(
    id=token_digest("7c1d" * 16),
    store_hash=_HOOK.store_hash,
    client_id=_HOOK.client_id,
    oauth_scopes=(DEFAULT_OAUTH_SCOPE, EVENTS_OAUTH_SCOPE),
    created_at=_CREATED_AT,
    expires_at=_CREATED_AT + 24 * 3600,
)


def _page(count: int) -> Any:
    return pagination(Page(1, 50), total=count, count=count)


# The responses of operations, by the names in `operations`.
ANSWERS: dict[str, Any] = {
    "HookV2": hook_to_v2(_HOOK),
    "HooksV2": [hook_to_v2(_HOOK)],
    "DeliveriesV2": deliveries_to_v2([_DELIVERY], next_cursor=None),
    "DeliveryV2": delivery_to_v2(_DELIVERY),
    "WholeDeliveryV2": whole_delivery_to_v2(_DELIVERY),
    "PingV2": {**ping_to_v2(new_ping(_HOOK), _PINGED), "id": _DELIVERY.id},
    "RecoveryV2": recovery_to_v2(_RECOVERY),
    "HookStatsV2": stats_to_v2(_STATS),
    "PulledV2": pulled_to_v2(
        {_DELIVERY.id: callback(_DELIVERY, _HOOK, secrets=["an example"], now=_CREATED_AT + 90)},
        {"msg_0660fc6887741d7b10ab9664c551b97f": Unacknowledged.LATE},
        1,
    ),
    "PublishedV2": [{"id": _EVENT.id, "scope": _EVENT.scope}],
    "ExplanationsV2": explanations_to_v2(
        explain(hook, _EVENT.scope, _EVENT.callback())
        for hook in (
            _HOOK,
            replace(_HOOK, id=2, filter=check_filter({"data": {"status": ["paid"]}})),
            replace(_HOOK, id=3, paused_at=_CREATED_AT + 30),
        )
    ),
    "HookAnswerV3": one_hook_to_v3(_HOOK),
    "HooksAnswerV3": hooks_to_v3([_HOOK], _page(1)),
    "AdminAnswerV3": admin_to_v3(["hooks@example.com"], [_HOOK], _page(1)),
    "EventsAnswerV3": events_to_v3([_EVENT.payload()], _page(1)),
    "NewClientAnswer": put_client_to_json(PutClient(_CLIENT, _SECRET, is_new=True)),
    "ClientAnswer": put_client_to_json(PutClient(_CLIENT, _SECRET, is_new=False)),
    "ClientsAnswer": clients_to_json([_CLIENT], {_CLIENT.client_id: 1}, next_cursor=None),
    "NewSecretAnswer": new_secret_to_json(
        NewSecret(_CLIENT.store_hash, _CLIENT.client_id, _SECRET, _CREATED_AT + 24 * 3600)
    ),
    "NewTokenAnswer": new_token_to_json(IssuedToken(_TOKEN, "7c1d" * 16)),
    "PortalLinkAnswer": portal_link_to_json(
        "https://hooks.example.com", IssuedToken(_TOKEN, "7c1d" * 16), _CREATED_AT + 24 * 3600
    ),
    "TokensAnswer": tokens_to_json([_TOKEN], next_cursor=None),
}


def request_example(event: str) -> Any:
    """The body of a request of events/."""
    return json.loads(_event(event)["body"])


def callbacks() -> dict[str, CallbackV2]:
    """A callback for the first scope of each kind of thing, with the catalogue's example of its data."""
    found: dict[str, CallbackV2] = {}
    for scope, entry in catalogue().items():
        found.setdefault(
            scope.split("/")[1],
            {
                "scope": scope.replace("{channel_id}", "1"),
                "store_id": _EVENT.store_id,
                "data": entry["example"],
                "hash": _EVENT.hash,
                "created_at": _EVENT.created_at,
                "producer": f"stores/{_EVENT.store_hash}",
            },
        )
    return found


def errors() -> dict[str, StorehooksError]:
    """Each error that an operation can meet, by a name. The code itself refuses the invalid requests."""
    return {
        "a field is invalid": _refused("create_hook_invalid", "hook"),
        "an event is invalid": _refused("publish_events_invalid", "events"),
        "nothing to change": _refused("update_hook_empty", "changes"),
        "the body is not JSON": _refused("create_hook_not_json", "body"),
        "a query parameter is invalid": _refused("list_hooks_bad_page", "page"),
        "no right": NotAllowedError(),
        "too many hooks for the scope": TooManyHooksError(_HOOK.scope, MAX_HOOKS_PER_SCOPE),
        "too many new addresses": TooManyAddressesError(MAX_NEW_ADDRESSES, NEW_ADDRESSES_DAYS),
        "too many hooks of the client": HookQuotaError("max_hooks_per_client", DEFAULT_QUOTAS.per_client),
        "too many hooks of the store": HookQuotaError("max_hooks_per_store", DEFAULT_QUOTAS.per_store),
        "no such hook": HookNotFoundError(7),
        "no such delivery": DeliveryNotFoundError(),
        "no such recovery": RecoveryNotFoundError(),
        "no such client": ClientNotFoundError(),
        "no such token": TokenNotFoundError(),
        "a hook like this exists": DuplicateHookError(_HOOK.id),
        "the hook is not active": HookInactiveError(_HOOK.id, None),
        "the hook is paused": HookPausedError(_HOOK.id),
        "a former secret still signs": SecretOverlapError(_CREATED_AT + 24 * 3600),
        "the hook is pulled": HookPulledError(_HOOK.id),
        "the hook is not pulled": HookNotPulledError(_HOOK.id),
        "a body of too many bytes": BodyTooLargeError(MAX_BODY_BYTES),
        "a body of too many bytes of events": BodyTooLargeError(MAX_BYTES),
        "too many events": BodyTooLargeError(MAX_EVENTS, "objects"),
        "another media type": UnsupportedMediaTypeError("text/xml"),
        "a compressed body": UnsupportedContentEncodingError("gzip"),
        "too many pings at once": TooManyAtOnceError("pings", MAX_PINGS, 5),
        "the store is busy": StoreBusyError(),
        "the store failed": StoreFailedError("InternalServerError"),
        "the service failed": FaultError(),
    }


def _refused(event: str, what: str) -> InvalidRequestError:
    """Why a request of events/ is refused."""
    given = _event(event)
    try:
        match what:
            case "page":
                Request(given).hooks_wanted()
            case "body":
                Request(given | {"headers": {}}).json_object()
            case "hook":
                NewHook.parse(Request(given).json_object(), allow_private=False)
            case "changes":
                HookChanges.parse(Request(given).json_object(), allow_private=False)
            case _:
                objects, in_array = Request(given).json_objects(limit=MAX_EVENTS, max_bytes=MAX_BYTES)
                NewEvent.parse_all(objects, in_array=in_array)
    except InvalidRequestError as error:
        return error
    raise AssertionError(f"events/{event}.json is not refused")


def _event(name: str) -> dict[str, Any]:
    event: dict[str, Any] = json.loads((PROJECT / "events" / f"{name}.json").read_text())
    return event
