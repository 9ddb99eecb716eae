"""`make peers`: measures the local stack and two Django packages, one after the other, with the same events.

Writes benchmarks/peers.json and its table in docs/performance.md. It takes a quarter of an hour, and
each step has a limit.
"""

import argparse
import json
import os
import statistics
import sys
import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import batched, count
from typing import Any

from benchmarks.__main__ import PAGE, machine
from benchmarks.__main__ import versions as own_versions
from benchmarks.alone import ROOT
from benchmarks.beside import systems
from benchmarks.beside.arrivals import Receiver, percentile, repeated, waits_ms
from benchmarks.beside.report import with_peers
from benchmarks.beside.servers import MissingError
from benchmarks.local_stack import serve

RESULTS = ROOT / "benchmarks/peers.json"
SYSTEMS = ("storehooks", "django-outbound-webhooks", "django-webhook2")

AT_ONCE = 100
WARM_UP_EVENTS, FULL_EVENTS = 200, 500
PACED_EVENTS, PACED_GAP_SECONDS = 100, 0.1
KILLED_EVENTS, KILLED_AFTER_SECONDS = 300, 0.5
HANGING_EVENTS = (100, 500)
BESIDE_EVENTS, BESIDE_GAP_SECONDS = 60, 0.25
MAX_SECONDS, MAX_BESIDE_SECONDS = 90, 30
MAX_RECOVERY_SECONDS = 200
"""Longer than our queues hide a message whose function was killed, and than the lease of a relay."""
_SETTLE_SECONDS = 2


