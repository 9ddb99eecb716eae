"""What a publisher may say of an event: over HTTP, and as the detail of an entry of the event bus."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    StrictStr,
    ValidationError,
)

from storehooks.api.problems import problems_of
from storehooks.api.whole_number import Whole
from storehooks.domain import event as events
from storehooks.domain import scope as scopes
from storehooks.domain.errors import InvalidRequestError, Problem
from storehooks.domain.identity import check_store_hash

MAX_EVENTS = 100
MAX_BYTES = 1024 * 1024
"""What one request may publish."""


class NewEvent(BaseModel):
    """One event, as it is published over HTTP."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    scope: Annotated[StrictStr, AfterValidator(scopes.check_published_scope)]
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


class NewOperationalEvent(NewBusEvent):
    """One event of storehooks' own, about a hook of a client."""

    scope: Literal["store/hook/deliveryException"]


_ACCEPTED = {
    "scope": f"a string: {scopes.PUBLISHED_ACCEPTED}",
    "data": events.DATA_ACCEPTED,
    "id": events.ID_ACCEPTED,
    "store_id": events.STORE_ID_ACCEPTED,
    "created_at": events.CREATED_AT_ACCEPTED,
}
