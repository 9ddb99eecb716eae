"""An attempt to deliver an event: the request, and its result."""

from collections.abc import Mapping
from dataclasses import field
from typing import NamedTuple

from storehooks.domain.values import dataclass

ACKNOWLEDGED = "acknowledged by a consumer"
"""Stored in place of a response if a consumer pulled the delivery and acknowledged it."""


@dataclass(frozen=True, slots=True)
class OutgoingRequest:
    """A signed POST, ready to be sent. Headers may hold credentials."""

    url: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """Milliseconds from the start of an attempt to the end of each step; None for a step not reached.

    The first three are zero on a reused connection.
    """

    name_lookup_ms: float | None = None
    connect_ms: float | None = None
    tls_ms: float | None = None
    first_byte_ms: float | None = None
    total_ms: float


class AttemptResult(NamedTuple):
    """The part of an attempt that a hook's figures count."""

    status: int | None
    error: str | None
    latency_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """The result of an attempt that began at ``at``, in seconds since 1970.

    The attempt of a delivery that a consumer acknowledged began when it was given out. It has neither status
    nor error.

    ``error`` says in words why the attempt failed; it is None if a 2xx came in time. ``response`` is the
    first KB of the response's body; ``retry_after`` is its ``Retry-After`` header, unchanged.
    """

    at: float
    status: int | None
    error: str | None
    times: Times
    response: str = ""
    retry_after: str | None = None

    @property
    def result(self) -> AttemptResult:
        """The part that a hook's figures count."""
        return AttemptResult(self.status, self.error, self.times.total_ms)

    @property
    def succeeded(self) -> bool:
        """Whether the destination accepted the event."""
        return self.error is None
