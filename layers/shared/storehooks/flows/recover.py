"""Recoveries: send a hook's deliveries of a time again, step by step.

A step takes the oldest deliveries that are left, begins another round for each, and sends the task of the
next step. Steps are idempotent, even at the same time: a delivery whose round began after the recovery was
requested is skipped.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import batched
from typing import TYPE_CHECKING

from aws_lambda_powertools import Logger

from storehooks.domain.circuit import Circuit
from storehooks.domain.delivery import DeliverySummary, Status
from storehooks.domain.errors import (
    QueueFailedError,
    RecoveryNotFoundError,
    TransientError,
)
from storehooks.domain.hook import Hook
from storehooks.domain.lease import MAX_RECOVERIES, Lease, LeasePool
from storehooks.domain.recovery import Recovery, RecoveryStatus, new_recovery, new_recovery_id
from storehooks.domain.state_machine import (
    Begin,
    StepTask,
    Stop,
    Wait,
    before_step,
    check_receives,
    max_pending,
    recovery_step,
    seconds_to_next_look,
    seconds_until,
    why_to_stop,
)
from storehooks.domain.task import AttemptTask, RecoverTask, TaskMessage
from storehooks.flows.leases import release_lease, take_lease

if TYPE_CHECKING:  # so that handlers that only start recoveries do not load metrics
    from storehooks.flows.meter import Meter
    from storehooks.flows.ports import (
        Circuits,
        DeliveriesQueue,
        DeliveryLog,
        Hooks,
        Leases,
        Recoveries,
        Selections,
    )

logger = Logger(utc=True)

# The gateway waits 29 s. All else that starting a recovery takes is well below one second.
_COUNT_SECONDS = 5.0
_RETRY_AFTER_SECONDS = 60
_MAX_STEP_SECONDS = 10.0
_AT_ONCE = 16
_SEND_EACH = 100


class RecoveryStarter:
    """Starts recoveries."""

    def __init__(
        self,
        *,
        recoveries: Recoveries,
        leases: Leases,
        selections: Selections,
        queue: DeliveriesQueue,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._recoveries = recoveries
        self._leases = leases
        self._selections = selections
        self._queue = queue
        self._clock = clock

    def start(self, hook: Hook, statuses: tuple[Status, ...], since: float, until: float) -> Recovery:
        """Start a recovery and send the task of its first step. Three calls, and those that count.

        :raises storehooks.domain.errors.HookInactiveError: if the hook is inactive, deactivated or paused.
        :raises TooManyAtOnceError: if the client has the maximum number of recoveries running.
        :raises QueueFailedError: if the queue failed; then nothing is recovered.
        """
        check_receives(hook)
        recovery_id = new_recovery_id()
        pool = _pool(hook.store_hash, hook.client_id)
        lease = take_lease(
            self._leases,
            pool,
            _holder(hook.id, recovery_id),
            is_over=partial(_is_over, self._recoveries, self._clock, hook.store_hash),
            retry_after_seconds=_RETRY_AFTER_SECONDS,
        )
        try:
            count, is_exact = self._selections.count(
                hook.store_hash, hook.id, statuses, (since, until), within_seconds=_COUNT_SECONDS
            )
            recovery = new_recovery(
                hook, recovery_id, since=since, until=until, statuses=statuses,
                count=count, is_count_exact=is_exact, now=self._clock(),
            )  # fmt: skip
            self._recoveries.create(recovery)
            self._queue.send([TaskMessage(recovery.task)])
        except TransientError:
            release_lease(self._leases, pool, lease)
            raise
        return recovery


def _pool(store_hash: str, client_id: str) -> LeasePool:
    return LeasePool("recoveries", store_hash, client_id, MAX_RECOVERIES)


def _holder(hook_id: int, recovery_id: str) -> str:
    return f"{hook_id}#{recovery_id}"


def _is_over(recoveries: Recoveries, clock: Callable[[], float], store_hash: str, lease: Lease) -> bool:
    """Whether a lease's recovery has ended; while the recovery is not stored yet, whether the lease has."""
    hook_id, _, recovery_id = lease.holder.partition("#")
    try:
        recovery = recoveries.get(store_hash, int(hook_id), recovery_id)
    except RecoveryNotFoundError:
        return lease.ends_at <= clock()
    if recovery.status is RecoveryStatus.WAITING:
        return lease.ends_at <= clock()
    return not recovery.is_under_way(clock())


@dataclass(slots=True)
class _Begun:
    """The progress of a step: the id up to which all have begun, their number, and the call that failed."""

    position: str
    number: int = 0
    error: TransientError | None = None


