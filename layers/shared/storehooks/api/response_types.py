"""What the API responds with, field by field.

mypy holds the functions that make these to them, and docs/openapi.yaml is generated from
them: a text under a field is what the document says of it. No function loads them.
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
    """What each delivery carries besides."""
    destination: str
    created_at: str
    updated_at: str
    is_active: bool
    """Whether events are sent."""
    deactivated_at: NotRequired[str]
    """When failures switched the hook off; there while they have."""
    deactivation_reason: NotRequired[str]
    """Why; there with `deactivated_at`."""
    is_paused: NotRequired[bool]
    """True while the hook is paused, and what comes for it is held; else it is not there."""
    paused_at: NotRequired[str]
    """Since when; there with `is_paused`."""
    filter: NotRequired[dict[str, Any]]
    """Which events are sent, by an event pattern over their callbacks; there if the hook has one."""
    max_per_second: NotRequired[float]
    """How many attempts begin in a second at most; there if the hook has a limit."""


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
    """Of each of the client's hooks, by id, whether it would get an event."""

    data: list[ExplanationV2]


class Times(TypedDict):
    """Milliseconds from the start of an attempt until a step was done; null for one that was not reached."""

    name_lookup_ms: float | None
    connect_ms: float | None
    tls_ms: float | None
    first_byte_ms: float | None
    total_ms: float


class AttemptV2(TypedDict):
    """One try to deliver an event."""

    at: str
    """When it began."""
    status: int | None
    """The status of the response; null when none came, or a consumer has acknowledged the delivery."""
    error: str | None
    """Why it failed; null when a 2xx came in time, or a consumer has acknowledged the delivery."""
    latency_ms: float
    times: Times


class WholeAttemptV2(AttemptV2):
    """One try to deliver an event, with its response."""

    answer: str
    """The first KB of the body of the response; `acknowledged by a consumer` where one has."""


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
    """What receivers see as `webhook-id`, on every attempt."""
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
    """How many attempts were made in all."""
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
    again; `delivered`: it was acknowledged before; `ended`: the hook was switched off meanwhile."""


class PulledV2(TypedDict):
    """What a consumer takes."""

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
    """A test event, and what came of it."""

    id: str
    """What the destination saw as `webhook-id`."""
    scope: str
    """`store/hook/ping`."""
    attempt: WholeAttemptV2


class RecoveryV2(TypedDict):
    """A request to send deliveries again, and how far it has got. Times are ISO 8601 in UTC."""

    id: str
    hook_id: int
    since: str
    until: str
    """Both ends are included, and are about when a delivery's event was accepted."""
    held_since: NotRequired[str]
    """There if a hook's resumption has started it: what was held at this time or later is sent again."""
    status: list[Status]
    """What is sent again."""
    state: RecoveryStatus
    reason: str | None
    """Why it was stopped."""
    count: int
    """How many deliveries there were to send when it was requested."""
    is_count_exact: bool
    """False if counting took too long: then there are more."""
    recovered: int
    """How many are sent again so far."""
    created_at: str
    updated_at: str
    finished_at: str | None
    """When the last one began, or when it was stopped."""


class FiguresV2(TypedDict):
    """What came of some deliveries. All that is stored of them counts, whenever it was."""

    attempts: int
    """Attempts of them: of each, the newest 40 are stored."""
    delivered: int
    """How many of the deliveries were delivered."""
    failed: dict[FailureKind, int]
    """How many of the attempts failed, by kind; a kind without any is not there."""


class StepV2(FiguresV2):
    """What came of the deliveries of a step, which ends where the next one begins."""

    since: str
    deliveries: int
    """How many deliveries it has."""


class LatencyV2(TypedDict):
    """What 50, 95 and 99 of a hundred attempts did not exceed, failed ones too; null if there are none."""

    p50: float | None
    p95: float | None
    p99: float | None


class CoversV2(TypedDict):
    """What was counted. The newest come first, and what takes too long is left out."""

    since: str
    """From here on. Of what was accepted before, nothing was counted."""
    until: str
    deliveries: int
    """How many deliveries that were."""
    is_complete: bool
    """False if `since` is later than what was asked for."""
    is_waiting_exact: bool
    """False if more wait than `waiting`."""
    is_held_exact: bool
    """False if more are held than `held`."""


class StatsV2(FiguresV2):
    """Figures of the deliveries whose events were accepted in some time. Times are ISO 8601 in UTC."""

    latency_ms: LatencyV2
    waiting: int
    """How many deliveries wait for an attempt now, whenever their events were accepted."""
    held: int
    """How many are held now, likewise."""
    oldest_waiting_at: str | None
    """When the event of the oldest that waits was accepted; null if none waits."""
    steps: list[StepV2]
    """From `covers.since` on; empty unless `step` was given."""
    covers: CoversV2


class HookStatsV2(TypedDict):
    """Figures of a hook."""

    data: StatsV2


class PublishedV2(TypedDict):
    """An event that was accepted."""

    id: str
    """What its publisher gave it, or a fresh one."""
    scope: str


