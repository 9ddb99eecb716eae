"""The types of the API's responses.

mypy checks the functions that make the responses, and docs/openapi.yaml is generated from the types: the text
under a field is the field's description there. No function loads this module.
"""

from typing import Any, NotRequired, TypedDict

from storehooks.domain.delivery import Status
from storehooks.domain.explanation import Code
from storehooks.domain.failure import FailureKind
from storehooks.domain.hook import HookStatus
from storehooks.domain.recovery import RecoveryStatus
from storehooks.domain.state_machine import Unacknowledged


class HookV2(TypedDict):
    """A hook, as version 2 shows it. Times are ISO 8601 in UTC."""

    id: int
    """Counts up per store, and is never used again."""
    store_hash: str
    client_id: str
    """The client that the hook belongs to."""
    scope: str
    headers: dict[str, str] | None
    """Headers that each delivery carries besides its own."""
    destination: str
    created_at: str
    updated_at: str
    is_active: bool
    """Whether events are sent."""
    deactivated_at: NotRequired[str]
    """When failures deactivated the hook; only present while it is deactivated."""
    deactivation_reason: NotRequired[str]
    """Why failures deactivated the hook; present with `deactivated_at`."""
    is_paused: NotRequired[bool]
    """True while the hook is paused, so that its deliveries are held; otherwise absent."""
    paused_at: NotRequired[str]
    """When the hook was paused; present with `is_paused`."""
    filter: NotRequired[dict[str, Any]]
    """An event pattern over callbacks, which selects the events that are sent; absent without a filter."""
    max_per_second: NotRequired[float]
    """The maximum number of attempts that begin in a second; absent without a limit."""


class ExplanationV2(TypedDict):
    """Whether one hook would get an event."""

    hook_id: int
    is_sent: bool
    code: Code | None
    """Why it would not get it; null if it would."""
    reason: str | None
    """The same in words: of a filter, which field, what was there and what was asked. There without a
    code if the filter takes too long for this event, which is sent then."""


class ExplanationsV2(TypedDict):
    """For each of the client's hooks, by id, whether it would get an event."""

    data: list[ExplanationV2]


class Times(TypedDict):
    """Milliseconds from the start of an attempt to the end of a step; null for a step not reached."""

    name_lookup_ms: float | None
    connect_ms: float | None
    tls_ms: float | None
    first_byte_ms: float | None
    total_ms: float


class AttemptV2(TypedDict):
    """One attempt to deliver an event."""

    at: str
    """When the attempt began."""
    status: int | None
    """The status of the response; null when none came, or a consumer has acknowledged the delivery."""
    error: str | None
    """Why it failed; null when a 2xx came in time, or a consumer has acknowledged the delivery."""
    latency_ms: float
    times: Times


class WholeAttemptV2(AttemptV2):
    """One attempt to deliver an event, with its response."""

    answer: str
    """The first KB of the response's body; `acknowledged by a consumer` if one acknowledged the delivery."""


class CallbackV2(TypedDict):
    """An event, as it is sent to destinations."""

    scope: str
    store_id: str | None
    """The store's number, if the publisher gave it."""
    data: dict[str, Any] | list[Any]
    hash: str
    """The event's: the same for every hook and every repeat, and another for each publisher of an id."""
    created_at: int
    """Seconds since 1970."""
    producer: str
    """`stores/` and the store's hash."""


class _DeliveryV2(TypedDict):
    id: str
    """The `webhook-id` of every attempt."""
    event_id: str
    scope: str
    status: Status
    created_at: str
    """When the event was accepted."""
    next_attempt_at: str | None


class DeliveryV2(_DeliveryV2):
    """One event for one hook."""

    attempts: list[AttemptV2]
    """The newest 40, the oldest of them first."""


class WholeDeliveryV2(_DeliveryV2):
    """One event for one hook, with its payload and the responses."""

    attempts: list[WholeAttemptV2]
    """The newest 40, the oldest of them first."""
    attempt_count: int
    """The number of all attempts, stored or not."""
    payload: CallbackV2


class PulledDeliveryV2(TypedDict):
    """A delivery as it would have been sent."""

    id: str
    """For `ack`, once it is processed."""
    headers: dict[str, str]
    """With the signature, which is made now."""
    body: str
    """The text that is signed."""


class NotAcknowledgedV2(TypedDict):
    """An acknowledgement that did not count."""

    id: str
    """As it was given; of a long one, the first 100 characters."""
    reason: Unacknowledged
    """`unknown`: the hook has no such delivery; `late`: its visibility time is over, and it is given out
    again; `delivered`: it was acknowledged before; `ended`: the hook became inactive or was deactivated."""


class PulledV2(TypedDict):
    """The deliveries that a consumer takes."""

    data: list[PulledDeliveryV2]
    """The oldest first."""
    not_acknowledged: list[NotAcknowledgedV2]
    """Those in `ack` that did not count, and why."""
    poll_after_seconds: int
    """When to ask again: at once if there is more, and after 1 to 20 seconds if nothing came."""


