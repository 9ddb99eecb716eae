"""A client's deactivations in a day: people are notified of the first at once, of the rest at the day's end.

Days are in UTC. Without this bound, a client could cause e-mails to others as often as it lets its hooks be
deactivated. Notices are entries of the bus, with the source of operational events. Rules of the bus route
them by their detail type.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from storehooks.domain.destination import origin
from storehooks.domain.hook import Hook

FIRST = "first deactivation of the day"
LATER = "later deactivations of the day"
"""The detail types of the two kinds of notices, ``FIRST`` and ``LATER``."""

MAX_LISTED = 20
"""At most this many of a day's later deactivations are stored; the rest are counted."""

DAY_SECONDS = 24 * 60 * 60
SETTLED_SECONDS = 300
"""Seconds after a day's end from which nothing is added to it: more than a function's timeout plus the
difference of clocks."""

_MAX_REASON = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Deactivation:
    """A hook's deactivation as notices list it. ``origin`` omits path and query, which may hold a key."""

    hook_id: int
    deactivated_at: int
    origin: str
    reason: str

    @property
    def key(self) -> str:
        """A text that is unique among the store's deactivations."""
        return f"{self.hook_id}#{self.deactivated_at}"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeactivationDay:
    """A client's deactivations of the day that ends at ``until``, in seconds since 1970.

    ``first`` is the key of the first one. The first ``MAX_LISTED`` of the later ones are listed.
    """

    store_hash: str
    client_id: str
    until: int
    first: str
    later: tuple[Deactivation, ...] = ()
    unlisted: int = 0

    @property
    def first_hook_id(self) -> int:
        """The hook that was deactivated first."""
        return int(self.first.partition("#")[0])

    @property
    def later_count(self) -> int:
        """The number of deactivations after the first."""
        return len(self.later) + self.unlisted

    @property
    def date(self) -> str:
        """The day as YYYY-MM-DD."""
        return f"{datetime.fromtimestamp(self.until - DAY_SECONDS, UTC):%Y-%m-%d}"


def deactivation_of(hook: Hook) -> Deactivation:
    """The deactivation of a deactivated hook."""
    assert hook.deactivated_at is not None  # noqa: S101 - the caller has checked it
    return Deactivation(
        hook_id=hook.id,
        deactivated_at=hook.deactivated_at,
        origin=origin(hook.destination),
        reason=(hook.deactivation_reason or "")[:_MAX_REASON],
    )


def day_end(now: float) -> int:
    """The end of the day of ``now``, both in seconds since 1970."""
    return (int(now) // DAY_SECONDS + 1) * DAY_SECONDS


def notice_of_first(day: DeactivationDay, first: Deactivation) -> Mapping[str, Any]:
    """The bus entry for the first deactivation of a day."""
    when = f"{datetime.fromtimestamp(first.deactivated_at, UTC):%Y-%m-%dT%H:%M:%SZ}"
    message = (
        f"hook {first.hook_id} of client {day.client_id} of store {day.store_hash} was deactivated "
        f"at {when}: delivering to {first.origin} failed: {first.reason}"
    )
    # Earlier releases look for the hook here.
    return _notice(day, message) | {"data": {"id": first.hook_id}}


def notice_of_later(day: DeactivationDay) -> Mapping[str, Any]:
    """The bus entry for a day's later deactivations, with their number."""
    ids = ", ".join(str(hook_id) for hook_id in sorted({one.hook_id for one in day.later}))
    others = f" and {day.unlisted} not listed" if day.unlisted else ""
    message = (
        f"client {day.client_id} of store {day.store_hash} had {day.later_count} more deactivations "
        f"on {day.date} (UTC), after the first one: of hook {ids}{others}"
    )
    return _notice(day, message) | {"count": day.later_count}


def _notice(day: DeactivationDay, message: str) -> dict[str, Any]:
    return {
        "store_hash": day.store_hash,
        "client_id": day.client_id,
        "until": day.until,
        "message": message,
    }
