"""Does the tasks of the deliveries queue: makes attempts, and does holds, recoveries and digests.

An invocation begins with its batch. While attempts wait for slow destinations, it receives further messages
from the queue itself: so a hundred slow attempts take one invocation instead of ten, and delay no others.
Long tasks (holds, recoveries, digests) are done after all attempts.

A message that meets a mistake of ours fails alone (:mod:`storehooks.flows.unexpected`). Attempts that were
made are always logged, even if sending breaks off.
"""

from __future__ import annotations

import itertools
import math
import random
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from aws_lambda_powertools import Logger

from storehooks.domain.callback import callback
from storehooks.domain.circuit import Circuit
from storehooks.domain.delivery import Delivery, Status
from storehooks.domain.delivery_context import DeliveryContext
from storehooks.domain.errors import QueueFailedError, TransientError
from storehooks.domain.hook import Hook, HookKey
from storehooks.domain.rate import Reservation
from storehooks.domain.retry import RetrySchedule
from storehooks.domain.state_machine import (
    Defer,
    Drop,
    End,
    Known,
    Log,
    Offer,
    Reject,
    Reserve,
    Send,
    Why,
    before_attempt,
    could_begin_at,
    share_of,
)
from storehooks.domain.task import (
    AttemptTask,
    DigestTask,
    HoldTask,
    ReceivedTask,
    RecordTask,
    RecoverTask,
    TaskMessage,
    delivery_ids,
)
from storehooks.domain.values import dataclass
from storehooks.flows.expiry import Expiries
from storehooks.flows.hold import Holds
from storehooks.flows.meter import Duration, Meter
from storehooks.flows.notices import Notices
from storehooks.flows.offer import Offers
from storehooks.flows.outcome import Outcomes, Sent
from storehooks.flows.recover import Recoverer
from storehooks.flows.unexpected import alone, each_alone

if TYPE_CHECKING:
    from storehooks.flows.ports import (
        Circuits,
        DeliveriesQueue,
        DeliveryContexts,
        DeliveryLog,
        Lines,
        Sender,
    )

logger = Logger(utc=True)

_MAX_IN_FLIGHT = 200
# No long task begins later: one may take about 10 s, and Lambda stops the function after 60 s.
_LONG_TASKS_WITHIN_SECONDS = 45.0
PATIENCE_SECONDS = 0.25
"""Seconds that an invocation waits for its attempts before it receives further messages."""
# From then on it polls long, because the wait is likely to last. A poll may outlast it.
_LONG_POLLS_AFTER_SECONDS = 1.0
_LONG_POLL_SECONDS = 1
_STEP_SECONDS = 0.05
_SETTLE_AT_ONCE = 10
_SETTLE_WITHIN_SECONDS = 0.2


type _Asked = tuple[ReceivedTask, AttemptTask]
"""A message that asks for an attempt."""


type _Placed = tuple[_Asked, Reservation | None]
"""A message that asks for an attempt, with the attempt's place in the line of its hook."""

type _Reserving = tuple[_Asked, Reserve]
"""A message that asks for an attempt, which must reserve a place first."""

type _Begun = tuple[list[tuple[ReceivedTask, TaskMessage]], list[_Reserving]]


@dataclass(frozen=True, slots=True)
class _UnderWay:
    """An attempt that is under way, and the message that asked for it."""

    message: ReceivedTask
    delivery: Delivery
    logged: Delivery | None
    hook: Hook


