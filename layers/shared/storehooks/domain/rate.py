"""A hook's rate: how many attempts begin in a second at most, and when the next one may.

The places of a hook stand in one line, in the order in which they are given. Between two of them is the
hook's interval, and whoever has a place begins within its calendar second or not at all. So in no second do
more begin than the hook's limit, however many invocations give places and begin attempts at once.

Places are given by the hook as it was read. After each change of the hook the line begins anew, and what
was reserved before does not count.
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
"""The message of an attempt that came late is sent earlier next time, by at most this."""

# A batch that read the hook before it changed may still begin attempts in this and the next second.
_SECONDS_TO_CHANGE = 2
# Nobody who read the hook before it changed gives a place any more: an invocation ends within 60 s.
_SECONDS_TO_FORGET = 120
_MICROSECONDS = 1_000_000
_RESERVATION = re.compile(r"([0-9]{1,12})@([0-9]{1,12})", re.ASCII)


def check_rate(value: Any) -> float:
    """A rate as it is kept: an int if it is whole.

    :raises InvalidValueError: when it is none.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | Number):
        raise InvalidValueError("is no number", ACCEPTED)
    literal = value.literal if isinstance(value, Number) else str(value)
    number = float(literal)
    if not MIN_PER_SECOND <= number <= MAX_PER_SECOND:
        raise InvalidValueError("is out of range", ACCEPTED, given=literal[:20])
    if (Fraction(literal) * 10).denominator != 1:
        raise InvalidValueError("has more than one decimal", ACCEPTED, given=literal[:20])
    return stored_rate(str(number))


def stored_rate(text: str) -> float:
    """A rate that was checked: an int if it is whole."""
    number = float(text)
    return int(number) if number.is_integer() else number


@dataclass(frozen=True, slots=True)
class Line:
    """Where the line of a hook ends.

    :ivar free_at: from when on the next place is free, in microseconds since 1970.
    :ivar hook_version: of the hook that it was given by.
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
    """The microseconds between two places. Above 1, only whole attempts fit in a second: of 2.5, two."""
    rate = math.floor(max_per_second) if max_per_second >= 1 else Fraction(str(max_per_second))
    return math.ceil(_MICROSECONDS / rate)


def start_of_second(now: float) -> int:
    """The start of the present second, in microseconds since 1970."""
    return math.floor(now) * _MICROSECONDS


def places_from(start: int, hook_version: int, max_per_second: float, number: int) -> Places:
    """The next places, if the first one is free at ``start`` (microseconds since 1970)."""
    step = interval(max_per_second)
    seconds = tuple((start + place * step) // _MICROSECONDS for place in range(number))
    return Places(Line(start + number * step, hook_version), seconds)


def next_places(
    line: Line | None, hook_version: int, max_per_second: float, number: int, now: float
) -> Places | None:
    """The next places of a line, or those of a line that begins; None if the hook has changed meanwhile.

    A line that nobody stands in begins with the present second. So does one of a later version of the hook,
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
    :ivar hook_version: of the hook that it was given by.
    """

    second: int
    hook_version: int

    def is_over(self, now: float) -> bool:
        """Whether its second is over."""
        return now >= self.second + 1

    def seconds_late(self, now: float) -> int:
        """How many whole seconds ago its second was over, at most ``MAX_LEAD_SECONDS``."""
        return min(max(0, int(now - self.second - 1)), MAX_LEAD_SECONDS)

    @property
    def text(self) -> str:
        """As messages and the log carry it."""
        return f"{self.second}@{self.hook_version}"


def read_reservation(text: str) -> Reservation | None:
    """The reservation in a text; None if there is none, and the attempt reserves anew."""
    found = _RESERVATION.fullmatch(text)
    return None if found is None else Reservation(int(found[1]), int(found[2]))
