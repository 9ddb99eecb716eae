"""The schemas of requests and responses.

Types and required fields are those of the models and of ``storehooks.api.response_types``. What a
validator checks beyond a type is written here, in the terms of JSON Schema and with the
limits of the domain; where those terms do not suffice, the description says the rest.
"""

import re
from typing import Any

from pydantic import BaseModel, ConfigDict, TypeAdapter

from storehooks.api import response_types
from storehooks.api.admin_input import READ_ONLY_FIELDS as READ_ONLY_ADMIN_FIELDS
from storehooks.api.admin_input import AdminChanges
from storehooks.api.errors import MAX_PROBLEMS
from storehooks.api.event_input import MAX_EVENTS, NewEvent
from storehooks.api.hook_input import LIBRARIES_FIELDS, READ_ONLY_FIELDS, HookChanges, NewHook
from storehooks.api.provisioning_input import ClientChanges, PortalLinkWanted, SecretRotation, TokenWanted
from storehooks.api.pull_input import NewPull
from storehooks.api.recovery_input import NewRecovery
from storehooks.domain import (
    client,
    destination,
    email_address,
    event_filter,
    headers,
    portal_link,
    rate,
    scope,
)
from storehooks.domain.event import (
    DATA_ACCEPTED,
    ID_ACCEPTED,
    LATEST,
    MAX_ID_LENGTH,
    STORE_ID_ACCEPTED,
)
from storehooks.domain.identity import OAUTH_SCOPES
from storehooks.domain.pull import (
    DEFAULT_PULLED,
    DEFAULT_VISIBILITY_SECONDS,
    MAX_ACKNOWLEDGED,
    MAX_POLL_SECONDS,
    MAX_PULLED,
    MAX_VISIBILITY_SECONDS,
)
from storehooks.domain.recovery import MISSED, RECOVERABLE

type Schema = dict[str, Any]

_REF = "#/components/schemas/"
_INPUTS: tuple[type[BaseModel], ...] = (
    NewHook,
    HookChanges,
    NewEvent,
    NewRecovery,
    NewPull,
    AdminChanges,
    ClientChanges,
    SecretRotation,
    TokenWanted,
    PortalLinkWanted,
)
_ANSWERS = (
    response_types.HookV2,
    response_types.DeliveriesV2,
    response_types.WholeDeliveryV2,
    response_types.PingV2,
    response_types.RecoveryV2,
    response_types.HookStatsV2,
    response_types.PulledV2,
    response_types.PublishedV2,
    response_types.ExplanationsV2,
    response_types.CallbackV2,
    response_types.ErrorV2,
    response_types.HookAnswerV3,
    response_types.HooksAnswerV3,
    response_types.AdminAnswerV3,
    response_types.EventsAnswerV3,
    response_types.ClientAnswer,
    response_types.NewClientAnswer,
    response_types.ClientsAnswer,
    response_types.NewSecretAnswer,
    response_types.NewTokenAnswer,
    response_types.PortalLinkAnswer,
    response_types.TokensAnswer,
    response_types.ErrorV3,
)

STORE_HASH: Schema = {"type": "string", "pattern": "^[A-Za-z0-9]{1,64}$"}
# As large as a path or a query may have them: 18 digits.
NUMBER: Schema = {"type": "integer", "minimum": 1, "maximum": 10**18 - 1}
DELIVERY_ID: Schema = {"type": "string", "pattern": "^msg_[0-9a-f]{32}$"}
CLIENT_ID: Schema = {"type": "string", "pattern": "^[0-9a-f]{32}$"}
TOKEN_ID: Schema = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
RECOVERY_ID: Schema = {"type": "string", "pattern": "^rec_[0-9a-f]{32}$"}
TIME: Schema = {"type": "string", "format": "date-time"}

_PLACEHOLDER = "{channel_id}"
# No control character, line separator or replacement character; and, at either end, no white space.
_WITHIN = r"[^\u0000-\u001F\u007F-\u009F\u2028\u2029\uFFFD]"
_AT_ENDS = r"[^\u0000-\u0020\u007F-\u00A0\u1680\u2000-\u200A\u2028\u2029\u202F\u205F\u3000\uFFFD]"


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:]