class Deliverer:
    """Makes attempts. One object serves a process, so that connections are kept between invocations."""

    def __init__(
        self,
        *,
        contexts: DeliveryContexts,
        log: DeliveryLog,
        circuits: Circuits,
        lines: Lines,
        queue: DeliveriesQueue,
        outcomes: Outcomes,
        holds: Holds,
        expiries: Expiries,
        offers: Offers,
        recoverer: Recoverer,
        notices: Notices,
        sender: Sender,
        schedule: RetrySchedule,
        meter: Meter,
        timeout_seconds: float,
        patience_seconds: float,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.contexts = contexts
        self.log = log
        self.circuits = circuits
        self.lines = lines
        self.queue = queue
        self.outcomes = outcomes
        self.holds = holds
        self.expiries = expiries
        self.offers = offers
        self.recoverer = recoverer
        self.notices = notices
        self.sender = sender
        self.schedule = schedule
        self.meter = meter
        self.timeout_seconds = timeout_seconds
        self.patience_seconds = patience_seconds
        self.clock = clock
        self.invocations = itertools.count()

    def deliver(self, batch: Sequence[ReceivedTask]) -> set[str]:
        """Do all tasks of a batch, and of further messages that are received meanwhile.

        Attempts end within about twice ``timeout_seconds``, plus up to 8 s under flood.

        :return: the ids of the messages that failed and must come again.
        """
        return _Invocation(self).run(batch)


class _Invocation:
    def __init__(self, shared: Deliverer) -> None:
        self._shared = shared
        # The prefix of this invocation's keys: the sender may still have requests of an earlier one.
        self._key_prefix = f"{next(shared.invocations)}:"
        self._started = time.monotonic()
        self._under_way: dict[str, _UnderWay] = {}
        self._in_flight_of: Counter[tuple[str, str]] = Counter()
        self._circuits: dict[HookKey, Circuit] = {}
        # One share for all deferred messages of a hook, so that they come again as one batch.
        self._shares: dict[HookKey, float] = defaultdict(random.random)
        self._finished: list[Sent] = []
        self._finished_since = 0.0
        self._long_tasks: list[tuple[ReceivedTask, HoldTask | RecoverTask | DigestTask]] = []
        self._failed: set[str] = set()
        self._to_delete: list[ReceivedTask] = []
        self._receive_at = self._started + shared.patience_seconds
        self._is_first_receive = True

    def run(self, batch: Sequence[ReceivedTask]) -> set[str]:
        try:
            self._make_attempts(batch)
        except Exception:  # attempts that were made must not be made again
            self._settle()
            self._delete()
            raise
        self._settle()
        self._delete()
        # Last, because no attempt is made meanwhile.
        for message, task in self._long_tasks:
            with alone(partial(self._fail_unexpectedly, message)):
                self._do_long(message, task)
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

    # ------------------------------------------------------------ receiving more

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
            if is_first:  # after a freeze its connection may be dead: try once more
                self._receive_at = now
                return []
            self._receive_at = math.inf
            self._shared.meter.call_failed("taking more work failed", error=error.code)
            return []
        is_early = now - self._started < _LONG_POLLS_AFTER_SECONDS
        waits = is_early and not received
        self._receive_at = now + self._shared.patience_seconds if waits else now
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
                    self._long_tasks.append((message, task))
                case None:
                    logger.error("not a task", message_id=message.batch_id)
                    self._fail(message)
        if attempts:
            each_alone(self._begin_all, list(attempts.values()), self._fail_one_unexpectedly)

    def _choose(self, message: ReceivedTask, task: AttemptTask, attempts: dict[str, _Asked]) -> None:
        """Keep the message of a delivery's latest attempt. Other messages of the delivery are repeats."""
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
        placed: list[_Placed] = []
        for message, task in attempts:
            # A message that came before may have used its place.
            place = None if message.came_before else task.reserved or context.reserved.get(task.delivery_id)
            placed.append(((message, task), place))
        deferred, reserving = self._begin_each(placed, context)
        for key, some in _by_hook(reserving).items():
            # Those that still have no place, because its second is over or the hook has changed, are sent
            # again.
            later, again = self._begin_each(self._reserve(context.hooks[key], some), context)
            deferred += [*later, *((message, TaskMessage(task, 1)) for (message, task), _ in again)]
        if deferred:
            each_alone(self._defer, deferred, self._fail_one_unexpectedly)

    def _begin_each(self, attempts: Sequence[_Placed], context: DeliveryContext) -> _Begun:
        """Begin attempts with their places. Return the messages to defer, and those that need a place."""
        deferred: list[tuple[ReceivedTask, TaskMessage]] = []
        reserving: list[_Reserving] = []
        for (message, task), place in attempts:
            with alone(partial(self._fail_unexpectedly, message)):
                try:
                    later = self._begin(message, task, context, place)
                except TransientError as error:
                    self._shared.meter.call_failed("beginning failed", error=repr(error), **task.log_keys)
                    self._fail(message)
                    continue
                if isinstance(later, Reserve):
                    reserving.append(((message, task), later))
                elif later is not None:
                    deferred.append((message, later))
        return deferred, reserving

    def _reserve(self, hook: Hook, reserving: Sequence[_Reserving]) -> list[_Placed]:
        """Reserve places for attempts of one hook. If that fails, the attempts fail."""
        placed: list[_Placed] = []

        def fail(error: Exception) -> None:
            for (message, _), _ in reserving:
                self._fail_unexpectedly(message, error)

        with alone(fail):
            try:
                seconds = self._shared.lines.reserve(hook, len(reserving))
            except TransientError as error:
                ids = delivery_ids(task for (_, task), _ in reserving)
                self._shared.meter.call_failed("reserving failed", error=repr(error), delivery_ids=ids)
                for (message, _), _ in reserving:
                    self._fail(message)
                return []
            if seconds is None:
                return [(asked, None) for asked, _ in reserving]
            now = self._shared.clock()
            for (asked, step), second in zip(reserving, seconds, strict=True):
                self._time_lag(asked[1], step.delivery, now)
                if second > now:
                    self._shared.meter.time(Duration.RATE_BACKLOG, (second - now) * 1000)
                placed.append((asked, Reservation(second, hook.version)))
        return placed

    def _begin(
        self, message: ReceivedTask, task: AttemptTask, context: DeliveryContext, place: Reservation | None
    ) -> TaskMessage | Reserve | None:
        """Do the state machine's step for an attempt.

        :return: the message that defers it, or the step of reserving a place; None otherwise.
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
            in_flight=self._in_flight_of[client],
            came_before=message.came_before,
            reserved=place,
        )
        step = before_attempt(task, known, self._shared.schedule, now)
        if isinstance(step, Send) and step.unless_probed is not None and not self._claims_probe(key, now):
            step = step.unless_probed
        match step:
            case Send(delivery):
                assert hook is not None  # noqa: S101 - no step sends without a hook
                self._send(task, _UnderWay(message, delivery, logged, hook), secrets, now)
            case Defer():
                seconds = share_of(step.min_seconds, step.max_seconds, self._shares[key])
                if step.why is Why.CIRCUIT:
                    logger.info("deferred", seconds=seconds, **(known.delivery or task).log_keys)
                return TaskMessage(step.task, seconds)
            case Reserve():
                return step
            case Log(delivery, reserved):
                self._shared.log.save_reserved(delivery, reserved, over=logged)
                logger.info("logged until its place comes", second=reserved.second, **delivery.log_keys)
                self._done(message)
            case Offer(delivery):
                assert hook is not None  # noqa: S101 - a hook that is pulled
                self._shared.offers.offer(hook, delivery, over=logged)
                logger.info("offered", **delivery.log_keys)
                self._done(message)
            case End(delivery, reason, code):
                if delivery.status is Status.HELD and hook is not None:
                    self._shared.expiries.begin(hook)
                if self._shared.log.save(delivery, over=logged):
                    self._shared.meter.count_ended(delivery.status)
                keys = delivery.log_keys if code is None else {"code": code, **delivery.log_keys}
                logger.info(delivery.status.value, reason=reason, **keys)
                self._done(message)
            case Drop(reason):
                logger.info("dropped", reason=reason, **(known.delivery or task).log_keys)
                self._done(message)
            case Reject(reason):
                logger.error(reason, **task.log_keys)
                self._fail(message)
        return None

    def _claims_probe(self, key: HookKey, now: float) -> bool:
        """Whether this attempt may probe its hook; False if another probe has just begun."""
        # Whichever invocation gets the claim, the circuit is being probed now.
        self._circuits[key] = replace(self._circuits[key], probed_at=now)
        return self._shared.circuits.claim_probe(*key)

    def _send(self, task: AttemptTask, one: _UnderWay, secrets: tuple[str, ...], now: float) -> None:
        delivery = one.delivery
        if one.hook.max_per_second is None:
            self._time_lag(task, delivery, now)
        request = callback(delivery, one.hook, secrets=secrets, now=now)
        self._shared.sender.start(self._key_prefix + delivery.id, request)
        self._under_way[delivery.id] = one
        self._in_flight_of[task.store_hash, task.client_id] += 1

    def _time_lag(self, task: AttemptTask, delivery: Delivery, now: float) -> None:
        if not task.ignores_circuit:
            lag = max(0.0, now - could_begin_at(task, delivery, now))
            self._shared.meter.time(Duration.DELIVERY_LAG, lag * 1000)

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
            if not key.startswith(self._key_prefix):
                continue  # from an earlier invocation that broke off; its message comes again
            one = self._under_way[key.removeprefix(self._key_prefix)]
            self._in_flight_of[one.delivery.store_hash, one.delivery.client_id] -= 1
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

    def _do_long(self, message: ReceivedTask, task: HoldTask | RecoverTask | DigestTask) -> None:
        if time.monotonic() - self._started > _LONG_TASKS_WITHIN_SECONDS:
            self._fail(message)
            return
        try:
            match task:
                case HoldTask():
                    self._shared.holds.hold(task)
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
        # A message received from the queue comes again by itself.
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
        except QueueFailedError as error:  # they come again, and the log shows that they are done
            ids = delivery_ids(self._to_delete[position].task for position in sorted(error.failed))
            self._shared.meter.call_failed("deleting failed", error=error.code, delivery_ids=ids)
        self._to_delete.clear()


def _by_hook(reserving: Sequence[_Reserving]) -> dict[HookKey, list[_Reserving]]:
    of_hooks: dict[HookKey, list[_Reserving]] = defaultdict(list)
    for one in reserving:
        task = one[0][1]
        of_hooks[task.store_hash, task.hook_id].append(one)
    return of_hooks