class DeliveriesV2(TypedDict):
    """A page of a hook's deliveries, the newest first."""

    data: list[DeliveryV2]
    next_cursor: str | None
    """The `cursor` of the next page; null on the last one."""


class PingV2(TypedDict):
    """A test event and its attempt."""

    id: str
    """The `webhook-id` of the attempt."""
    scope: str
    """`store/hook/ping`."""
    attempt: WholeAttemptV2


class RecoveryV2(TypedDict):
    """A request to send deliveries again, and its progress. Times are ISO 8601 in UTC."""

    id: str
    hook_id: int
    since: str
    until: str
    """Both ends are included. They select deliveries by when their events were accepted."""
    held_since: NotRequired[str]
    """Present if a hook's resumption started it: deliveries held at this time or later are sent again."""
    status: list[Status]
    """The statuses of the deliveries that are sent again."""
    state: RecoveryStatus
    reason: str | None
    """Why it was stopped."""
    count: int
    """How many deliveries there were to send when it was requested."""
    is_count_exact: bool
    """False if counting took too long, and there are more."""
    recovered: int
    """The number of deliveries sent again so far."""
    created_at: str
    updated_at: str
    finished_at: str | None
    """When the last one began, or when it was stopped."""


class FiguresV2(TypedDict):
    """The results of some deliveries. All their stored attempts count, whenever they were made."""

    attempts: int
    """The number of their stored attempts, at most the newest 40 of each delivery."""
    delivered: int
    """How many of the deliveries were delivered."""
    failed: dict[FailureKind, int]
    """The number of failed attempts by kind; kinds without any are absent."""


class StepV2(FiguresV2):
    """The results of the deliveries of a step, which ends where the next one begins."""

    since: str
    deliveries: int
    """The number of deliveries in the step."""


class LatencyV2(TypedDict):
    """The 50th, 95th and 99th percentile of all attempts, failed ones too; null without attempts."""

    p50: float | None
    p95: float | None
    p99: float | None


class CoversV2(TypedDict):
    """The part that was counted: the newest deliveries, as many as there was time for."""

    since: str
    """Deliveries accepted from here on were counted, and none before."""
    until: str
    deliveries: int
    """The number of deliveries that were counted."""
    is_complete: bool
    """False if `since` is later than requested."""
    is_waiting_exact: bool
    """False if more wait than `waiting`."""
    is_held_exact: bool
    """False if more are held than `held`."""


class StatsV2(FiguresV2):
    """Figures of the deliveries whose events were accepted in some time. Times are ISO 8601 in UTC."""

    latency_ms: LatencyV2
    waiting: int
    """The number of deliveries that wait for an attempt now, whenever their events were accepted."""
    held: int
    """The number of held deliveries now, likewise."""
    oldest_waiting_at: str | None
    """When the event of the oldest waiting delivery was accepted; null if none waits."""
    steps: list[StepV2]
    """From `covers.since` on; empty unless `step` was given."""
    covers: CoversV2


class HookStatsV2(TypedDict):
    """Figures of a hook."""

    data: StatsV2


class PublishedV2(TypedDict):
    """An event that was accepted."""

    id: str
    """The id that its publisher gave it, or a new one."""
    scope: str


class ErrorDetails(TypedDict, total=False):
    """The subject of a problem."""

    field: str
    """A field of the body, `[3].scope` for one of an array; a parameter of the query; or `body`."""
    invalid_reason: str
    accepted: str
    given: str
    """The input, if repeating it helps and discloses no secret."""
    limit: int
    quota: str
    """The quota that is used up: `max_hooks_per_client` or `max_hooks_per_store`."""
    conflict_reason: str
    id: int
    """The hook that conflicts."""


class ErrorV2(TypedDict):
    """One problem."""

    status: int
    message: str
    details: NotRequired[ErrorDetails]


class HookV3(TypedDict):
    """A hook, as version 3 shows it. Times are seconds since 1970."""

    id: int
    """Counts up per store, and is never used again."""
    client_id: str
    """The client that the hook belongs to."""
    store_hash: str
    scope: str
    destination: str
    headers: dict[str, str] | None
    """Headers that each delivery carries besides its own."""
    is_active: bool
    """Whether events are sent."""
    created_at: int
    updated_at: int
    events_history_enabled: bool
    """Always false, whatever was sent."""
    deactivated_at: NotRequired[int]
    """When failures deactivated the hook; only present while it is deactivated."""
    deactivation_reason: NotRequired[str]
    """Why failures deactivated the hook; present with `deactivated_at`."""
    is_paused: NotRequired[bool]
    """True while the hook is paused, so that its deliveries are held; otherwise absent."""
    paused_at: NotRequired[int]
    """When the hook was paused; present with `is_paused`."""
    filter: NotRequired[dict[str, Any]]
    """An event pattern over callbacks, which selects the events that are sent; absent without a filter."""
    max_per_second: NotRequired[float]
    """The maximum number of attempts that begin in a second; absent without a limit."""


