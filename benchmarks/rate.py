"""Ten hooks with a rate of five a second get 500 events each: is it kept, and does a neighbour wait?

Run it beside `make run`. The neighbour is another client's hook without a rate.
"""

import argparse
import json
import statistics
import sys
import time
from collections import Counter, defaultdict
from pathlib import Path

from aiohttp import web

from benchmarks.local_stack import Store, seconds_to_arrive, serve

HOOKS = 10
PER_SECOND = 5
GAP_SECONDS = 0.5
ALONE = 60
MAX_SECONDS = 300
MAX_RATIO = 2


class Destinations:
    """Keeps when the attempts of each path began, as their signatures say, and which deliveries they were."""

    def __init__(self) -> None:
        self.seconds: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self.ids: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self.arrived: dict[int, float] = {}

    async def handle(self, request: web.Request) -> web.Response:
        now = time.monotonic()
        number = (await request.json())["data"]["number"]
        self.seconds[request.path][request.headers["webhook-timestamp"]] += 1
        self.ids[request.path][request.headers["webhook-id"]] += 1
        if request.path == "/neighbour":
            self.arrived.setdefault(number, now)
        return web.Response()

    def received(self) -> int:
        """How many deliveries the hooks with a rate have got."""
        return sum(len(ids) for path, ids in self.ids.items() if path != "/neighbour")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", type=Path, default=Path(".local"))
    parser.add_argument("--events", type=int, default=500)
    options = parser.parse_args()
    events = options.events

    destinations = Destinations()
    url = serve(destinations.handle)
    limited, neighbour = Store(options.data_dir), Store(options.data_dir)
    for number in range(HOOKS):
        limited.hook("store/order/*", f"{url}/limited/{number}", max_per_second=PER_SECOND)
    neighbour.hook("store/order/*", f"{url}/neighbour")
    # Started processes are part of neither figure.
    neighbour.publish([{"scope": "store/order/created", "data": {"number": -1}}] * 100)
    time.sleep(10)
    times = {"gap_seconds": GAP_SECONDS, "max_seconds": MAX_SECONDS}
    alone = seconds_to_arrive(neighbour, range(ALONE), destinations.arrived, **times)
    started = time.monotonic()
    limited.publish([{"scope": "store/order/created", "data": {"number": -2}}] * events)
    # For as long as the lines of the others take.
    while_they_wait = range(ALONE, ALONE + round(events / PER_SECOND / GAP_SECONDS))
    beside = seconds_to_arrive(neighbour, while_they_wait, destinations.arrived, **times)
    while destinations.received() < HOOKS * events and time.monotonic() < started + MAX_SECONDS:
        time.sleep(0.1)
    taken = time.monotonic() - started

    paths = [f"/limited/{number}" for number in range(HOOKS)]
    result = {
        "most_in_a_second": max(max(destinations.seconds[path].values(), default=0) for path in paths),
        "lost": HOOKS * events - destinations.received(),
        "sent_twice": sum(sum(ids.values()) - len(ids) for ids in destinations.ids.values()),
        "seconds": round(taken, 1),
        "undisturbed_median_seconds": round(statistics.median(alone), 3),
        "disturbed_median_seconds": round(statistics.median(beside), 3),
        "ratio": round(statistics.median(beside) / statistics.median(alone), 2),
        "undisturbed_most_seconds": round(max(alone), 3),
        "disturbed_most_seconds": round(max(beside), 3),
    }
    print(json.dumps(result))
    is_kept = result["most_in_a_second"] <= PER_SECOND and not result["lost"] and not result["sent_twice"]
    sys.exit(0 if is_kept and result["ratio"] <= MAX_RATIO else 1)


if __name__ == "__main__":
    main()
