"""What the template does not say of a route: what is sent, and what is answered.

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
    """What a request is answered when all is well. No schema, and there is no body."""

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

    ``otherwise`` is another answer that it has when all is well.
    ``errors`` are the statuses that it answers besides those that every route has; a right
    is the OAuth scope that the token needs, or None where no token is asked for.
    """

    tag: str
    description: str
    response: Answer
    otherwise: Answer | None = None
    query: Mapping[str, Schema] = field(default_factory=dict)
    body: Body | None = None
    errors: tuple[int, ...] = ()
    right: str | None = DEFAULT_OAUTH_SCOPE


# What stands in a path.
PATH: dict[str, Schema] = {
    "store_hash": STORE_HASH | {"description": "The store that the token belongs to.", "example": "5ueh97"},
    "id": NUMBER | {"description": "A hook's id.", "example": 1},
    "delivery_id": DELIVERY_ID | {"example": "msg_0660f86b44ba90d95f5c2a2b1c0c4d8e"},
    "recovery_id": RECOVERY_ID | {"example": "rec_5b1b2c5a1f0e4d0f9d3c4b7f8a6e2d10"},
    "client_id": CLIENT_ID
    | {"description": "The platform's own for the client.", "example": "40c672b9177b5d3a8dbfad24321be15d"},
    "token_id": TOKEN_ID | {"description": "A token's SHA-256.", "example": token_digest("an access token")},
}

