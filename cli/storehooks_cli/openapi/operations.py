"""What the template does not say of a route: its request and its responses.

A new route needs an entry in ``OPERATIONS``; tests/template/test_openapi.py says so.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from storehooks.api.query import DELIVERIES_PAGE_SIZE, MAX_FIND_LENGTH, MAX_PAGE_SIZE, V3_PAGE_SIZE
from storehooks.domain.delivery import Status
from storehooks.domain.email_address import MAX_NEW_ADDRESSES, NEW_ADDRESSES_DAYS
from storehooks.domain.hook_stats import MAX_STEPS
from storehooks.domain.identity import (
    ADMIN_OAUTH_SCOPE,
    DEFAULT_OAUTH_SCOPE,
    EVENTS_OAUTH_SCOPE,
    READ_OAUTH_SCOPE,
    token_digest,
)
from storehooks_cli.openapi.schemas import (
    CLIENT_ID,
    DELIVERY_ID,
    NUMBER,
    RECOVERY_ID,
    STORE_HASH,
    TOKEN_ID,
    Schema,
)


@dataclass(frozen=True, slots=True)
class Answer:
    """The response to a request that succeeds. Without a schema, it has no body."""

    status: int
    description: str
    schema: Schema | None = None
    example: str | None = None
    """Its name in ``examples.ANSWERS``."""
    media_type: str = "application/json"
    headers: dict[str, Schema] | None = None
    """Those that it may have, by name."""


@dataclass(frozen=True, slots=True)
class Body:
    """What is sent: the schema's name, and the event files that have an example."""

    schema: str
    events: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One route.

    ``otherwise`` is a second response of a request that succeeds.
    ``errors`` are the error statuses that not every route has; ``right`` is the OAuth scope that
    the token needs, or None for a route without a token.
    """

    tag: str
    description: str
    response: Answer
    otherwise: Answer | None = None
    query: Mapping[str, Schema] = field(default_factory=dict)
    body: Body | None = None
    errors: tuple[int, ...] = ()
    right: str | None = DEFAULT_OAUTH_SCOPE


# The parameters of paths.
PATH: dict[str, Schema] = {
    "store_hash": STORE_HASH
    | {"description": "The store's hash. A store's token opens no other.", "example": "5ueh97"},
    "id": NUMBER | {"description": "A hook's id.", "example": 1},
    "delivery_id": DELIVERY_ID | {"example": "msg_0660f86b44ba90d95f5c2a2b1c0c4d8e"},
    "recovery_id": RECOVERY_ID | {"example": "rec_5b1b2c5a1f0e4d0f9d3c4b7f8a6e2d10"},
    "client_id": CLIENT_ID
    | {
        "description": "The client's id, which the platform chooses.",
        "example": "40c672b9177b5d3a8dbfad24321be15d",
    },
    "token_id": TOKEN_ID
    | {"description": "The SHA-256 of a token.", "example": token_digest("an access token")},
}

_PAGE = NUMBER | {"description": "The page's number, from 1.", "default": 1}
_NOT_EMPTY: Schema = {"type": "string", "pattern": "[^ ]"}
_FILTERS: dict[str, Schema] = {
    "is_active": {
        "description": "`true` or `false` in any letter case, or `1` or `0`.",
        "anyOf": [
            {"type": "boolean"},
            {"type": "string", "pattern": "^([Tt][Rr][Uu][Ee]|[Ff][Aa][Ll][Ss][Ee]|[01])$"},
        ],
    },
    "scope": _NOT_EMPTY | {"description": "The hook's scope, compared letter by letter."},
    "destination": _NOT_EMPTY | {"description": "The hook's destination, compared letter by letter."},
}
_BOUND: Schema = {
    "anyOf": [
        {"type": "integer", "minimum": 0, "maximum": 253_402_300_799},
        {"type": "string", "format": "date-time"},
    ]
}


def _limit(default: int) -> Schema:
    return {"type": "integer", "minimum": 1, "maximum": MAX_PAGE_SIZE, "default": default}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


_HOOK_V2 = Answer(200, "The hook.", _ref("HookV2"), "HookV2")
_HOOK_V3 = Answer(200, "The hook.", _ref("HookAnswerV3"), "HookAnswerV3")
_SEEN = "Values of headers are shown as `***` unless the token has `default`."
_SCOPES: Schema = {
    "description": "The OAuth scopes of the token.",
    "type": "string",
    "pattern": "^[a-z]+(, [a-z]+)*$",
}
_RESUMED: dict[str, Schema] = {
    "Location": {
        "description": "The path of the recovery; present if the hook resumes.",
        "type": "string",
        "pattern": "^/stores/[a-z0-9]+/v2/hooks/[0-9]+/recoveries/rec_[0-9a-f]{32}$",
    }
}
_CHANGED_V2 = replace(_HOOK_V2, headers=_RESUMED)
_CHANGED_V3 = replace(_HOOK_V3, headers=_RESUMED)
_NEW_HOOK = Body("NewHook", ("create_hook",))
_CHANGES = Body("HookChanges", ("update_hook",))

_CLIENTS = "/admin/v1/stores/{store_hash}/clients"
_CURSOR: Schema = {"description": "`next_cursor` of the previous page."}

_STAYS = (
    "Changes the given fields only. Two changes at the same time are both made, or one is refused. "
    "When a paused hook resumes, `Location` names the recovery that sends its held deliveries."
)
_FEW = (
    "A client may have at most 10 hooks for one scope, and one for each combination of scope, destination "
    "and filter. In all, a client may have 250 hooks, and all clients of a store 2,000, unless the "
    "deployment sets other quotas."
)
_WAS = "Cancels the deliveries that wait. The response is the hook as it was."
_PINGED = "The hook need not be active. The response is 200 with the attempt, whether it succeeded or not."

OPERATIONS: dict[tuple[str, str], Operation] = {
    ("get", "/console"): Operation(
        tag="Console",
        description="A page for people. It calls this API with the token that they enter.",
        response=Answer(200, "The page.", {"type": "string"}, media_type="text/html"),
        right=None,
    ),
    ("get", "/stores/{store_hash}/v2/hooks"): Operation(
        tag="Hooks",
        description=f"Returns the hooks of the token's client, by id. A page past the end is empty. {_SEEN}",
        query={"page": _PAGE, "limit": _limit(MAX_PAGE_SIZE)},
        response=Answer(
            200,
            "A page of hooks.",
            {"type": "array", "items": _ref("HookV2")},
            "HooksV2",
            headers={"X-OAuth-Scopes": _SCOPES},
        ),
        right=READ_OAUTH_SCOPE,
    ),
    ("post", "/stores/{store_hash}/v2/hooks"): Operation(
        tag="Hooks",
        description=_FEW,
        body=_NEW_HOOK,
        response=Answer(201, "The hook.", _ref("HookV2"), "HookV2"),
        errors=(409,),
    ),
    ("get", "/stores/{store_hash}/v2/hooks/{id}"): Operation(
        tag="Hooks", description=_SEEN, response=_HOOK_V2, right=READ_OAUTH_SCOPE
    ),
    ("put", "/stores/{store_hash}/v2/hooks/{id}"): Operation(
        tag="Hooks", description=_STAYS, body=_CHANGES, response=_CHANGED_V2, errors=(409,)
    ),
    ("delete", "/stores/{store_hash}/v2/hooks/{id}"): Operation(
        tag="Hooks", description=_WAS, response=_HOOK_V2
    ),
    ("get", "/stores/{store_hash}/v3/hooks"): Operation(
        tag="Hooks",
        description=f"Returns the hooks of the token's client, by id. A page past the end is empty. {_SEEN}",
        query={"page": _PAGE, "limit": _limit(V3_PAGE_SIZE), **_FILTERS},
        response=Answer(
            200,
            "A page of hooks.",
            _ref("HooksAnswerV3"),
            "HooksAnswerV3",
            headers={"X-OAuth-Scopes": _SCOPES},
        ),
        right=READ_OAUTH_SCOPE,
    ),
    ("post", "/stores/{store_hash}/v3/hooks"): Operation(
        tag="Hooks",
        description=_FEW,
        body=_NEW_HOOK,
        response=_HOOK_V3,
        errors=(409, 422),
    ),
    ("get", "/stores/{store_hash}/v3/hooks/{id}"): Operation(
        tag="Hooks", description=_SEEN, response=_HOOK_V3, right=READ_OAUTH_SCOPE
    ),
    ("put", "/stores/{store_hash}/v3/hooks/{id}"): Operation(
        tag="Hooks", description=_STAYS, body=_CHANGES, response=_CHANGED_V3, errors=(409, 422)
    ),
    ("delete", "/stores/{store_hash}/v3/hooks/{id}"): Operation(
        tag="Hooks", description=_WAS, response=_HOOK_V3
    ),
    ("get", "/stores/{store_hash}/v3/hooks/admin"): Operation(
        tag="Owners",
        description="Returns the notification emails, to which storehooks writes when failures deactivate a "
        f"hook, and the hooks with their status. {_SEEN}",
        query={"page": _PAGE, "limit": _limit(MAX_PAGE_SIZE), **_FILTERS},
        response=Answer(
            200, "The notification emails and a page of hooks.", _ref("AdminAnswerV3"), "AdminAnswerV3"
        ),
        right=READ_OAUTH_SCOPE,
    ),
    ("put", "/stores/{store_hash}/v3/hooks/admin"): Operation(
        tag="Owners",
        description="Replaces the client's notification emails, which are for all its hooks in the store. A "
        f"client may add {MAX_NEW_ADDRESSES} new addresses in {NEW_ADDRESSES_DAYS} days; more get a 403.",
        body=Body("AdminChanges", ("update_admin",)),
        response=Answer(204, "The notification emails are replaced."),
        errors=(422,),
    ),
    ("get", "/stores/{store_hash}/v3/hooks/events"): Operation(
        tag="Events",
        description="Returns the events that the client's hooks missed: those that are being retried, are "
        "exhausted, or are held. The newest come first, each once. `created_at:min` and `created_at:max` "
        "select events by when they were accepted; both ends are included.",
        query={
            "page": _PAGE,
            "limit": _limit(V3_PAGE_SIZE),
            "created_at:min": _BOUND,
            "created_at:max": _BOUND,
        },
        response=Answer(200, "A page of events.", _ref("EventsAnswerV3"), "EventsAnswerV3"),
        right=READ_OAUTH_SCOPE,
    ),
    ("post", "/stores/{store_hash}/v2/events"): Operation(
        tag="Events",
        description="Takes one event or an array of events, of at most 1 MB in all. Each event is sent to "
        "every active hook of the store that has its scope or a wildcard above it.",
        body=Body("Events", ("publish_events",)),
        response=Answer(
            202, "The events are accepted.", {"type": "array", "items": _ref("PublishedV2")}, "PublishedV2"
        ),
        right=EVENTS_OAUTH_SCOPE,
    ),
    ("post", "/stores/{store_hash}/v2/events/explain"): Operation(
        tag="Events",
        description="Publishes nothing. `is_sent` is false for an event that would be held; `code` says why.",
        body=Body("NewEvent", ("explain_event",)),
        response=Answer(200, "Each of the client's hooks, by id.", _ref("ExplanationsV2"), "ExplanationsV2"),
    ),
    ("get", "/stores/{store_hash}/v2/hooks/{id}/deliveries"): Operation(
        tag="Deliveries",
        description="Returns deliveries, the newest first. A delivery is listed from its first attempt on.",
        query={
            "status": {"type": "string", "enum": list(map(str, Status))},
            "limit": _limit(DELIVERIES_PAGE_SIZE),
            "cursor": DELIVERY_ID | {"description": "`next_cursor` of the previous page."},
            "find": _NOT_EMPTY
            | {
                "description": "Returns only deliveries of events with this id, or with this `data.id`. The "
                "search is bounded: a page may be empty and have a `next_cursor`, to search further back.",
                "maxLength": MAX_FIND_LENGTH,
            },
        },
        response=Answer(200, "A page of deliveries.", _ref("DeliveriesV2"), "DeliveriesV2"),
        right=READ_OAUTH_SCOPE,
    ),
    ("get", "/stores/{store_hash}/v2/hooks/{id}/deliveries/{delivery_id}"): Operation(
        tag="Deliveries",
        description="Returns a delivery with its payload and the first KB of each response. Values of the "
        "hook's headers in a response are shown as `***` unless the token has `default`.",
        response=Answer(200, "The delivery.", _ref("WholeDeliveryV2"), "WholeDeliveryV2"),
        right=READ_OAUTH_SCOPE,
    ),
    ("post", "/stores/{store_hash}/v2/hooks/{id}/deliveries/{delivery_id}/redeliver"): Operation(
        tag="Deliveries",
        description="Begins a new round of the retry schedule for a delivery that is `delivered`, "
        "`exhausted`, `held` or `cancelled`. A `retrying` one is attempted now. A `pending` one does not "
        "change.",
        response=Answer(202, "The delivery, with its new status.", _ref("DeliveryV2"), "DeliveryV2"),
        errors=(409,),
    ),
    ("get", "/stores/{store_hash}/v2/hooks/{id}/stats"): Operation(
        tag="Deliveries",
        description="Counts the deliveries whose events were accepted from `since` on and before `until`, by "
        f"default in the last 24 hours. `step` divides this time into at most {MAX_STEPS} steps. Counting is "
        "bounded: `covers.since` says from when on all deliveries are counted.",
        query={
            "since": _BOUND,
            "until": _BOUND,
            "step": NUMBER | {"description": "The length of a step in seconds. No steps if left out."},
        },
        response=Answer(200, "The figures.", _ref("HookStatsV2"), "HookStatsV2"),
        right=READ_OAUTH_SCOPE,
    ),
    ("post", "/stores/{store_hash}/v2/hooks/{id}/ping"): Operation(
        tag="Deliveries",
        description=_PINGED,
        response=Answer(200, "The test event and its attempt.", _ref("PingV2"), "PingV2"),
        errors=(409,),
    ),
    ("post", "/stores/{store_hash}/v2/hooks/{id}/pull"): Operation(
        tag="Deliveries",
        description="Acknowledges deliveries of a hook with the destination `pull:`, and returns others as "
        "they would have been sent. It returns at once, also when nothing waits.",
        body=Body("NewPull", ("pull_deliveries",)),
        response=Answer(200, "The deliveries that the consumer gets.", _ref("PulledV2"), "PulledV2"),
        errors=(409,),
    ),
    ("post", "/stores/{store_hash}/v2/hooks/{id}/recover"): Operation(
        tag="Deliveries",
        description="Starts a recovery, which runs by itself: it sends the deliveries of a time span "
        "again, paced, the oldest first, each in a new round of the retry schedule. It is idempotent: two "
        "recoveries of the same time span send nothing twice.",
        body=Body("NewRecovery", ("recover_deliveries",)),
        response=Answer(202, "The recovery.", _ref("RecoveryV2"), "RecoveryV2"),
        errors=(409,),
    ),
    ("get", "/stores/{store_hash}/v2/hooks/{id}/recoveries/{recovery_id}"): Operation(
        tag="Deliveries",
        description="Returns a recovery with its progress.",
        response=Answer(200, "The recovery.", _ref("RecoveryV2"), "RecoveryV2"),
        right=READ_OAUTH_SCOPE,
    ),
    ("put", f"{_CLIENTS}/{{client_id}}"): Operation(
        tag="Admin",
        description="Creates the client (201), or sets the name of one that exists (200). Only the 201 has "
        "the secret; if it is lost, rotate the secret. Of two requests at the same time, one gets the 201.",
        body=Body("ClientChanges", ("put_client",)),
        response=Answer(201, "The client is created.", _ref("NewClientAnswer"), "NewClientAnswer"),
        otherwise=Answer(200, "The client existed.", _ref("ClientAnswer"), "ClientAnswer"),
        errors=(422,),
        right=ADMIN_OAUTH_SCOPE,
    ),
    ("get", _CLIENTS): Operation(
        tag="Admin",
        description="Returns clients by id, without their secrets. An unknown store has none.",
        query={"limit": _limit(MAX_PAGE_SIZE), "cursor": CLIENT_ID | _CURSOR},
        response=Answer(200, "A page of clients.", _ref("ClientsAnswer"), "ClientsAnswer"),
        right=ADMIN_OAUTH_SCOPE,
    ),
    ("delete", f"{_CLIENTS}/{{client_id}}"): Operation(
        tag="Admin",
        description="Removes the client with its hooks, tokens and secrets, and cancels the deliveries "
        "that wait. The delivery log is deleted after its retention time. A client that does not exist "
        "gets a 204 too. After a 429 or a 5xx, repeat the request to continue.",
        response=Answer(204, "The client is removed."),
        right=ADMIN_OAUTH_SCOPE,
    ),
    ("post", f"{_CLIENTS}/{{client_id}}/rotate-secret"): Operation(
        tag="Admin",
        description="Creates a new secret. The former one signs too for `overlap_hours`. During this time "
        "only an `overlap_hours` of 0 is accepted: it ends the former secret and the current one at once.",
        body=Body("SecretRotation", ("rotate_client_secret",)),
        response=Answer(200, "The new secret.", _ref("NewSecretAnswer"), "NewSecretAnswer"),
        errors=(409, 422),
        right=ADMIN_OAUTH_SCOPE,
    ),
    ("post", f"{_CLIENTS}/{{client_id}}/tokens"): Operation(
        tag="Admin",
        description="Creates a token. All tokens of a client share its hooks and the secret that signs its "
        "deliveries.",
        body=Body("TokenWanted", ("create_token",)),
        response=Answer(201, "The token.", _ref("NewTokenAnswer"), "NewTokenAnswer"),
        errors=(422,),
        right=ADMIN_OAUTH_SCOPE,
    ),
    ("post", f"{_CLIENTS}/{{client_id}}/portal-links"): Operation(
        tag="Admin",
        description="Creates a link that opens the console at this API's address, signed in as the client. "
        "The link has a token of its own, with the OAuth scope `read`, or `default` if not read-only.",
        body=Body("PortalLinkWanted", ("create_portal_link",)),
        response=Answer(201, "The link.", _ref("PortalLinkAnswer"), "PortalLinkAnswer"),
        errors=(422,),
        right=ADMIN_OAUTH_SCOPE,
    ),
    ("get", f"{_CLIENTS}/{{client_id}}/tokens"): Operation(
        tag="Admin",
        description="Returns tokens by id, without their text. An unknown client has none.",
        query={"limit": _limit(MAX_PAGE_SIZE), "cursor": TOKEN_ID | _CURSOR},
        response=Answer(200, "A page of tokens.", _ref("TokensAnswer"), "TokensAnswer"),
        right=ADMIN_OAUTH_SCOPE,
    ),
    ("delete", f"{_CLIENTS}/{{client_id}}/tokens/{{token_id}}"): Operation(
        tag="Admin",
        description="Revokes the token. It works for at most `AuthorizerCacheSeconds` more.",
        response=Answer(204, "The token is revoked."),
        right=ADMIN_OAUTH_SCOPE,
    ),
}
