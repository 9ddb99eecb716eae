"""What the retry sweep finds: attempts that are due, and what failed while it looked."""

from dataclasses import dataclass
from typing import Any

from storehooks.domain.errors import CorruptItemError, TransientError
from storehooks.domain.task import AttemptTask


@dataclass(frozen=True, slots=True)
class DueFailure:
    """A call that failed, or an item that cannot be read; and whose it was, for the logs."""

    error: TransientError | CorruptItemError
    log_keys: dict[str, Any]


@dataclass(frozen=True, slots=True)
class DueBatch:
    """Attempts that are due and claimed, each with its time in seconds since 1970; and what failed."""

    due: list[tuple[AttemptTask, float]]
    failures: list[DueFailure]
