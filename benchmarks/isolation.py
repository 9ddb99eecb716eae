"""One store's destination hangs while hundreds of its events wait: how long do another store's take?

Run it beside `make run`.
"""

import argparse
import asyncio
import json
import statistics
import sys
import time
from pathlib import Path

from aiohttp import web

from benchmarks.local_stack import Store, serve

EVENTS_THAT_HANG = 500
GAP_SECONDS = 0.3
HANG_SECONDS = 60
MAX_SECONDS = 60


class Destinations:
    """/hang never answers, the rest does; when what came is kept."""

    def __init__(self) -> None:
        self.arrived: dict[int, float] = {}
        self.hanging = 0

    async def handle(self, request: web.Request) -> web.Response:
        number = (await request.json())["data"]["number"]
        if request.path == "/hang":
            self.hanging += 1
            await asyncio.sleep(HANG_SECONDS)
        self.arrived.setdefault(number, time.monotonic())
        return web.Response()


def measured(store: Store, destinations: Destinations, numbers: range) -> list[float]:
    """The seconds from the publication of each event to its arrival."""
    published = {}
    for number in numbers:
        published[number] = time.monotonic()
        store.publish([{"scope": "store/order/created", "data": {"number": number}}])
        time.sleep(GAP_SECONDS)
    until = time.monotonic() + MAX_SECONDS
    while published.keys() - destinations.arrived.keys() and time.monotonic() < until:
        time.sleep(0.1)
    return [destinations.arrived.get(number, until) - at for number, at in published.items()]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", type=Path, default=Path(".local"))
    parser.add_argument("--events", type=int, default=100)
    options = parser.parse_args()

    destinations = Destinations()
    url = serve(destinations.handle)
    sick, well = Store(options.data_dir), Store(options.data_dir)
    sick.hook("store/order/*", f"{url}/hang")
    well.hook("store/order/*", f"{url}/answers")
    # Started processes are part of neither figure.
    well.publish([{"scope": "store/order/created", "data": {"number": -1}}] * 100)
    time.sleep(10)
    alone = measured(well, destinations, range(options.events))
    sick.publish([{"scope": "store/order/created", "data": {"number": -2}}] * EVENTS_THAT_HANG)
    beside = measured(well, destinations, range(options.events, 2 * options.events))
    result = {
        "undisturbed_median_seconds": round(statistics.median(alone), 3),
        "disturbed_median_seconds": round(statistics.median(beside), 3),
        "ratio": round(statistics.median(beside) / statistics.median(alone), 2),
        "undisturbed_most_seconds": round(max(alone), 3),
        "disturbed_most_seconds": round(max(beside), 3),
        "requests_that_hung": destinations.hanging,
    }
    print(json.dumps(result))
    sys.exit(0 if result["ratio"] <= 2 and result["disturbed_most_seconds"] < 30 else 1)


if __name__ == "__main__":
    main()
