"""What the flows count and time, for CloudWatch.

An invocation's numbers go into its log as one line in the embedded metric format, of which
CloudWatch makes metrics: no call to AWS, no right, no time. Their one dimension is the service,
which is the stack. A store or a hook as a dimension would make metrics without end.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from storehooks.domain.delivery import Status
from storehooks.domain.errors import fault_keys

logger = Logger(utc=True)

NAMESPACE = "storehooks"


class Count(StrEnum):
    """What is counted. Each is paid for, so the dashboard or an alarm has to read it."""

    EVENTS_MATCHED = "EventsMatched"
    EVENTS_CONFLICTING = "EventsConflicting"
    """Events whose publisher had given their id to another event within a day."""
    ATTEMPTS = "Attempts"
    ATTEMPTS_FAILED = "AttemptsFailed"
    EXHAUSTED = "Exhausted"
    HELD = "Held"
    HELD_EXPIRING = "HeldExpiring"
    """Hooks for which what is held begins to be deleted in a day."""
    HOOKS_DEACTIVATED = "HooksDeactivated"
    CALLS_FAILED = "CallsFailed"
    """Calls to AWS that failed, retries included."""
    RETRIES_SENT = "RetriesHandedOn"
    UNEXPECTED_ERRORS = "UnexpectedErrors"
    """Mistakes of ours that a message met, which fails by itself."""


class Duration(StrEnum):
    """What is timed, in milliseconds."""

    ATTEMPT_LATENCY = "AttemptLatency"
    DELIVERY_LAG = "DeliveryLag"
    """From when an attempt was due until it is made, unless a circuit deferred it."""


_ENDS = {Status.EXHAUSTED: Count.EXHAUSTED, Status.HELD: Count.HELD}


class Meter:
    """Keeps numbers until an invocation ends. What is zero is not written: a metric costs while it is."""

    def __init__(self) -> None:
        self._counts: Counter[Count] = Counter()
        # Not Powertools' Metrics, whose numbers are the process's: here each meter has its own.
        self._written = EphemeralMetrics(namespace=NAMESPACE)

    def count(self, what: Count, number: int = 1) -> None:
        """So many more of these."""
        self._counts[what] += number

    def call_failed(self, message: str, **keys: Any) -> None:
        """Log a call to AWS that failed, and count it: an alarm looks at the number.

        :param keys: what else the line says, the error and the ids of what is delayed.
        """
        self.count(Count.CALLS_FAILED)
        logger.warning(message, **keys, stacklevel=2)

    def unexpected(self, error: Exception, **keys: Any) -> None:
        """Log a mistake of ours, by type and place, and count it: an alarm looks at the number.

        :param keys: the ids of what is delayed.
        """
        self.count(Count.UNEXPECTED_ERRORS)
        logger.error("unexpected error", **fault_keys(error), **keys, stacklevel=2)

    def count_ended(self, status: Status, number: int = 1) -> None:
        """Count deliveries that ended exhausted or held. Other statuses have no metric."""
        if status in _ENDS:
            self.count(_ENDS[status], number)

    def time(self, what: Duration, milliseconds: float) -> None:
        """One of these took so long. A line holds a hundred, each time Powertools writes one itself."""
        self._written.add_metric(what, MetricUnit.Milliseconds, round(milliseconds, 1))

    @contextmanager
    def invocation(self) -> Iterator[None]:
        """Write at the end what was counted, also if it fails."""
        try:
            yield
        finally:
            for what, number in self._counts.items():
                if number:
                    self._written.add_metric(what, MetricUnit.Count, number)
            self._counts.clear()
            if self._written.metric_set:
                self._written.flush_metrics()
