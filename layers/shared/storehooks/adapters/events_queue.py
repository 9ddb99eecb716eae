"""The events queue: events in their envelopes (``api/event_envelope.py``), in the group of their store."""

from collections.abc import Mapping, Sequence
from typing import Any

from storehooks.adapters.queue import OutgoingMessage, Queue, as_body


class EventsQueue:
    """The queue of events that are to be matched."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue

    def send(self, envelopes: Sequence[Mapping[str, Any]]) -> None:
        """Send events in their envelopes.

        :raises QueueFailedError: with the positions of those that were not accepted.
        """
        self._queue.send(
            [
                OutgoingMessage(as_body({**envelope}), group=envelope["detail"]["store_hash"])
                for envelope in envelopes
            ]
        )
