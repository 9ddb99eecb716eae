"""Making the attempts that are due.

An invocation begins with the batch that it is given. While some of its sends wait for slow
destinations, it takes further messages from the queue itself: a hundred slow ones then cost
one invocation instead of ten, and never stand in the way of the others.

A message that meets a mistake of ours fails alone (:mod:`storehooks.flows.unexpected`). Attempts that
were made are logged in any case, also if sending itself breaks off.
"""

from __future__ import annotations

import itertools
import math
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from aws_lambda_powertools import Logger

from storehooks.domain.callback import callback
from storehooks.domain.circuit import Circuit
from storehooks.domain.delivery import (
    AttemptTask,
    Delivery,
    DigestTask,
    HoldTask,
    ReceivedTask,
    RecordTask,
    RecoverTask,
    TaskMessage,
    delivery_ids,
)
from storehooks.domain.delivery_context import DeliveryContext
from storehooks.domain.errors import QueueFailedError, TransientError
from storehooks.domain.hook import Hook, HookKey
from storehooks.domain.retry import RetrySchedule
from storehooks.domain.state_machine import Defer, Drop, End, Known, Reject, Send, Why, before_attempt
from storehooks.domain.values import dataclass
from storehooks.flows.meter import Duration, Meter
from storehooks.flows.notices import Notices
from storehooks.flows.outcome import Outcomes, Sent
from storehooks.flows.recover import Recoverer
from storehooks.flows.unexpected import alone, each_alone

if TYPE_CHECKING:
    from storehooks.flows.ports import Circuits, DeliveriesQueue, DeliveryContexts, DeliveryLog, Sender

logger = Logger(utc=True)

_MAX_IN_FLIGHT = 200
_MAX_SECONDS = 45.0
# After this long the invocation looks for more work beside what it waits for: now and then,
# and by long polls once that is likely to last. Those may outlast what is waited for.
_PATIENCE_SECONDS = 0.25
_LONG_POLLS_AFTER_SECONDS = 1.0
_LONG_POLL_SECONDS = 1
_STEP_SECONDS = 0.05
_SETTLE_AT_ONCE = 10
_SETTLE_WITHIN_SECONDS = 0.2


type _Asked = tuple[ReceivedTask, AttemptTask]
"""A message that asks for an attempt."""


@dataclass(frozen=True, slots=True)
class _UnderWay:
    """An attempt that is being made, and the message that asked for it."""

    message: ReceivedTask
    delivery: Delivery
    logged: Delivery | None
    hook: Hook


