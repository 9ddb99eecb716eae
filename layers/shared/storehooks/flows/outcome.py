"""What follows from attempts: the log, the next attempt, the hook's circuit, its deactivation.

The order matters, for the work can stop anywhere: what repeating would undo comes last.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger

from storehooks.api.operational_envelope import to_operational_envelope
from storehooks.domain import exception_event
from storehooks.domain.attempt import Attempt
from storehooks.domain.circuit import Circuit
from storehooks.domain.delivery import Delivery, HoldTask, RecordTask, Status, TaskMessage, delivery_ids
from storehooks.domain.destination import destination_digest
from storehooks.domain.errors import QueueFailedError, TransientError
from storehooks.domain.hook import Hook, HookKey
from storehooks.domain.retry import RetrySchedule
from storehooks.domain.scope import DELIVERY_EXCEPTION
from storehooks.domain.state_machine import (
    Outcome,
    after_attempt,
    deactivation_reason,
    held_as,
    next_message,
    refusal_of,
    seconds_to_next_hold,
)
from storehooks.domain.values import dataclass
from storehooks.flows.log_lines import info_lines
from storehooks.flows.meter import Count, Duration, Meter
from storehooks.flows.notices import Notices
from storehooks.flows.unexpected import each_alone

if TYPE_CHECKING:
    from storehooks.flows.ports import (
        Circuits,
        Claims,
        DeliveriesQueue,
        DeliveryLog,
        EventBus,
        EventsQueue,
        Hooks,
    )

logger = Logger(utc=True)

_RECORD_AGAIN_SECONDS = 30
# By then the hook is deactivated, however often that had to be tried, or is not to be.
_HOLD_SURELY_AFTER_SECONDS = 30
_HOLD_AT_ONCE = 500
_AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class Sent:
    """An attempt that is over. ``logged`` is what the log said of the delivery before it, None if nothing."""

    delivery: Delivery
    logged: Delivery | None
    hook: Hook
    attempt: Attempt

    @property
    def hook_key(self) -> HookKey:
        """Which hook it was for."""
        return self.hook.store_hash, self.hook.id


@dataclass(frozen=True, slots=True)
class _Failed:
    sent: Sent
    outcome: Outcome

    @property
    def after(self) -> Delivery:
        return self.outcome.delivery


class Outcomes:
    """Settles what attempts have come to."""

    def __init__(
        self,
        *,
        log: DeliveryLog,
        circuits: Circuits,
        hooks: Hooks,
        queue: DeliveriesQueue,
        events_queue: EventsQueue,
        bus: EventBus,
        claims: Claims,
        notices: Notices,
        schedule: RetrySchedule,
        meter: Meter,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._log = log
        self._circuits = circuits
        self._hooks = hooks
        self._queue = queue
        self._events_queue = events_queue
        self._bus = bus
        self._claims = claims
        self._notices = notices
        self._schedule = schedule
        self._meter = meter
        self._clock = clock

    def settle(self, sent: Sequence[Sent], circuits: dict[HookKey, Circuit]) -> set[str]:
        """Log attempts and do what follows from them. One that meets a mistake of ours fails alone.

        :param circuits: as they were read; kept up to date here.
        :return: the ids of the deliveries whose messages have to come again.
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
        """The same, but for what is counted once. It may be repeated: the log says what was done."""
        self._log_delivered([one for one in sent if one.attempt.succeeded])
        changed = self._counted(sent, circuits)
        current = circuits | {key: circuit for key, (circuit, _) in changed.items()}
        failed = [
            _Failed(one, self._outcome(one, current[one.hook_key]))
            for one in sent
            if not one.attempt.succeeded
        ]
        unsettled = self._log_failed(failed)
        for (store_hash, hook_id), (_, write) in changed.items():
            try:
                write()
            except TransientError as error:  # it only slows down
                self._meter.call_failed(
                    "circuit not written", error=repr(error), store_hash=store_hash, hook_id=hook_id
                )
        circuits |= current
        return unsettled

    def hold(self, task: HoldTask) -> None:
        """Notify of a hook's deactivation, and hold what waits for it; nothing if it is not deactivated.

        :raises TransientError: when the task has to be repeated.
        """
        hook = self._hooks.find(task.store_hash, task.hook_id)
        status = held_as(hook)
        if hook is None or status is None:
            return
        self._notify_of_deactivation(hook, task)
        waiting, is_more = self._log.waiting(task.store_hash, task.hook_id, _HOLD_AT_ONCE)
        with ThreadPoolExecutor(_AT_ONCE) as threads:
            held = sum(threads.map(lambda delivery: self._log.end_waiting(delivery, status), waiting))
        logger.info("held", store_hash=task.store_hash, hook_id=task.hook_id, deliveries=held)
        self._meter.count_ended(status, held)
        if is_more:
            wait = seconds_to_next_hold(held=held, deactivated_at=hook.deactivated_at or 0, now=self._clock())
            self._queue.send([TaskMessage(task, wait)])

    def _notify_of_deactivation(self, hook: Hook, task: HoldTask) -> None:
        """Notify people and publish the event for it, unless that was done.

        A task that ends in between comes again.
        """
        if not exception_event.may_notify(hook):
            return
        # Releases without notices have another name: what they put on the bus has its notice as well.
        occasion = f"deactivated#{hook.store_hash}#{hook.id}#{hook.deactivated_at}"
        if self._claims.claim(occasion):
            self._notices.add(hook)
            detail = exception_event.deactivated(hook, task.store_id)
            self._publish_once(hook, detail, occasion, exception_event.REMEMBERED_SECONDS)

    def _publish_once(self, hook: Hook, detail: Mapping[str, Any], occasion: str, for_seconds: int) -> None:
        """Publish an event whose occasion was claimed, to its client and to operators, and confirm that.

        :raises TransientError: when the queue or the bus did not take it. Then the claim expires.
        """
        # First the queue: of an event with an id, matching knows the repeat that follows if the bus fails.
        now = int(self._clock() * 1_000_000)
        self._events_queue.send([to_operational_envelope(detail, hook.client_id, now)])
        self._bus.put(exception_event.SOURCE, DELIVERY_EXCEPTION, detail)
        try:
            self._claims.confirm(occasion, for_seconds=for_seconds)
        except TransientError as error:  # another process may put it there again
            self._meter.call_failed(
                "not remembered",
                error=repr(error),
                store_hash=detail["store_hash"],
                hook_id=detail["data"]["id"],
            )

    def _outcome(self, one: Sent, circuit: Circuit) -> Outcome:
        return after_attempt(one.delivery, one.attempt, circuit, self._schedule, self._clock())

    def _log_delivered(self, sent: Sequence[Sent]) -> None:
        """These are not sent again, unless both the log and the queue fail."""
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
                logger.error("delivered, and never logged", error=failure.code, delivery_ids=ids)  # noqa: TRY400 - says it all

    def _log_failed(self, failed: Sequence[_Failed]) -> set[str]:
        """Log failed attempts, and send the next ones; the ids of the deliveries for which that failed."""
        unsettled: set[str] = set()
        if not failed:
            return unsettled
        ended = self._ended_with_their_hooks(failed, unsettled)
        with ThreadPoolExecutor(_AT_ONCE) as threads:
            saving = [
                (one, after, threads.submit(self._log.save, after, over=one.sent.logged))
                for one in failed
                if (after := ended.get(one.after.id, one.after)).id not in unsettled
            ]
        messages: list[TaskMessage] = []
        for _, after, saved in saving:
            try:
                if not saved.result():
                    continue  # made twice at once, and the other is in the log
            except TransientError as error:
                unsettled.add(after.id)
                self._meter.call_failed("logging failed", error=repr(error), **after.log_keys)
                continue
            self._meter.count_ended(after.status)
            if (message := next_message(after, self._clock())) is not None:
                messages.append(message)
        unsettled |= self._send(messages)
        for one, after, _ in saving:
            if after.status is Status.RETRYING:
                self._notify_of_failure(one.sent)
        return unsettled

    def _ended_with_their_hooks(self, failed: Sequence[_Failed], unsettled: set[str]) -> dict[str, Delivery]:
        """Deactivate the hooks that these failures are the end of; what they are then, by the id."""
        ended: dict[str, Delivery] = {}
        is_off: dict[HookKey, bool] = {}
        for one in failed:
            key = one.sent.hook_key
            try:
                if key not in is_off and self._is_end_of_hook(one):
                    is_off[key] = self._deactivate(one.sent.hook, one.after)
            except TransientError as error:
                unsettled.add(one.after.id)
                self._meter.call_failed("deactivating failed", error=repr(error), **one.after.log_keys)
                continue
            if is_off.get(key):
                ended[one.after.id] = one.outcome.with_hook_deactivated()
        return ended

    def _is_end_of_hook(self, one: _Failed) -> bool:
        if not one.outcome.deactivates:
            return False
        since = one.outcome.unless_reached_since
        return since is None or not self._log.has_reached(one.after.store_hash, one.after.hook_id, since)

    def _deactivate(self, hook: Hook, delivery: Delivery) -> bool:
        """Switch a hook off, unless its owner has changed it meanwhile; whether it is off then."""
        task = HoldTask(
            store_hash=hook.store_hash,
            hook_id=hook.id,
            client_id=hook.client_id,
            store_id=exception_event.store_id_of(delivery),
        )
        # First what comes after it: were the work to stop in between, nobody would be notified.
        self._queue.send([TaskMessage(task, _HOLD_SURELY_AFTER_SECONDS)])
        reason = deactivation_reason(delivery)
        if not self._hooks.deactivate(hook, reason):
            return refusal_of(self._hooks.find(hook.store_hash, hook.id)) is not None
        logger.warning("hook deactivated", reason=reason, **delivery.log_keys)
        self._meter.count(Count.HOOKS_DEACTIVATED)
        self._send([TaskMessage(task)])
        return True

    def _notify_of_failure(self, one: Sent) -> None:
        """Publish the event for a failed attempt, unless its destination had one in ten minutes.

        If queue or bus fail, the claim expires, and a later failure notifies.
        """
        if not exception_event.may_notify(one.hook):
            return
        # Of each client: another one's events would say nothing of its own hook.
        whose = f"{one.hook.store_hash}#{one.hook.client_id}"
        occasion = f"destination#{whose}#{destination_digest(one.hook.destination)}"
        try:
            if self._claims.claim(occasion):
                detail = exception_event.retrying(one.hook, one.delivery, one.attempt)
                self._publish_once(one.hook, detail, occasion, exception_event.NOTIFY_AGAIN_SECONDS)
        except TransientError as error:
            self._meter.call_failed(
                "notifying of a failure failed", error=repr(error), **one.delivery.log_keys
            )

    def _send(self, messages: Sequence[TaskMessage]) -> set[str]:
        """Send tasks; the ids of the deliveries whose attempts were not taken."""
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

    def _counted(
        self, sent: Sequence[Sent], circuits: Mapping[HookKey, Circuit]
    ) -> dict[HookKey, tuple[Circuit, Callable[[], None]]]:
        """The circuits that these attempts change: as they are then, and how that is written."""
        succeeded: dict[HookKey, int] = defaultdict(int)
        failed: dict[HookKey, int] = defaultdict(int)
        for one in sent:
            (succeeded if one.attempt.succeeded else failed)[one.hook_key] += 1
        changed: dict[HookKey, tuple[Circuit, Callable[[], None]]] = {}
        for key in succeeded.keys() | failed.keys():
            after = circuits.get(key, Circuit()).counted(
                succeeded=succeeded[key], failed=failed[key], now=self._clock()
            )
            if after is not None:
                count = self._circuits.count_success if succeeded[key] else self._circuits.count_failures
                changed[key] = (after, partial(count, *key, failed[key]))
        return changed


def _attempt_keys(one: Sent) -> dict[str, Any]:
    return {
        "attempt": one.delivery.attempt_count + 1,
        "status": one.attempt.status,
        "error": one.attempt.error,
        "latency_ms": one.attempt.times.total_ms,
        **one.delivery.log_keys,
    }