class ErrorDetails(TypedDict, total=False):
    """What a problem is about."""

    field: str
    """A field of the body, `[3].scope` for one of an array; a parameter of the query; or `body`."""
    invalid_reason: str
    accepted: str
    given: str
    """What was sent, where repeating it helps and discloses nothing secret."""
    limit: int
    quota: str
    """What is used up: `max_hooks_per_client` or `max_hooks_per_store`."""
    conflict_reason: str
    id: int
    """The hook that is in the way."""


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
    """What each delivery carries besides."""
    is_active: bool
    """Whether events are sent."""
    created_at: int
    updated_at: int
    events_history_enabled: bool
    """Always false, whatever was sent."""
    deactivated_at: NotRequired[int]
    """When failures switched the hook off; there while they have."""
    deactivation_reason: NotRequired[str]
    """Why; there with `deactivated_at`."""
    is_paused: NotRequired[bool]
    """True while the hook is paused, and what comes for it is held; else it is not there."""
    paused_at: NotRequired[int]
    """Since when; there with `is_paused`."""
    filter: NotRequired[dict[str, Any]]
    """Which events are sent, by an event pattern over their callbacks; there if the hook has one."""
    max_per_second: NotRequired[float]
    """How many attempts begin in a second at most; there if the hook has a limit."""


class HookWithStatusV3(HookV3):
    """A hook, and whether it is active, switched off by its owner, or by failures."""

    status: HookStatus


class LinksV3(TypedDict):
    """Queries of this list: this page, and those beside it, where there are any."""

    previous: NotRequired[str]
    current: str
    next: NotRequired[str]


class PaginationV3(TypedDict):
    """Where a page stands in its list."""

    total: int
    """How many there are in all."""
    count: int
    """How many there are on this page."""
    per_page: int
    current_page: int
    total_pages: int
    links: LinksV3


class PageMetaV3(TypedDict):
    """What is to be said about a page."""

    pagination: PaginationV3


class NoMetaV3(TypedDict):
    """Empty: there is nothing to be said about a single thing."""


class HookAnswerV3(TypedDict):
    """A hook."""

    data: HookV3
    meta: NoMetaV3


class HooksAnswerV3(TypedDict):
    """A page of hooks."""

    data: list[HookV3]
    meta: PageMetaV3


class AdminV3(TypedDict):
    """Whom a client has named, and its hooks."""

    emails: list[str]
    """Whom to write to when failures deactivate one of the client's hooks."""
    hooks_list: list[HookWithStatusV3]
    blocked_domains: list[str]
    """Always empty."""


class AdminAnswerV3(TypedDict):
    """Whom a client has named, and a page of its hooks."""

    data: AdminV3
    meta: PageMetaV3


class EventV3(TypedDict):
    """An event, as its callbacks have it."""

    scope: str
    store_id: str | None
    """The store's number, where the publisher gave it."""
    data: dict[str, Any] | list[Any]
    hash: str
    """The same for every hook and every repeat, and another for each publisher of an id."""
    created_at: int
    """The publisher's time, in seconds since 1970."""
    producer: str


class EventsAnswerV3(TypedDict):
    """A page of the events that have not reached the client's hooks, the newest first."""

    data: list[EventV3]
    meta: PageMetaV3


class ErrorV3(TypedDict):
    """All that is wrong with a request."""

    status: int
    title: str
    type: str
    errors: NotRequired[dict[str, str]]
    """What is wrong with each field."""


class ProvisionedClient(TypedDict):
    """A client of a store, as the admin API shows it. Times are ISO 8601 in UTC."""

    store_hash: str
    client_id: str
    name: str | None
    """null if the command or an earlier release has made the client."""
    created_at: str
    previous_secret_until: str | None
    """Until when the secret before the present one signs as well; null if none does."""


class NewClient(ProvisionedClient):
    """A client that was made."""

    client_secret: str
    """What signs its deliveries. It is shown now, and never again."""


class ListedClient(ProvisionedClient):
    """A client, and how many hooks it has."""

    hook_count: int


class ClientAnswer(TypedDict):
    """A client that there was, with the name that was given."""

    data: ProvisionedClient


class NewClientAnswer(TypedDict):
    """A client that was made."""

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
    """What signs its deliveries from now on. It is shown now, and never again."""
    previous_secret_until: str | None
    """Until when the one before signs as well; null if it signs no more."""


class NewSecretAnswer(TypedDict):
    """A client's new secret."""

    data: RotatedSecret


class ListedToken(TypedDict):
    """What is known of a token. Times are ISO 8601 in UTC."""

    id: str
    """Its SHA-256."""
    oauth_scopes: list[str]
    created_at: str
    expires_at: str | None
    """From when on it is worth nothing; null if it has no end."""
    is_portal_link: NotRequired[bool]
    """True if it is that of a portal link; else it is not there."""


class ProvisionedToken(ListedToken):
    """A token that was made."""

    access_token: str
    """What is sent in `X-Auth-Token`. It is shown now, and never again."""


class NewTokenAnswer(TypedDict):
    """A token that was made."""

    data: ProvisionedToken


class PortalLink(TypedDict):
    """A link that opens the console signed in as a client."""

    url: str
    """It is shown now, and never again. The token stands in its fragment."""
    expires_at: str
    """From when on it is worth nothing. ISO 8601 in UTC."""


class PortalLinkAnswer(TypedDict):
    """A portal link that was made."""

    data: PortalLink


class TokensAnswer(TypedDict):
    """A page of a client's tokens, by id; what has ended may be there for two days more."""

    data: list[ListedToken]
    next_cursor: str | None
    """The `cursor` of the next page; null on the last one."""
