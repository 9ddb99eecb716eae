"""The messages of a queue, in a test's own time."""

import heapq
import itertools
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.lineage import Lineage
from tests.template_file import resources

VISIBILITY_SECONDS = resources("AWS::SQS::Queue")["DeliveriesQueue"]["VisibilityTimeout"]
MAX_BATCH = 10


@dataclass(order=True)
class Message:
    """A message, which can be received from ``due`` on, and how often it was received."""

    due: float
    number: int
    body: str = field(compare=False)
    received: int = field(compare=False)
    lineage: Lineage = field(compare=False)
    sent_at: float = field(compare=False)
    reserved: str | None = field(compare=False, default=None)
    """The place that it has beside its body."""


class MessageHeap:
    """The messages of a queue. ``waiting`` is a heap.

    :param lineage: that of who sends now.
    """

    def __init__(self, clock: Callable[[], float], lineage: Callable[[], Lineage] = Counter) -> None:
        self.clock = clock
        self.waiting: list[Message] = []
        self._lineage = lineage
        self._numbers = itertools.count()
        self._lock = threading.RLock()  # an invocation receives in a thread of its own

    def put(
        self, body: str, delay_seconds: float = 0, *, received: int = 0, reserved: str | None = None
    ) -> None:
        """Add a message, whatever it says."""
        now = self.clock()
        with self._lock:
            number = next(self._numbers)
            message = Message(now + delay_seconds, number, body, received, self._lineage(), now, reserved)
            heapq.heappush(self.waiting, message)

    def take(self, limit: int = MAX_BATCH) -> list[Message]:
        """Receive what is there now. It is gone, unless it is put back."""
        taken = []
        with self._lock:
            while self.has_due and len(taken) < limit:
                taken.append(heapq.heappop(self.waiting))
                taken[-1].received += 1
        return taken

    def put_back(self, message: Message) -> None:
        """Have a message that was taken come again after the visibility timeout."""
        with self._lock:
            message.due = self.clock() + VISIBILITY_SECONDS
            heapq.heappush(self.waiting, message)

    def remove(self, message: Message) -> None:
        """Take out one message, whenever it is due."""
        with self._lock:
            self.waiting.remove(message)
            heapq.heapify(self.waiting)

    @property
    def has_due(self) -> bool:
        """Whether there is a message now."""
        return bool(self.waiting) and self.waiting[0].due <= self.clock()

    @property
    def bodies(self) -> list[str]:
        """What the messages say, in the order of their times."""
        return [message.body for message in sorted(self.waiting)]
