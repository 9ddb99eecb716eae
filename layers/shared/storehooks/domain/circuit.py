"""A hook's circuit breaker: it counts failures in a row, and slows down attempts while they go on.

A circuit belongs to one hook, never to a whole domain. It is written when an attempt fails, until it is
tripped, and when one succeeds after a failure. A hook that always succeeds has none.
"""

from dataclasses import replace
from zlib import crc32

from storehooks.domain.values import dataclass

TRIPS_AFTER = 5
"""Failures in a row that trip a circuit."""

PROBE_SECONDS = 10.0
"""Seconds between probes: attempts that a tripped circuit does not defer."""

MAX_DEFER_SECONDS = 30
"""Longest delay, in seconds, of an attempt that is not a probe; each is deferred once."""

JOINED_SECONDS = 5
"""Retries of a hook that are due within this many seconds are planned for the same second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Circuit:
    """Failures in a row, counted until the circuit is tripped. Times are in seconds since 1970, 0 for never.

    ``succeeded_at`` is updated only while there are failures. It is later than a failure if, and only if, an
    attempt succeeded after that failure.
    """

    failures: int = 0
    succeeded_at: float = 0
    probed_at: float = 0

    @property
    def is_tripped(self) -> bool:
        """Whether attempts are to be deferred."""
        return self.failures >= TRIPS_AFTER

    def counted(self, *, succeeded: int, failed: int, now: float) -> "Circuit | None":
        """This circuit after these attempts; None if they do not change it.

        Further failures do not change a tripped circuit.
        """
        if succeeded and (self.failures or failed):
            return replace(self, failures=failed, succeeded_at=now)
        if failed and not self.is_tripped:
            return replace(self, failures=self.failures + failed)
        return None

    def may_probe(self, now: float) -> bool:
        """Whether a probe is due."""
        return now - self.probed_at >= PROBE_SECONDS


def defer_seconds(slot: int) -> int:
    """Seconds by which an attempt is deferred: half a minute, but at most the wait before the attempt.

    A retry may be a minute late. Half of it is left for everything else.
    """
    return min(MAX_DEFER_SECONDS, slot)


def planned_late_seconds(hook: str, due_at: float, slot: int) -> int:
    """Seconds by which a retry is planned later while its hook's circuit is tripped.

    At least 1, at most :func:`defer_seconds`. Retries of the hook that are due within ``JOINED_SECONDS`` are
    planned for the same second, so that they come in few batches. The next ``JOINED_SECONDS`` get another
    one.

    :param hook: a text that identifies the hook.
    :param due_at: when the schedule has the retry, in seconds since 1970.
    :param slot: the wait before the retry by the schedule, in seconds.
    """
    longest = defer_seconds(slot)
    joined = min(JOINED_SECONDS, longest)
    # Each hook has other seconds, so that a stack's retries are spread.
    window, second = divmod(int(due_at) + crc32(hook.encode()), joined)
    return joined - second + joined * (crc32(f"{hook}#{window}".encode()) % (longest // joined))
