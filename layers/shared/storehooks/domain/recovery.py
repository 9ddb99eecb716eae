"""A recovery: sending again what a hook has missed in some time, all of it, at a bearable pace."""

import re
import uuid
from dataclasses import dataclass, replace
from enum import StrEnum

from storehooks.domain.delivery import Status
from storehooks.domain.hook import Hook
from storehooks.domain.task import RecoverTask

RECOVERABLE = (Status.EXHAUSTED, Status.HELD, Status.CANCELLED, Status.DELIVERED)
"""What may be sent again: all that has ended."""

MISSED = (Status.EXHAUSTED, Status.HELD)
"""What is sent again unless something else is asked for."""

SILENT_SECONDS = 2 * 60 * 60
"""A recovery without a step for so long is gone: a step waits for 15 minutes at most, and its message comes
again for 66 minutes."""

SETTLED_SECONDS = 95
"""So long after a resumption was asked for, nothing is held any more because of the pause: its request ends
within 30 s, and an invocation that read the hook before within 60 s. The index follows the table."""

CLOCKS_DIFFER_SECONDS = 60
"""Clocks of machines differ by less."""

MAX_LEASE_WAIT_SECONDS = 60
"""A waiting recovery looks this often whether it may run."""

PROBES = 3
"""So many at a time begin while the hook fails."""

_ID = re.compile(r"rec_[0-9a-f]{32}", re.ASCII)


class RecoveryStatus(StrEnum):
    """Where a recovery stands."""

    WAITING = "waiting"
    """A resumption's, until one of the two that its client has running ends."""
    RUNNING = "running"
    FINISHED = "finished"
    """All that was to be found has begun another round."""
    STOPPED = "stopped"
    """Its hook is not active any more, or is paused; or a later resumption's goes on instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery:
    """A request to send again a hook's deliveries of a time, and how far it has got.

    Times are in seconds since 1970, to the millisecond. ``since`` and ``until``, both
    included, are about when a delivery's event was accepted. ``count`` is what there was to
    send when it was requested, at least that if ``is_count_exact`` is false. Of the deliveries
    up to the id ``position``, all have begun. ``step`` counts its steps from 1, and the last
    one that got further was at ``progressed_at``.

    A resumption's is about what was held at ``held_since`` or later, whenever its event was accepted.
    It goes through them again, from ``pass_at`` on, until nothing can come in behind it.
    """

    id: str
    store_hash: str
    hook_id: int
    client_id: str
    since: float
    until: float
    statuses: tuple[Status, ...]
    created_at: float
    updated_at: float
    progressed_at: float
    status: RecoveryStatus = RecoveryStatus.RUNNING
    reason: str | None = None
    count: int
    is_count_exact: bool
    recovered: int = 0
    finished_at: float | None = None
    position: str = ""
    step: int = 1
    held_since: float | None = None
    pass_at: float | None = None

    @property
    def task(self) -> RecoverTask:
        """Its next step."""
        return RecoverTask(
            store_hash=self.store_hash,
            hook_id=self.hook_id,
            client_id=self.client_id,
            recovery_id=self.id,
            step=self.step,
        )

    @property
    def has_ended(self) -> bool:
        """Whether no step follows."""
        return self.status in {RecoveryStatus.FINISHED, RecoveryStatus.STOPPED}

    def is_under_way(self, now: float) -> bool:
        """Whether it runs: not if it has ended, nor if its next step has been missing for too long."""
        return self.status is RecoveryStatus.RUNNING and now - self.updated_at < SILENT_SECONDS

    def after_step(self, now: float, *, recovered: int, position: str) -> "Recovery":
        """This recovery once a step is done, and there is another."""
        has_progressed = recovered > 0 or position != self.position
        return replace(
            self,
            updated_at=now,
            progressed_at=now if has_progressed else self.progressed_at,
            recovered=self.recovered + recovered,
            position=position,
            step=self.step + 1,
        )

    def started(self, now: float, *, count: int, is_count_exact: bool) -> "Recovery":
        """This recovery, which waited, once it may run."""
        return replace(
            self,
            updated_at=now,
            progressed_at=now,
            pass_at=now,
            status=RecoveryStatus.RUNNING,
            count=count,
            is_count_exact=is_count_exact,
            step=self.step + 1,
        )

    @property
    def next_pass_at(self) -> float | None:
        """When it has to go through its deliveries again once it is through; None if it need not."""
        settled_at = self.created_at + SETTLED_SECONDS
        return round(settled_at, 3) if self.pass_at is not None and self.pass_at < settled_at else None

    def in_another_pass(self, now: float, pass_at: float) -> "Recovery":
        """This recovery at the end of a pass, if it is to go through its deliveries again at a time."""
        return replace(self, updated_at=now, position="", pass_at=max(now, pass_at))

    def finished(self, now: float) -> "Recovery":
        """This recovery at its end."""
        return replace(
            self, updated_at=now, finished_at=now, status=RecoveryStatus.FINISHED, step=self.step + 1
        )

    def stopped(self, now: float, reason: str) -> "Recovery":
        """This recovery when nothing more can be sent."""
        return replace(
            self,
            updated_at=now,
            finished_at=now,
            status=RecoveryStatus.STOPPED,
            reason=reason,
            step=self.step + 1,
        )


def new_recovery_id() -> str:
    """An id that no other recovery has."""
    return f"rec_{uuid.uuid4().hex}"


def new_recovery(
    hook: Hook,
    recovery_id: str,
    *,
    since: float,
    until: float,
    statuses: tuple[Status, ...],
    count: int,
    is_count_exact: bool,
    now: float,
) -> Recovery:
    """A recovery of a hook's deliveries, before its first step."""
    now = round(now, 3)
    return Recovery(
        id=recovery_id,
        store_hash=hook.store_hash,
        hook_id=hook.id,
        client_id=hook.client_id,
        since=since,
        until=until,
        statuses=statuses,
        created_at=now,
        updated_at=now,
        progressed_at=now,
        count=count,
        is_count_exact=is_count_exact,
    )


def new_resumption(hook: Hook, recovery_id: str, *, held_since: float, now: float) -> Recovery:
    """The recovery of what a paused hook has held since a time. It waits until it may run."""
    return replace(
        new_recovery(
            hook,
            recovery_id,
            since=0,
            until=now + CLOCKS_DIFFER_SECONDS,
            statuses=(Status.HELD,),
            count=0,
            is_count_exact=False,
            now=now,
        ),
        status=RecoveryStatus.WAITING,
        held_since=held_since,
    )


def is_recovery_id(text: str) -> bool:
    """Whether this can be a recovery's id."""
    return _ID.fullmatch(text) is not None
