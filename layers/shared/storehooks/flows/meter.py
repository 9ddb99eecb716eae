"""What the flows count and time, for CloudWatch.

An invocation's numbers go into its log as one line in the embedded metric format, of which
CloudWatch makes metrics: no call to AWS, no right, no time. Their one dimension is the service,
which is the stack. A store or a hook as a dimension would make metrics without end.
"""

import json
import os
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import Any

from aws_lambda_powertools import Logger

from storehooks.domain.delivery import Status
from storehooks.domain.errors import fault_keys

logger = Logger(utc=True)

NAMESPACE = "storehooks"
_MAX_VALUES = 100  # of one metric that CloudWatch takes in one line


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
    """From when an attempt was due until it is made, unless a circuit deferred it.

    Of a hook with a rate, until it gets a place; a place that it came too late for counts as due.
    """
    RATE_BACKLOG = "RateBacklog"
    """From when an attempt gets a place in the line of a hook with a rate until that place."""


_ENDS = {Status.EXHAUSTED: Count.EXHAUSTED, Status.HELD: Count.HELD}


class Meter:
    """Keeps numbers until an invocation ends. What is zero is not written: a metric costs while it is."""

    def __init__(self) -> None:
        self._service = os.environ.get("POWERTOOLS_SERVICE_NAME", "service_undefined")
        self._counts: Counter[Count] = Counter()
        self._times: defaultdict[Count | Duration, list[float]] = defaultdict(list)

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
        """One of these took so long."""
        self._times[what].append(round(milliseconds, 1))

    @contextmanager
    def invocation(self) -> Iterator[None]:
        """Write at the end what was counted, also if it fails."""
        try:
            yield
        finally:
            self._write()

    def _write(self) -> None:
        """Write all in as few lines as CloudWatch takes, and begin at zero."""
        left: dict[Count | Duration, list[float]] = {
            **{what: [number] for what, number in self._counts.items() if number},
            **self._times,
        }
        self._counts.clear()
        self._times.clear()
        while left:
            units = [{"Name": what, "Unit": _unit(what)} for what in left]
            metrics = {"Namespace": NAMESPACE, "Dimensions": [["service"]], "Metrics": units}
            line: dict[str, Any] = {
                "_aws": {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [metrics]},
                "service": self._service,
            }
            line |= {what: values[:_MAX_VALUES] for what, values in left.items()}
            print(json.dumps(line, separators=(",", ":")))  # noqa: T201 - the log is where CloudWatch finds it
            left = {what: more for what, values in left.items() if (more := values[_MAX_VALUES:])}


def _unit(what: Count | Duration) -> str:
    return "Count" if isinstance(what, Count) else "Milliseconds"
