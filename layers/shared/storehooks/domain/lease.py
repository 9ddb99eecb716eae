"""Leases bound how many pings, recoveries and counts of figures a client has under way at once."""

from dataclasses import dataclass
from typing import Literal

LEASE_SECONDS = 45
"""A lease that nobody releases ends after this time, unless it is a recovery's that still runs. No function
that takes one runs for longer."""

MAX_PINGS = 2
"""Pings that a client of a store may have under way. Each holds a function until its destination responds."""

MAX_RECOVERIES = 2
"""Recoveries of a client of a store that may run."""

MAX_STATS = 2
"""Requests for figures that a client of a store may have under way. Each may read a hundred megabytes."""

type LeaseKind = Literal["pings", "recoveries", "stats"]


@dataclass(frozen=True, slots=True)
class LeasePool:
    """The leases of one kind that a client of a store may have at once: at most ``limit``."""

    kind: LeaseKind
    store_hash: str
    client_id: str
    limit: int


@dataclass(frozen=True, slots=True)
class Lease:
    """A lease that ends at ``ends_at``, in seconds since 1970, unless it is released before."""

    holder: str
    """The id of the ping or the recovery; of a request for figures, one of its own."""
    ends_at: int
