"""A hook that missed many deliveries is recovered: how long does it take, is anything lost or sent twice?

Run it beside `make run`. The deliveries are put into the log as they are once their last attempt has failed.
"""

import argparse
import asyncio
import json
import secrets
import sys
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiohttp import web

from benchmarks.local_stack import Store, serve
from storehooks.domain.attempt import Attempt, Times
from storehooks.domain.delivery import Delivery, Status
from storehooks_cli.options import DEFAULT_STACK_NAME
from storehooks_cli.stack import find_stack

ATTEMPTS = 12  # of BigCommerce's schedule
HOUR_SECONDS = 60 * 60


class Destination:
    """Answers 200 after a while, and counts what came by its `webhook-id`."""

    def __init__(self, answer_seconds: float) -> None:
        self.taken: Counter[str] = Counter()
        self._answer_seconds = answer_seconds

    async def handle(self, request: web.Request) -> web.Response:
        await request.read()
        self.taken[request.headers["webhook-id"]] += 1
        await asyncio.sleep(self._answer_seconds)
        return web.Response()


def exhausted(store_hash: str, hook: dict[str, Any], number: int, now: float) -> Delivery:
    """A delivery of an event of an hour ago whose every attempt has failed."""
    accepted_at = int((now - HOUR_SECONDS) * 1_000_000) + number
    failed = Attempt(
        at=now - HOUR_SECONDS,
        status=503,
        error="answered 503",
        times=Times(total_ms=12.5),
        response="not now",
    )
    return Delivery(
        id=f"msg_{accepted_at:014x}{secrets.token_hex(9)}",
        store_hash=store_hash,
        hook_id=hook["id"],
        client_id=hook["client_id"],
        event_id=f"missed-{number}",
        scope="store/order/created",
        payload=json.dumps({"scope": "store/order/created", "data": {"type": "order", "id": number}}),
        created_at=accepted_at / 1_000_000,
        status=Status.EXHAUSTED,
        attempts=(failed,) * ATTEMPTS,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", type=Path, default=Path(".local"))
    parser.add_argument("--deliveries", type=int, default=10_000)
    parser.add_argument("--answer-seconds", type=float, default=0.02)
    parser.add_argument("--within-seconds", type=int, default=600)
    options = parser.parse_args()

    destination = Destination(options.answer_seconds)
    store = Store(options.data_dir)
    hook_id = store.hook("store/order/*", serve(destination.handle))
    stack = find_stack(local=True, data_dir=options.data_dir, stack_name=DEFAULT_STACK_NAME)
    hook = store.call("GET", f"hooks/{hook_id}")
    missed = [exhausted(store.hash, hook, number, time.time()) for number in range(options.deliveries)]
    # It writes whatever it is given, 25 to a call.
    stack.deliveries().save_delivered(missed)

    started = time.monotonic()
    since = datetime.fromtimestamp(time.time() - 2 * HOUR_SECONDS, UTC).isoformat()
    recovery = store.call("POST", f"hooks/{hook_id}/recover", json={"since": since})
    responded = time.monotonic() - started
    wanted = {one.id for one in missed}
    ordered = None
    while time.monotonic() - started < options.within_seconds:
        if recovery["state"] == "running":
            recovery = store.call("GET", f"hooks/{hook_id}/recoveries/{recovery['id']}")
        elif ordered is None:
            ordered = time.monotonic() - started
        if ordered is not None and not wanted - destination.taken.keys():
            break
        time.sleep(0.2)
    seconds = time.monotonic() - started
    time.sleep(2)  # the log follows the last answer
    lost = len(wanted - destination.taken.keys())
    twice = sum(destination.taken.values()) - len(destination.taken)
    result = {
        "deliveries": options.deliveries,
        "count": recovery["count"],
        "recovered": recovery["recovered"],
        "state": recovery["state"],
        "lost": lost,
        "sent_twice": twice,
        "seconds_to_order": round(responded, 2),
        "seconds_until_all_were_begun": None if ordered is None else round(ordered, 1),
        "seconds": round(seconds, 1),
        "log": dict(Counter(delivery["status"] for delivery in store.deliveries(hook_id))),
    }
    print(json.dumps(result))
    sys.exit(1 if lost or twice else 0)


if __name__ == "__main__":
    main()