class Recoverer:
    """Does the steps of recoveries."""

    def __init__(
        self,
        *,
        recoveries: Recoveries,
        leases: Leases,
        selections: Selections,
        log: DeliveryLog,
        circuits: Circuits,
        hooks: Hooks,
        queue: DeliveriesQueue,
        meter: Meter,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._recoveries = recoveries
        self._leases = leases
        self._selections = selections
        self._log = log
        self._circuits = circuits
        self._hooks = hooks
        self._queue = queue
        self._meter = meter
        self._clock = clock

    def recover(self, task: RecoverTask, *, came_before: bool) -> None:
        """Do a step, and send the task of the next.

        :raises TransientError: if the task must be repeated.
        """
        try:
            recovery = self._recoveries.get(task.store_hash, task.hook_id, task.recovery_id)
        except RecoveryNotFoundError:
            logger.info("the recovery is gone", **task.log_keys)
            return
        match before_step(task, recovery, came_before=came_before):
            case StepTask.DO if recovery.status is RecoveryStatus.WAITING:
                self._start(recovery)
            case StepTask.DO:
                self._do(recovery)
            case StepTask.SEND_NEXT:
                self._queue.send([TaskMessage(recovery.task)])

    def _start(self, recovery: Recovery) -> None:
        """Start a waiting recovery, unless the client has the maximum number running."""
        hook = self._hooks.find(recovery.store_hash, recovery.hook_id)
        if (reason := why_to_stop(recovery, hook)) is not None:
            self._save(recovery.stopped(self._now(), reason), recovery)
            return
        pool = _pool(recovery.store_hash, recovery.client_id)
        is_over = partial(_is_over, self._recoveries, self._clock, recovery.store_hash)
        lease = self._leases.take(pool, _holder(recovery.hook_id, recovery.id), is_over)
        if lease is None:
            wait = seconds_to_next_look(recovery, self._now())
            self._save(recovery.after_step(self._now(), recovered=0, position=""), recovery, wait)
            return
        try:
            count, is_exact = self._selections.count(
                recovery.store_hash,
                recovery.hook_id,
                recovery.statuses,
                (recovery.since, recovery.until),
                held_since=recovery.held_since,
                within_seconds=_COUNT_SECONDS,
            )
        except TransientError:
            release_lease(self._leases, pool, lease)
            raise
        self._save(recovery.started(self._now(), count=count, is_count_exact=is_exact), recovery)

    def _do(self, recovery: Recovery) -> None:
        match self._step(recovery):
            case Stop(reason):
                self._save(recovery.stopped(self._now(), reason), recovery)
            case Wait(seconds):
                after = recovery.after_step(self._now(), recovered=0, position=recovery.position)
                self._save(after, recovery, seconds)
            case Begin() as step:
                self._begin_some(recovery, step)

    def _step(self, recovery: Recovery) -> Stop | Wait | Begin:
        """The state machine's step. If the recovery stops, nothing else is read."""
        store_hash, hook_id = recovery.store_hash, recovery.hook_id
        hook = self._hooks.find(store_hash, hook_id)
        circuit, pending = Circuit(), 0
        if why_to_stop(recovery, hook) is None:
            circuit = self._circuits.get(store_hash, hook_id)
            pending = self._selections.pending(store_hash, hook_id, max_pending(circuit))
        return recovery_step(recovery, hook, circuit, pending, self._now())

    def _begin_some(self, recovery: Recovery, step: Begin) -> None:
        found, up_to = self._selections.next_of(recovery, step.limit)
        begun = self._begin(recovery, found, step)
        is_cut_short = bool(found) and begun.position != found[-1].id
        if begun.error is not None and not begun.number:
            raise begun.error
        position = begun.position if is_cut_short or up_to is None else up_to
        after = recovery.after_step(self._now(), recovered=begun.number, position=position)
        wait = step.seconds_to_next(is_failed=begun.error is not None)
        if up_to is None and not is_cut_short:
            if (pass_at := recovery.next_pass_at) is None:
                after = after.finished(self._now())
            else:
                after = after.in_another_pass(self._now(), pass_at)
                wait = max(wait, seconds_until(pass_at, self._now()))
        self._save(after, recovery, wait)

    def _begin(self, recovery: Recovery, found: Sequence[DeliverySummary], step: Begin) -> _Begun:
        """Begin another round for each, in order, until the time is over or a call fails."""
        begun = _Begun(recovery.position)
        started = time.monotonic()
        with ThreadPoolExecutor(_AT_ONCE) as threads:
            for some in batched(found, _SEND_EACH, strict=False):
                if time.monotonic() - started > _MAX_STEP_SECONDS or begun.error is not None:
                    break
                tasks: list[AttemptTask] = []
                for one, (task, error) in zip(
                    some, threads.map(partial(self._begin_one, recovery), some), strict=True
                ):
                    if error is not None:
                        self._meter.call_failed(
                            "beginning another round failed", error=repr(error), **one.log_keys
                        )
                    begun.error = begun.error or error
                    if task is not None:
                        tasks.append(step.task(task))
                    if begun.error is None:
                        begun.position = one.id
                self._send(recovery, tasks)
                begun.number += len(tasks)
        return begun

    def _begin_one(
        self, recovery: Recovery, delivery: DeliverySummary
    ) -> tuple[AttemptTask | None, TransientError | None]:
        now = max(self._clock(), recovery.created_at)  # clocks differ; no round may begin before it
        try:
            return self._log.begin_round(delivery, now, unless_since=recovery.created_at), None
        except TransientError as error:
            return None, error

    def _send(self, recovery: Recovery, tasks: Sequence[AttemptTask]) -> None:
        ids = [task.delivery_id for task in tasks]
        logger.info("sending again", delivery_ids=ids, **recovery.task.log_keys)
        try:
            self._queue.send([TaskMessage(task) for task in tasks])
        except QueueFailedError as error:  # the sweep sends them in five minutes
            later = [ids[position] for position in sorted(error.failed)]
            self._meter.call_failed(
                "sending again later", error=error.code, delivery_ids=later, **recovery.task.log_keys
            )

    def _save(self, after: Recovery, before: Recovery, wait_seconds: int = 0) -> None:
        """Save a recovery after a step, and send the next task; nothing if the step was done already."""
        if not self._recoveries.save(after, over=before):
            return
        if not after.has_ended:
            self._queue.send([TaskMessage(after.task, wait_seconds)])
        else:
            logger.info(
                after.status.value, reason=after.reason, recovered=after.recovered, **after.task.log_keys
            )

    def _now(self) -> float:
        return round(self._clock(), 3)
