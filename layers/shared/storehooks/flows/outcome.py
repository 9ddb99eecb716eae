"""Settles attempts: logs them, sends next attempts, counts circuits and deactivates hooks.

The work can stop at any point. Then the message comes again, and the delivery log shows whether its attempt
was made. So a hook is deactivated before its delivery's end is logged, and the next attempt is sent after the
last one is logged. Circuits come last, because they only slow down attempts.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger

from storehooks.domain import operational_event
from storehooks.domain.attempt import Attempt
from storehooks.domain.circuit import Circuit
from storehooks.domain.delivery import Delivery, Status
from storehooks.domain.errors import QueueFailedError, TransientError
from storehooks.domain.hook import Hook, HookKey
from storehooks.domain.retry import RetrySchedule
from storehooks.domain.state_machine import (
    Outcome,
    after_attempt,
    deactivation_reason,
    next_message,
    refusal_of,
)
from storehooks.domain.task import HoldTask, RecordTask, TaskMessage, delivery_ids
from storehooks.domain.values import dataclass
from storehooks.flows.log_lines import info_lines
from storehooks.flows.meter import Count, Duration, Meter
from storehooks.flows.operational_events import OperationalEvents
from storehooks.flows.unexpected import each_alone

if TYPE_CHECKING:
    from storehooks.flows.ports import Circuits, DeliveriesQueue, DeliveryLog, Hooks

logger = Logger(utc=True)

_RECORD_AGAIN_SECONDS = 30
# By then the hook is deactivated, retries included, or its owner has changed it.
_HOLD_SURELY_AFTER_SECONDS = 30
_AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class Sent:
    """An attempt that is over. ``logged`` is the logged delivery before it; None if there was none."""

    delivery: Delivery
    logged: Delivery | None
    hook: Hook
    attempt: Attempt

    @property
    def hook_key(self) -> HookKey:
        """The store hash and id of the attempt's hook."""
        return self.hook.store_hash, self.hook.id


@dataclass(slots=True)
class _Tally:
    """Counts of a hook's successful and failed attempts."""

    succeeded: int = 0
    failed: int = 0


