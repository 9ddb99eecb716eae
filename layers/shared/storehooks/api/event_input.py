"""The input of publishers: an event over HTTP, or the detail of an entry of the event bus."""

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
"""Maximum bytes of a request that publishes."""


class NewEvent(BaseModel):
    """One event, published over HTTP."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    scope: Annotated[StrictStr, AfterValidator(scopes.check_published_scope)]
    data: Annotated[dict[str, Any] | list[Any], AfterValidator(events.check_data)]
    id: Annotated[StrictStr, AfterValidator(events.check_event_id)] | None = None
    store_id: Annotated[Whole | StrictStr, AfterValidator(events.check_store_id)] | None = None
    created_at: Annotated[Whole, AfterValidator(events.check_created_at)] | None = None

    @classmethod
    def parse(cls, value: object, *, where: str = "") -> Self:
        """Parse an event.

        :param where: the prefix of field names in errors.
        :raises InvalidRequestError: with every problem in it.
        """
        try:
            return cls.model_validate(value)
        except ValidationError as error:
            raise InvalidRequestError(*problems_of(error, cls.accepted(), where=where)) from None

    @classmethod
    def parse_all(cls, values: list[Any], *, in_array: bool) -> list[Self]:
        """Parse all events of a request.

        :raises InvalidRequestError: with every problem in any of them.
        """
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
        """All fields, with the accepted values of each."""
        return _ACCEPTED


class NewBusEvent(NewEvent):
    """One event, the detail of an entry on the bus. It must name its store; its scope is optional."""

    store_hash: Annotated[StrictStr, AfterValidator(check_store_hash)]

    @classmethod
    def accepted(cls) -> Mapping[str, str]:
        """All fields, with the accepted values of each."""
        return _ACCEPTED | {"store_hash": "a string: 1 to 64 letters and digits"}


class NewOperationalEvent(NewBusEvent):
    """One event of storehooks itself, about a hook of a client."""

    scope: Literal["store/hook/deliveryException"]


_ACCEPTED = {
    "scope": f"a string: {scopes.PUBLISHED_ACCEPTED}",
    "data": events.DATA_ACCEPTED,
    "id": events.ID_ACCEPTED,
    "store_id": events.STORE_ID_ACCEPTED,
    "created_at": events.CREATED_AT_ACCEPTED,
}
