"""Leases: what bounds how much of something a client has under way at once."""

from dataclasses import dataclass
from typing import Literal

LEASE_SECONDS = 45
"""Longer than a function runs that has taken one. So a lease ends also when its function was ended."""

MAX_PINGS = 2
"""Pings that a client of a store may have under way. Each holds a function until its destination responds."""

MAX_RECOVERIES = 2
"""Recoveries of a client of a store that may run."""

type LeaseKind = Literal["pings", "recoveries"]


@dataclass(frozen=True, slots=True)
class Leased:
    """What leases are for: work of a kind of one client, and how much of it may be under way at once."""

    kind: LeaseKind
    store_hash: str
    client_id: str
    limit: int


@dataclass(frozen=True, slots=True)
class Lease:
    """A lease that ends at ``ends_at``, in seconds since 1970, unless it is released before."""

    holder: str
    """The id of the work."""
    ends_at: int
