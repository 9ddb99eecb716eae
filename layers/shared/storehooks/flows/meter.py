"""Counts and times for CloudWatch metrics.

An invocation's numbers are logged as one line in the embedded metric format, from which CloudWatch makes
metrics. That needs no call to AWS and no right. The only dimension is the service, which is the stack. A
store or a hook as a dimension would make an unlimited number of metrics.
"""

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
from storehooks.domain.exact_json import dumps

logger = Logger(utc=True)

NAMESPACE = "storehooks"
_MAX_VALUES = 100  # of one metric in one line (CloudWatch)


class Count(StrEnum):
    """Counts. Each metric is billed, so the dashboard or an alarm must read it."""

    EVENTS_MATCHED = "EventsMatched"
    EVENTS_CONFLICTING = "EventsConflicting"
    """Events whose id the publisher had given to another event within a day."""
    ATTEMPTS = "Attempts"
    ATTEMPTS_FAILED = "AttemptsFailed"
    EXHAUSTED = "Exhausted"
    HELD = "Held"
    HELD_EXPIRING = "HeldExpiring"
    """Hooks whose held deliveries begin to be deleted within a day."""
    HOOKS_DEACTIVATED = "HooksDeactivated"
    CALLS_FAILED = "CallsFailed"
    """Calls to AWS that failed, retries included."""
    RETRIES_SENT = "RetriesHandedOn"
    UNEXPECTED_ERRORS = "UnexpectedErrors"
    """Mistakes of ours; each fails one message."""


class Duration(StrEnum):
    """Times, in milliseconds."""

    ATTEMPT_LATENCY = "AttemptLatency"
    DELIVERY_LAG = "DeliveryLag"
    """From the time an attempt was due until it is made, unless a circuit deferred it.

    For a hook with a rate, until the attempt gets a place. If it missed its place, from the place.
    """
    RATE_BACKLOG = "RateBacklog"
    """From the time an attempt gets a place in a hook's line until that place."""


_ENDS = {Status.EXHAUSTED: Count.EXHAUSTED, Status.HELD: Count.HELD}


class Meter:
    """Keeps numbers until an invocation ends. Zeros are not written, because a reported metric costs."""

    def __init__(self) -> None:
        self._service = os.environ.get("POWERTOOLS_SERVICE_NAME", "service_undefined")
        self._counts: Counter[Count] = Counter()
        self._times: defaultdict[Count | Duration, list[float]] = defaultdict(list)

    def count(self, what: Count, number: int = 1) -> None:
        """Add to a count."""
        self._counts[what] += number

    def call_failed(self, message: str, **keys: Any) -> None:
        """Log a failed call to AWS, and count it for an alarm.

        :param keys: further fields of the line: the error and the ids of what is delayed.
        """
        self.count(Count.CALLS_FAILED)
        logger.warning(message, **keys, stacklevel=2)

    def unexpected(self, error: Exception, **keys: Any) -> None:
        """Log a mistake of ours, with its type and place, and count it for an alarm.

        :param keys: further fields of the line: the ids of what is delayed.
        """
        self.count(Count.UNEXPECTED_ERRORS)
        logger.error("unexpected error", **fault_keys(error), **keys, stacklevel=2)

    def count_ended(self, status: Status, number: int = 1) -> None:
        """Count deliveries that ended exhausted or held. Other statuses have no metric."""
        if status in _ENDS:
            self.count(_ENDS[status], number)

    def time(self, what: Duration, milliseconds: float) -> None:
        """Add a time."""
        self._times[what].append(round(milliseconds, 1))

    @contextmanager
    def invocation(self) -> Iterator[None]:
        """Write the numbers at the end of an invocation, also if it fails."""
        try:
            yield
        finally:
            self._write()

    def _write(self) -> None:
        """Write all numbers in as few lines as CloudWatch allows, and start from zero."""
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
            print(dumps(line))  # noqa: T201 - the log is where CloudWatch finds it
            left = {what: more for what, values in left.items() if (more := values[_MAX_VALUES:])}


def _unit(what: Count | Duration) -> str:
    return "Count" if isinstance(what, Count) else "Milliseconds"
