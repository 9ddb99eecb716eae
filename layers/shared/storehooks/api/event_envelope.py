"""The messages of the events queue: an event in the envelope in which EventBridge sends its entries.

An event that came over HTTP gets the same envelope, so that the queue has only one form. The envelope is part
of the API, not of an adapter: EventBridge sends messages to the queue as well, whose ``detail`` is a
publisher's input, to be checked like a request's body.

No kind of message can be mistaken for another. EventBridge sets ``account`` on each entry of the bus, and
passes on only ``source``, ``detail-type``, ``time``, ``resources`` and ``detail`` of its publisher
(``PutEventsRequestEntry`` has no more). Our messages have no ``account``, but ``client`` if a client
published them over HTTP, and ``recipient`` if they are storehooks' own. A publisher over HTTP controls only
``detail``.
"""

import re
import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from storehooks.api.event_input import NewBusEvent, NewEvent, NewOperationalEvent
from storehooks.api.iso_time import microseconds_of, to_iso
from storehooks.api.operational_envelope import recipient_of
from storehooks.api.strict_json import RefusedJsonError, strict_json
from storehooks.domain.delivery import TIME_END
from storehooks.domain.errors import InvalidRequestError, Problem
from storehooks.domain.event import (
    ID_ACCEPTED,
    OPERATIONAL_PUBLISHER,
    Event,
    bus_publisher,
    client_publisher,
    is_event_id,
)
from storehooks.domain.identity import Caller

if TYPE_CHECKING:
    from storehooks.api.response_types import PublishedV2

_SOURCE = "storehooks.api"
_MAX_TEXT = 1024
"""Maximum characters of names of publishers, recipients and scopes, which are stored and logged."""
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def to_envelope(new: NewEvent, caller: Caller, accepted_at: int) -> dict[str, Any]:
    """The message of an event that a client published over HTTP.

    :param accepted_at: microseconds since 1970.
    """
    return {
        "id": str(uuid.uuid4()),
        "source": _SOURCE,
        "client": caller.client_id,
        "detail-type": new.scope,
        "time": to_iso(accepted_at),
        "detail": {"store_hash": caller.store_hash}
        | {name: value for name, value in new if value is not None},
    }


def published_to_v2(envelope: Mapping[str, Any]) -> "PublishedV2":
    """The event as its publisher sees it. Its id is the publisher's, or otherwise the envelope's."""
    return {"id": envelope["detail"].get("id") or envelope["id"], "scope": envelope["detail-type"]}


def from_envelope(body: str) -> Event:
    """The event in a message of the events queue.

    :raises InvalidRequestError: with every problem in it.
    """
    envelope = _envelope(body)
    detail = envelope["detail"]
    scope = envelope["detail-type"]
    if isinstance(detail, dict) and detail.setdefault("scope", scope) != scope:
        raise InvalidRequestError(Problem("scope", "is not the detail type", "the same scope in both"))
    is_operational = recipient_of(envelope) is not None
    new = (NewOperationalEvent if is_operational else NewBusEvent).parse(detail)
    accepted_at = _accepted_at(envelope["time"])
    return Event(
        id=new.id or envelope["id"],
        has_given_id=new.id is not None,
        publisher=OPERATIONAL_PUBLISHER if is_operational else _publisher(envelope),
        recipient=_text(envelope, "recipient") if is_operational else None,
        publication=envelope["id"],
        store_hash=new.store_hash,
        scope=new.scope,
        data=new.data,
        store_id=None if new.store_id is None else str(new.store_id),
        created_at=accepted_at // 1_000_000 if new.created_at is None else new.created_at,
        accepted_at=accepted_at,
    )


def _envelope(body: str) -> dict[str, Any]:
    try:
        envelope = strict_json(body)
    except RefusedJsonError as error:
        raise InvalidRequestError(Problem("message", str(error), "an EventBridge event")) from None
    if not isinstance(envelope, dict):
        raise InvalidRequestError(Problem("message", "is not a JSON object", "an EventBridge event"))
    for name in ("id", "detail-type", "time"):
        _text(envelope, name)
    if not is_event_id(envelope["id"]):
        raise InvalidRequestError(Problem("id", "is not an event id", ID_ACCEPTED))
    if "detail" not in envelope:
        raise InvalidRequestError(Problem("detail", "is missing", "an EventBridge event"))
    return envelope


def _publisher(envelope: Mapping[str, Any]) -> str | None:
    """The event's publisher; None for a message of 0.2.0 or earlier that came over HTTP."""
    if "account" in envelope:
        return bus_publisher(_text(envelope, "account"), _text(envelope, "source"))
    return client_publisher(_text(envelope, "client")) if "client" in envelope else None


def _text(envelope: Mapping[str, Any], name: str) -> str:
    if not isinstance(text := envelope.get(name), str):
        raise InvalidRequestError(Problem(name, "is missing or not a string", "an EventBridge event"))
    if len(text) > _MAX_TEXT or _LONE_SURROGATE.search(text):
        reason = f"is longer than {_MAX_TEXT} characters, or has a lone surrogate, which is not a character"
        raise InvalidRequestError(Problem(name, reason, "an EventBridge event"))
    return text


def _accepted_at(time: str) -> int:
    """When the event was accepted, in microseconds since 1970."""
    try:
        microseconds = microseconds_of(time)
    except ValueError:
        microseconds = -1
    if not 0 <= microseconds < TIME_END:
        raise InvalidRequestError(
            Problem("time", "is not a time", "ISO 8601 with an offset, from 1970 to 4253")
        )
    return microseconds