class Deliverer:
    """Makes attempts, for the life of a process: connections are kept between invocations."""

    def __init__(
        self,
        *,
        contexts: DeliveryContexts,
        log: DeliveryLog,
        circuits: Circuits,
        queue: DeliveriesQueue,
        outcomes: Outcomes,
        notices: Notices,
        recoverer: Recoverer,
        sender: Sender,
        schedule: RetrySchedule,
        meter: Meter,
        timeout_seconds: float,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.contexts = contexts
        self.log = log
        self.circuits = circuits
        self.queue = queue
        self.outcomes = outcomes
        self.notices = notices
        self.recoverer = recoverer
        self.sender = sender
        self.schedule = schedule
        self.meter = meter
        self.timeout_seconds = timeout_seconds
        self.clock = clock
        self.invocations = itertools.count()

    def deliver(self, batch: Sequence[ReceivedTask]) -> set[str]:
        """Do all tasks of a batch, and those that are taken on meanwhile. Returns within about
        twice ``timeout_seconds``, plus up to 8 s under flood.

        :return: the ids of the messages that failed, and have to come again.
        """
        return _Invocation(self).run(batch)


class _Invocation:
    def __init__(self, shared: Deliverer) -> None:
        self._shared = shared
        # What it sends bears its name: the sender may still have what one before it began.
        self._name = f"{next(shared.invocations)}:"
        self._started = time.monotonic()
        self._under_way: dict[str, _UnderWay] = {}
        self._in_flight: Counter[tuple[str, str]] = Counter()
        self._circuits: dict[HookKey, Circuit] = {}
        self._finished: list[Sent] = []
        self._finished_since = 0.0
        self._last: list[tuple[ReceivedTask, HoldTask | RecoverTask | DigestTask]] = []
        self._failed: set[str] = set()
        self._to_delete: list[ReceivedTask] = []
        self._receive_at = self._started + _PATIENCE_SECONDS
        self._is_first_receive = True

    def run(self, batch: Sequence[ReceivedTask]) -> set[str]:
        try:
            self._make_attempts(batch)
        except Exception:  # what was sent until then is not to be sent again
            self._settle()
            self._delete()
            raise
        self._settle()
        self._delete()
        # Last, because nothing is sent or read while it goes on.
        for message, task in self._last:
            with alone(partial(self._fail_unexpectedly, message)):
                self._do_last(message, task)
        self._delete()
        return self._failed

    def _make_attempts(self, batch: Sequence[ReceivedTask]) -> None:
        self._take_on(batch)
        receiving: Future[list[ReceivedTask]] | None = None
        with ThreadPoolExecutor(1) as thread:
            while self._shared.sender.in_flight or receiving:
                if receiving and not self._shared.sender.in_flight:
                    self._settle()
                    wait([receiving])
                self._collect()
                if receiving and receiving.done():
                    with alone(self._stop_receiving):
                        self._take_on(self._received(receiving))
                    receiving = None
                if receiving is None and self._wants_more():
                    is_long = time.monotonic() - self._started >= _LONG_POLLS_AFTER_SECONDS
                    receiving = thread.submit(
                        self._shared.queue.receive, wait_seconds=_LONG_POLL_SECONDS if is_long else 0
                    )
                    receiving.add_done_callback(lambda _: self._shared.sender.wake())

    # ------------------------------------------------------------ more work

    def _wants_more(self) -> bool:
        now = time.monotonic()
        return (
            self._receive_at <= now < self._started + self._shared.timeout_seconds
            and 0 < self._shared.sender.in_flight < _MAX_IN_FLIGHT
        )

    def _received(self, receiving: Future[list[ReceivedTask]]) -> list[ReceivedTask]:
        now, is_first, self._is_first_receive = time.monotonic(), self._is_first_receive, False
        try:
            received = receiving.result()
        except QueueFailedError as error:
            if is_first:  # after a freeze it may use a connection that died: once more
                self._receive_at = now
                return []
            self._receive_at = math.inf
            self._shared.meter.call_failed("taking more work failed", error=error.code)
            return []
        is_early = now - self._started < _LONG_POLLS_AFTER_SECONDS
        self._receive_at = now + _PATIENCE_SECONDS if is_early and not received else now
        return received

    def _stop_receiving(self, error: Exception) -> None:
        self._receive_at = math.inf
        self._shared.meter.unexpected(error)

    # ------------------------------------------------------------ beginning

    def _take_on(self, messages: Sequence[ReceivedTask]) -> None:
        attempts: dict[str, _Asked] = {}
        for message in messages:
            match message.task:
                case AttemptTask() as task:
                    self._choose(message, task, attempts)
                case RecordTask(delivery=delivery):
                    with alone(partial(self._fail_unexpectedly, message)):
                        self._record(message, delivery)
                case HoldTask() | RecoverTask() | DigestTask() as task:
                    self._last.append((message, task))
                case None:
                    logger.error("not a task", message_id=message.batch_id)
                    self._fail(message)
        if attempts:
            each_alone(self._begin_all, list(attempts.values()), self._fail_one_unexpectedly)

    def _choose(self, message: ReceivedTask, task: AttemptTask, attempts: dict[str, _Asked]) -> None:
        """Of several messages of one delivery, the one that is furthest on; the others are repeats."""
        before = attempts.get(task.delivery_id)
        if task.delivery_id in self._under_way or (before and before[1].attempt >= task.attempt):
            self._done(message)
            return
        if before:
            self._done(before[0])
        attempts[task.delivery_id] = (message, task)

    def _record(self, message: ReceivedTask, delivery: Delivery) -> None:
        try:
            self._shared.log.save_delivered([delivery])
            self._done(message)
        except TransientError as error:
            self._shared.meter.call_failed("logging failed again", error=repr(error), **delivery.log_keys)
            self._fail(message)

    def _begin_all(self, attempts: Sequence[_Asked]) -> None:
        try:
            context = self._shared.contexts.read(task for _, task in attempts)
        except TransientError as error:
            self._shared.meter.call_failed(
                "reading failed", error=repr(error), delivery_ids=[task.delivery_id for _, task in attempts]
            )
            for message, _ in attempts:
                self._fail(message)
            return
        self._circuits |= context.circuits
        deferred: list[tuple[ReceivedTask, TaskMessage]] = []
        for message, task in attempts:
            with alone(partial(self._fail_unexpectedly, message)):
                try:
                    later = self._begin(message, task, context)
                except TransientError as error:
                    self._shared.meter.call_failed("beginning failed", error=repr(error), **task.log_keys)
                    self._fail(message)
                    continue
                if later is not None:
                    deferred.append((message, later))
        if deferred:
            each_alone(self._defer, deferred, self._fail_one_unexpectedly)

    def _begin(
        self, message: ReceivedTask, task: AttemptTask, context: DeliveryContext
    ) -> TaskMessage | None:
        """Do what the state machine says of an attempt.

        :return: the message that defers it; None if it is not deferred.
        """
        now = self._shared.clock()
        key, client = (task.store_hash, task.hook_id), (task.store_hash, task.client_id)
        logged = context.deliveries.get(task.delivery_id)
        hook, secrets = context.hooks.get(key), context.secrets.get(client, ())
        known = Known(
            delivery=logged or task.delivery,
            is_logged=logged is not None,
            hook=hook,
            has_secret=bool(secrets),
            circuit=self._circuits.get(key, Circuit()),
            in_flight=self._in_flight[client],
            came_before=message.came_before,
        )
        step = before_attempt(task, known, self._shared.schedule, now)
        if isinstance(step, Send) and step.unless_probed is not None and not self._claims_probe(key, now):
            step = step.unless_probed
        match step:
            case Send(delivery):
                assert hook is not None  # noqa: S101 - to which no step sends
                self._send(task, _UnderWay(message, delivery, logged, hook), secrets, now)
            case Defer():
                seconds = random.randint(step.min_seconds, step.max_seconds)  # noqa: S311 - spreads load
                if step.why is Why.CIRCUIT:
                    logger.info("deferred", seconds=seconds, **(known.delivery or task).log_keys)
                return TaskMessage(step.task, seconds)
            case End(delivery, reason):
                if self._shared.log.save(delivery, over=logged):
                    self._shared.meter.count_ended(delivery.status)
                logger.info(delivery.status.value, reason=reason, **delivery.log_keys)
                self._done(message)
            case Drop(reason):
                logger.info("dropped", reason=reason, **(known.delivery or task).log_keys)
                self._done(message)
            case Reject(reason):
                logger.error(reason, **task.log_keys)
                self._fail(message)
        return None

    def _claims_probe(self, key: HookKey, now: float) -> bool:
        """Whether this attempt is the one that tries a tripped circuit now."""
        # By this attempt or another's: it is being tried.
        self._circuits[key] = replace(self._circuits[key], probed_at=now)
        return self._shared.circuits.claim_probe(*key)

    def _send(self, task: AttemptTask, one: _UnderWay, secrets: tuple[str, ...], now: float) -> None:
        delivery = one.delivery
        if not task.ignores_circuit:
            due_at = delivery.next_attempt_at or delivery.created_at
            self._shared.meter.time(Duration.DELIVERY_LAG, max(0.0, now - due_at) * 1000)
        request = callback(delivery, one.hook, secrets=secrets, now=now)
        self._shared.sender.start(self._name + delivery.id, request)
        self._under_way[delivery.id] = one
        self._in_flight[task.store_hash, task.client_id] += 1

    def _defer(self, deferred: Sequence[tuple[ReceivedTask, TaskMessage]]) -> None:
        failed: frozenset[int] = frozenset()
        try:
            self._shared.queue.send([later for _, later in deferred])
        except QueueFailedError as error:
            failed = error.failed
            ids = delivery_ids(deferred[position][0].task for position in sorted(failed))
            self._shared.meter.call_failed("deferring failed", error=error.code, delivery_ids=ids)
        for position, (message, _) in enumerate(deferred):
            if position in failed:
                self._fail(message)
            else:
                self._done(message)

    # ------------------------------------------------------------ ending

    def _collect(self) -> None:
        for key, attempt in self._shared.sender.wait(_STEP_SECONDS):
            if not key.startswith(self._name):
                continue  # of an invocation that was broken off; its message comes again
            one = self._under_way[key.removeprefix(self._name)]
            self._in_flight[one.delivery.store_hash, one.delivery.client_id] -= 1
            if not self._finished:
                self._finished_since = time.monotonic()
            self._finished.append(Sent(one.delivery, one.logged, one.hook, attempt))
        waited = time.monotonic() - self._finished_since
        if len(self._finished) >= _SETTLE_AT_ONCE or (self._finished and waited >= _SETTLE_WITHIN_SECONDS):
            self._settle()

    def _settle(self) -> None:
        finished, self._finished = self._finished, []
        if not finished:
            return
        unsettled = self._shared.outcomes.settle(finished, self._circuits)
        for sent in finished:
            message = self._under_way.pop(sent.delivery.id).message
            if sent.delivery.id in unsettled:
                self._fail(message)
            else:
                self._done(message)

    def _do_last(self, message: ReceivedTask, task: HoldTask | RecoverTask | DigestTask) -> None:
        if time.monotonic() - self._started > _MAX_SECONDS:
            self._fail(message)
            return
        try:
            match task:
                case HoldTask():
                    self._shared.outcomes.hold(task)
                case RecoverTask():
                    self._shared.recoverer.recover(task, came_before=message.came_before)
                case DigestTask():
                    self._shared.notices.send_digest(task)
            self._done(message)
        except TransientError as error:
            what = {HoldTask: "holding", RecoverTask: "recovering", DigestTask: "sending a digest"}[
                type(task)
            ]
            self._shared.meter.call_failed(
                f"{what} failed", error=repr(error), store_hash=task.store_hash, hook_id=task.hook_id
            )
            self._fail(message)

    def _done(self, message: ReceivedTask) -> None:
        if message.receipt is not None:
            self._to_delete.append(message)

    def _fail(self, message: ReceivedTask) -> None:
        # What was taken from the queue comes again by itself.
        if message.batch_id is not None:
            self._failed.add(message.batch_id)

    def _fail_unexpectedly(self, message: ReceivedTask, error: Exception) -> None:
        keys = {} if message.task is None else message.task.log_keys
        self._shared.meter.unexpected(error, **keys)
        self._fail(message)

    def _fail_one_unexpectedly(self, one: tuple[ReceivedTask, object], error: Exception) -> None:
        self._fail_unexpectedly(one[0], error)

    def _delete(self) -> None:
        try:
            self._shared.queue.delete(self._to_delete)
        except QueueFailedError as error:  # they come again, and the log says that they are done
            ids = delivery_ids(self._to_delete[position].task for position in sorted(error.failed))
            self._shared.meter.call_failed("deleting failed", error=error.code, delivery_ids=ids)
        self._to_delete.clear()
