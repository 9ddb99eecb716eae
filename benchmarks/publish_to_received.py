"""From publishing an event over HTTP to its arrival: on the local stack, idle and at half of its full load.

A local stack is started in a folder of its own. When a function worked on an event stands in the
functions' logs, so that the time can be told apart.
"""

import json
import statistics
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from aiohttp import web
from tests.e2e.local_run import LocalRun

from benchmarks.local_stack import Store, serve
from benchmarks.measure import Measure, print_measures

IDLE_EVENTS, IDLE_GAP_SECONDS = 200, 0.2
FULL_EVENTS = 3000
HALF_SECONDS, TICK_SECONDS = 20, 0.25
AT_ONCE = 100
"""Events to a request at full load, the most there are."""
_WARM_UP_EVENTS = 500
_MAX_SECONDS = 120
_MAX_LINES = 10_000
_SEGMENTS = {
    "request": "HTTP, token and publish_events, until the event goes to the queue",
    "events queue": "the events queue and match_events, until the hooks are found",
    "deliveries queue": "the deliveries queue and deliver, until the request is there",
}


@dataclass
class Destination:
    """Answers 200, and keeps when which event arrived first, in seconds since 1970."""

    arrived: dict[int, float] = field(default_factory=dict)

    async def handle(self, request: web.Request) -> web.Response:
        now = time.time()
        self.arrived.setdefault((await request.json())["data"]["number"], now)
        return web.Response()


@dataclass(frozen=True, slots=True)
class Published:
    """An event, what its id is, and when its request began."""

    number: int
    event_id: str
    at: float


class Publisher:
    """Publishes events for one hook, numbered through."""

    def __init__(self, store: Store, destination: Destination) -> None:
        self._store = store
        self._destination = destination
        self._next = 0

    def publish(self, number: int) -> list[Published]:
        """So many events in one request."""
        numbers = range(self._next, self._next + number)
        self._next += number
        events = [
            {"scope": "store/order/created", "data": {"type": "order", "id": 250, "number": one}}
            for one in numbers
        ]
        at = time.time()
        response = self._store.call("POST", "events", json=events)
        return [Published(one, event["id"], at) for one, event in zip(numbers, response, strict=True)]

    def paced(self, seconds: float, gap: float, number: int) -> list[Published]:
        """So many events at a time, a request each so many seconds."""
        published: list[Published] = []
        began = time.monotonic()
        for tick in range(round(seconds / gap)):
            time.sleep(max(0.0, began + tick * gap - time.monotonic()))
            published += self.publish(number)
        self.wait_for(published)
        return published

    def wait_for(self, published: Sequence[Published]) -> None:
        until = time.monotonic() + _MAX_SECONDS
        while missing := {one.number for one in published} - self._destination.arrived.keys():
            assert time.monotonic() < until, f"{len(missing)} events did not arrive"
            time.sleep(0.05)


def measure() -> list[Measure]:
    with tempfile.TemporaryDirectory(prefix="storehooks-") as folder, LocalRun(Path(folder) / "data") as run:
        run.ready()
        destination = Destination()
        store = Store(run.data_dir)
        store.hook("store/order/*", f"{serve(destination.handle)}/orders")
        publisher = Publisher(store, destination)
        # Processes that start are part of no figure.
        _full_load(publisher, destination, _WARM_UP_EVENTS)
        rate = _full_load(publisher, destination, FULL_EVENTS)
        idle = publisher.paced(IDLE_EVENTS * IDLE_GAP_SECONDS, IDLE_GAP_SECONDS, 1)
        half = publisher.paced(HALF_SECONDS, TICK_SECONDS, max(1, round(rate / 2 * TICK_SECONDS)))
        logged = dict(_logged(run.aws("logs")))
    return [
        Measure(
            name="Full load of the local stack",
            value=round(rate),
            unit="events/s, from publishing to received",
            detail={"events": FULL_EVENTS},
        ),
        *_measures("idle", idle, destination, logged),
        *_measures("at half of full load", half, destination, logged),
    ]


def _full_load(publisher: Publisher, destination: Destination, events: int) -> float:
    """Publish as fast as it is taken; how many a second arrive."""
    published: list[Published] = []
    while len(published) < events:
        published += publisher.publish(AT_ONCE)
    publisher.wait_for(published)
    return events / (max(destination.arrived[one.number] for one in published) - published[0].at)


def _measures(
    when: str,
    published: Sequence[Published],
    destination: Destination,
    logged: Mapping[tuple[str, str], float],
) -> Iterator[Measure]:
    took: list[float] = []
    segments: dict[str, list[float]] = {name: [] for name in _SEGMENTS}
    for one in published:
        arrived = destination.arrived[one.number]
        times = [one.at, logged["publishing", one.event_id], logged["matched", one.event_id], arrived]
        took.append((arrived - one.at) * 1000)
        for name, since, until in zip(segments, times, times[1:], strict=False):
            segments[name].append((until - since) * 1000)
    parts = {name: round(statistics.median(values), 1) for name, values in segments.items()}
    dominating = max(parts, key=lambda name: parts[name])
    yield Measure(
        name=f"Publish to received, {when}",
        value=round(statistics.median(took), 1),
        unit="ms at the median",
        compared=parts,
        compared_unit="ms at the median",
        detail={"events": len(published), "dominates": _SEGMENTS[dominating]},
    )
    yield Measure(
        name=f"Publish to received, {when}, p99",
        value=round(statistics.quantiles(took, n=100, method="inclusive")[98], 1),
        unit="ms",
        detail={"events": len(published)},
    )


def _logged(logs: Any) -> Iterator[tuple[tuple[str, str], float]]:
    """When which step of an event's way was logged first, in seconds since 1970."""
    seen: set[tuple[str, str]] = set()
    for line in _lines(logs):
        said = json.loads(line) if line.startswith("{") else {}
        step = said.get("message")
        if step not in {"publishing", "matched"}:
            continue
        at = datetime.fromisoformat(said["timestamp"]).timestamp()
        for event_id in said.get("event_ids") or [said["event_id"]]:
            if (step, event_id) not in seen:
                seen.add((step, event_id))
                yield (step, event_id), at


def _lines(logs: Any) -> Iterator[str]:
    for group in logs.describe_log_groups()["logGroups"]:
        since = 0
        while True:
            found = logs.filter_log_events(logGroupName=group["logGroupName"], startTime=since)["events"]
            yield from (event["message"] for event in found)
            if len(found) < _MAX_LINES:
                break
            since = found[-1]["timestamp"]


if __name__ == "__main__":
    print_measures(measure())
