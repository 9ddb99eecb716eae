"""An event of a store, as it was published."""

import hashlib
import re
from dataclasses import dataclass
from enum import Enum
from typing import Any

from storehooks.domain.errors import InvalidValueError
from storehooks.domain.exact_json import Number, decimal_value, dumps

type Data = dict[str, object] | list[object]

MAX_DATA_BYTES = 64 * 1024
MAX_ID_LENGTH = 128
LATEST = 253_402_300_799  # the end of the year 9999

OPERATIONAL_PUBLISHER = "storehooks"
"""The publisher of storehooks' own events. The names of clients and accounts have another form."""

MAX_DATA_DEPTH = 100
DATA_ACCEPTED = (
    f"an object or an array, of at most {MAX_DATA_BYTES} bytes as compact JSON in UTF-8, "
    f"nested at most {MAX_DATA_DEPTH} deep"
)
ID_ACCEPTED = f"a string of 1 to {MAX_ID_LENGTH} visible ASCII characters"
STORE_ID_ACCEPTED = "an integer or a string of digits, at most 20 of them"
CREATED_AT_ACCEPTED = f"whole seconds since 1970, from 0 to {LATEST}"

_HASH_IN_PAYLOAD = re.compile(
    r'"hash":"([0-9a-f]{40})","created_at":[0-9]+,"producer":"stores/[A-Za-z0-9]+"}$', re.ASCII
)
_ID = re.compile(rf"[\x21-\x7e]{{1,{MAX_ID_LENGTH}}}", re.ASCII)
_STORE_ID = re.compile(r"[0-9]{1,20}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """An event that was accepted.

    ``publisher`` identifies the publisher that gave the event its id. It is None in messages of 0.2.0 or
    earlier that came over HTTP.
    ``recipient`` is the only client whose hooks get the event; None if all clients' hooks may.
    ``publication`` identifies one act of publishing. An event with an id of its publisher is published once a
    day; ``publication`` distinguishes a repeat of its message from another publication.
    ``created_at`` is the publisher's time in whole seconds since 1970, ``accepted_at`` ours in microseconds.
    """

    id: str
    has_given_id: bool
    publisher: str | None = None
    recipient: str | None = None
    publication: str
    store_hash: str
    scope: str
    data: Data
    store_id: str | None
    created_at: int
    accepted_at: int

    @property
    def log_keys(self) -> dict[str, Any]:
        """What follows it through the logs."""
        keys = {"store_hash": self.store_hash, "event_id": self.id, "scope": self.scope}
        return keys if self.publisher is None else keys | {"publisher": self.publisher}

    @property
    def hash(self) -> str:
        """The hash by which receivers recognise a repeat, see :func:`event_hash`."""
        return event_hash(self.store_hash, self.id, self.publisher if self.has_given_id else None)

    @property
    def content_digest(self) -> str:
        """SHA-256 in hex of scope and data as canonical JSON, which are the same in a repeat."""
        return hashlib.sha256(canonical_json([self.scope, self.data]).encode()).hexdigest()

    def payload(self) -> str:
        """The body of the event's deliveries, as compact JSON."""
        return dumps(self.callback())

    def callback(self) -> dict[str, Any]:
        """The payload of the event's deliveries: a BigCommerce callback."""
        return {
            "scope": self.scope,
            "store_id": self.store_id,
            "data": self.data,
            "hash": self.hash,
            "created_at": self.created_at,
            "producer": f"stores/{self.store_hash}",
        }


def event_hash(store_hash: str, event_id: str, giver: str | None) -> str:
    """40 hex digits, the same for the same store, event id and giver.

    :param giver: the publisher that gave the event its id; None if none did.
    """
    named = [store_hash, event_id] if giver is None else [store_hash, event_id, giver]
    return hashlib.sha256("\0".join(named).encode()).hexdigest()[:40]


def hash_in(payload: str) -> str | None:
    """The event's hash in a delivery's body; None if the body is not a callback."""
    found = _HASH_IN_PAYLOAD.search(payload)
    return None if found is None else found[1]


def client_publisher(client_id: str) -> str:
    """The name of a client as a publisher over HTTP."""
    return f"client:{client_id}"


def bus_publisher(account: str, source: str) -> str:
    """The name of an account as a publisher on the event bus, with the source that it names."""
    return f"bus:{account}:{source}"


class IdUse(Enum):
    """Whether the id that a publisher gave an event was used before."""

    NEW = "new"
    """No other publication of this publisher has used it within the last day."""
    REPEAT = "repeat"
    """Another publication has used it, with the same scope and data."""
    CONFLICT = "conflict"
    """Another publication has used it, with another scope or other data."""


def canonical_json(value: object) -> str:
    """JSON that is the same for equal values: keys are sorted, and equal numbers have one form."""
    return dumps(_canonical(value))


def _canonical(value: object) -> object:
    match value:
        case dict():
            return {key: _canonical(one) for key, one in sorted(value.items())}
        case list():
            return [_canonical(one) for one in value]
        case float() | Number():
            return decimal_value(value)
        case _:
            return value


def check_data(data: Data) -> Data:
    """Check an event's data, and return it unchanged.

    :raises InvalidValueError: if it breaks a rule.
    """
    if _depth(data) > MAX_DATA_DEPTH:
        raise InvalidValueError("is nested too deeply", DATA_ACCEPTED)
    try:
        size = len(dumps(data).encode())
    except UnicodeEncodeError:
        raise InvalidValueError("has a lone surrogate, which is not a character", DATA_ACCEPTED) from None
    except ValueError:
        raise InvalidValueError("has a number out of range", DATA_ACCEPTED) from None
    if size > MAX_DATA_BYTES:
        raise InvalidValueError(f"has {size} bytes", DATA_ACCEPTED)
    return data


def _depth(data: Data) -> int:
    """How deeply data is nested, counted up to the first level that is too deep."""
    depth, level = 0, [data]
    while level and depth <= MAX_DATA_DEPTH:
        depth += 1
        values = [value for one in level for value in (one.values() if isinstance(one, dict) else one)]
        level = [value for value in values if isinstance(value, dict | list)]
    return depth


def is_event_id(text: str) -> bool:
    """Whether a text has the form of an event's id: 1 to 128 visible ASCII characters."""
    return _ID.fullmatch(text) is not None


def check_event_id(text: str) -> str:
    """Check an event's id, and return it unchanged.

    :raises InvalidValueError: if it breaks a rule.
    """
    if not is_event_id(text):
        raise InvalidValueError("is not an event id", ID_ACCEPTED, given=text)
    return text


def check_store_id(given: int | str) -> str:
    """Check a store's number, and return it as the string that callbacks carry.

    :raises InvalidValueError: if it breaks a rule.
    """
    text = str(given)
    if not _STORE_ID.fullmatch(text):
        raise InvalidValueError("is not a store id", STORE_ID_ACCEPTED, given=text)
    return text


def check_created_at(seconds: int) -> int:
    """Check an event's time, in seconds since 1970, and return it unchanged.

    :raises InvalidValueError: if it is out of range.
    """
    if not 0 <= seconds <= LATEST:
        raise InvalidValueError("is not a time", CREATED_AT_ACCEPTED, given=str(seconds))
    return seconds
