"""A hook's circuit: what is known of how its destination does, and how a failing one is slowed down.

A circuit belongs to one hook, never to a whole domain. It is written only when something
fails and it is not tripped yet, and when something succeeds after that; a hook that always
succeeds has none.
"""

from dataclasses import replace
from zlib import crc32

from storehooks.domain.values import dataclass

TRIPS_AFTER = 5
"""Failures in a row that trip a circuit."""

PROBE_SECONDS = 10.0
"""How often one attempt goes through a tripped circuit at once."""

MAX_DEFER_SECONDS = 30
"""Longest delay in seconds of an attempt that is not a probe; each is deferred once."""

JOINED_SECONDS = 5
"""Retries of a hook that are due within so many seconds come in one of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Circuit:
    """Failures in a row, counted until it is tripped; times are in seconds since 1970, 0 for never.

    ``succeeded_at`` is kept up only while there are failures: it is later than a failure
    exactly when something reached the hook after it.
    """

    failures: int = 0
    succeeded_at: float = 0
    probed_at: float = 0

    @property
    def is_tripped(self) -> bool:
        """Whether attempts are to be deferred."""
        return self.failures >= TRIPS_AFTER

    def counted(self, *, succeeded: int, failed: int, now: float) -> "Circuit | None":
        """This circuit after so many attempts; None if they do not change it.

        More failures would not slow down a tripped one more.
        """
        if succeeded and (self.failures or failed):
            return replace(self, failures=failed, succeeded_at=now)
        if failed and not self.is_tripped:
            return replace(self, failures=self.failures + failed)
        return None

    def may_probe(self, now: float) -> bool:
        """Whether it is time to see if the destination is back."""
        return now - self.probed_at >= PROBE_SECONDS


def defer_seconds(slot: int) -> int:
    """How long an attempt is deferred: half a minute, but no longer than the wait that went before it.

    With the minute that a retry may be late, that leaves half a minute for everything else.
    """
    return min(MAX_DEFER_SECONDS, slot)


def planned_late_seconds(hook: str, due_at: float, slot: int) -> int:
    """How much later a retry is planned while its hook's circuit is tripped: from 1 to :func:`defer_seconds`.

    All that is due for the hook within some seconds comes in one second, so that it comes in few batches,
    whichever those were in which it failed. What is due within the next seconds comes at any other time.

    :param hook: names the hook.
    :param due_at: when the schedule has the retry, in seconds since 1970.
    :param slot: seconds of the schedule that the retry waits.
    """
    longest = defer_seconds(slot)
    joined = min(JOINED_SECONDS, longest)
    # Each hook has seconds of its own: a stack's retries are spread.
    window, second = divmod(int(due_at) + crc32(hook.encode()), joined)
    return joined - second + joined * (crc32(f"{hook}#{window}".encode()) % (longest // joined))