_HEADERS: Schema = {
    "type": "object",
    "maxProperties": headers.MAX_HEADERS,
    "propertyNames": {
        "pattern": r"^[A-Za-z0-9!#$%&'*+\-.^_`|~]+$",
        "maxLength": headers.MAX_NAME_BYTES,
    },
    "additionalProperties": {
        "type": "string",
        "pattern": f"^({_AT_ENDS}({_WITHIN}*{_AT_ENDS})?)?$",
        "maxLength": headers.MAX_VALUE_BYTES,
    },
}
# What is accepted is at most one decimal. `multipleOf: 0.1` would say so, but by floats 0.3 is none.
_RATE: Schema = {"type": "number", "minimum": rate.MIN_PER_SECOND, "maximum": rate.MAX_PER_SECOND}
_HOOK_FIELDS: dict[str, Schema] = {
    "scope": {"$ref": _REF + "HookScope"},
    "destination": {
        "description": "An https URL with a public host, and port 443 or none. If the deployment has "
        "AllowPrivateDestinations, any http or https URL. Names in other scripts are stored in their ASCII "
        f"form. Or `{destination.PULLED}`: the deliveries wait until a consumer pulls them. One kind cannot "
        "become the other.",
        "anyOf": [
            {
                "type": "string",
                "format": "uri",
                "pattern": "^[Hh][Tt][Tt][Pp][Ss]?://",
                "maxLength": destination.MAX_LENGTH,
            },
            {"const": destination.PULLED},
        ],
    },
    "headers": {
        "description": f"Headers that each delivery carries besides its own: {headers.ACCEPTED}. Names that "
        "storehooks sets itself, such as `host`, `content-type` or `webhook-id`, are refused.",
        "anyOf": [
            _HEADERS,
            {"type": "null"},
            {"description": "The same as an empty object.", "type": "array", "maxItems": 0},
        ],
    },
    "is_active": {"description": "Whether events are sent.", "type": "boolean"},
    "filter": {
        "description": "Selects the events of the scope that are sent: an EventBridge event pattern over the "
        f"callback's body, of at most {event_filter.MAX_FILTER_BYTES} bytes. null: all events are sent.",
        "anyOf": [{"$ref": _REF + "EventPattern"}, {"type": "null"}],
    },
    "max_per_second": {
        "description": "The maximum number of attempts that begin in a second, with one decimal. null: no "
        "limit. A pulled hook takes only null.",
        "anyOf": [_RATE, {"type": "null"}],
    },
    "is_paused": {
        "description": "Whether deliveries are held until the hook resumes. Pausing cancels nothing; "
        "setting `is_active` to false does.",
        "type": "boolean",
    },
}
_IGNORED: Schema = {"description": "Ignored: the service sets it."}
_IGNORED_OF_LIBRARIES: Schema = {"description": "Ignored: a client library adds it."}

_RECOVERABLE: Schema = {"type": "string", "enum": list(map(str, RECOVERABLE))}

