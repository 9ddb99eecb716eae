"""Pauses and resumes hooks.

The task that follows is sent before the flag is written, with a delay in which the request ends. So nothing
is missing if the work stops in between. After the flag is written, the task is sent again without a delay.
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
    """Updates hooks and their pauses."""

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
        """Change a hook of the caller. The changes include ``is_paused``.

        Two calls if ``is_paused`` does not change; four to pause the hook; five or six to resume it.

        :return: the hook, and the id of the recovery of its held deliveries if it resumes.
        :raises storehooks.domain.errors.CallerError: if there is no such hook, or the change is refused.
        :raises StoreBusyError: if another request changes the hook each time after it was read.
        """
        recovery_id = new_recovery_id()
        for _ in range(_TRIES):
            hook = self._hooks.get(caller, hook_id)
            # Deliveries of a pulled hook wait anyway: nothing is held, and nothing needs a recovery.
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
        """Have the waiting deliveries of a pulled hook cancelled that became inactive. One call.

        If the call fails, that is logged, and the deliveries are given out if the hook is activated again.
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
        """Change a hook unless it changed since it was read, and have the task done after that."""
        self._queue.send([TaskMessage(task, _SURELY_AFTER_SECONDS)])
        changed = self._hooks.change(hook, changes)
        if changed is not None:
            try:
                self._queue.send([TaskMessage(task)])
            except QueueFailedError as error:  # then the message that was sent before brings the task
                logger.warning("sent later", error=error.code, **task.log_keys)
        return changed

    def _held_since(self, hook: Hook) -> float:
        """From when on held deliveries must be sent: from an earlier pause, if its resumption broke off."""
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
