"""Attempts as JSON, in the delivery log's items and in the messages of the deliveries queue alike.

Without the response's body, which the log keeps apart, and without ``Retry-After``, which the time of the
next attempt already follows.
"""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from storehooks.domain.attempt import Attempt, Times

_TIMES = [step.name for step in fields(Times)]


def to_record(attempt: Attempt) -> dict[str, Any]:
    """An attempt as JSON."""
    return {
        "at": attempt.at,
        "status": attempt.status,
        "error": attempt.error,
        # Not those of steps that were not reached: each failed attempt writes all that were before it.
        "times": {name: time for name in _TIMES if (time := getattr(attempt.times, name)) is not None},
    }


def from_record(record: Mapping[str, Any], response: str) -> Attempt:
    """The attempt in a record, with the response's body."""
    return Attempt(
        at=record["at"],
        status=record["status"],
        error=record["error"],
        times=Times(**record["times"]),
        response=response,
    )
