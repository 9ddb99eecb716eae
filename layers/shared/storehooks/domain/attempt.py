"""One try to deliver an event: what was sent, and what came of it."""

from collections.abc import Mapping
from dataclasses import field
from typing import NamedTuple

from storehooks.domain.values import dataclass

ACKNOWLEDGED = "acknowledged by a consumer"
"""What stands instead of a response where a consumer has pulled a delivery and acknowledged it."""


@dataclass(frozen=True, slots=True)
class OutgoingRequest:
    """A signed POST, ready to be sent as it is. Headers may hold credentials."""

    url: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """Milliseconds from the start of an attempt until each step was done; None for one that was not reached.

    On a kept connection the first three are zero.
    """

    name_lookup_ms: float | None = None
    connect_ms: float | None = None
    tls_ms: float | None = None
    first_byte_ms: float | None = None
    total_ms: float


class AttemptResult(NamedTuple):
    """Of an attempt, what figures count."""

    status: int | None
    error: str | None
    latency_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """What came of one try. ``at`` is when it began, in seconds since 1970.

    One that a consumer has acknowledged began when it was given out, and has neither status nor error.

    ``error`` says in words why it failed and is None exactly when a 2xx came in time.
    ``response`` is the first KB of the response's body, and ``retry_after`` its header as it came.
    """

    at: float
    status: int | None
    error: str | None
    times: Times
    response: str = ""
    retry_after: str | None = None

    @property
    def result(self) -> AttemptResult:
        """What figures count of it."""
        return AttemptResult(self.status, self.error, self.times.total_ms)

    @property
    def succeeded(self) -> bool:
        """Whether the destination has taken the event."""
        return self.error is None