# Of each model, the whole of its fields: they take the place of what pydantic says of them.
_FIELDS: dict[str, dict[str, Schema]] = {
    "NewHook": _HOOK_FIELDS | {"is_active": {**_HOOK_FIELDS["is_active"], "default": False}},
    "HookChanges": _HOOK_FIELDS,
    "NewEvent": {
        "scope": {"$ref": _REF + "EventScope"},
        "data": {"description": f"{_sentence(DATA_ACCEPTED)}.", "type": ["object", "array"]},
        "id": {
            "description": f"{_sentence(ID_ACCEPTED)}. By default a new id. It belongs to the client: of the "
            "events that the client publishes with the same id within a day, only the first is sent.",
            "anyOf": [
                {"type": "string", "pattern": f"^[\\x21-\\x7e]{{1,{MAX_ID_LENGTH}}}$"},
                {"type": "null"},
            ],
        },
        "store_id": {
            "description": f"The store's number: {STORE_ID_ACCEPTED}. Callbacks carry it as a string.",
            "anyOf": [
                {"type": "integer", "minimum": 0, "maximum": 10**20 - 1},
                {"type": "string", "pattern": "^[0-9]{1,20}$"},
                {"type": "null"},
            ],
        },
        "created_at": {
            "description": "Seconds since 1970, by default now.",
            "anyOf": [{"type": "integer", "minimum": 0, "maximum": LATEST}, {"type": "null"}],
        },
    },
    "NewRecovery": {
        "since": TIME
        | {
            "description": "The start of the time span, in the past. It selects deliveries by when their "
            "events were accepted."
        },
        "until": {
            "description": "The end of the time span, by default now. Both ends are included.",
            "anyOf": [TIME, {"type": "null"}],
        },
        "status": {
            "description": "The statuses of the deliveries that are sent again.",
            "default": list(map(str, MISSED)),
            "anyOf": [_RECOVERABLE, {"type": "array", "minItems": 1, "items": _RECOVERABLE}],
        },
    },
    "NewPull": {
        "max": {
            "description": "The maximum number of deliveries. There are fewer if they are large.",
            "type": "integer",
            "minimum": 1,
            "maximum": MAX_PULLED,
            "default": DEFAULT_PULLED,
        },
        "visibility_seconds": {
            "description": "The time in seconds for which no other consumer gets these deliveries. Then "
            "they are returned again, unless they are acknowledged.",
            "type": "integer",
            "minimum": 1,
            "maximum": MAX_VISIBILITY_SECONDS,
            "default": DEFAULT_VISIBILITY_SECONDS,
        },
        "ack": {
            "description": "The ids of deliveries that are processed. Other ids are not an error: "
            "`not_acknowledged` lists them.",
            "type": "array",
            "maxItems": MAX_ACKNOWLEDGED,
            "items": {"type": "string"},
            "default": [],
        },
    },
    "AdminChanges": {
        "emails": {
            "description": f"{_sentence(email_address.ACCEPTED)}. They replace the previous ones; "
            "`[]` removes them.",
            "type": "array",
            "maxItems": email_address.MAX_ADDRESSES,
            "uniqueItems": True,
            "items": {"type": "string", "format": "email", "maxLength": email_address.MAX_LENGTH},
        }
    },
    "ClientChanges": {
        "name": {
            "description": "The client's name, for people.",
            "type": "string",
            "minLength": 1,
            "maxLength": client.MAX_NAME_LENGTH,
            "pattern": r"^[^\u0000-\u001F\u007F-\u009F\u2028\u2029]*$",
        }
    },
    "SecretRotation": {
        "overlap_hours": {
            "description": "The time in hours for which the former secret signs too. 0 ends it at once.",
            "type": "integer",
            "minimum": 0,
            "maximum": client.MAX_OVERLAP_HOURS,
        }
    },
    "TokenWanted": {
        "oauth_scopes": {
            "description": "The OAuth scopes of the token.",
            "type": "array",
            "minItems": 1,
            "items": {"type": "string", "enum": list(OAUTH_SCOPES)},
        },
        "expires_in_seconds": {
            "description": "Seconds until the token expires. If null or left out, it never expires.",
            "anyOf": [
                {
                    "type": "integer",
                    "minimum": client.MIN_TOKEN_SECONDS,
                    "maximum": client.MAX_TOKEN_SECONDS,
                },
                {"type": "null"},
            ],
        },
    },
    "PortalLinkWanted": {
        "expires_in_seconds": {
            "description": "Seconds until the link expires.",
            "type": "integer",
            "minimum": portal_link.MIN_SECONDS,
            "maximum": portal_link.MAX_SECONDS,
        },
        "read_only": {
            "description": "Whether the link only shows things. It then shows no values of headers.",
            "type": "boolean",
            "default": True,
        },
    },
}
_OF_CLIENT: dict[str, Schema] = {
    "client_id": CLIENT_ID,
    "created_at": TIME,
    "previous_secret_until": {"format": "date-time"},
}
_OF_TOKEN: dict[str, Schema] = {"id": TOKEN_ID, "created_at": TIME, "expires_at": {"format": "date-time"}}
_ANSWER_FIELDS: dict[str, dict[str, Schema]] = {
    "HookV2": {"created_at": TIME, "updated_at": TIME, "deactivated_at": TIME, "paused_at": TIME},
    "AttemptV2": {"at": TIME},
    "WholeAttemptV2": {"at": TIME},
    "DeliveryV2": {"id": DELIVERY_ID, "created_at": TIME, "next_attempt_at": {"format": "date-time"}},
    "WholeDeliveryV2": {"id": DELIVERY_ID, "created_at": TIME, "next_attempt_at": {"format": "date-time"}},
    "PingV2": {"id": DELIVERY_ID, "scope": {"const": "store/hook/ping"}},
    "RecoveryV2": {
        "id": RECOVERY_ID,
        "since": TIME,
        "until": TIME,
        "held_since": TIME,
        "created_at": TIME,
        "updated_at": TIME,
        "finished_at": {"format": "date-time"},
    },
    "StepV2": {"since": TIME},
    "CoversV2": {"since": TIME, "until": TIME},
    "StatsV2": {"oldest_waiting_at": {"format": "date-time"}},
    "PulledDeliveryV2": {"id": DELIVERY_ID},
    "PulledV2": {
        "data": {"maxItems": MAX_PULLED},
        "poll_after_seconds": {"minimum": 0, "maximum": MAX_POLL_SECONDS},
    },
    "HookV3": {"events_history_enabled": {"const": False}},
    "HookWithStatusV3": {"events_history_enabled": {"const": False}},
    "AdminV3": {"blocked_domains": {"maxItems": 0}},
    **dict.fromkeys(("ProvisionedClient", "NewClient", "ListedClient"), _OF_CLIENT),
    "RotatedSecret": {
        "client_id": CLIENT_ID,
        "previous_secret_until": {"format": "date-time"},
    },
    "ListedToken": _OF_TOKEN,
    "ProvisionedToken": _OF_TOKEN,
    "PortalLink": {"url": {"format": "uri"}, "expires_at": {"format": "date-time"}},
    # The header that a response of the gateway's own names; the template has the words.
    "ErrorDetails": {"X-Auth-Token": {"type": "string", "description": "What is wrong with the token."}},
}


