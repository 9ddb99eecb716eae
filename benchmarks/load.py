"""Many events to destinations that fail now and then: is anything lost, and how long does it take?

Run it beside `make run RETRY_SCHEDULE=1,2,2,4,4,8,8,16`.
"""

import argparse
import asyncio
import json
import random
import sys
import time
from collections import Counter
from pathlib import Path

from aiohttp import web

from benchmarks.local_stack import Store, serve

SCOPES = [f"store/{kind}/{event}" for kind in ("order", "product", "customer", "cart", "sku")
          for event in ("created", "updated")]  # fmt: skip
ERRORS, HANGS, DROPS = 0.20, 0.02, 0.02
HANG_SECONDS = 30


class Destinations:
    """Answer 200, but for some errors, hangs and drops; and count."""

    def __init__(self) -> None:
        self.requests = 0
        self.taken: Counter[tuple[str, int]] = Counter()
        self._random = random.Random(1)

    async def handle(self, request: web.Request) -> web.Response:
        self.requests += 1
        number = (await request.json())["data"]["number"]
        fate = self._random.random()
        if fate < ERRORS:
            return web.Response(status=500)
        if fate < ERRORS + HANGS:
            await asyncio.sleep(HANG_SECONDS)
        elif fate < ERRORS + HANGS + DROPS:
            assert request.transport is not None
            request.transport.abort()
        else:
            self.taken[request.path, number] += 1
        return web.Response()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", type=Path, default=Path(".local"))
    parser.add_argument("--events", type=int, default=5000)
    parser.add_argument("--stores", type=int, default=5)
    parser.add_argument("--within-seconds", type=int, default=600)
    options = parser.parse_args()

    destinations = Destinations()
    url = serve(destinations.handle)
    stores = [Store(options.data_dir) for _ in range(options.stores)]
    hooks = [
        (store, store.hook(scope, f"{url}/{store.hash}/{scope}")) for store in stores for scope in SCOPES
    ]
    wanted = set()
    events: list[list[dict[str, object]]] = [[] for _ in stores]
    for number in range(options.events):
        store, scope = number % len(stores), SCOPES[number // len(stores) % len(SCOPES)]
        events[store].append({"scope": scope, "data": {"number": number}})
        wanted.add((f"/{stores[store].hash}/{scope}", number))

    started = time.monotonic()
    for publisher, its_events in zip(stores, events, strict=True):
        publisher.publish(its_events)
    published = time.monotonic() - started
    while wanted - destinations.taken.keys() and time.monotonic() - started < options.within_seconds:
        time.sleep(0.2)
    seconds = time.monotonic() - started
    time.sleep(2)  # the log follows the last answer
    logged = Counter(delivery["status"] for store, hook_id in hooks for delivery in store.deliveries(hook_id))
    lost = len(wanted - destinations.taken.keys())
    result = {
        "events": options.events,
        "hooks": len(hooks),
        "lost": lost,
        "duplicates": sum(destinations.taken.values()) - len(destinations.taken),
        "attempts": destinations.requests,
        "seconds_to_publish": round(published, 1),
        "seconds": round(seconds, 1),
        "log": dict(logged),
    }
    print(json.dumps(result))
    sys.exit(1 if lost else 0)


if __name__ == "__main__":
    main()
