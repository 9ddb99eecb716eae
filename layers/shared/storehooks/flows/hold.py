"""Holds the deliveries that wait for a deactivated or paused hook, step by step."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from aws_lambda_powertools import Logger

from storehooks.domain.operational_event import REMEMBERED_SECONDS
from storehooks.domain.state_machine import held_since, seconds_to_next_hold, waiting_end_as
from storehooks.domain.task import HoldTask, TaskMessage
from storehooks.flows.expiry import Expiries
from storehooks.flows.meter import Meter
from storehooks.flows.operational_events import OperationalEvents

if TYPE_CHECKING:
    from storehooks.flows.ports import DeliveriesQueue, DeliveryLog, Hooks

logger = Logger(utc=True)

_MAX_OF_STEP = 500
_AT_ONCE = 16


class Holds:
    """Holds the deliveries that wait for deactivated or paused hooks."""

    def __init__(
        self,
        *,
        log: DeliveryLog,
        hooks: Hooks,
        queue: DeliveriesQueue,
        operational_events: OperationalEvents,
        expiries: Expiries,
        meter: Meter,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._log = log
        self._hooks = hooks
        self._queue = queue
        self._operational_events = operational_events
        self._expiries = expiries
        self._meter = meter
        self._clock = clock

    def hold(self, task: HoldTask) -> None:
        """Hold the deliveries that wait for a deactivated or paused hook, and notify of a deactivation.

        If the hook is pulled and inactive, cancel them. Then warn if held deliveries are deleted soon.

        :raises TransientError: if the task must be repeated.
        """
        hook = self._hooks.find(task.store_hash, task.hook_id)
        status = waiting_end_as(hook)
        if hook is None or (status is None and not hook.is_pulled):
            self._expiries.end(task.store_hash, task.hook_id)
            return
        if status is None:
            self._expiries.look(hook)
            return
        if hook.deactivated_at is not None and self._clock() - hook.deactivated_at < REMEMBERED_SECONDS:
            self._operational_events.notify_of_deactivation(hook, task.store_id)
        waiting, is_more = self._log.waiting(task.store_hash, task.hook_id, _MAX_OF_STEP)
        with ThreadPoolExecutor(_AT_ONCE) as threads:
            held = sum(threads.map(lambda delivery: self._log.end_waiting(delivery, status), waiting))
        logger.info(status.value, store_hash=task.store_hash, hook_id=task.hook_id, deliveries=held)
        self._meter.count_ended(status, held)
        if is_more:
            wait = seconds_to_next_hold(held=held, since=held_since(hook), now=self._clock())
            self._queue.send([TaskMessage(task, wait)])
        else:
            self._expiries.look(hook)
