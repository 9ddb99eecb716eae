"""How many Lambda executions at once the parameters can ask for, and which values fit an account."""

MIN_MAXIMUM_CONCURRENCY = 2
"""The least that Lambda accepts for a queue's ``MaximumConcurrency``."""

_SCHEDULED = 2  # retry_due and notify_owners


def needed(maximum_concurrency: int, burst: int) -> int:
    """How many executions at once the parameters ``MaximumConcurrency`` and ``ThrottlingBurstLimit`` allow.

    Each of the two queues has ``maximum_concurrency``, the API ``burst``.
    """
    return 2 * maximum_concurrency + _SCHEDULED + burst


def fitting(available: int, maximum_concurrency: int, burst: int) -> tuple[int, int] | None:
    """The largest values, up to the given ones, of which an account has enough executions.

    Where the given ones do not fit, about half goes to the queues. None if not even the least values fit.

    :param available: the account's unreserved concurrent executions.
    """
    if needed(maximum_concurrency, burst) <= available:
        return maximum_concurrency, burst
    half = (available - _SCHEDULED) // 4
    queues = min(maximum_concurrency, max(MIN_MAXIMUM_CONCURRENCY, half))
    api = min(burst, available - needed(queues, 0))
    return (queues, api) if api >= 1 else None
