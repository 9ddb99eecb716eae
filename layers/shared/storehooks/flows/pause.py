"""Pausing a hook, and resuming it.

Before the flag is written, the queue has what is to follow, with a delay in which the request ends: so
nothing is missing if the work stops in between. Once it is written, the same is sent again, to happen now.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger

from storehooks.domain.errors import QueueFailedError, RecoveryNotFoundError
from storehooks.domain.hook import Hook
from storehooks.domain.identity import Caller
from storehooks.domain.recovery import (
    CLOCKS_DIFFER_SECONDS,
    RecoveryStatus,
    new_recovery_id,
    new_resumption,
)
from storehooks.domain.state_machine import refusal_of
from storehooks.domain.task import HoldTask, TaskMessage

if TYPE_CHECKING:
    from storehooks.flows.ports import DeliveriesQueue, HooksOfClients, Recoveries

logger = Logger(utc=True)

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
        """Change a hook of the caller, ``is_paused`` among the rest. Two calls if that is as it was.

        :return: the hook, and the id of the recovery of what was held, if it resumes.
        :raises storehooks.domain.errors.CallerError: as :meth:`HooksOfClients.update` does.
        :raises storehooks.domain.errors.TransientError: then a repeat does no harm.
        """
        hook = self._hooks.get(caller, hook_id)
        if changes["is_paused"] == hook.is_paused:
            return self._hooks.update(caller, hook_id, changes, read=hook), None
        if hook.is_paused:
            return self._resume(caller, hook, changes)
        return self._pause(caller, hook, changes), None

    def _pause(self, caller: Caller, hook: Hook, changes: Mapping[str, Any]) -> Hook:
        """Four calls."""
        task = HoldTask(store_hash=hook.store_hash, hook_id=hook.id, client_id=hook.client_id, store_id=None)
        self._queue.send([TaskMessage(task, _SURELY_AFTER_SECONDS)])
        paused = self._hooks.update(caller, hook.id, changes, read=hook)
        self._send_now(TaskMessage(task))
        return paused

    def _resume(self, caller: Caller, hook: Hook, changes: Mapping[str, Any]) -> tuple[Hook, str | None]:
        """Five calls, or six if it has resumed before."""
        recovery = new_resumption(
            hook, new_recovery_id(), held_since=self._held_since(hook), now=self._clock()
        )
        self._recoveries.create(recovery)
        self._queue.send([TaskMessage(recovery.task, _SURELY_AFTER_SECONDS)])
        resumed = self._hooks.update(caller, hook.id, {**changes, "resumption": recovery.id}, read=hook)
        if refusal_of(resumed) is not None:
            return resumed, None
        self._send_now(TaskMessage(recovery.task))
        return resumed, recovery.id

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

    def _send_now(self, message: TaskMessage) -> None:
        try:
            self._queue.send([message])
        except QueueFailedError as error:  # then the one that was sent before brings it
            logger.warning("sent later", error=error.code, **message.task.log_keys)
