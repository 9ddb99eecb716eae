"""What 1,000 to 100,000 events cost on their way through ``match_events`` and ``deliver``: time, and memory.

Both functions run in one process, in turn: what a batch of events is matched to is what ``deliver``
gets next. AWS and the destination are stubs in a process of their own.
"""

import os
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import batched
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any

from benchmarks import deployment
from benchmarks.alone import Context, peak_mb
from benchmarks.measure import Measure, print_measures
from benchmarks.peers import MEASURED_CORE, Peers, peers
from storehooks.adapters.deliveries_queue import DeliveriesQueue
from storehooks.adapters.delivery_messages import to_message
from storehooks.adapters.hooks_table import to_item
from storehooks.adapters.queue import as_body
from storehooks.adapters.sender import Sender
from storehooks.composition import Handler
from storehooks.domain.task import TaskMessage

EVENTS = (1_000, 10_000, 100_000)
MAX_TIMES_AS_LONG = 1.1
MAX_MB_MORE = 5

type Reached = tuple[int, float, float]
"""So many events, the seconds of a core that they took in all, and the most megabytes there were."""


def measure() -> list[Measure]:
    spawn = get_context("spawn")
    here, there = spawn.Pipe()
    with peers(_tables) as to:
        process = spawn.Process(target=_run, args=(to, there), daemon=True)
        process.start()
        there.close()
        steps: list[Reached] = here.recv()
        process.join()
        received = to.calls()["received"]
    assert received == EVENTS[-1] + EVENTS[0], received  # and those that warmed it up
    return list(_measures(steps))


def _tables(url: str) -> Any:
    hooks = deployment.hooks(1, 1, url)
    tables = deployment.tables(hooks)
    found = {item["subscription"]["S"]: [item] for item in map(to_item, hooks)}
    return replace(tables, found=found)


def _measures(steps: Sequence[Reached]) -> Iterator[Measure]:
    """A step is a thousand events."""
    each = [after[1] - before[1] for before, after in zip([(0, 0.0, 0.0), *steps], steps, strict=False)]
    tenth = len(each) // 10
    first, last = statistics.median(each[:tenth]), statistics.median(each[-tenth:])
    at = {events: (seconds, megabytes) for events, seconds, megabytes in steps}
    yield Measure(
        name=f"Growth: an event of the last tenth of {EVENTS[-1]:,}",
        value=round(last / first, 3),
        unit="times as long as one of the first tenth",
        reach=MAX_TIMES_AS_LONG,
        compared={f"{events:,} events": round(at[events][0] / events * 1000, 3) for events in EVENTS},
        compared_unit="ms of a core for each",
        detail={"rounds": len(each), "seconds": {str(events): round(at[events][0], 2) for events in EVENTS}},
    )
    yield Measure(
        name=f"Growth: memory of {EVENTS[-1]:,} events",
        value=round(at[EVENTS[-1]][1] - at[EVENTS[0]][1], 1),
        unit=f"MB more than of {EVENTS[0]:,}",
        reach=MAX_MB_MORE,
        compared={f"{events:,} events": at[events][1] for events in EVENTS},
        compared_unit="MB at most",
    )


def _run(to: Peers, control: Connection) -> None:
    os.sched_setaffinity(0, {MEASURED_CORE})
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # the logs
    to.use_aws()
    sender = Sender(timeout_seconds=10, allow_private=True, ca_bundle=to.ca_file)
    match, deliver = deployment.load("match_events"), deployment.load("deliver", sender=sender)
    handed_on: list[TaskMessage] = []
    send = DeliveriesQueue.send

    def send_and_keep(queue: DeliveriesQueue, orders: Sequence[TaskMessage]) -> None:
        send(queue, orders)
        handed_on.extend(orders)

    DeliveriesQueue.send = send_and_keep  # type: ignore[assignment, method-assign]
    (hook,) = deployment.hooks(1, 1, to.receiver)

    def thousand(first: int) -> float:
        """A thousand events, in batches of ten; the seconds of this core that they took."""
        taken = 0.0
        for numbers in batched(range(first, first + EVENTS[0]), deployment.BATCH, strict=True):
            events = [deployment.event_record(deployment.event(hook, number)) for number in numbers]
            taken += _seconds(match, events)
            messages = [deployment.record(str(place), _body(order)) for place, order in enumerate(handed_on)]
            handed_on.clear()
            assert len(messages) == deployment.BATCH, messages
            taken += _seconds(deliver, messages)
        return taken

    thousand(0)
    steps: list[Reached] = []
    taken = 0.0
    for number in range(EVENTS[-1] // EVENTS[0]):
        taken += thousand((number + 1) * EVENTS[0])
        steps.append(((number + 1) * EVENTS[0], taken, peak_mb()))
    control.send(steps)


def _body(order: TaskMessage) -> str:
    return as_body(to_message(order.task))


def _seconds(function: Handler, records: Sequence[dict[str, Any]]) -> float:
    started = time.process_time()
    response = function({"Records": records}, Context())
    taken = time.process_time() - started
    assert response == {"batchItemFailures": []}, response
    return taken


if __name__ == "__main__":
    print_measures(measure())
