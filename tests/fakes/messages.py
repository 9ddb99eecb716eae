"""Queues and the bus, in memory."""

import heapq
import itertools
import json
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from storehooks.adapters.delivery_messages import read_task, to_message
from storehooks.adapters.queue import MAX_DELAY_SECONDS
from storehooks.domain.delivery import ReceivedTask, Task, TaskMessage
from tests.fakes.memory import Memory
from tests.template_file import resources

VISIBILITY_SECONDS = resources("AWS::SQS::Queue")["DeliveriesQueue"]["VisibilityTimeout"]
MAX_BATCH = 10


class DeliveriesQueue:
    """The queue of tasks. ``waiting`` is a heap: a message is there from its time on.

    What is received comes again after the visibility timeout, unless it is deleted.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self.waiting: list[tuple[float, int, str, bool]] = []
        """The time, a number, the body, and whether it came before."""
        self._numbers = itertools.count()
        self._lock = threading.RLock()  # an invocation receives in a thread of its own

    def send(self, messages: Sequence[TaskMessage]) -> None:
        for message in messages:
            assert message.delay_seconds >= 0
            # As the adapter has it: a wait of 900 s may be a second more when it is rounded up.
            self.put(as_body(message.task), min(message.delay_seconds, MAX_DELAY_SECONDS))

    def put(self, body: str, delay_seconds: float = 0, *, came_before: bool = False) -> int:
        """Add a message, whatever it says, and return its number."""
        with self._lock:
            number = next(self._numbers)
            heapq.heappush(self.waiting, (self.clock() + delay_seconds, number, body, came_before))
        return number

    def take(self, limit: int = MAX_BATCH) -> list[tuple[str, bool]]:
        """What is there now, and whether it came before; it is gone then."""
        return [(body, came_before) for _, _, body, came_before in self._take(limit)]

    def _take(self, limit: int) -> list[tuple[float, int, str, bool]]:
        taken = []
        with self._lock:
            while self.has_due and len(taken) < limit:
                taken.append(heapq.heappop(self.waiting))
        return taken

    def receive(self, *, wait_seconds: int) -> list[ReceivedTask]:  # noqa: ARG002 - nothing more would come
        received = []
        for _, _, body, came_before in self._take(MAX_BATCH):
            number = self.put(body, VISIBILITY_SECONDS, came_before=True)
            received.append(ReceivedTask(read_task(body), came_before, receipt=str(number)))
        return received

    def delete(self, received: Sequence[ReceivedTask]) -> None:
        receipts = {one.receipt for one in received}
        with self._lock:
            self.waiting = [message for message in self.waiting if str(message[1]) not in receipts]
            heapq.heapify(self.waiting)

    @property
    def has_due(self) -> bool:
        """Whether there is a message now."""
        return bool(self.waiting) and self.waiting[0][0] <= self.clock()

    @property
    def tasks(self) -> list[Task | None]:
        """What the messages ask for, in the order of their times; None for one that is no task."""
        return [read_task(body) for _, _, body, _ in sorted(self.waiting)]


def as_body(task: Task) -> str:
    """The body of a task's message."""
    return json.dumps(to_message(task))


class DeadLetters:
    """The events queue's dead letters."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    def put(self, body: str, reason: str) -> None:
        self._memory.dead_letters.append((body, reason))


class EventBus:
    """Keeps what was published."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    def put(self, source: str, scope: str, detail: Mapping[str, Any]) -> str:
        self._memory.published.append({"source": source, "scope": scope, "detail": dict(detail)})
        return f"bus-{len(self._memory.published)}"
