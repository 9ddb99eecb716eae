"""What arrives where, and what that says of an event's way."""

import asyncio
import re
import statistics
import time
from collections.abc import Collection, Mapping, Sequence

from aiohttp import web

HANG_SECONDS = 120
_NUMBER = re.compile(rb'"number": ?(\d+)')


class Receiver:
    """Takes what comes to ``/healthy``; leaves what comes to ``/hanging`` without a response.

    ``arrived`` has the times at which each event came, in seconds since 1970.
    """

    def __init__(self) -> None:
        self.arrived: dict[int, list[float]] = {}

    async def handle(self, request: web.Request) -> web.Response:
        now = time.time()
        body = await request.read()
        if request.path == "/hanging":
            await asyncio.sleep(HANG_SECONDS)
        else:
            self.arrived.setdefault(number_of(body), []).append(now)
        return web.Response()

    def missing(self, numbers: Collection[int]) -> int:
        """How many of these events have not arrived."""
        return len(set(numbers) - self.arrived.keys())

    def wait_for(self, numbers: Collection[int], seconds: float) -> bool:
        """Wait until all of them have arrived; whether they did in time."""
        until = time.monotonic() + seconds
        while self.missing(numbers):
            if time.monotonic() > until:
                return False
            time.sleep(0.02)
        return True


def number_of(body: bytes) -> int:
    """The number of the event in a request's body, whatever the sender wraps around it."""
    found = _NUMBER.search(body)
    assert found is not None, body
    return int(found[1])


def waits_ms(
    published: Mapping[int, float], arrived: Mapping[int, Sequence[float]], until: float
) -> list[float]:
    """How long each event took from its publication to its arrival, in milliseconds.

    What did not arrive has waited until ``until``: its figure is too low.
    """
    return [(arrived.get(number, [until])[0] - at) * 1000 for number, at in published.items()]


def percentile(values: Sequence[float], percent: int) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


def repeated(numbers: Collection[int], arrived: Mapping[int, Sequence[float]]) -> int:
    """How many of these events arrived more than once."""
    return sum(len(arrived.get(number, ())) > 1 for number in numbers)
