"""The input for a new recovery."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, PlainValidator, StrictStr, ValidationError

from storehooks.api.iso_time import microseconds_of
from storehooks.api.problems import problems_of
from storehooks.domain.delivery import Status
from storehooks.domain.errors import InvalidFieldsError, InvalidValueError, Problem
from storehooks.domain.recovery import MISSED, RECOVERABLE

_TIME_ACCEPTED = "a time in ISO 8601 with an offset such as 2026-11-24T10:00:00+00:00, from 1970 on"
_STATUS_ACCEPTED = f"one of {', '.join(RECOVERABLE)}, or an array of some of them"


@dataclass(frozen=True, slots=True)
class RecoveryWanted:
    """The deliveries to send again. Times are in seconds since 1970."""

    since: float
    until: float
    statuses: tuple[Status, ...]


def check_time(text: str) -> float:
    """Check a time, and return it in seconds since 1970, rounded up to milliseconds.

    :raises InvalidValueError: if it is invalid.
    """
    try:
        milliseconds = microseconds_of(text) // 1000
    except ValueError:
        milliseconds = -1
    if milliseconds < 0:
        raise InvalidValueError("is not a time", _TIME_ACCEPTED, given=text)
    return milliseconds / 1000


def check_statuses(given: object) -> tuple[Status, ...]:
    """Check statuses, and return each of them once.

    :raises InvalidValueError: if one cannot be recovered, or there are none.
    """
    names = given if isinstance(given, list) else [given]
    if not names:
        raise InvalidValueError("is an empty array", _STATUS_ACCEPTED)
    for index, name in enumerate(names):
        if not isinstance(name, str):
            place = f" in [{index}]" if names is given else ""
            raise InvalidValueError(f"has the wrong type{place}", _STATUS_ACCEPTED)
        if name not in RECOVERABLE:
            raise InvalidValueError("is not a status that can be sent again", _STATUS_ACCEPTED, given=name)
    return tuple(status for status in RECOVERABLE if status in names)


class NewRecovery(BaseModel):
    """The fields of a request for a recovery."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    since: Annotated[StrictStr, AfterValidator(check_time)]
    until: Annotated[StrictStr, AfterValidator(check_time)] | None = None
    status: Annotated[Any, PlainValidator(check_statuses)] = MISSED

    @classmethod
    def parse(cls, body: dict[str, Any], now: float) -> RecoveryWanted:
        """Parse a JSON object. The end is now at the latest, because later events were not missed yet.

        :raises InvalidFieldsError: with every problem in it.
        """
        try:
            given = cls.model_validate(body)
        except ValidationError as error:
            raise InvalidFieldsError(*problems_of(error, cls.accepted())) from None
        # Their validators have converted them to numbers.
        since, until = float(given.since), now if given.until is None else min(float(given.until), now)
        if since > until:
            reason = "lies in the future" if since > now else "is later than until"
            raise InvalidFieldsError(
                Problem("since", reason, "a time before until and before now", body["since"])
            )
        return RecoveryWanted(since, until, given.status)

    @classmethod
    def accepted(cls) -> Mapping[str, str]:
        """All fields, with the accepted values of each."""
        return {"since": _TIME_ACCEPTED, "until": _TIME_ACCEPTED, "status": _STATUS_ACCEPTED}
