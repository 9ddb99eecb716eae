"""The retry sweep, by the line that each one logs, and the botocore that the functions import."""

import json
import re
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from storehooks_cli.data_files import NEWEST_BOTOCORE
from storehooks_cli.doctor.check import Check, Finding, Subject, failed, not_checked, ok

# A sweep a minute, which may begin half a minute late on a new stack or show its line so late.
_SWEEP_SECONDS = 90
_SWEEP_MAX_AGE_SECONDS = 90
_POLL_SECONDS = 2


def retry_sweep(subject: Subject, until: float) -> Finding:
    """Whether the sweep ran lately. On a new stack, this waits for the first one.

    :param until: how long to wait, on the monotonic clock.
    """
    if hidden := _hidden(subject):
        return hidden
    line = _last_sweep(subject, until)
    if line is None:
        return failed(
            f"no sweep in the last {_SWEEP_MAX_AGE_SECONDS} s",
            f"see docs/runbook.md#retryduealarm, and the log {_log_group(subject)}",
        )
    at = datetime.fromisoformat(line["timestamp"])
    age = (datetime.now(UTC) - at).total_seconds()
    sent = line.get("sent", line.get("handed_on"))  # the second, up to 0.2.0
    found = f"the last sweep ended {age:.0f} s ago and sent {sent} due retries to the queue"
    if not line.get("is_whole", True):
        return failed(
            f"{found}; calls to AWS failed in it",
            f"see docs/runbook.md#callsfailedalarm, and the log {_log_group(subject)}",
        )
    return ok(found)


def botocore(subject: Subject) -> Finding:
    """Which botocore the functions import, and whether it is newer than all that the tests run with."""
    if hidden := _hidden(subject):
        return hidden
    line = _last_sweep(subject, time.monotonic())
    if line is None or "botocore" not in line:
        return not_checked(
            "no line of the sweep's log names it", "see the check retry sweep; older versions do not log it"
        )
    tested, imported = _newest_tested(), line["botocore"]
    found = f"retry_due imports botocore {imported}; the newest that the tests run with is {tested}"
    if _numbers(imported) > _numbers(tested):
        return ok(found, "newer than tested: run make lock and the tests when you deploy next")
    return ok(found)


def waiting_checks(started: float) -> list[Check]:
    """The checks that need a sweep, which may have to be waited for.

    :param started: when the doctor began, on the monotonic clock.
    """
    until = started + _SWEEP_SECONDS
    return [
        Check("retry sweep", lambda subject: retry_sweep(subject, until)),
        Check("botocore", botocore),
    ]


def _hidden(subject: Subject) -> Finding | None:
    """Why the sweeps' lines are not in the log; None if they are."""
    level = subject.stack.parameters.get("LogLevel", "INFO")
    if level in {"DEBUG", "INFO"}:
        return None
    return not_checked(f"with LogLevel={level} sweeps are not logged", "deploy with LogLevel=INFO to see it")


def _last_sweep(subject: Subject, until: float) -> dict[str, Any] | None:
    """What the newest sweep logged; None if none does so in time."""
    while True:
        lines = list(_sweeps(subject))
        if lines or time.monotonic() >= until:
            return max(lines, key=lambda line: line["timestamp"], default=None)
        time.sleep(_POLL_SECONDS)


def _sweeps(subject: Subject) -> Iterable[dict[str, Any]]:
    pages = subject.client("logs").get_paginator("filter_log_events")
    since = int((time.time() - _SWEEP_MAX_AGE_SECONDS) * 1000)
    for page in pages.paginate(logGroupName=_log_group(subject), startTime=since, filterPattern='"swept"'):
        for event in page["events"]:
            line = json.loads(event["message"])
            if line.get("message") == "swept":
                yield line


def _newest_tested() -> str:
    found = re.search(r"^botocore==(\S+)", NEWEST_BOTOCORE.read_text(), re.MULTILINE)
    return found[1] if found else "unknown"


def _log_group(subject: Subject) -> str:
    return subject.resource("RetryDueLogGroup")


def _numbers(version_: str) -> tuple[int, ...]:
    return tuple(int(number) for number in version_.split(".") if number.isdecimal())
