"""Warns operators a day before the first held delivery of a hook expires and is deleted."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from storehooks.domain.hook import Hook
from storehooks.domain.state_machine import kept_in
from storehooks.flows.operational_events import OperationalEvents

if TYPE_CHECKING:
    from storehooks.flows.ports import DeliveryLog, HeldWatches

_DAY_SECONDS = 24 * 60 * 60
AHEAD_SECONDS = _DAY_SECONDS + 60 * 60
"""A day and a margin of an hour, because the sweep looks twice an hour."""


def watch_from(now: float, retention_days: int) -> float:
    """When the sweep must look at a delivery that begins to wait now, in seconds since 1970."""
    return now + retention_days * _DAY_SECONDS - AHEAD_SECONDS


class Expiries:
    """Watches deliveries that are held or wait to be pulled. Its methods are idempotent."""

    def __init__(
        self,
        *,
        watches: HeldWatches,
        log: DeliveryLog,
        operational_events: OperationalEvents,
        retention_days: int,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._watches = watches
        self._log = log
        self._operational_events = operational_events
        self._retention_days = retention_days
        self._clock = clock

    def begin(self, hook: Hook) -> None:
        """Begin to watch a hook, because a delivery of it is about to be held.

        :raises TransientError: if the call must be repeated.
        """
        self._watches.begin(hook, watch_from(self._clock(), self._retention_days))

    def look(self, hook: Hook) -> None:
        """Warn if the first held delivery is deleted within a day; otherwise look again at that time.

        A pulled hook is watched as long as it exists, because further deliveries follow.

        :raises TransientError: if the call must be repeated.
        """
        now = self._clock()
        ends = [self._log.first_kept_until(hook.store_hash, hook.id, status) for status in kept_in(hook)]
        first = min((end for end in ends if end is not None), default=None)
        look_at = watch_from(now, self._retention_days) if first is None else first - AHEAD_SECONDS
        if first is None or look_at > now:
            self._watches.move(hook, max(now, look_at))
            return
        self._operational_events.warn_of_expiry(hook, first)
        if hook.is_pulled:
            self._watches.move(hook, now + _DAY_SECONDS)
        else:
            self._watches.end(hook.store_hash, hook.id)

    def end(self, store_hash: str, hook_id: int) -> None:
        """Stop watching a hook: nothing is held for it, or its owner has decided.

        :raises TransientError: if the call must be repeated.
        """
        self._watches.end(store_hash, hook_id)
