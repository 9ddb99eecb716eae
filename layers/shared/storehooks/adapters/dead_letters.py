"""Dead letters that a function adds itself, with the reason."""

from storehooks.adapters.queue import OutgoingMessage, Queue

MAX_REASON_LENGTH = 1000  # characters


class DeadLetters:
    """A dead-letter queue."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue

    def put(self, body: str, reason: str) -> None:
        """Add a message whose event or task is invalid.

        :param reason: may contain input of a publisher; SQS refuses control characters, so it is escaped.
        :raises storehooks.domain.errors.QueueFailedError: if the queue did not accept it.
        """
        escaped = reason.encode("unicode_escape").decode()[:MAX_REASON_LENGTH]
        self._queue.send([OutgoingMessage(body, attributes={"reason": escaped})])
