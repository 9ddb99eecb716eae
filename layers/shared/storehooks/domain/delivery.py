"""A delivery: one event for one hook, from the queue to the end of its retries."""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import replace
from enum import StrEnum
from typing import Any

from storehooks.domain.attempt import Attempt
from storehooks.domain.event import Event
from storehooks.domain.hook import Hook
from storehooks.domain.values import dataclass

GONE = 410
"""The status by which a destination says that it wants no more (Standard Webhooks)."""


class Status(StrEnum):
    """Where a delivery stands."""

    PENDING = "pending"
    """No attempt was made yet, or none in the round that begins."""
    RETRYING = "retrying"
    """Attempts failed, and there will be another."""
    DELIVERED = "delivered"
    EXHAUSTED = "exhausted"
    """The last attempt of the schedule failed."""
    CANCELLED = "cancelled"
    """Its hook was deleted, or switched off by its owner."""
    HELD = "held"
    """Its hook was deactivated by failures, before or after the event came; it waits for recovery."""


_ID = re.compile(r"msg_[0-9a-f]{32}", re.ASCII)
_ID_PREFIX = "msg_"

TIME_END = 16**14
"""The microseconds since 1970 that an id has digits for."""

SOON_SECONDS = 900
"""The deliveries queue brings an attempt that is due within this time; the retry sweep, one due later."""

SAFETY_SECONDS = 300
"""How much later than due the retry sweep looks after an attempt that a message is to bring."""

WAITING = frozenset({Status.PENDING, Status.RETRYING})
"""With these an attempt is still to come."""

MAX_STORED_ATTEMPTS = 40
"""Only the newest 40 attempts are stored: always all of the present round, which has 31 at most."""


