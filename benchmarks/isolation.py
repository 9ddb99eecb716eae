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

from benchmarks.local_stack import Store, seconds_to_arrive, serve

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
    times = {"gap_seconds": GAP_SECONDS, "max_seconds": MAX_SECONDS}
    alone = seconds_to_arrive(well, range(options.events), destinations.arrived, **times)
    sick.publish([{"scope": "store/order/created", "data": {"number": -2}}] * EVENTS_THAT_HANG)
    numbers = range(options.events, 2 * options.events)
    beside = seconds_to_arrive(well, numbers, destinations.arrived, **times)
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
