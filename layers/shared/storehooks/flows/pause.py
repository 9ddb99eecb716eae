"""Pausing a hook, and resuming it.

Before the flag is written, the queue has what is to follow, with a delay in which the request ends: so
nothing is missing if the work stops in between. Once it is written, the same is sent again, to happen now.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger

from storehooks.domain.errors import QueueFailedError, RecoveryNotFoundError, StoreBusyError
from storehooks.domain.hook import Hook
from storehooks.domain.identity import Caller
from storehooks.domain.recovery import (
    CLOCKS_DIFFER_SECONDS,
    RecoveryStatus,
    new_recovery_id,
    new_resumption,
)
from storehooks.domain.state_machine import refusal_of
from storehooks.domain.task import HoldTask, RecoverTask, TaskMessage

if TYPE_CHECKING:
    from storehooks.flows.ports import DeliveriesQueue, HooksOfClients, Recoveries

logger = Logger(utc=True)

_TRIES = 6
# By then the request has ended.
_SURELY_AFTER_SECONDS = 30


class Pauses:
    """Updates hooks whose pauses begin or end."""

    def __init__(
        self,
        *,
        hooks: HooksOfClients,
        recoveries: Recoveries,
        queue: DeliveriesQueue,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._hooks = hooks
        self._recoveries = recoveries
        self._queue = queue
        self._clock = clock

    def update(self, caller: Caller, hook_id: int, changes: Mapping[str, Any]) -> tuple[Hook, str | None]:
        """Change a hook of the caller, ``is_paused`` among the rest.

        Two calls if that is as it was; four to pause it; five or six to resume it.

        :return: the hook, and the id of the recovery of what was held, if it resumes.
        :raises storehooks.domain.errors.CallerError: when there is no such hook, or it cannot be changed so.
        :raises StoreBusyError: when somebody else changes it whenever it was read.
        """
        recovery_id = new_recovery_id()
        for _ in range(_TRIES):
            hook = self._hooks.get(caller, hook_id)
            # What is to be pulled waits anyway: nothing is to be held, and nothing to be recovered.
            is_resumed = hook.is_paused and not changes["is_paused"] and not hook.is_pulled
            if is_resumed:
                changed = self._resume(hook, changes, recovery_id)
            elif changes["is_paused"] and not hook.is_paused and not hook.is_pulled:
                changed = self._pause(hook, changes)
            else:
                changed = self._hooks.change(hook, changes)
            if changed is not None:
                return changed, recovery_id if is_resumed and refusal_of(changed) is None else None
        raise StoreBusyError

    def cancel_waiting(self, hook: Hook) -> None:
        """Have what waits to be pulled from a hook cancelled, which was switched off. One call.

        What cannot be cancelled is given out if the hook is switched on again.
        """
        task = _hold_task(hook)
        try:
            self._queue.send([TaskMessage(task)])
        except QueueFailedError as error:
            logger.warning("not cancelled", error=error.code, **task.log_keys)

    def _pause(self, hook: Hook, changes: Mapping[str, Any]) -> Hook | None:
        return self._change_before(_hold_task(hook), hook, changes)

    def _resume(self, hook: Hook, changes: Mapping[str, Any], recovery_id: str) -> Hook | None:
        recovery = new_resumption(hook, recovery_id, held_since=self._held_since(hook), now=self._clock())
        self._recoveries.create(recovery)
        return self._change_before(recovery.task, hook, {**changes, "resumption": recovery_id})

    def _change_before(
        self, task: HoldTask | RecoverTask, hook: Hook, changes: Mapping[str, Any]
    ) -> Hook | None:
        """Change the hook as it was read, and have the task done after that."""
        self._queue.send([TaskMessage(task, _SURELY_AFTER_SECONDS)])
        changed = self._hooks.change(hook, changes)
        if changed is not None:
            try:
                self._queue.send([TaskMessage(task)])
            except QueueFailedError as error:  # then the one that was sent before brings it
                logger.warning("sent later", error=error.code, **task.log_keys)
        return changed

    def _held_since(self, hook: Hook) -> float:
        """Since when what is held is to be sent: since an earlier pause, if its resumption was broken off."""
        since = float(hook.paused_at or 0) - CLOCKS_DIFFER_SECONDS
        if hook.resumption is None:
            return since
        try:
            last = self._recoveries.get(hook.store_hash, hook.id, hook.resumption)
        except RecoveryNotFoundError:
            return since
        if last.status is RecoveryStatus.FINISHED or last.held_since is None:
            return since
        return min(since, last.held_since)


def _hold_task(hook: Hook) -> HoldTask:
    return HoldTask(store_hash=hook.store_hash, hook_id=hook.id, client_id=hook.client_id, store_id=None)
