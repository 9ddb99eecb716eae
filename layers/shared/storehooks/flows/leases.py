"""Having only so much of a client under way at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from aws_lambda_powertools import Logger

from storehooks.domain.errors import TooManyAtOnceError, TransientError

if TYPE_CHECKING:
    from storehooks.domain.lease import Lease, Leased
    from storehooks.flows.ports import Leases

logger = Logger(utc=True)


def take_lease(
    leases: Leases,
    leased: Leased,
    holder: str,
    *,
    is_over: Callable[[Lease], bool],
    retry_after_seconds: int,
) -> Lease:
    """A lease.

    :raises TooManyAtOnceError: when the client has as many as it may.
    """
    lease = leases.take(leased, holder, is_over)
    if lease is None:
        raise TooManyAtOnceError(leased.kind, leased.limit, retry_after_seconds)
    return lease


def release_lease(leases: Leases, leased: Leased, lease: Lease) -> None:
    """End a lease. If that fails, it ends by itself, and what was done with it counts all the same."""
    try:
        leases.release(leased, lease)
    except TransientError as error:
        logger.warning("a lease was not released", kind=leased.kind, error=repr(error))
