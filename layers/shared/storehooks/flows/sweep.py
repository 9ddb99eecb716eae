"""The retry sweep: sends attempts that are due soon from the due index to the deliveries queue."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from aws_lambda_powertools import Logger

from storehooks.domain.due import DueFailure
from storehooks.domain.errors import (
    CorruptItemError,
    FaultError,
    QueueFailedError,
    StorehooksError,
    TransientError,
)
from storehooks.domain.state_machine import seconds_until
from storehooks.domain.task import AttemptTask, TaskMessage, delivery_ids
from storehooks.flows.meter import Count, Meter

if TYPE_CHECKING:
    from storehooks.flows.ports import DeliveriesQueue, DueDeliveries, HeldWatches

logger = Logger(utc=True)

type _Due = tuple[AttemptTask, float]

# A sweep a minute, and a margin of half a minute in case one starts late or not at all.
AHEAD_SECONDS = 90
_MAX_SWEEP_SECONDS = 50.0
_MINUTE_SECONDS = 60
_MAX_OF_CALL = 10
_HOLDS_EACH_MINUTES = 30


class Sweeper:
    """Sends attempts that are due within a minute and a half, delayed by the remaining seconds.

    Twice an hour it also sends the holds that are due for a look.

    :param botocore: botocore's version, which each sweep logs, because AWS changes it with the runtime.
    """

    def __init__(
        self,
        *,
        due: DueDeliveries,
        watches: HeldWatches,
        queue: DeliveriesQueue,
        meter: Meter,
        botocore: str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._due = due
        self._watches = watches
        self._queue = queue
        self._meter = meter
        self._botocore = botocore
        self._clock = clock

    def sweep(self) -> int:
        """Sweep once, for at most 50 s; the next sweep goes on. Return the number of attempts sent.

        :raises StorehooksError: at the end, if a call to AWS failed or an item cannot be read, so that the
            invocation counts as an error.
        """
        started = self._clock()
        sent = 0
        failure: StorehooksError | None = None
        for due, failures in self._batches(started + AHEAD_SECONDS):
            for one in failures:
                failure = self._note(one)
            unsent = self._send(due)
            failure = unsent or failure
            number = len(due) - (len(unsent.failed) if unsent else 0)
            self._meter.count(Count.RETRIES_SENT, number)
            sent += number
            if self._clock() - started > _MAX_SWEEP_SECONDS:
                logger.warning("the sweep takes long and stops", sent=sent)
                break
        if int(started // _MINUTE_SECONDS) % _HOLDS_EACH_MINUTES == 0:
            failure = self._send_holds(started) or failure
        # storehooks doctor reads all three fields.
        logger.info("swept", sent=sent, is_whole=failure is None, botocore=self._botocore)
        if failure is not None:
            raise failure
        return sent

    def _batches(self, until: float) -> Iterator[tuple[list[_Due], Sequence[DueFailure]]]:
        """Due attempts in tens, which fill a call to the queue, and the rest at the end; and failures."""
        left: list[_Due] = []
        for batch in self._due.take_due(until):
            left += batch.due
            full = len(left) // _MAX_OF_CALL * _MAX_OF_CALL
            yield left[:full], batch.failures
            left = left[full:]
        yield left, ()

    def _note(self, failed: DueFailure) -> TransientError | CorruptItemError:
        if isinstance(failed.error, FaultError):
            self._meter.unexpected(failed.error, **failed.log_keys)
        else:
            self._meter.call_failed("taking what is due failed", error=repr(failed.error), **failed.log_keys)
        return failed.error

    def _send_holds(self, until: float) -> StorehooksError | None:
        """Send the holds that are due for a look. A hold whose message fails is due again in an hour."""
        failure: StorehooksError | None = None
        for one in self._watches.take_due(until):
            if isinstance(one, DueFailure):
                failure = self._note(one)
                continue
            try:
                self._queue.send([TaskMessage(one)])
            except QueueFailedError as error:
                failure = error
                self._meter.call_failed("sending a hold failed", error=error.code, **one.log_keys)
        return failure

    def _send(self, due: Sequence[_Due]) -> QueueFailedError | None:
        """Send due attempts. Those that the queue does not accept are due again, and are in the error."""
        if not due:
            return None
        now = self._clock()
        logger.info("sending retries", delivery_ids=[task.delivery_id for task, _ in due])
        messages = [TaskMessage(task, seconds_until(due_at, now)) for task, due_at in due]
        try:
            self._queue.send(messages)
        except QueueFailedError as error:
            ids = delivery_ids(due[position][0] for position in sorted(error.failed))
            self._meter.call_failed("sending retries failed", error=error.code, delivery_ids=ids)
            for position in error.failed:
                self._release(*due[position])
            return error
        return None

    def _release(self, task: AttemptTask, due_at: float) -> None:
        try:
            self._due.release(task, due_at)
        except TransientError as error:  # it is due again in five minutes
            self._meter.call_failed("giving back failed", error=repr(error), **task.log_keys)
