"""Attempts as JSON, in the delivery log's items and in the messages of the deliveries queue alike.

Without the response's body, which the log keeps apart, and without ``Retry-After``, which the time of the
next attempt already follows.
"""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from storehooks.domain.attempt import Attempt, AttemptResult, Times

_STEPS = [step.name for step in fields(Times) if step.name != "total_ms"]


def to_record(attempt: Attempt) -> dict[str, Any]:
    """An attempt as JSON.

    Each failed attempt writes all that were before it, and is paid by the size of that: so the steps'
    times stand in a list without their names, up to the last that was reached. ``times`` has the total
    alone, as releases before read them.
    """
    steps = [getattr(attempt.times, step) for step in _STEPS]
    while steps and steps[-1] is None:
        steps.pop()
    record = {
        "at": attempt.at,
        "status": attempt.status,
        "error": attempt.error,
        "times": {"total_ms": attempt.times.total_ms},
    }
    return record | {"ms": steps} if steps else record


def result_in(record: Mapping[str, Any]) -> AttemptResult:
    """What came of the attempt in a record, for who reads a hundred thousand of them."""
    return AttemptResult(record["status"], record["error"], record["times"]["total_ms"])


def from_record(record: Mapping[str, Any], response: str) -> Attempt:
    """The attempt in a record, with the response's body; also in one that names each step's time."""
    steps = zip(_STEPS, record.get("ms", ()), strict=False)
    return Attempt(
        at=record["at"],
        status=record["status"],
        error=record["error"],
        times=Times(**record["times"] | dict(steps)),
        response=response,
    )
