"""Counts a hook's figures from the delivery log, while the caller waits.

Deliveries write nothing for figures, so reading is bounded: the newest deliveries are counted first, and the
figures say which part of the time was not covered.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING

from storehooks.domain.delivery import WAITING, Status
from storehooks.domain.hook_stats import HookStats, StatsWanted, Tally, Waiting
from storehooks.domain.lease import MAX_STATS, LeasePool
from storehooks.domain.recovery import CLOCKS_DIFFER_SECONDS
from storehooks.flows.leases import release_lease, take_lease

if TYPE_CHECKING:
    from storehooks.domain.hook import Hook
    from storehooks.flows.ports import Leases, Scans, Selections

MAX_PAGES = 100
"""Maximum megabytes of the log that are read: about two hundred thousand deliveries."""

SCAN_SECONDS = 12.0
"""Seconds after a request's start from which no further page is read. Even if the last page takes the longest
possible time, the request stays within the gateway's 29 s."""

COUNT_SECONDS = 2.0
"""Maximum seconds for counting waiting deliveries, and for counting held ones."""

_RETRY_AFTER_SECONDS = 5


class StatsReader:
    """Reads the figures of hooks.

    :param timer: a monotonic clock, in seconds.
    """

    def __init__(
        self,
        *,
        scans: Scans,
        selections: Selections,
        leases: Leases,
        clock: Callable[[], float] = time.time,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self._scans = scans
        self._selections = selections
        self._leases = leases
        self._clock = clock
        self._timer = timer

    def read(self, hook: Hook, wanted: StatsWanted) -> HookStats:
        """The figures of a hook for a time.

        :raises TooManyAtOnceError: if the client has the maximum number of requests for figures under way.
        """
        pool = LeasePool("stats", hook.store_hash, hook.client_id, MAX_STATS)
        lease = take_lease(
            self._leases,
            pool,
            uuid.uuid4().hex,
            is_over=lambda lease: lease.ends_at <= self._clock(),
            retry_after_seconds=_RETRY_AFTER_SECONDS,
        )
        try:
            return self._read(hook, wanted)
        finally:
            release_lease(self._leases, pool, lease)

    def _read(self, hook: Hook, wanted: StatsWanted) -> HookStats:
        started = self._timer()
        tally, now = Tally(wanted), self._now(hook)
        pages = self._scans.newest(hook.store_hash, hook.id, wanted.since, wanted.until)
        for number, page in enumerate(pages, 1):
            tally.add(page.deliveries)
            is_over = number == MAX_PAGES or self._timer() - started >= SCAN_SECONDS
            if page.reached is not None and is_over:
                return tally.stats(now, covered_since=page.reached)
        return tally.stats(now, covered_since=None)

    def _now(self, hook: Hook) -> Waiting:
        waiting, is_waiting_exact = self._count(hook, tuple(sorted(WAITING)))
        held, is_held_exact = self._count(hook, (Status.HELD,))
        return Waiting(
            waiting=waiting,
            held=held,
            is_waiting_exact=is_waiting_exact,
            is_held_exact=is_held_exact,
            oldest_at=self._scans.oldest_waiting_at(hook.store_hash, hook.id) if waiting else None,
        )

    def _count(self, hook: Hook, statuses: tuple[Status, ...]) -> tuple[int, bool]:
        until = self._clock() + CLOCKS_DIFFER_SECONDS
        return self._selections.count(
            hook.store_hash, hook.id, statuses, (0, until), within_seconds=COUNT_SECONDS
        )
