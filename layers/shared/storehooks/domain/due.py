"""The result of a look of the retry sweep: attempts that are due, and calls that failed."""

from dataclasses import dataclass
from typing import Any

from storehooks.domain.errors import CorruptItemError, TransientError
from storehooks.domain.task import AttemptTask


@dataclass(frozen=True, slots=True)
class DueFailure:
    """A call that failed, or an item that cannot be read, with the fields that identify it in log lines."""

    error: TransientError | CorruptItemError
    log_keys: dict[str, Any]


@dataclass(frozen=True, slots=True)
class DueBatch:
    """Attempts that are due and claimed, each with its time in seconds since 1970; and the failures."""

    due: list[tuple[AttemptTask, float]]
    failures: list[DueFailure]
