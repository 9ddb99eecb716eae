"""Sends one delivery again on request."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from aws_lambda_powertools import Logger

from storehooks.domain.delivery import Delivery
from storehooks.domain.errors import QueueFailedError, StoreBusyError
from storehooks.domain.hook import Hook
from storehooks.domain.state_machine import (
    Again,
    asked_for,
    check_receives,
    due_now,
    in_another_round,
    redelivery_of,
)
from storehooks.domain.task import TaskMessage

if TYPE_CHECKING:
    from storehooks.flows.ports import DeliveriesQueue, DeliveryLog

logger = Logger(utc=True)

_TRIES = 4


class Redeliverer:
    """Begins another round of an ended delivery, or brings a retried one's next attempt forward to now."""

    def __init__(
        self, *, log: DeliveryLog, queue: DeliveriesQueue, clock: Callable[[], float] = time.time
    ) -> None:
        self._log = log
        self._queue = queue
        self._clock = clock

    def redeliver(self, hook: Hook, delivery_id: str) -> Delivery:
        """Redeliver, and return the delivery after that. Three calls.

        :raises storehooks.domain.errors.HookInactiveError: if the hook is inactive, deactivated or paused.
        :raises storehooks.domain.errors.DeliveryNotFoundError: if there is no such delivery.
        :raises StoreBusyError: if the delivery changes each time after it was read.
        """
        check_receives(hook)
        for _ in range(_TRIES):
            delivery = self._log.get(hook.store_hash, hook.id, delivery_id)
            if redelivery_of(delivery) is Again.NOTHING:
                return delivery
            begun = self._begun(delivery)
            if begun is not None:
                self._send(begun)
                return begun
        raise StoreBusyError

    def _begun(self, delivery: Delivery) -> Delivery | None:
        """The delivery with an attempt that is due now; None if it has changed since it was read."""
        now = self._clock()
        if redelivery_of(delivery) is Again.BRING_FORWARD:
            return due_now(delivery, now) if self._log.bring_forward(delivery, now) else None
        return in_another_round(delivery, now) if self._log.begin_round(delivery, now) else None

    def _send(self, delivery: Delivery) -> None:
        try:
            self._queue.send([TaskMessage(asked_for(delivery))])
        except QueueFailedError as error:  # the sweep sends it in five minutes
            logger.warning("redelivering later", error=error.code, **delivery.log_keys)
