"""A recovery: it sends again all that a hook missed in some time, at a pace that the hook can bear."""

import re
import uuid
from dataclasses import dataclass, replace
from enum import StrEnum

from storehooks.domain.delivery import Status
from storehooks.domain.hook import Hook
from storehooks.domain.task import RecoverTask

RECOVERABLE = (Status.EXHAUSTED, Status.HELD, Status.CANCELLED, Status.DELIVERED)
"""The statuses of deliveries that may be sent again: all that have ended."""

MISSED = (Status.EXHAUSTED, Status.HELD)
"""The statuses of deliveries that are sent again by default."""

SILENT_SECONDS = 2 * 60 * 60
"""A recovery without a step for this long is over: a step waits at most 15 minutes, and its message is
retried for 66 minutes."""

SETTLED_SECONDS = 95
"""Seconds after a request to resume from which nothing more is held because of the pause. The request ends
within 30 s, an invocation that read the hook before within 60 s, and the index follows the table."""

CLOCKS_DIFFER_SECONDS = 60
"""More than the clocks of machines differ by."""

MAX_LEASE_WAIT_SECONDS = 60
"""Maximum time between two checks of a waiting recovery whether it may run."""

PROBES = 3
"""Deliveries that may be pending at once while the hook's circuit is tripped."""

_ID = re.compile(r"rec_[0-9a-f]{32}", re.ASCII)


class RecoveryStatus(StrEnum):
    """The status of a recovery."""

    WAITING = "waiting"
    """It was started by a resumption, and the client has the maximum number of recoveries running."""
    RUNNING = "running"
    FINISHED = "finished"
    """All deliveries that it found have begun another round."""
    STOPPED = "stopped"
    """Its hook is no longer active, or is paused; or the recovery of a later resumption replaces it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery:
    """A request to send a hook's deliveries of a time again, and its progress.

    Times are in seconds since 1970, to the millisecond. ``since`` and ``until``, both included, select
    deliveries by when their events were accepted. ``count`` is the number of deliveries to send at the time
    of the request; if ``is_count_exact`` is false, there were more. All deliveries up to the id ``position``
    have begun. ``step`` counts steps from 1; the last one that made progress was at ``progressed_at``.

    The recovery of a resumption selects deliveries held at ``held_since`` or later, whenever their events
    were accepted. It makes another pass, from ``pass_at`` on, until no more can be added behind its position.
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
        """The task of its next step."""
        return RecoverTask(
            store_hash=self.store_hash,
            hook_id=self.hook_id,
            client_id=self.client_id,
            recovery_id=self.id,
            step=self.step,
        )

    @property
    def has_ended(self) -> bool:
        """Whether it is finished or stopped: no step follows."""
        return self.status in {RecoveryStatus.FINISHED, RecoveryStatus.STOPPED}

    def is_under_way(self, now: float) -> bool:
        """Whether it runs: it has not ended, and its last step was within ``SILENT_SECONDS``."""
        return self.status is RecoveryStatus.RUNNING and now - self.updated_at < SILENT_SECONDS

    def after_step(self, now: float, *, recovered: int, position: str) -> "Recovery":
        """This recovery after a step that another one follows."""
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
        """This waiting recovery, started."""
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
        """When it must make another pass after this one; None if it need not."""
        settled_at = self.created_at + SETTLED_SECONDS
        return round(settled_at, 3) if self.pass_at is not None and self.pass_at < settled_at else None

    def in_another_pass(self, now: float, pass_at: float) -> "Recovery":
        """This recovery after a pass, with another pass that begins at ``pass_at``."""
        return replace(self, updated_at=now, position="", pass_at=max(now, pass_at))

    def finished(self, now: float) -> "Recovery":
        """This recovery, finished."""
        return replace(
            self, updated_at=now, finished_at=now, status=RecoveryStatus.FINISHED, step=self.step + 1
        )

    def stopped(self, now: float, reason: str) -> "Recovery":
        """This recovery, stopped for a reason."""
        return replace(
            self,
            updated_at=now,
            finished_at=now,
            status=RecoveryStatus.STOPPED,
            reason=reason,
            step=self.step + 1,
        )


def new_recovery_id() -> str:
    """A new unique id."""
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
    """A new recovery of a hook's deliveries, before its first step."""
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
    """The recovery of deliveries that a paused hook holds since ``held_since``. It waits until it may run."""
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
    """Whether a text has the form of a recovery's id."""
    return _ID.fullmatch(text) is not None
