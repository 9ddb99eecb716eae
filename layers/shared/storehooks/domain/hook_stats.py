"""Figures of one hook: what came of its deliveries in some time, and what waits now.

The time is about when the deliveries' events were accepted, as a recovery's is. All that is stored of these
deliveries counts, whenever their attempts were made: so the figures of two times add up, and a retry counts
where its event does. Redeliveries and recoveries make attempts like any other. Pings are not in the log.
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
"""So long before its end a time begins, unless something else is asked for."""

MAX_STEPS = 500
"""A time is divided into so many steps at most."""


@dataclass(frozen=True, slots=True)
class StatsWanted:
    """Which time is asked for: from ``since`` on, up to but without ``until``, in seconds since 1970.

    :ivar step: into steps of how many seconds the time is divided; None for no steps.
    """

    since: int
    until: int
    step: int | None


class ScannedDelivery(NamedTuple):
    """Of a delivery, what is counted. A ``DeliverySummary`` takes twice as long to read."""

    id: str
    status: Status
    results: tuple[AttemptResult, ...]
    """Of its attempts."""


class ScannedPage(NamedTuple):
    """Some deliveries of a time, when it is read from its end on."""

    deliveries: Sequence[ScannedDelivery]
    reached: float | None
    """All whose events were accepted after this were read; None: and so was all else."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What came of some deliveries.

    :ivar deliveries: how many they are.
    :ivar attempts: how many attempts of theirs are stored, of each delivery the newest 40.
    :ivar delivered: how many of the deliveries were delivered.
    :ivar failed: how many of the attempts failed, by kind. A kind without any is not in it.
    """

    deliveries: int
    attempts: int
    delivered: int
    failed: dict[FailureKind, int]


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Of all attempts, failed ones too, in milliseconds; None if there are none."""

    p50: float | None
    p95: float | None
    p99: float | None


@dataclass(frozen=True, slots=True)
class Waiting:
    """What the log has of a hook now, whenever its events were accepted.

    What waits for its first attempt is not in the log, but what waits for its place by a rate is.

    :ivar waiting: how many deliveries wait for an attempt.
    :ivar held: how many are held.
    :ivar is_waiting_exact: false if counting took too long: then there are more.
    :ivar is_held_exact: likewise.
    :ivar oldest_at: when the event of the oldest that waits was accepted; None if none waits.
    """

    waiting: int
    held: int
    is_waiting_exact: bool
    is_held_exact: bool
    oldest_at: float | None


@dataclass(frozen=True, slots=True)
class HookStats:
    """The figures of a hook.

    :ivar covered_since: of the time that was asked for, what was accepted from here on was counted.
    :ivar is_complete: whether that is all of it.
    :ivar steps: the start of each step from ``covered_since`` on, with its figures.
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
    """Figures while they are counted."""

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

    A hundred megabytes of the log have a million attempts: of each only the latency is kept.
    """

    def __init__(self, wanted: StatsWanted) -> None:
        self._wanted = wanted
        self._total = _Count()
        self._latencies = array("d")
        self._steps: dict[int, _Count] = {}

    def add(self, deliveries: Iterable[ScannedDelivery]) -> None:
        """Count these, which are of the time that is wanted."""
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
        """What was counted.

        :param covered_since: None if all of the time was counted.
        """
        wanted = self._wanted
        # Shown in milliseconds: a part of one is not covered.
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
        """The steps from the one that has this time on, those without deliveries too."""
        first, step, until = self._wanted.since, self._wanted.step, self._wanted.until
        if step is None:
            return
        for number in range(int((since - first) // step), math.ceil((until - first) / step)):
            yield first + number * step, self._steps.get(number, _Count()).figures


def percentiles(latencies: Iterable[float]) -> Percentiles:
    """Of so many values, the least that 50, 95 and 99 of a hundred do not exceed (nearest rank)."""
    ordered = sorted(latencies)
    if not ordered:
        return Percentiles(None, None, None)
    p50, p95, p99 = (ordered[-(-len(ordered) * percent // 100) - 1] for percent in (50, 95, 99))
    return Percentiles(p50, p95, p99)
