"""Queues and the bus, in memory."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from storehooks.adapters.delivery_messages import read_task, to_message
from storehooks.adapters.queue import MAX_DELAY_SECONDS
from storehooks.domain.rate import read_reservation
from storehooks.domain.task import AttemptTask, ReceivedTask, Task, TaskMessage
from tests.fakes.memory import Memory
from tests.message_heap import Message, MessageHeap


class DeliveriesQueue(MessageHeap):
    """The queue of tasks. What is received comes again after the visibility timeout, unless it is deleted."""

    def send(self, messages: Sequence[TaskMessage]) -> None:
        for message in messages:
            assert message.delay_seconds >= 0
            # As the adapter has it: a wait of 900 s may be a second more when it is rounded up.
            place = message.task.reserved if isinstance(message.task, AttemptTask) else None
            self.put(
                as_body(message.task),
                min(message.delay_seconds, MAX_DELAY_SECONDS),
                reserved=None if place is None else place.text,
            )

    def receive(self, *, wait_seconds: int) -> list[ReceivedTask]:  # noqa: ARG002 - nothing more would come
        taken = self.take()
        for message in taken:
            self.put_back(message)
        return [as_received(message, receipt=str(message.number)) for message in taken]

    def delete(self, received: Sequence[ReceivedTask]) -> None:
        receipts = {one.receipt for one in received}
        for message in [message for message in self.waiting if str(message.number) in receipts]:
            self.remove(message)

    @property
    def tasks(self) -> list[Task | None]:
        """What the messages ask for, in the order of their times; None for one that is no task."""
        return [read_task(body) for body in self.bodies]


def as_body(task: Task) -> str:
    """The body of a task's message."""
    return json.dumps(to_message(task))


def as_received(message: Message, **named: str) -> ReceivedTask:
    """A message that was taken, as an invocation has it."""
    task = read_task(message.body)
    if isinstance(task, AttemptTask) and message.reserved is not None:
        task = replace(task, reserved=read_reservation(message.reserved))
    return ReceivedTask(task, message.received > 1, **named)


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

    def put(self, source: str, detail_type: str, detail: Mapping[str, Any]) -> str:
        self._memory.published.append({"source": source, "detail-type": detail_type, "detail": dict(detail)})
        return f"bus-{len(self._memory.published)}"
