"""The figures of a hook: the results of its deliveries in some time, and the deliveries that wait now.

The time selects deliveries by when their events were accepted, as in a recovery. All their stored attempts
count, whenever they were made. So the figures of two times add up, and a retry counts with its event.
Attempts of redeliveries and recoveries count too; pings do not, as they are not in the log.
"""

import math
from array import array
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from storehooks.domain.attempt import AttemptResult
from storehooks.domain.delivery import Status, accepted_at
from storehooks.domain.failure import FailureKind, failure_kind

DEFAULT_SECONDS = 24 * 60 * 60
"""Default length of the time, in seconds."""

MAX_STEPS = 500
"""The maximum number of steps of a time."""


@dataclass(frozen=True, slots=True)
class StatsWanted:
    """The time of the figures: from ``since`` up to, but without, ``until``, in seconds since 1970.

    :ivar step: the length of a step in seconds; None for no steps.
    """

    since: int
    until: int
    step: int | None


class ScannedDelivery(NamedTuple):
    """The part of a delivery that figures count. A ``DeliverySummary`` takes twice as long to read."""

    id: str
    status: Status
    results: tuple[AttemptResult, ...]
    """The results of its stored attempts."""


class ScannedPage(NamedTuple):
    """A page of a time's deliveries, which are read from the newest to the oldest."""

    deliveries: Sequence[ScannedDelivery]
    reached: float | None
    """All deliveries accepted after this were read, in seconds since 1970; None if all of the time were."""


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures of some deliveries.

    :ivar deliveries: the number of deliveries.
    :ivar attempts: the number of their stored attempts, at most the newest 40 of each delivery.
    :ivar delivered: the number of deliveries that were delivered.
    :ivar failed: the number of failed attempts by kind, without kinds that have none.
    """

    deliveries: int
    attempts: int
    delivered: int
    failed: dict[FailureKind, int]


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Percentiles of the latency of all attempts, failed ones too, in milliseconds; None without attempts."""

    p50: float | None
    p95: float | None
    p99: float | None


@dataclass(frozen=True, slots=True)
class Waiting:
    """The deliveries of a hook that wait or are held now, whenever their events were accepted.

    Deliveries that wait for their first attempt are not in the delivery log and do not count, except those
    that wait for a place by the hook's rate.

    :ivar waiting: the number of deliveries that wait for an attempt.
    :ivar held: the number of held deliveries.
    :ivar is_waiting_exact: False if counting took too long, and there are more.
    :ivar is_held_exact: likewise, for ``held``.
    :ivar oldest_at: when the event of the oldest waiting delivery was accepted; None if none waits.
    """

    waiting: int
    held: int
    is_waiting_exact: bool
    is_held_exact: bool
    oldest_at: float | None


@dataclass(frozen=True, slots=True)
class HookStats:
    """The figures of a hook.

    :ivar covered_since: deliveries accepted from here on were counted, in seconds since 1970.
    :ivar is_complete: whether the whole time was counted.
    :ivar steps: the start and the figures of each step from ``covered_since`` on.
    """

    figures: Figures
    latency: Percentiles
    now: Waiting
    steps: tuple[tuple[int, Figures], ...]
    covered_since: float
    until: int
    is_complete: bool


@dataclass(slots=True)
class _Count:
    """Figures that are being counted."""

    deliveries: int = 0
    attempts: int = 0
    delivered: int = 0
    failed: Counter[FailureKind] = field(default_factory=Counter)

    def add(self, delivery: ScannedDelivery, failures: Iterable[FailureKind]) -> None:
        self.deliveries += 1
        self.attempts += len(delivery.results)
        self.delivered += delivery.status is Status.DELIVERED
        for kind in failures:
            self.failed[kind] += 1

    @property
    def figures(self) -> Figures:
        failed = {kind: self.failed[kind] for kind in FailureKind if self.failed[kind]}
        return Figures(self.deliveries, self.attempts, self.delivered, failed)


class Tally:
    """Counts deliveries of a time, in any order.

    Only the latency of each attempt is kept, because a hundred megabytes of the log have a million attempts.
    """

    def __init__(self, wanted: StatsWanted) -> None:
        self._wanted = wanted
        self._total = _Count()
        self._latencies = array("d")
        self._steps: dict[int, _Count] = {}

    def add(self, deliveries: Iterable[ScannedDelivery]) -> None:
        """Count deliveries of the wanted time."""
        wanted = self._wanted
        for delivery in deliveries:
            failures = [
                failure_kind(status, error) for status, error, _ in delivery.results if error is not None
            ]
            self._total.add(delivery, failures)
            for result in delivery.results:
                self._latencies.append(result.latency_ms)
            if wanted.step is not None:
                number = int((accepted_at(delivery.id) - wanted.since) // wanted.step)
                self._steps.setdefault(number, _Count()).add(delivery, failures)

    def stats(self, now: Waiting, *, covered_since: float | None) -> HookStats:
        """The figures.

        :param covered_since: the start of what was counted; None if all of the time was.
        """
        wanted = self._wanted
        # Rounded up to the milliseconds in which it is shown: a part of one is not covered.
        since = wanted.since if covered_since is None else math.ceil(covered_since * 1000) / 1000
        return HookStats(
            figures=self._total.figures,
            latency=percentiles(self._latencies),
            now=now,
            steps=tuple(self._steps_from(since)),
            covered_since=since,
            until=wanted.until,
            is_complete=covered_since is None,
        )

    def _steps_from(self, since: float) -> Iterable[tuple[int, Figures]]:
        """The steps from the one that contains this time, including those without deliveries."""
        first, step, until = self._wanted.since, self._wanted.step, self._wanted.until
        if step is None:
            return
        for number in range(int((since - first) // step), math.ceil((until - first) / step)):
            yield first + number * step, self._steps.get(number, _Count()).figures


def percentiles(latencies: Iterable[float]) -> Percentiles:
    """The 50th, 95th and 99th percentile of latencies (nearest rank)."""
    ordered = sorted(latencies)
    if not ordered:
        return Percentiles(None, None, None)
    p50, p95, p99 = (ordered[-(-len(ordered) * percent // 100) - 1] for percent in (50, 95, 99))
    return Percentiles(p50, p95, p99)
