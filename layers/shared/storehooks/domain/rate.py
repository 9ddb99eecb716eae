"""A hook's rate: the maximum number of attempts that begin in a second, and the time of the next one.

The places of a hook form a line, one interval apart. An attempt begins within the calendar second of its
place, or needs another place. So no second has more attempts than the hook's limit, however many invocations
give places and begin attempts at once.

A place belongs to the version of the hook from which it was given. After each change of the hook the line
begins anew, and earlier reservations do not count.
"""

import math
import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from storehooks.domain.errors import InvalidValueError
from storehooks.domain.exact_json import Number

MIN_PER_SECOND = 0.1
MAX_PER_SECOND = 1000

ACCEPTED = (
    f"a number from {MIN_PER_SECOND} to {MAX_PER_SECOND} with at most one decimal, or null for no limit"
)

MAX_LEAD_SECONDS = 15
"""If the message of an attempt came late, the next one is sent earlier by that, and by at most this."""

# A batch that read the hook before it changed may still begin attempts in this and the next second.
_SECONDS_TO_CHANGE = 2
# An invocation ends within 60 s, so none that read the hook before its change still gives places.
_SECONDS_TO_FORGET = 120
_MICROSECONDS = 1_000_000
_RESERVATION = re.compile(r"([0-9]{1,12})@([0-9]{1,12})", re.ASCII)


def check_rate(value: Any) -> float:
    """Check a rate, and return it as it is stored: an int if it is whole.

    :raises InvalidValueError: if it is not a valid rate.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | Number):
        raise InvalidValueError("is not a number", ACCEPTED)
    literal = value.literal if isinstance(value, Number) else str(value)
    number = float(literal)
    if not MIN_PER_SECOND <= number <= MAX_PER_SECOND:
        raise InvalidValueError("is out of range", ACCEPTED, given=literal[:20])
    if (Fraction(literal) * 10).denominator != 1:
        raise InvalidValueError("has more than one decimal", ACCEPTED, given=literal[:20])
    return stored_rate(str(number))


def stored_rate(text: str) -> float:
    """A rate read from a table: an int if it is whole."""
    number = float(text)
    return int(number) if number.is_integer() else number


@dataclass(frozen=True, slots=True)
class Line:
    """The end of a hook's line.

    :ivar free_at: when the next place is free, in microseconds since 1970.
    :ivar hook_version: the version of the hook that the line is for.
    """

    free_at: int
    hook_version: int


@dataclass(frozen=True, slots=True)
class Places:
    """Places that were given together, and the line after them.

    :ivar seconds: the calendar second of each, in seconds since 1970.
    """

    line: Line
    seconds: tuple[int, ...]


def interval(max_per_second: float) -> int:
    """The microseconds between two places. A rate above 1 is rounded down, so 2.5 is two in a second."""
    rate = math.floor(max_per_second) if max_per_second >= 1 else Fraction(str(max_per_second))
    return math.ceil(_MICROSECONDS / rate)


def start_of_second(now: float) -> int:
    """The start of the present second, in microseconds since 1970."""
    return math.floor(now) * _MICROSECONDS


def places_from(start: int, hook_version: int, max_per_second: float, number: int) -> Places:
    """The next ``number`` places, the first of them at ``start`` in microseconds since 1970."""
    step = interval(max_per_second)
    seconds = tuple((start + place * step) // _MICROSECONDS for place in range(number))
    return Places(Line(start + number * step, hook_version), seconds)


def next_places(
    line: Line | None, hook_version: int, max_per_second: float, number: int, now: float
) -> Places | None:
    """The next places of a hook's line; None if the hook has changed meanwhile.

    A line without reservations begins with the present second. A line of a later version of the hook does so
    two minutes after its end: then the hook was restored from a backup.
    """
    start = start_of_second(now)
    if line is None:
        return places_from(start, hook_version, max_per_second, number)
    if line.hook_version > hook_version:
        is_left = line.free_at < start - _SECONDS_TO_FORGET * _MICROSECONDS
        return places_from(start, hook_version, max_per_second, number) if is_left else None
    if line.hook_version < hook_version:
        start += _SECONDS_TO_CHANGE * _MICROSECONDS
        return places_from(start, hook_version, max_per_second, number)
    return places_from(max(line.free_at, start), hook_version, max_per_second, number)


@dataclass(frozen=True, slots=True)
class Reservation:
    """A place for one attempt.

    :ivar second: the calendar second in which the attempt may begin, in seconds since 1970.
    :ivar hook_version: the version of the hook from which it was given.
    """

    second: int
    hook_version: int

    def is_over(self, now: float) -> bool:
        """Whether its second is over."""
        return now >= self.second + 1

    def seconds_late(self, now: float) -> int:
        """Whole seconds since the end of its second, at most ``MAX_LEAD_SECONDS``."""
        return min(max(0, int(now - self.second - 1)), MAX_LEAD_SECONDS)

    @property
    def text(self) -> str:
        """The form in which messages and the delivery log carry it."""
        return f"{self.second}@{self.hook_version}"


def read_reservation(text: str) -> Reservation | None:
    """The reservation of a :attr:`Reservation.text`; None if the text has another form."""
    found = _RESERVATION.fullmatch(text)
    return None if found is None else Reservation(int(found[1]), int(found[2]))
