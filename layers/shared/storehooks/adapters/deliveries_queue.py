"""The deliveries queue: which attempts are to be made, and when."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

from storehooks.adapters.delivery_items import from_message, to_message
from storehooks.adapters.queue import (
    OutgoingMessage,
    Queue,
    ReceivedMessage,
    as_body,
)
from storehooks.domain.delivery import SOON_SECONDS, Order, RecordTask, Task


@dataclass(frozen=True, slots=True)
class ReceivedTask:
    """A task of the queue, None if the message is none. It comes again unless it is deleted."""

    task: Task | None
    message: ReceivedMessage


class DeliveriesQueue:
    """A fair queue: its groups are the clients of stores, and one that is slow holds up no other."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue

    def send(self, orders: Sequence[Order]) -> None:
        """Send all.

        :raises storehooks.domain.errors.QueueFailedError: with the positions of those that were not taken.
        """
        self._queue.send(
            [
                OutgoingMessage(
                    as_body(to_message(order.task)),
                    group=_group(order.task),
                    delay_seconds=min(order.delay_seconds, SOON_SECONDS),
                )
                for order in orders
            ]
        )

    def receive(self, *, wait_seconds: int) -> list[ReceivedTask]:
        """Up to ten tasks, as soon as there is one; or none after so many seconds.

        :raises storehooks.domain.errors.QueueFailedError:
        """
        messages = self._queue.receive(wait_seconds=wait_seconds)
        # Without their bodies: those say what the tasks say, and would be kept as long as destinations hang.
        return [ReceivedTask(read_task(message.body), replace(message, body="")) for message in messages]

    def delete(self, received: Sequence[ReceivedTask]) -> None:
        """Delete these, which are done.

        :raises storehooks.domain.errors.QueueFailedError:
        """
        self._queue.delete([one.message for one in received])


def read_task(body: str) -> Task | None:
    """The task in a message's body; None when there is none, as nothing of ours would send."""
    try:
        return from_message(json.loads(body))
    except (ValueError, RecursionError):
        return None


def _group(task: Task) -> str:
    client = task.delivery if isinstance(task, RecordTask) else task
    return f"{client.store_hash}#{client.client_id}"