class HookWithStatusV3(HookV3):
    """A hook, and whether it is active, inactive by its owner, or deactivated by failures."""

    status: HookStatus


class LinksV3(TypedDict):
    """Queries of this list: this page, the previous one and the next one, if they exist."""

    previous: NotRequired[str]
    current: str
    next: NotRequired[str]


class PaginationV3(TypedDict):
    """The position of a page in its list."""

    total: int
    """The number of items in all."""
    count: int
    """The number of items on this page."""
    per_page: int
    current_page: int
    total_pages: int
    links: LinksV3


class PageMetaV3(TypedDict):
    """Information about a page."""

    pagination: PaginationV3


class NoMetaV3(TypedDict):
    """Always empty for a single item."""


class HookAnswerV3(TypedDict):
    """A hook."""

    data: HookV3
    meta: NoMetaV3


class HooksAnswerV3(TypedDict):
    """A page of hooks."""

    data: list[HookV3]
    meta: PageMetaV3


class AdminV3(TypedDict):
    """A client's notification emails, and its hooks."""

    emails: list[str]
    """The addresses that are notified when failures deactivate one of the client's hooks."""
    hooks_list: list[HookWithStatusV3]
    blocked_domains: list[str]
    """Always empty."""


class AdminAnswerV3(TypedDict):
    """A client's notification emails, and a page of its hooks."""

    data: AdminV3
    meta: PageMetaV3


class EventV3(TypedDict):
    """An event, as its callbacks have it."""

    scope: str
    store_id: str | None
    """The store's number, if the publisher gave it."""
    data: dict[str, Any] | list[Any]
    hash: str
    """The same for every hook and every repeat, and another for each publisher of an id."""
    created_at: int
    """The publisher's time, in seconds since 1970."""
    producer: str


class EventsAnswerV3(TypedDict):
    """A page of the events that the client's hooks missed, the newest first."""

    data: list[EventV3]
    meta: PageMetaV3


class ErrorV3(TypedDict):
    """All problems of a request."""

    status: int
    title: str
    type: str
    errors: NotRequired[dict[str, str]]
    """The problem of each field."""


class ProvisionedClient(TypedDict):
    """A client of a store, as the admin API shows it. Times are ISO 8601 in UTC."""

    store_hash: str
    client_id: str
    name: str | None
    """null if the command or an earlier release created the client."""
    created_at: str
    previous_secret_until: str | None
    """When the former secret stops signing; null if none signs."""


class NewClient(ProvisionedClient):
    """A client that was created."""

    client_secret: str
    """The secret that signs the client's deliveries. It is shown only once."""


class ListedClient(ProvisionedClient):
    """A client and its number of hooks."""

    hook_count: int


class ClientAnswer(TypedDict):
    """A client that existed, with the name that was set."""

    data: ProvisionedClient


class NewClientAnswer(TypedDict):
    """A client that was created."""

    data: NewClient


class ClientsAnswer(TypedDict):
    """A page of a store's clients, by id."""

    data: list[ListedClient]
    next_cursor: str | None
    """The `cursor` of the next page; null on the last one."""


class RotatedSecret(TypedDict):
    """A client's new secret."""

    store_hash: str
    client_id: str
    client_secret: str
    """The secret that signs the client's deliveries from now on. It is shown only once."""
    previous_secret_until: str | None
    """When the former secret stops signing; null if it has stopped."""


class NewSecretAnswer(TypedDict):
    """A client's new secret."""

    data: RotatedSecret


class ListedToken(TypedDict):
    """A token, without its text. Times are ISO 8601 in UTC."""

    id: str
    """Its SHA-256."""
    oauth_scopes: list[str]
    created_at: str
    expires_at: str | None
    """When the token expires; null if never."""
    is_portal_link: NotRequired[bool]
    """True if the token is a portal link's; otherwise absent."""


class ProvisionedToken(ListedToken):
    """A token that was created."""

    access_token: str
    """The token, for the header `X-Auth-Token`. It is shown only once."""


class NewTokenAnswer(TypedDict):
    """A token that was created."""

    data: ProvisionedToken


class PortalLink(TypedDict):
    """A link that opens the console signed in as a client."""

    url: str
    """The link, which is shown only once. The token is in its fragment."""
    expires_at: str
    """When the link expires, ISO 8601 in UTC."""


class PortalLinkAnswer(TypedDict):
    """A portal link that was created."""

    data: PortalLink


class TokensAnswer(TypedDict):
    """A page of a client's tokens, by id; expired ones may be listed for two more days."""

    data: list[ListedToken]
    next_cursor: str | None
    """The `cursor` of the next page; null on the last one."""
