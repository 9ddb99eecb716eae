"""Takes and releases leases, which bound the operations that a client has under way at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from aws_lambda_powertools import Logger

from storehooks.domain.errors import TooManyAtOnceError, TransientError

if TYPE_CHECKING:
    from storehooks.domain.lease import Lease, LeasePool
    from storehooks.flows.ports import Leases

logger = Logger(utc=True)


def take_lease(
    leases: Leases,
    pool: LeasePool,
    holder: str,
    *,
    is_over: Callable[[Lease], bool],
    retry_after_seconds: int,
) -> Lease:
    """Take a lease of a pool for a holder that has none.

    :param is_over: says whether a stored lease has ended.
    :raises TooManyAtOnceError: if the client has the maximum number of leases.
    """
    lease = leases.take(pool, holder, is_over)
    if lease is None:
        raise TooManyAtOnceError(pool.kind, pool.limit, retry_after_seconds)
    return lease


def release_lease(leases: Leases, pool: LeasePool, lease: Lease) -> None:
    """Release a lease. If that fails, the failure is logged and the lease expires by itself."""
    try:
        leases.release(pool, lease)
    except TransientError as error:
        logger.warning("a lease was not released", kind=pool.kind, error=repr(error))
