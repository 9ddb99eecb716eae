"""What the flows count and time, for CloudWatch.

An invocation's numbers go into its log as one line in the embedded metric format, of which
CloudWatch makes metrics: no call to AWS, no right, no time. Their one dimension is the service,
which is the stack. A store or a hook as a dimension would make metrics without end.
"""

import json
import os
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import StrEnum
from itertools import batched

from storehooks.domain.delivery import Status

NAMESPACE = "storehooks"

_MOST_VALUES = 100
"""So many of one metric CloudWatch takes in one line."""


class Count(StrEnum):
    """What is counted."""

    EVENTS_MATCHED = "EventsMatched"
    EVENTS_REFUSED = "EventsRefused"
    """What was no event, and is a dead letter now."""
    ATTEMPTS = "Attempts"
    ATTEMPTS_FAILED = "AttemptsFailed"
    DELIVERED = "Delivered"
    EXHAUSTED = "Exhausted"
    HELD = "Held"
    CANCELLED = "Cancelled"
    HOOKS_DEACTIVATED = "HooksDeactivated"
    RETRIES_HANDED_ON = "RetriesHandedOn"


class Duration(StrEnum):
    """What is timed, in milliseconds."""

    ATTEMPT_LATENCY = "AttemptLatency"
    DELIVERY_LAG = "DeliveryLag"
    """From when an attempt was due, unless a circuit put it off."""


_ENDS = {
    Status.DELIVERED: Count.DELIVERED,
    Status.EXHAUSTED: Count.EXHAUSTED,
    Status.HELD: Count.HELD,
    Status.CANCELLED: Count.CANCELLED,
}


class Meter:
    """Keeps numbers until an invocation ends. What is zero is not written: a metric costs while it is."""

    def __init__(self) -> None:
        self._counts: Counter[Count] = Counter()
        self._times: defaultdict[Duration, list[float]] = defaultdict(list)

    def count(self, what: Count, number: int = 1) -> None:
        """So many more of these."""
        self._counts[what] += number

    def count_ended(self, status: Status, number: int = 1) -> None:
        """So many more deliveries with this status; those that wait are not counted."""
        if status in _ENDS:
            self.count(_ENDS[status], number)

    def time(self, what: Duration, milliseconds: float) -> None:
        """One of these took so long."""
        self._times[what].append(round(milliseconds, 1))

    @contextmanager
    def invocation(self) -> Iterator[None]:
        """Write at the end what was counted, also if it fails."""
        try:
            yield
        finally:
            counts: dict[Count, Sequence[float]] = {
                what: [number] for what, number in self._counts.items() if number
            }
            times = {
                what: list(batched(values, _MOST_VALUES, strict=False))
                for what, values in self._times.items()
            }
            self._counts.clear()
            self._times.clear()
            for number in range(max([bool(counts), *map(len, times.values())])):
                values = {what: chunks[number] for what, chunks in times.items() if number < len(chunks)}
                _write(values, counts if number == 0 else {})


def _write(times: Mapping[Duration, Sequence[float]], counts: Mapping[Count, Sequence[float]]) -> None:
    """One line: the metrics' units, and their values."""
    units = [{"Name": str(name), "Unit": "Milliseconds"} for name in times]
    units += [{"Name": str(name), "Unit": "Count"} for name in counts]
    metrics = {"Namespace": NAMESPACE, "Dimensions": [["service"]], "Metrics": units}
    line: dict[str, object] = {
        "_aws": {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [metrics]},
        "service": os.environ.get("POWERTOOLS_SERVICE_NAME", ""),
    }
    line |= {str(what): values for what, values in (*times.items(), *counts.items())}
    print(json.dumps(line, separators=(",", ":")), flush=True)  # noqa: T201 - the log is where CloudWatch looks
