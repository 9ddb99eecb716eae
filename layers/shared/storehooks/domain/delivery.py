"""A delivery: one event for one hook, from the queue to the end of its retries."""

import hashlib
import re
from dataclasses import replace
from enum import StrEnum
from typing import Any

from storehooks.domain.attempt import Attempt
from storehooks.domain.event import Event
from storehooks.domain.hook import Hook
from storehooks.domain.values import dataclass

GONE = 410
"""By this status of HTTP a destination unsubscribes (Standard Webhooks)."""


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
"""A message of the deliveries queue brings an attempt that is due within this time; the retry sweep, a later
one."""

SAFETY_SECONDS = 300
"""If a message brings an attempt, the retry sweep sends another one this long after it was due."""

WAITING = frozenset({Status.PENDING, Status.RETRYING})
"""With these an attempt is still to come."""

MAX_STORED_ATTEMPTS = 40
"""Only the newest 40 attempts are stored: always all of the present round, which has 31 at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliverySummary:
    """A delivery as lists have it: without its payload, the bodies of responses, and its rounds.

    Times are in seconds since 1970. It names the hook, which each attempt reads as it is then.
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
    """A whole delivery, which can be sent, and saved in the log.

    ``payload`` is the body of every attempt, byte for byte.

    Attempts are made in rounds of the retry schedule. A redelivery or a recovery begins another round, at
    ``round_at`` (None in the first). ``earlier`` counts the attempts of the rounds before. The oldest
    attempts are not stored; ``forgotten`` counts them.
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
        seconds = self.seconds_to_next
        return seconds is not None and seconds <= SOON_SECONDS

    @property
    def seconds_to_next(self) -> float | None:
        """From the end of the last attempt to the next one; None if either is missing."""
        if self.next_attempt_at is None or not self.attempts:
            return None
        last = self.attempts[-1]
        return self.next_attempt_at - (last.at + last.times.total_ms / 1000)


def new_delivery(event: Event, payload: str, hook: Hook) -> Delivery:
    """The delivery of an event to a hook: for the same two, always the same one.

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
    """The part of an id that says when the event was accepted. It is the same for all hooks."""
    return delivery_id[: len(_ID_PREFIX) + 14]


def accepted_at(delivery_id: str) -> float:
    """When the event of a delivery was accepted, by its id, in seconds since 1970."""
    return int(id_time(delivery_id).removeprefix(_ID_PREFIX), 16) / 1_000_000


def is_delivery_id(text: str) -> bool:
    """Whether this can be a delivery's id."""
    return _ID.fullmatch(text) is not None
