"""Events as publishers send them: over HTTP, and as entries of the event bus.

Either way an event travels in the form in which EventBridge hands its entries on, an
envelope with the event as its ``detail``, so that the events queue knows one form alone.
"""

import json
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    StrictInt,
    StrictStr,
    ValidationError,
)

from storehooks.api.problems import problems_of
from storehooks.domain import event as events
from storehooks.domain import scope as scopes
from storehooks.domain.delivery import TIME_END
from storehooks.domain.errors import InvalidRequestError, Problem
from storehooks.domain.event import Event
from storehooks.domain.identity import check_store_hash

if TYPE_CHECKING:
    from storehooks.api.answers import PublishedV2

MOST_EVENTS = 100
MOST_BYTES = 1024 * 1024
"""What one request may publish."""

SOURCE = "storehooks.api"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def _whole(value: object) -> object:
    """An integer, also where it is written as 250.0, which in JSON is the same number."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Whole = Annotated[StrictInt, BeforeValidator(_whole)]


class NewEvent(BaseModel):
    """One event, as it is published over HTTP."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    scope: Annotated[StrictStr, AfterValidator(scopes.check_event_scope)]
    data: Annotated[dict[str, Any] | list[Any], AfterValidator(events.check_data)]
    id: Annotated[StrictStr, AfterValidator(events.check_event_id)] | None = None
    store_id: Annotated[Whole | StrictStr, AfterValidator(events.check_store_id)] | None = None
    created_at: Annotated[Whole, AfterValidator(events.check_created_at)] | None = None

    @classmethod
    def parse(cls, value: object, *, where: str = "") -> Self:
        """The event that a JSON value describes.

        :param where: what goes before a field's name in an error.
        :raises InvalidRequestError: with every problem in it.
        """
        try:
            return cls.model_validate(value)
        except ValidationError as error:
            raise InvalidRequestError(*problems_of(error, cls.accepted(), where=where)) from None

    @classmethod
    def parse_all(cls, values: list[Any], *, in_array: bool) -> list[Self]:
        """All events of a request, or :class:`InvalidRequestError` with every problem in any."""
        parsed: list[Self] = []
        problems: list[Problem] = []
        for position, value in enumerate(values):
            try:
                parsed.append(cls.parse(value, where=f"[{position}]." if in_array else ""))
            except InvalidRequestError as error:
                problems += error.problems
        if problems:
            raise InvalidRequestError(*problems)
        return parsed

    @classmethod
    def accepted(cls) -> Mapping[str, str]:
        """All fields there are, and what each may be."""
        return _ACCEPTED


class NewBusEvent(NewEvent):
    """One event, as it is the detail of an entry on the bus: it names its store, and need not its scope."""

    store_hash: Annotated[StrictStr, AfterValidator(check_store_hash)]

    @classmethod
    def accepted(cls) -> Mapping[str, str]:
        """All fields there are, and what each may be."""
        return _ACCEPTED | {"store_hash": "a string: 1 to 64 letters and digits"}


_ACCEPTED = {
    "scope": f"a string: {scopes.EVENT_ACCEPTED}",
    "data": events.DATA_ACCEPTED,
    "id": events.ID_ACCEPTED,
    "store_id": events.STORE_ID_ACCEPTED,
    "created_at": events.CREATED_AT_ACCEPTED,
}


def to_envelope(new: NewEvent, store_hash: str, accepted_at: int) -> dict[str, Any]:
    """The message of an event that was published over HTTP.

    :param accepted_at: microseconds since 1970.
    """
    return {
        "id": str(uuid.uuid4()),
        "source": SOURCE,
        "detail-type": new.scope,
        "time": (_EPOCH + accepted_at * _MICROSECOND).isoformat(),
        "detail": {"store_hash": store_hash, **new.model_dump(exclude_none=True)},
    }


def published_to_v2(envelope: Mapping[str, Any]) -> "PublishedV2":
    """The event of a message as its publisher sees it. Its id is the publisher's, or else the message's."""
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
    new = NewBusEvent.parse(detail)
    accepted_at = _time(envelope)
    return Event(
        id=new.id or envelope["id"],
        has_given_id=new.id is not None,
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
        envelope = json.loads(body)
    except (ValueError, RecursionError):
        raise InvalidRequestError(Problem("message", "is not JSON", "an EventBridge event")) from None
    if not isinstance(envelope, dict):
        raise InvalidRequestError(Problem("message", "is no JSON object", "an EventBridge event"))
    for name in ("id", "detail-type", "time"):
        if not isinstance(envelope.get(name), str):
            raise InvalidRequestError(Problem(name, "is missing or no string", "an EventBridge event"))
    if "detail" not in envelope:
        raise InvalidRequestError(Problem("detail", "is missing", "an EventBridge event"))
    return envelope


def _time(envelope: Mapping[str, Any]) -> int:
    """When the event was accepted, in microseconds since 1970."""
    try:
        time = datetime.fromisoformat(envelope["time"])
        microseconds = (time - _EPOCH) // _MICROSECOND
    except (ValueError, TypeError, OverflowError):
        microseconds = -1
    if not 0 <= microseconds < TIME_END:
        raise InvalidRequestError(Problem("time", "is no time", "ISO 8601 with an offset, from 1970 to 4253"))
    return microseconds
