"""The deliveries queue: attempts that are to be made, and other tasks.

:mod:`storehooks.adapters.delivery_messages` has the form of its messages.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from storehooks.adapters.delivery_messages import read_task, to_message
from storehooks.adapters.queue import MAX_DELAY_SECONDS, OutgoingMessage, Queue, as_body
from storehooks.domain.task import ReceivedTask, RecordTask, Task, TaskMessage


class DeliveriesQueue:
    """A fair queue: its groups are the clients of stores, and one that is slow holds up no other."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue

    def send(self, messages: Sequence[TaskMessage]) -> None:
        """Send all.

        :raises storehooks.domain.errors.QueueFailedError: with the positions of those that were not taken.
        """
        self._queue.send(
            [
                OutgoingMessage(
                    as_body(to_message(message.task)),
                    group=_group(message.task),
                    delay_seconds=min(message.delay_seconds, MAX_DELAY_SECONDS),
                )
                for message in messages
            ]
        )

    def receive(self, *, wait_seconds: int) -> list[ReceivedTask]:
        """Up to ten tasks, as soon as there is one; or none after so many seconds.

        :raises storehooks.domain.errors.QueueFailedError:
        """
        return [
            ReceivedTask(read_task(message.body), message.receive_count > 1, receipt=message.receipt_handle)
            for message in self._queue.receive(wait_seconds=wait_seconds)
        ]

    def delete(self, received: Sequence[ReceivedTask]) -> None:
        """Delete these, which are done.

        :raises storehooks.domain.errors.QueueFailedError: with the positions of those that were not deleted.
        """
        self._queue.delete([one.receipt for one in received if one.receipt is not None])


def from_record(record: Mapping[str, Any]) -> ReceivedTask:
    """A record of the batch that Lambda gives an invocation."""
    came_before = int(record["attributes"]["ApproximateReceiveCount"]) > 1
    return ReceivedTask(read_task(record["body"]), came_before, batch_id=record["messageId"])


def _group(task: Task) -> str:
    client = task.delivery if isinstance(task, RecordTask) else task
    return f"{client.store_hash}#{client.client_id}"
