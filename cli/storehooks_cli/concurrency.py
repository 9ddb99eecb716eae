"""Which parameters fit an account's concurrent Lambda executions.

Lambda throttles what goes beyond them: messages wait on their queues and are received again, and
the gateway responds 500. Nothing here is reserved for a function, since accounts with a quota of 10 may
not reserve any.
"""

from collections.abc import Mapping
from dataclasses import dataclass

NAMES = ("MaximumConcurrency", "ThrottlingBurstLimit", "ThrottlingRateLimit")
MIN_MAXIMUM_CONCURRENCY = 2  # of an event source mapping of SQS
_SCHEDULED_AND_NOTIFYING = 2  # one execution each of retry_due and notify_owners


@dataclass(frozen=True, slots=True)
class Parameters:
    """The template's parameters that bound concurrent executions."""

    maximum_concurrency: int
    burst: int
    rate: float

    @classmethod
    def of(cls, values: Mapping[str, str]) -> "Parameters":
        """From a stack's parameters.

        :raises ValueError: when one is not a number.
        """
        maximum_concurrency, burst, rate = (float(values[name]) for name in NAMES)
        return cls(int(maximum_concurrency), int(burst), rate)

    def __str__(self) -> str:
        """As PARAMETERS of `make deploy` takes them."""
        values = (self.maximum_concurrency, self.burst, f"{self.rate:g}")
        return " ".join(f"{name}={value}" for name, value in zip(NAMES, values, strict=True))

    @property
    def needed(self) -> int:
        """The concurrent executions that these may use at once."""
        return needed(self.maximum_concurrency, self.burst)


def needed(maximum_concurrency: int, burst: int) -> int:
    """The concurrent executions that a stack may use at once.

    Both queues' mappings at their maximum, one execution each of retry_due and notify_owners, and
    the API's burst of one route. Requests to several routes at once may use more.
    """
    return 2 * maximum_concurrency + _SCHEDULED_AND_NOTIFYING + burst


MIN_UNRESERVED = needed(MIN_MAXIMUM_CONCURRENCY, 1)
"""The fewest concurrent executions that any parameters fit."""


def fitting(unreserved: int, wanted: Parameters) -> Parameters | None:
    """Parameters that fit, none of them above the wanted one; None below :data:`MIN_UNRESERVED`.

    The API gets at most half of what there is, and what the queues leave. Its sustained rate is no
    more than its burst, so that a second's requests fit as well.
    """
    if wanted.needed <= unreserved:
        return wanted
    if unreserved < MIN_UNRESERVED:
        return None
    shared = unreserved - _SCHEDULED_AND_NOTIFYING
    of_the_api = min(wanted.burst, shared // 2)
    of_each_queue = min(wanted.maximum_concurrency, (shared - of_the_api) // 2)
    of_each_queue = max(MIN_MAXIMUM_CONCURRENCY, of_each_queue)
    burst = min(wanted.burst, shared - 2 * of_each_queue)
    return Parameters(of_each_queue, burst, min(wanted.rate, burst))