class Measured:
    """The measures of one running system, in turn."""

    def __init__(self, system: systems.System, receiver: Receiver) -> None:
        self._system = system
        self._receiver = receiver
        self._numbers = count(1)
        self._is_killed = threading.Event()

    def all(self) -> dict[str, Any]:
        """Every figure. What hangs comes last, since it would be in the way of the others."""
        self._receive_all(self._publish(WARM_UP_EVENTS))
        figures: dict[str, Any] = {**self.rate(), **self.paced(), **self.killed()}
        figures["beside_events"] = BESIDE_EVENTS
        hanging = 0
        for events in HANGING_EVENTS:
            figures |= self.beside_one_that_hangs(events, events - hanging)
            hanging = events
        return figures

    def rate(self) -> dict[str, float]:
        """Deliveries for each second of the processor, of all events published as fast as they are taken."""
        before = self._core_seconds()
        began = time.monotonic()
        self._receive_all(self._publish(FULL_EVENTS))
        seconds = time.monotonic() - began
        time.sleep(_SETTLE_SECONDS)  # what is written after a response
        all_seconds, senders_seconds = (
            after - earlier for after, earlier in zip(self._core_seconds(), before, strict=True)
        )
        return {
            "per_core_second": round(FULL_EVENTS / all_seconds, 1),
            "per_core_second_of_senders": round(FULL_EVENTS / senders_seconds, 1),
            "per_second": round(FULL_EVENTS / seconds, 1),
        }

    def paced(self) -> dict[str, float]:
        """From publishing one event to its arrival, with ten a second."""
        published = self._paced(PACED_EVENTS, PACED_GAP_SECONDS)
        self._receive_all(published)
        took = waits_ms(published, self._receiver.arrived, time.time())
        return {"p50_ms": round(statistics.median(took), 1), "p99_ms": round(percentile(took, 99), 1)}

    def killed(self) -> dict[str, float | None]:
        """What was committed and does not come, and what comes twice, when all is killed in the middle.

        Some hundreds are waiting or under way, and more are being published one by one.
        """
        published = self._publish(KILLED_EVENTS)
        publishing = threading.Thread(target=self._publish_until_killed, args=(published,))
        publishing.start()
        time.sleep(KILLED_AFTER_SECONDS)
        at = time.time()
        self._system.kill()
        self._is_killed.set()
        publishing.join()
        self._system.recover()
        came_all = self._receiver.wait_for(published, MAX_RECOVERY_SECONDS)
        time.sleep(_SETTLE_SECONDS)
        arrived = self._receiver.arrived
        last = max(arrived[number][0] for number in published if number in arrived)
        return {
            "committed": len(published),
            "missed": self._receiver.missing(published),
            "twice": repeated(published, arrived),
            "recovered_seconds": round(max(0.0, last - at), 1) if came_all else None,
        }

    def beside_one_that_hangs(self, hanging: int, more: int) -> dict[str, float]:
        """How long a healthy hook's events take while so many of another hook hang, ``more`` of them anew."""
        self._publish(more, "hanging")
        time.sleep(_SETTLE_SECONDS)
        published = self._paced(BESIDE_EVENTS, BESIDE_GAP_SECONDS)
        self._receiver.wait_for(published, MAX_BESIDE_SECONDS)
        took = waits_ms(published, self._receiver.arrived, time.time())
        return {
            f"beside_{hanging}_p50_ms": round(statistics.median(took), 1),
            f"beside_{hanging}_p99_ms": round(percentile(took, 99), 1),
            f"beside_{hanging}_missed": self._receiver.missing(published),
        }

    def _publish(self, events: int, hook: systems.Hook = "healthy") -> dict[int, float]:
        """So many events, a hundred at once; when each was published."""
        published: dict[int, float] = {}
        for numbers in batched((next(self._numbers) for _ in range(events)), AT_ONCE, strict=False):
            at = time.time()
            self._system.publish(hook, numbers)
            published |= dict.fromkeys(numbers, at)
        return published

    def _publish_until_killed(self, published: dict[int, float]) -> None:
        while not self._is_killed.is_set():
            number, at = next(self._numbers), time.time()
            try:
                self._system.publish("healthy", [number])
            except systems.NotPublishedError as error:
                if error.is_committed:
                    published[number] = at
                return
            published[number] = at

    def _paced(self, events: int, gap: float) -> dict[int, float]:
        published: dict[int, float] = {}
        began = time.monotonic()
        for tick in range(events):
            time.sleep(max(0.0, began + tick * gap - time.monotonic()))
            published |= self._publish(1)
        return published

    def _receive_all(self, published: Mapping[int, float]) -> None:
        assert self._receiver.wait_for(published, MAX_SECONDS), (
            f"{self._receiver.missing(published)} of {len(published)} events did not arrive"
        )

    def _core_seconds(self) -> tuple[float, float]:
        return (
            systems.core_seconds(self._system.processes()),
            systems.core_seconds(self._system.senders()),
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "systems", nargs="*", metavar="SYSTEM", help=f"of {', '.join(SYSTEMS)}; all unless named"
    )
    wanted = parser.parse_args().systems or SYSTEMS
    if unknown := set(wanted) - set(SYSTEMS):
        parser.error(f"there is no system {', '.join(sorted(unknown))}")
    try:
        versions = {**systems.versions(), "commit": own_versions()["commit"]}
    except MissingError as error:
        sys.exit(str(error))
    results = {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": machine(),
        "load": round(os.getloadavg()[1], 1),
        "versions": versions,
        "systems": {name: measured(name) for name in SYSTEMS if name in wanted},
    }
    if set(wanted) == set(SYSTEMS):
        RESULTS.write_text(json.dumps(results, indent=2) + "\n")
        PAGE.write_text(with_peers(PAGE.read_text(), results))
    else:
        print(json.dumps(results, indent=2))


def measured(name: str) -> dict[str, Any]:
    """A system's figures, with a receiver of its own."""
    print(f"{name} ...", file=sys.stderr, flush=True)
    began = time.monotonic()
    receiver = Receiver()
    with systems.running(name, serve(receiver.handle)) as system:
        figures = Measured(system, receiver).all()
    print(f"{name}: {time.monotonic() - began:.0f} s, {figures}", file=sys.stderr, flush=True)
    return figures


if __name__ == "__main__":
    main()
