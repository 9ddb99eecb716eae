"""Attempts as JSON, in items of the delivery log and in messages of the deliveries queue.

A record omits the response's body, which the log stores separately, and ``Retry-After``, which the time of
the next attempt already reflects.
"""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from storehooks.domain.attempt import Attempt, AttemptResult, Times

_STEPS = [step.name for step in fields(Times) if step.name != "total_ms"]


def to_record(attempt: Attempt) -> dict[str, Any]:
    """An attempt as JSON.

    Each failed attempt writes all earlier ones again, and the size is billed. So the steps' times are a list
    without names, up to the last step reached. ``times`` has only the total, which earlier releases read.
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
    """The result of the attempt in a record, for callers that read a hundred thousand of them."""
    return AttemptResult(record["status"], record["error"], record["times"]["total_ms"])


def from_record(record: Mapping[str, Any], response: str) -> Attempt:
    """The attempt in a record, with the response's body. Accepts older records, which name each step."""
    steps = zip(_STEPS, record.get("ms", ()), strict=False)
    return Attempt(
        at=record["at"],
        status=record["status"],
        error=record["error"],
        times=Times(**record["times"] | dict(steps)),
        response=response,
    )
