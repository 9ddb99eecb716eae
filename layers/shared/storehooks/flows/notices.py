"""Notices of deactivated hooks, for people: a client's first of a day at once, the rest at the day's end."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from aws_lambda_powertools import Logger

from storehooks.domain.deactivation_day import (
    FIRST,
    LATER,
    SETTLED_SECONDS,
    day_end,
    deactivation_of,
    notice_of_first,
    notice_of_later,
)
from storehooks.domain.delivery import SOON_SECONDS
from storehooks.domain.hook import Hook
from storehooks.domain.operational_event import REMEMBERED_SECONDS, SOURCE
from storehooks.domain.state_machine import seconds_until
from storehooks.domain.task import DigestTask, TaskMessage
from storehooks.flows.once import do_once

if TYPE_CHECKING:
    from storehooks.flows.ports import Claims, DeactivationDays, DeliveriesQueue, EventBus

logger = Logger(utc=True)


class Notices:
    """Puts notices on the bus. Its methods are idempotent."""

    def __init__(
        self,
        *,
        days: DeactivationDays,
        queue: DeliveriesQueue,
        bus: EventBus,
        claims: Claims,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._days = days
        self._queue = queue
        self._bus = bus
        self._claims = claims
        self._clock = clock

    def add(self, hook: Hook) -> None:
        """Notify of a hook's deactivation, now or with others at the day's end.

        :raises TransientError: if the call must be repeated.
        """
        now = self._clock()
        one, until = deactivation_of(hook), day_end(now)
        day = self._days.begin(hook.store_hash, hook.client_id, until, one)
        if day.first == one.key:
            self._bus.put(SOURCE, FIRST, notice_of_first(day, one))
            return
        if not day.later:
            # First send the task of the digest: if the work stopped in between, nobody would be notified.
            task = DigestTask(
                store_hash=hook.store_hash, hook_id=hook.id, client_id=hook.client_id, until=until
            )
            self._queue.send([_at_end(task, now)])
        self._days.add(day, one)

    def send_digest(self, task: DigestTask) -> None:
        """Notify of a day's later deactivations if the day is over; otherwise defer the task.

        :raises TransientError: if the task must be repeated.
        """
        now = self._clock()
        if now < task.until + SETTLED_SECONDS:
            self._queue.send([_at_end(task, now)])
            return
        day = self._days.get(task.store_hash, task.client_id, task.until)
        occasion = f"digest#{task.store_hash}#{task.client_id}#{task.until}"
        if day is None or not day.later:
            return

        def put() -> None:
            self._bus.put(SOURCE, LATER, notice_of_later(day))
            logger.info("digest", deactivations=day.later_count, **task.log_keys)

        do_once(self._claims, occasion, put, for_seconds=REMEMBERED_SECONDS, **task.log_keys)


def _at_end(task: DigestTask, now: float) -> TaskMessage:
    """The message that brings a day's task at the day's end, or after the longest delay if that is sooner."""
    return TaskMessage(task, min(seconds_until(task.until + SETTLED_SECONDS, now), SOON_SECONDS))
