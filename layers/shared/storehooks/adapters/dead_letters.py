"""Dead letters that a function adds itself, with the reason."""

from storehooks.adapters.queue import OutgoingMessage, Queue

MAX_REASON_LENGTH = 1000  # characters


class DeadLetters:
    """A dead-letter queue."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue

    def put(self, body: str, reason: str) -> None:
        """Add a message that cannot be done.

        :param reason: may hold what a publisher sent; SQS takes no control characters, so it is escaped.
        :raises storehooks.domain.errors.QueueFailedError:
        """
        escaped = reason.encode("unicode_escape").decode()[:MAX_REASON_LENGTH]
        self._queue.send([OutgoingMessage(body, attributes={"reason": escaped})])