class Outcomes:
    """Settles attempts that are over."""

    def __init__(
        self,
        *,
        log: DeliveryLog,
        circuits: Circuits,
        hooks: Hooks,
        queue: DeliveriesQueue,
        operational_events: OperationalEvents,
        schedule: RetrySchedule,
        meter: Meter,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._log = log
        self._circuits = circuits
        self._hooks = hooks
        self._queue = queue
        self._operational_events = operational_events
        self._schedule = schedule
        self._meter = meter
        self._clock = clock

    def settle(self, sent: Sequence[Sent], circuits: dict[HookKey, Circuit]) -> set[str]:
        """Log attempts and do what follows from them. An attempt that meets a mistake of ours fails alone.

        :param circuits: the circuits that were read; updated here.
        :return: the ids of the deliveries whose messages must come again.
        """
        unsettled: set[str] = set()

        def settle(some: Sequence[Sent]) -> None:
            unsettled.update(self._settle(some, circuits))

        def fail(one: Sent, error: Exception) -> None:
            unsettled.add(one.delivery.id)
            self._meter.unexpected(error, **one.delivery.log_keys)

        info_lines(logger, "attempt", map(_attempt_keys, sent))
        for one in sent:
            self._meter.time(Duration.ATTEMPT_LATENCY, one.attempt.times.total_ms)
        self._meter.count(Count.ATTEMPTS, len(sent))
        self._meter.count(Count.ATTEMPTS_FAILED, sum(not one.attempt.succeeded for one in sent))
        each_alone(settle, sent, fail)
        return unsettled

    def _settle(self, sent: Sequence[Sent], circuits: dict[HookKey, Circuit]) -> set[str]:
        """The part of :meth:`settle` that may be repeated: everything except log lines and metrics."""
        self._log_delivered([one for one in sent if one.attempt.succeeded])
        tallies = _tallies(sent)
        changed = self._changed(circuits, tallies)
        current = circuits | changed
        unsettled = self._settle_failed(
            [(one, self._outcome(one, current[one.hook_key])) for one in sent if not one.attempt.succeeded]
        )
        for key in changed:
            self._write_circuit(key, tallies[key])
        circuits |= changed
        return unsettled

    def _outcome(self, one: Sent, circuit: Circuit) -> Outcome:
        return after_attempt(one.delivery, one.attempt, circuit, self._schedule, self._clock())

    # ------------------------------------------------------------ those that succeeded

    def _log_delivered(self, sent: Sequence[Sent]) -> None:
        """Log deliveries that succeeded. They are not sent again, unless both the log and the queue fail."""
        delivered = [self._outcome(one, Circuit()).delivery for one in sent]
        if not delivered:
            return
        try:
            self._log.save_delivered(delivered)
        except TransientError as error:
            self._meter.call_failed(
                "logging later", error=repr(error), delivery_ids=[one.id for one in delivered]
            )
            try:
                self._queue.send(
                    [TaskMessage(RecordTask(delivery=one), _RECORD_AGAIN_SECONDS) for one in delivered]
                )
            except QueueFailedError as failure:
                ids = [delivered[position].id for position in failure.failed]
                self._meter.count(Count.CALLS_FAILED)
                logger.error("delivered, and never logged", error=failure.code, delivery_ids=ids)  # noqa: TRY400 - the code is enough

    # ------------------------------------------------------------ those that failed

    def _settle_failed(self, failed: Sequence[tuple[Sent, Outcome]]) -> set[str]:
        """Log failed attempts, send the next ones, and notify. Return the ids for which that failed."""
        if not failed:
            return set()
        after = self._deactivate_hooks(failed)
        unsettled = {one.delivery.id for one, _ in failed} - after.keys()
        with ThreadPoolExecutor(_AT_ONCE) as threads:
            saving = [
                (
                    one,
                    after[one.delivery.id],
                    threads.submit(self._log.save, after[one.delivery.id], over=one.logged),
                )
                for one, _ in failed
                if one.delivery.id in after
            ]
        messages: list[TaskMessage] = []
        for _, delivery, saved in saving:
            try:
                if not saved.result():
                    continue  # made twice at once, and the other one is logged
            except TransientError as error:
                unsettled.add(delivery.id)
                self._meter.call_failed("logging failed", error=repr(error), **delivery.log_keys)
                continue
            self._meter.count_ended(delivery.status)
            if (message := next_message(delivery, self._clock())) is not None:
                messages.append(message)
        unsettled |= self._send(messages)
        for one, delivery, _ in saving:
            if delivery.status is Status.RETRYING:
                self._operational_events.notify_of_failure(one.hook, one.delivery, one.attempt)
        return unsettled

    def _deactivate_hooks(self, failed: Sequence[tuple[Sent, Outcome]]) -> dict[str, Delivery]:
        """Deactivate the hooks whose outcomes require it.

        :return: the deliveries after that, by id, without those for which it failed.
        """
        after: dict[str, Delivery] = {}
        is_off: dict[HookKey, bool] = {}
        for one, outcome in failed:
            key, delivery = one.hook_key, outcome.delivery
            try:
                if key not in is_off and self._deactivates(outcome):
                    is_off[key] = self._deactivate(one.hook, delivery)
            except TransientError as error:
                self._meter.call_failed("deactivating failed", error=repr(error), **delivery.log_keys)
                continue
            after[delivery.id] = outcome.with_hook_deactivated() if is_off.get(key) else delivery
        return after

    def _deactivates(self, outcome: Outcome) -> bool:
        """Whether an outcome deactivates its hook, with a look at the delivery log if needed."""
        if not outcome.deactivates:
            return False
        since, delivery = outcome.unless_reached_since, outcome.delivery
        return since is None or not self._log.has_reached(delivery.store_hash, delivery.hook_id, since)

    def _deactivate(self, hook: Hook, delivery: Delivery) -> bool:
        """Deactivate a hook, unless its owner has changed it meanwhile. Return whether it is deactivated."""
        task = HoldTask(
            store_hash=hook.store_hash,
            hook_id=hook.id,
            client_id=hook.client_id,
            store_id=operational_event.store_id_of(delivery),
        )
        # First send the task that follows: if the work stopped in between, nobody would be notified.
        self._queue.send([TaskMessage(task, _HOLD_SURELY_AFTER_SECONDS)])
        reason = deactivation_reason(delivery)
        if not self._hooks.deactivate(hook, reason):
            return refusal_of(self._hooks.find(hook.store_hash, hook.id)) is not None
        logger.warning("hook deactivated", reason=reason, **delivery.log_keys)
        self._meter.count(Count.HOOKS_DEACTIVATED)
        self._send([TaskMessage(task)])
        return True

    def _send(self, messages: Sequence[TaskMessage]) -> set[str]:
        """Send tasks. Return the ids of the deliveries whose tasks the queue did not accept."""
        try:
            self._queue.send(messages)
        except QueueFailedError as error:
            tasks = [messages[position].task for position in sorted(error.failed)]
            ids = delivery_ids(tasks)
            hook_ids = sorted({task.hook_id for task in tasks if not isinstance(task, RecordTask)})
            self._meter.call_failed(
                "sending tasks failed", error=error.code, delivery_ids=ids, hook_ids=hook_ids
            )
            return set(ids)
        return set()

    # ------------------------------------------------------------ circuits

    def _changed(
        self, circuits: dict[HookKey, Circuit], tallies: dict[HookKey, _Tally]
    ) -> dict[HookKey, Circuit]:
        """The circuits that these attempts change, after the change."""
        now = self._clock()
        counted = {
            key: circuits.get(key, Circuit()).counted(succeeded=tally.succeeded, failed=tally.failed, now=now)
            for key, tally in tallies.items()
        }
        return {key: circuit for key, circuit in counted.items() if circuit is not None}

    def _write_circuit(self, key: HookKey, tally: _Tally) -> None:
        store_hash, hook_id = key
        count = self._circuits.count_success if tally.succeeded else self._circuits.count_failures
        try:
            count(store_hash, hook_id, tally.failed)
        except TransientError as error:  # a circuit only slows down attempts
            self._meter.call_failed(
                "circuit not written", error=repr(error), store_hash=store_hash, hook_id=hook_id
            )


def _tallies(sent: Sequence[Sent]) -> dict[HookKey, _Tally]:
    tallies: dict[HookKey, _Tally] = defaultdict(_Tally)
    for one in sent:
        if one.attempt.succeeded:
            tallies[one.hook_key].succeeded += 1
        else:
            tallies[one.hook_key].failed += 1
    return tallies


def _attempt_keys(one: Sent) -> dict[str, Any]:
    return {
        "attempt": one.delivery.attempt_count + 1,
        "status": one.attempt.status,
        "error": one.attempt.error,
        "latency_ms": one.attempt.times.total_ms,
        **one.delivery.log_keys,
    }
