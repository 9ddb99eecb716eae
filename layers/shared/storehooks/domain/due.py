"""What the retry sweep finds: attempts that are due, and calls that failed while it looked."""

from dataclasses import dataclass
from typing import Any

from storehooks.domain.delivery import AttemptTask
from storehooks.domain.errors import CorruptItemError, TransientError


@dataclass(frozen=True, slots=True)
class DueFailure:
    """A call that failed while due deliveries were looked for or claimed, and what it was about."""

    error: TransientError | CorruptItemError
    log_keys: dict[str, Any]


@dataclass(frozen=True, slots=True)
class DueBatch:
    """Attempts that are due, each with its time in seconds since 1970, and the calls that failed."""

    due: list[tuple[AttemptTask, float]]
    failures: list[DueFailure]