MAX_COUNT = 10**9
"""More attempts of a delivery, or steps of a recovery, than there ever are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliverySummary:
    """A delivery as lists have it: without the payload, what destinations responded, and its rounds.

    Times are in seconds since 1970. It names the hook: each attempt reads the hook as it is then.
    """

    id: str
    store_hash: str
    hook_id: int
    client_id: str
    event_id: str
    scope: str
    created_at: float
    status: Status = Status.PENDING
    attempts: tuple[Attempt, ...] = ()
    next_attempt_at: float | None = None

    @property
    def log_keys(self) -> dict[str, Any]:
        """What follows it through the logs."""
        return {
            "store_hash": self.store_hash,
            "hook_id": self.hook_id,
            "event_id": self.event_id,
            "delivery_id": self.id,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery(DeliverySummary):
    """One event for one hook, whole: what an attempt needs, and what the log may be overwritten with.

    ``payload`` is the body of every attempt, byte for byte.

    Attempts are made in rounds of the retry schedule. To send a delivery that ended again is
    another round, which began at ``round_at`` (None in the first). ``earlier`` attempts belong to
    the rounds before. The oldest attempts are not stored; ``forgotten`` counts them.
    """

    payload: str
    earlier: int = 0
    forgotten: int = 0
    round_at: float | None = None

    @property
    def attempt_count(self) -> int:
        """All attempts that were ever made."""
        return self.forgotten + len(self.attempts)

    @property
    def attempts_of_round(self) -> tuple[Attempt, ...]:
        """Those of the present round."""
        return self.attempts[max(0, self.earlier - self.forgotten) :]

    def ended(self, status: Status) -> "Delivery":
        """This delivery when no attempt is to follow, because of its hook."""
        return replace(self, status=status, next_attempt_at=None)

    @property
    def is_next_soon(self) -> bool:
        """Whether the next attempt follows the last one so soon that the queue can bring it."""
        if self.next_attempt_at is None or not self.attempts:
            return False
        last = self.attempts[-1]
        return self.next_attempt_at - (last.at + last.times.total_ms / 1000) <= SOON_SECONDS

    @property
    def task(self) -> "AttemptTask":
        """What is to be done next: of a delivery that the log does not know yet, the task carries all."""
        is_logged = self.attempt_count > 0 or self.round_at is not None
        return AttemptTask(
            delivery_id=self.id,
            store_hash=self.store_hash,
            hook_id=self.hook_id,
            client_id=self.client_id,
            attempt=self.attempt_count + 1,
            delivery=None if is_logged else self,
        )


def new_delivery(event: Event, payload: str, hook: Hook) -> Delivery:
    """The delivery of an event to a hook: the same one, whenever this is asked for the same two.

    Its id sorts by the time the event was accepted, and is what receivers see as
    ``webhook-id`` on every attempt.

    :param payload: the event's, which is the same for all its hooks.
    """
    digest = hashlib.sha256(f"{event.store_hash}\0{event.publication}\0{hook.id}".encode()).hexdigest()
    return Delivery(
        id=f"{_ID_PREFIX}{event.accepted_at:014x}{digest[:18]}",
        store_hash=event.store_hash,
        hook_id=hook.id,
        client_id=hook.client_id,
        event_id=event.id,
        scope=event.scope,
        payload=payload,
        created_at=event.accepted_at / 1_000_000,
    )


def ids_between(since: int, until: int) -> tuple[str, str]:
    """The first and the last id of a delivery whose event was accepted in these milliseconds since 1970."""
    first = min(since * 1000, TIME_END - 1)
    last = min((until + 1) * 1000, TIME_END) - 1
    return f"{_ID_PREFIX}{first:014x}", f"{_ID_PREFIX}{last:014x}{'f' * 18}"


def id_time(delivery_id: str) -> str:
    """The part of an id that says when the event was accepted: for all its hooks the same."""
    return delivery_id[: len(_ID_PREFIX) + 14]


def is_delivery_id(text: str) -> bool:
    """Whether this can be a delivery's id."""
    return _ID.fullmatch(text) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptTask:
    """Make the attempt of this number, counted from 1 through all rounds, unless it was made already.

    ``delivery`` is there until the log knows it. With ``ignores_circuit`` a tripped circuit does not
    defer it: it was deferred once already, or somebody asked for it, or it is a probe.
    """

    delivery_id: str
    store_hash: str
    hook_id: int
    client_id: str
    attempt: int
    delivery: Delivery | None = None
    ignores_circuit: bool = False

    @property
    def log_keys(self) -> dict[str, Any]:
        """What follows it through the logs; the event's id only as long as it carries the event."""
        if self.delivery is not None:
            return self.delivery.log_keys
        return {"store_hash": self.store_hash, "hook_id": self.hook_id, "delivery_id": self.delivery_id}


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordTask:
    """Write a delivery that was made into the log, which failed before. Nothing is to be sent."""

    delivery: Delivery

    @property
    def log_keys(self) -> dict[str, Any]:
        """What follows it through the logs."""
        return self.delivery.log_keys


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldTask:
    """Hold what waits for a hook, if it is deactivated, and notify of that. Repeating it does no harm."""

    store_hash: str
    hook_id: int
    client_id: str
    store_id: str | None

    @property
    def log_keys(self) -> dict[str, Any]:
        """What follows it through the logs."""
        return {"store_hash": self.store_hash, "hook_id": self.hook_id}


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoverTask:
    """Do a step of a recovery, counted from 1, unless it was done already."""

    store_hash: str
    hook_id: int
    client_id: str
    recovery_id: str
    step: int

    @property
    def log_keys(self) -> dict[str, Any]:
        """What follows it through the logs."""
        return {"store_hash": self.store_hash, "hook_id": self.hook_id, "recovery_id": self.recovery_id}


@dataclass(frozen=True, slots=True, kw_only=True)
class DigestTask:
    """Notify of a client's deactivations in the day that ends at ``until``, once it is over.

    Of all but the first. ``hook_id`` is one of those hooks.
    """

    store_hash: str
    hook_id: int
    client_id: str
    until: int

    @property
    def log_keys(self) -> dict[str, Any]:
        """What follows it through the logs."""
        return {"store_hash": self.store_hash, "client_id": self.client_id, "until": self.until}


type Task = AttemptTask | RecordTask | HoldTask | RecoverTask | DigestTask


def delivery_ids(tasks: Iterable[Task | None]) -> list[str]:
    """The deliveries whose attempts these tasks are, for the logs."""
    return [task.delivery_id for task in tasks if isinstance(task, AttemptTask)]


@dataclass(frozen=True, slots=True)
class TaskMessage:
    """A task for the deliveries queue, and its delay: ``SOON_SECONDS``, rounded up, at most."""

    task: Task
    delay_seconds: int = 0


@dataclass(frozen=True, slots=True)
class ReceivedTask:
    """A message of the queue, and what it asks for: None if it is no task.

    It comes again unless it is deleted: by Lambda, if it is of the batch that an invocation was given
    (``batch_id`` is its id there), or by the invocation that took it from the queue itself (``receipt``).
    ``came_before`` says that it was received already.
    """

    task: Task | None
    came_before: bool
    batch_id: str | None = None
    receipt: str | None = None