def component_schemas() -> dict[str, Schema]:
    """All schemas by name; every object is closed, so that a field too many is found."""
    found = _own_schemas() | _generated()
    for model in _INPUTS:
        _describe_input(model, found[model.__name__])
    for name, fields in _ANSWER_FIELDS.items():
        for field, schema in fields.items():
            found[name]["properties"].setdefault(field, {}).update(schema)
    return {name: _tidy(found[name]) for name in sorted(found)}


def ref(name: str) -> Schema:
    """A reference to one of them."""
    return {"$ref": _REF + name}


def _generated() -> dict[str, Schema]:
    """The schemas that pydantic makes of the models and the typed dictionaries."""
    # In a tuple, because a dictionary takes no settings but those of what it is in.
    every_type: Any = tuple.__class_getitem__((*_INPUTS, *_ANSWERS))
    every = TypeAdapter[Any](
        every_type,
        config=ConfigDict(extra="forbid", use_attribute_docstrings=True),
    )
    definitions: dict[str, Schema] = every.json_schema(ref_template=_REF + "{model}")["$defs"]
    return definitions


def _describe_input(model: type[BaseModel], schema: Schema) -> None:
    fields = _FIELDS[model.__name__]
    if fields.keys() != model.model_fields.keys():
        raise LookupError(f"{model.__name__} has other fields than _FIELDS in {__name__} describes: add them")
    schema["properties"] = dict(fields)
    if model is AdminChanges:
        schema["properties"] |= dict.fromkeys(sorted(READ_ONLY_ADMIN_FIELDS), _IGNORED)
    if issubclass(model, NewHook | HookChanges):
        schema["properties"] |= dict.fromkeys(sorted(READ_ONLY_FIELDS), _IGNORED)
        schema["properties"] |= dict.fromkeys(sorted(LIBRARIES_FIELDS), _IGNORED_OF_LIBRARIES)
    if model is HookChanges:
        schema["anyOf"] = [{"required": [field]} for field in fields]


def _event_pattern() -> Schema:
    """The shape of a pattern. The service checks the values of operators."""
    operator = {
        "type": "object",
        "minProperties": 1,
        "maxProperties": 1,
        "propertyNames": {"enum": list(event_filter.OPERATORS)},
    }
    scalar = {"type": ["string", "number", "boolean", "null"]}
    return {
        "description": "Every field must match, by one of its alternatives. docs/choosing-events.md lists "
        "the operators.",
        "type": "object",
        "minProperties": 1,
        "properties": {"$or": {"type": "array", "minItems": 2, "items": ref("EventPattern")}},
        "additionalProperties": {
            "anyOf": [
                ref("EventPattern"),
                {"type": "array", "minItems": 1, "items": {"anyOf": [scalar, operator]}},
            ]
        },
    }


def _own_schemas() -> dict[str, Schema]:
    """Schemas without a model of their own."""
    events = set(scope.catalogue())
    return {
        "EventPattern": _event_pattern(),
        "EventScope": _scopes(set(scope.published()), "The scope of a published event."),
        "HookScope": _scopes(
            events | scope.wildcards(), "The scope of a hook: an event's scope, or a wildcard above one."
        ),
        "Events": {
            "description": f"An event, or an array of at most {MAX_EVENTS} events. All are accepted, or "
            "none.",
            "oneOf": [
                ref("NewEvent"),
                {"type": "array", "minItems": 1, "maxItems": MAX_EVENTS, "items": ref("NewEvent")},
            ],
        },
        "ErrorsV2": {
            "description": "All problems of a request, one object each.",
            "type": "array",
            "minItems": 1,
            "maxItems": MAX_PROBLEMS,
            "items": ref("ErrorV2"),
        },
    }


def _scopes(names: set[str], description: str) -> Schema:
    """Names as they are, and a pattern for those with a channel's number in them."""
    of_channels = sorted(name for name in names if _PLACEHOLDER in name)
    pattern = "|".join(
        re.escape(name).replace(re.escape(_PLACEHOLDER), "[1-9][0-9]{0,17}") for name in of_channels
    )
    return {
        "description": f"{description} `{_PLACEHOLDER}` in the catalogue stands for a channel's number.",
        "type": "string",
        "anyOf": [{"enum": sorted(names - set(of_channels))}, {"pattern": f"^({pattern})$"}],
    }


def _tidy(value: Any) -> Any:
    """Without the titles that pydantic gives, which say what the names say already."""
    if isinstance(value, dict):
        return {
            key: _tidy(entry)
            for key, entry in value.items()
            if not (key == "title" and isinstance(entry, str))
        }
    return [_tidy(entry) for entry in value] if isinstance(value, list) else value
