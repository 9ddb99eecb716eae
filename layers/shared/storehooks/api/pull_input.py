"""The input of a pull."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, StrictInt, StrictStr, ValidationError

from storehooks.api.problems import problems_of
from storehooks.domain.errors import InvalidFieldsError, InvalidValueError
from storehooks.domain.pull import (
    DEFAULT_PULLED,
    DEFAULT_VISIBILITY_SECONDS,
    MAX_ACKNOWLEDGED,
    MAX_PULLED,
    MAX_VISIBILITY_SECONDS,
    PullWanted,
)

_ACK_ACCEPTED = f"an array of at most {MAX_ACKNOWLEDGED} ids of deliveries"


def _number(limit: int) -> str:
    return f"a whole number from 1 to {limit}"


def _up_to(limit: int) -> Callable[[int], int]:
    def check(number: int) -> int:
        if not 1 <= number <= limit:
            raise InvalidValueError("is out of range", _number(limit), given=str(number))
        return number

    return check


def _check_ids(ids: list[str]) -> list[str]:
    if len(ids) > MAX_ACKNOWLEDGED:
        raise InvalidValueError(f"has {len(ids)} ids", _ACK_ACCEPTED)
    return ids


class NewPull(BaseModel):
    """How much to pull, and which deliveries to acknowledge."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    max: Annotated[StrictInt, AfterValidator(_up_to(MAX_PULLED))] = DEFAULT_PULLED
    visibility_seconds: Annotated[StrictInt, AfterValidator(_up_to(MAX_VISIBILITY_SECONDS))] = (
        DEFAULT_VISIBILITY_SECONDS
    )
    ack: Annotated[list[StrictStr], AfterValidator(_check_ids)] = []

    @classmethod
    def parse(cls, body: dict[str, Any]) -> PullWanted:
        """Parse a JSON object.

        :raises InvalidFieldsError: with every problem in it.
        """
        try:
            given = cls.model_validate(body)
        except ValidationError as error:
            raise InvalidFieldsError(*problems_of(error, cls.accepted())) from None
        return PullWanted(given.max, given.visibility_seconds, tuple(given.ack))

    @classmethod
    def accepted(cls) -> Mapping[str, str]:
        """All fields, with the accepted values of each."""
        return {
            "max": _number(MAX_PULLED),
            "visibility_seconds": _number(MAX_VISIBILITY_SECONDS),
            "ack": _ACK_ACCEPTED,
        }
