"""The deliveries queue: tasks to make attempts, and other tasks.

:mod:`storehooks.adapters.delivery_messages` has the form of its messages. The place of an attempt in its
hook's line is a message attribute, because earlier releases refuse a body with an unknown field.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from storehooks.adapters.delivery_messages import read_task, to_message
from storehooks.adapters.queue import MAX_DELAY_SECONDS, OutgoingMessage, Queue, as_body
from storehooks.domain.rate import read_reservation
from storehooks.domain.task import AttemptTask, ReceivedTask, RecordTask, Task, TaskMessage

_PLACE = "reserved"


class DeliveriesQueue:
    """A fair queue. Its groups are the clients of stores, so a slow one delays no other."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue

    def send(self, messages: Sequence[TaskMessage]) -> None:
        """Send messages.

        :raises storehooks.domain.errors.QueueFailedError: with the positions of those that were not accepted.
        """
        self._queue.send(
            [
                OutgoingMessage(
                    as_body(to_message(message.task)),
                    group=_group(message.task),
                    delay_seconds=min(message.delay_seconds, MAX_DELAY_SECONDS),
                    attributes=_attributes(message.task),
                )
                for message in messages
            ]
        )

    def receive(self, *, wait_seconds: int) -> list[ReceivedTask]:
        """Receive up to ten tasks, as soon as there is one; or none after ``wait_seconds``.

        :raises storehooks.domain.errors.QueueFailedError: if the queue failed.
        """
        return [
            ReceivedTask(
                _with_place(read_task(message.body), message.attributes.get(_PLACE)),
                message.receive_count > 1,
                receipt=message.receipt_handle,
            )
            for message in self._queue.receive(wait_seconds=wait_seconds, attributes=[_PLACE])
        ]

    def delete(self, received: Sequence[ReceivedTask]) -> None:
        """Delete messages whose tasks are done.

        :raises storehooks.domain.errors.QueueFailedError: with the positions of those that were not deleted.
        """
        self._queue.delete([one.receipt for one in received if one.receipt is not None])


def from_record(record: Mapping[str, Any]) -> ReceivedTask:
    """The task in a record of an invocation's batch."""
    came_before = int(record["attributes"]["ApproximateReceiveCount"]) > 1
    place = record.get("messageAttributes", {}).get(_PLACE, {}).get("stringValue")
    return ReceivedTask(
        _with_place(read_task(record["body"]), place), came_before, batch_id=record["messageId"]
    )


def _attributes(task: Task) -> dict[str, str]:
    if isinstance(task, AttemptTask) and task.reserved is not None:
        return {_PLACE: task.reserved.text}
    return {}


def _with_place(task: Task | None, text: str | None) -> Task | None:
    """A task with the place in its message's attribute, if there is one."""
    if isinstance(task, AttemptTask) and text is not None:
        return replace(task, reserved=read_reservation(text))
    return task


def _group(task: Task) -> str:
    client = task.delivery if isinstance(task, RecordTask) else task
    return f"{client.store_hash}#{client.client_id}"