_PAGE = NUMBER | {"description": "Counts from 1.", "default": 1}
_NOT_EMPTY: Schema = {"type": "string", "pattern": "[^ ]"}
_FILTERS: dict[str, Schema] = {
    "is_active": {
        "description": "In any letter case; 1 and 0 as well.",
        "anyOf": [
            {"type": "boolean"},
            {"type": "string", "pattern": "^([Tt][Rr][Uu][Ee]|[Ff][Aa][Ll][Ss][Ee]|[01])$"},
        ],
    },
    "scope": _NOT_EMPTY | {"description": "Compared letter by letter with what the hook shows."},
    "destination": _NOT_EMPTY | {"description": "Likewise."},
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
_SEEN = "Unless the token has `default`, the values of headers are `***`."
_SCOPES: Schema = {
    "description": "The OAuth scopes of the token.",
    "type": "string",
    "pattern": "^[a-z]+(, [a-z]+)*$",
}
_RESUMED: dict[str, Schema] = {
    "Location": {
        "description": "The recovery, if the hook resumes.",
        "type": "string",
        "pattern": "^/stores/[a-z0-9]+/v2/hooks/[0-9]+/recoveries/rec_[0-9a-f]{32}$",
    }
}
_CHANGED_V2 = replace(_HOOK_V2, headers=_RESUMED)
_CHANGED_V3 = replace(_HOOK_V3, headers=_RESUMED)
_NEW_HOOK = Body("NewHook", ("create_hook",))
_CHANGES = Body("HookChanges", ("update_hook",))

_CLIENTS = "/admin/v1/stores/{store_hash}/clients"
_CURSOR: Schema = {"description": "`next_cursor` of the page before."}

_STAYS = (
    "Fields that are not given stay as they are. Of two changes at once both are made, or one is refused. "
    "When a paused hook resumes, `Location` names the recovery that sends what was held."
)
_FEW = (
    "A client has at most 10 hooks for one scope, and one for each scope, destination and filter; of all "
    "scopes together 250, and all clients of a store have 2,000, unless the deployment sets other quotas."
)
_WAS = "The answer is the hook as it was. What waits for it is cancelled."
_PINGED = "The hook may be off. Whatever the destination answers, this is a 200 that tells of it."

OPERATIONS: dict[tuple[str, str], Operation] = {
    ("get", "/console"): Operation(
        tag="Console",
        description="A page for people, which calls this API with the token that they give it.",
        response=Answer(200, "The page.", {"type": "string"}, media_type="text/html"),
        right=None,
    ),
    ("get", "/stores/{store_hash}/v2/hooks"): Operation(
        tag="Hooks",
        description=f"Those of the token's client, by id; past the end, none. {_SEEN}",
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
        description=f"Those of the token's client, by id; past the end, none. {_SEEN}",
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
        description="The addresses to write to when failures deactivate a hook, and the hooks' status. "
        f"{_SEEN}",
        query={"page": _PAGE, "limit": _limit(MAX_PAGE_SIZE), **_FILTERS},
        response=Answer(200, "The addresses and a page of hooks.", _ref("AdminAnswerV3"), "AdminAnswerV3"),
        right=READ_OAUTH_SCOPE,
    ),
    ("put", "/stores/{store_hash}/v3/hooks/admin"): Operation(
        tag="Owners",
        description="They are the client's own, for all its hooks in the store. Of addresses that it did not "
        f"name before it may name {MAX_NEW_ADDRESSES} in {NEW_ADDRESSES_DAYS} days; more are a 403.",
        body=Body("AdminChanges", ("update_admin",)),
        response=Answer(204, "They are named."),
        errors=(422,),
    ),
    ("get", "/stores/{store_hash}/v3/hooks/events"): Operation(
        tag="Events",
        description="Those that are being retried, that have exhausted their retries, and that are held: "
        "the newest first, each once. The bounds are about when an event was accepted, both included.",
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
        description="One, or an array of them, of 1 MB in all. They go to each active hook of the store "
        "whose scope is theirs or a wildcard above it.",
        body=Body("Events", ("publish_events",)),
        response=Answer(
            202, "They are accepted.", {"type": "array", "items": _ref("PublishedV2")}, "PublishedV2"
        ),
        right=EVENTS_OAUTH_SCOPE,
    ),
    ("post", "/stores/{store_hash}/v2/events/explain"): Operation(
        tag="Events",
        description="Nothing is published. What would be held is not sent, and the code says why.",
        body=Body("NewEvent", ("explain_event",)),
        response=Answer(
            200, "Of each of the client's hooks, by id.", _ref("ExplanationsV2"), "ExplanationsV2"
        ),
    ),
    ("get", "/stores/{store_hash}/v2/hooks/{id}/deliveries"): Operation(
        tag="Deliveries",
        description="The newest first. A delivery is here from its first attempt on.",
        query={
            "status": {"type": "string", "enum": list(map(str, Status))},
            "limit": _limit(DELIVERIES_PAGE_SIZE),
            "cursor": DELIVERY_ID | {"description": "`next_cursor` of the page before."},
            "find": _NOT_EMPTY
            | {
                "description": "Only those of events with this id, or with this `data.id`. Looking for them "
                "is bounded: a page may have none, and a `next_cursor` to look further back.",
                "maxLength": MAX_FIND_LENGTH,
            },
        },
        response=Answer(200, "A page of deliveries.", _ref("DeliveriesV2"), "DeliveriesV2"),
        right=READ_OAUTH_SCOPE,
    ),
    ("get", "/stores/{store_hash}/v2/hooks/{id}/deliveries/{delivery_id}"): Operation(
        tag="Deliveries",
        description="With its payload and the first KB of each answer, in which the values of the hook's "
        "headers are `***` unless the token has `default`.",
        response=Answer(200, "The delivery.", _ref("WholeDeliveryV2"), "WholeDeliveryV2"),
        right=READ_OAUTH_SCOPE,
    ),
    ("post", "/stores/{store_hash}/v2/hooks/{id}/deliveries/{delivery_id}/redeliver"): Operation(
        tag="Deliveries",
        description="One that has ended begins a new round of its schedule; one that is being retried has "
        "its next attempt now; one that is pending stays as it is.",
        response=Answer(202, "The delivery as it is now.", _ref("DeliveryV2"), "DeliveryV2"),
        errors=(409,),
    ),
    ("get", "/stores/{store_hash}/v2/hooks/{id}/stats"): Operation(
        tag="Deliveries",
        description="Of the deliveries whose events were accepted from `since` on and before `until`: the "
        f"last 24 hours unless they are given. `step`, in seconds, divides that time into {MAX_STEPS} "
        "steps at most. What takes too long is left out, and `covers` says from when on all was counted.",
        query={
            "since": _BOUND,
            "until": _BOUND,
            "step": NUMBER | {"description": "Seconds. No steps unless it is given."},
        },
        response=Answer(200, "The figures.", _ref("HookStatsV2"), "HookStatsV2"),
        right=READ_OAUTH_SCOPE,
    ),
    ("post", "/stores/{store_hash}/v2/hooks/{id}/ping"): Operation(
        tag="Deliveries",
        description=_PINGED,
        response=Answer(200, "What came of it.", _ref("PingV2"), "PingV2"),
        errors=(409,),
    ),
    ("post", "/stores/{store_hash}/v2/hooks/{id}/pull"): Operation(
        tag="Deliveries",
        description="Of a hook with the destination `pull:`: acknowledges deliveries, and gives out others, "
        "as they would have been sent. It answers at once, also when nothing waits.",
        body=Body("NewPull", ("pull_deliveries",)),
        response=Answer(200, "What is given out.", _ref("PulledV2"), "PulledV2"),
        errors=(409,),
    ),
    ("post", "/stores/{store_hash}/v2/hooks/{id}/recover"): Operation(
        tag="Deliveries",
        description="All of the time that is asked for: paced, the oldest first, each in a new round of its "
        "schedule. It goes on by itself; ordering it twice sends nothing twice.",
        body=Body("NewRecovery", ("recover_deliveries",)),
        response=Answer(202, "The recovery.", _ref("RecoveryV2"), "RecoveryV2"),
        errors=(409,),
    ),
    ("get", "/stores/{store_hash}/v2/hooks/{id}/recoveries/{recovery_id}"): Operation(
        tag="Deliveries",
        description="How far it has got.",
        response=Answer(200, "The recovery.", _ref("RecoveryV2"), "RecoveryV2"),
        right=READ_OAUTH_SCOPE,
    ),
    ("put", f"{_CLIENTS}/{{client_id}}"): Operation(
        tag="Admin",
        description="Of two at once, one makes the client and is answered 201. The secret is in that answer "
        "alone; whoever has lost it rotates the secret.",
        body=Body("ClientChanges", ("put_client",)),
        response=Answer(201, "The client is new.", _ref("NewClientAnswer"), "NewClientAnswer"),
        otherwise=Answer(200, "The client was there.", _ref("ClientAnswer"), "ClientAnswer"),
        errors=(422,),
        right=ADMIN_OAUTH_SCOPE,
    ),
    ("get", _CLIENTS): Operation(
        tag="Admin",
        description="By id, without secrets. Of a store that is not known there are none.",
        query={"limit": _limit(MAX_PAGE_SIZE), "cursor": CLIENT_ID | _CURSOR},
        response=Answer(200, "A page of clients.", _ref("ClientsAnswer"), "ClientsAnswer"),
        right=ADMIN_OAUTH_SCOPE,
    ),
    ("delete", f"{_CLIENTS}/{{client_id}}"): Operation(
        tag="Admin",
        description="What waits for its hooks is cancelled; the delivery log ends by its retention. It is a "
        "204 too when there is no such client. After a 429 or a 5xx, a repeat goes on.",
        response=Answer(204, "The client is gone."),
        right=ADMIN_OAUTH_SCOPE,
    ),
    ("post", f"{_CLIENTS}/{{client_id}}/rotate-secret"): Operation(
        tag="Admin",
        description="While a former secret signs, only 0 is accepted, which ends it and the present one.",
        body=Body("SecretRotation", ("rotate_client_secret",)),
        response=Answer(200, "The new secret.", _ref("NewSecretAnswer"), "NewSecretAnswer"),
        errors=(409, 422),
        right=ADMIN_OAUTH_SCOPE,
    ),
    ("post", f"{_CLIENTS}/{{client_id}}/tokens"): Operation(
        tag="Admin",
        description="It shares the client's hooks and the secret that signs its deliveries.",
        body=Body("TokenWanted", ("create_token",)),
        response=Answer(201, "The token.", _ref("NewTokenAnswer"), "NewTokenAnswer"),
        errors=(422,),
        right=ADMIN_OAUTH_SCOPE,
    ),
    ("post", f"{_CLIENTS}/{{client_id}}/portal-links"): Operation(
        tag="Admin",
        description="It leads to the console of the address that this request was sent to, and signs in as "
        "the client by a token of its own, with the OAuth scope `read`, or `default` if not read-only.",
        body=Body("PortalLinkWanted", ("create_portal_link",)),
        response=Answer(201, "The link.", _ref("PortalLinkAnswer"), "PortalLinkAnswer"),
        errors=(422,),
        right=ADMIN_OAUTH_SCOPE,
    ),
    ("get", f"{_CLIENTS}/{{client_id}}/tokens"): Operation(
        tag="Admin",
        description="By id, without the tokens themselves. Of a client that is not known there are none.",
        query={"limit": _limit(MAX_PAGE_SIZE), "cursor": TOKEN_ID | _CURSOR},
        response=Answer(200, "A page of tokens.", _ref("TokensAnswer"), "TokensAnswer"),
        right=ADMIN_OAUTH_SCOPE,
    ),
    ("delete", f"{_CLIENTS}/{{client_id}}/tokens/{{token_id}}"): Operation(
        tag="Admin",
        description="It works no more within `AuthorizerCacheSeconds`.",
        response=Answer(204, "The token is worth nothing."),
        right=ADMIN_OAUTH_SCOPE,
    ),
}
