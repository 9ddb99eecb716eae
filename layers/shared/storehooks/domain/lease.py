"""Leases: they bound how many pings, recoveries and requests for figures a client has under way at once."""

from dataclasses import dataclass
from typing import Literal

LEASE_SECONDS = 45
"""A lease that is not released expires after this time, unless it is of a recovery that still runs. No
function that takes one runs for longer."""

MAX_PINGS = 2
"""Pings that a client of a store may have under way. Each occupies a function until the response."""

MAX_RECOVERIES = 2
"""Recoveries that a client of a store may have running."""

MAX_STATS = 2
"""Requests for figures that a client of a store may have under way. Each may read a hundred megabytes."""

type LeaseKind = Literal["pings", "recoveries", "stats"]


@dataclass(frozen=True, slots=True)
class LeasePool:
    """The leases of one kind of a client of a store: at most ``limit`` at once."""

    kind: LeaseKind
    store_hash: str
    client_id: str
    limit: int


@dataclass(frozen=True, slots=True)
class Lease:
    """A lease that expires at ``ends_at``, in seconds since 1970, unless it is released before."""

    holder: str
    """The id of the ping or recovery; a new id for a request for figures."""
    ends_at: int
