"""Pulling: consumers take the deliveries of a hook, instead of having them sent to a URL."""

import math

from storehooks.domain.delivery import Delivery
from storehooks.domain.values import dataclass

MAX_PULLED = 100
"""A pull gives out this many deliveries at most."""

DEFAULT_PULLED = 10

MAX_VISIBILITY_SECONDS = 900
"""What is given out is hidden from other consumers for this long at most."""

DEFAULT_VISIBILITY_SECONDS = 30

MAX_ACKNOWLEDGED = 100
"""A pull acknowledges this many deliveries at most."""

MAX_POLL_SECONDS = 20
"""A consumer to which nothing comes asks again after this long at most."""

# For each of these quiet seconds, a consumer waits a second longer before it asks again.
_QUIET_SECONDS = 10


@dataclass(frozen=True, slots=True)
class PullWanted:
    """What a consumer asks for. ``acknowledged`` are ids as it has sent them."""

    number: int
    visibility_seconds: int
    acknowledged: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits to be pulled, the oldest first.

    :ivar ids: of the deliveries that may be given out now.
    :ivar next_at: when the next one that is given out comes again unless it is acknowledged, in seconds since
        1970; None if none is.
    """

    ids: list[str]
    next_at: float | None


@dataclass(frozen=True, slots=True)
class GivenOut:
    """A delivery of the log, and when it was last given out in seconds since 1970; None if it never was."""

    delivery: Delivery
    at: float | None


def poll_after_seconds(quiet_seconds: float, next_at: float | None, now: float) -> int:
    """When a consumer that got nothing asks again.

    :param quiet_seconds: since when nothing has come for the hook. No time has to be stored: the log has it.
    :param next_at: as :class:`Waiting` has it.
    """
    seconds = min(max(1, math.ceil(quiet_seconds / _QUIET_SECONDS)), MAX_POLL_SECONDS)
    return seconds if next_at is None else min(seconds, max(1, math.ceil(next_at - now)))
