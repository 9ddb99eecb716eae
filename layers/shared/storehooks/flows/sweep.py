"""What is due soon, from the due index to the deliveries queue."""

import math
import time
from collections.abc import Callable
from itertools import batched

from aws_lambda_powertools import Logger

from storehooks.adapters.deliveries_queue import DeliveriesQueue
from storehooks.adapters.deliveries_table import DeliveriesTable
from storehooks.domain.delivery import Order
from storehooks.domain.errors import QueueFailedError

logger = Logger(utc=True)

# A sweep a minute, and half a minute in hand should one start late or not at all.
AHEAD_SECONDS = 90
_LONGEST_SWEEP_SECONDS = 50.0
_AT_ONCE = 100


class Sweeper:
    """Hands on what is due within a minute and a half, with the seconds that remain as its delay."""

    def __init__(
        self,
        *,
        deliveries: DeliveriesTable,
        queue: DeliveriesQueue,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._deliveries = deliveries
        self._queue = queue
        self._clock = clock

    def sweep(self) -> int:
        """Sweep once, for at most 50 s; the next one goes on. How many were handed on."""
        started = self._clock()
        handed_on = 0
        for due in batched(self._deliveries.lease_due(started + AHEAD_SECONDS), _AT_ONCE, strict=False):
            now = self._clock()
            orders = [Order(task, max(0, math.ceil(due_at - now))) for task, due_at in due]
            try:
                self._queue.send(orders)
                handed_on += len(orders)
            except QueueFailedError as error:
                # They are set aside for five minutes, and then due again.
                handed_on += len(orders) - len(error.failed)
                logger.warning("handing on failed", error=error.code, deliveries=len(error.failed))
            if now - started > _LONGEST_SWEEP_SECONDS:
                logger.warning("the sweep takes long and stops", handed_on=handed_on)
                break
        logger.info("swept", handed_on=handed_on)
        return handed_on
