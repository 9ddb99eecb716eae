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
"""The HTTP status by which a destination unsubscribes (Standard Webhooks)."""


class Status(StrEnum):
    """The status of a delivery."""

    PENDING = "pending"
    """No attempt of the present round was made yet."""
    RETRYING = "retrying"
    """The last attempt failed, and another follows."""
    DELIVERED = "delivered"
    EXHAUSTED = "exhausted"
    """The last attempt of the schedule failed."""
    CANCELLED = "cancelled"
    """Its hook was deleted, or its owner made it inactive."""
    HELD = "held"
    """Its hook was deactivated or paused, before or after the event came; a recovery sends it."""


_ID = re.compile(r"msg_[0-9a-f]{32}", re.ASCII)
_ID_PREFIX = "msg_"

TIME_END = 16**14
"""An id has digits for fewer microseconds since 1970 than this."""

SOON_SECONDS = 900
"""An attempt that is due within this time is a delayed message of the deliveries queue. The retry sweep sends
the message of a later one."""

SAFETY_SECONDS = 300
"""If the message of an attempt does not come, the retry sweep sends another one this long after the attempt
was due."""

WAITING = frozenset({Status.PENDING, Status.RETRYING})
"""The statuses of deliveries that wait for an attempt."""

MAX_STORED_ATTEMPTS = 40
"""Only the newest 40 attempts are stored. A round has at most 31, so the present one is always complete."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliverySummary:
    """A delivery as lists have it: without its payload, the bodies of responses, and its rounds.

    Times are in seconds since 1970. It has only the hook's id: each attempt reads the current hook.
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
        """The fields that identify it in log lines."""
        return {
            "store_hash": self.store_hash,
            "hook_id": self.hook_id,
            "event_id": self.event_id,
            "delivery_id": self.id,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery(DeliverySummary):
    """A whole delivery, which can be sent and logged.

    ``payload`` is the body of every attempt, byte for byte.

    Attempts are made in rounds of the retry schedule. A redelivery or a recovery begins another round, at
    ``round_at`` (None in the first). ``earlier`` counts the attempts of earlier rounds. ``forgotten`` counts
    the oldest attempts, which are not stored.
    """

    payload: str
    earlier: int = 0
    forgotten: int = 0
    round_at: float | None = None

    @property
    def attempt_count(self) -> int:
        """The number of attempts in all rounds, stored or not."""
        return self.forgotten + len(self.attempts)

    @property
    def attempts_of_round(self) -> tuple[Attempt, ...]:
        """The attempts of the present round."""
        return self.attempts[max(0, self.earlier - self.forgotten) :]

    def ended(self, status: Status) -> "Delivery":
        """This delivery, ended with a status because of its hook: no attempt follows."""
        return replace(self, status=status, next_attempt_at=None)

    @property
    def is_next_soon(self) -> bool:
        """Whether the next attempt follows so soon that a delayed message can bring it."""
        seconds = self.seconds_to_next
        return seconds is not None and seconds <= SOON_SECONDS

    @property
    def seconds_to_next(self) -> float | None:
        """Seconds from the end of the last attempt to the next one; None if either is missing."""
        if self.next_attempt_at is None or not self.attempts:
            return None
        last = self.attempts[-1]
        return self.next_attempt_at - (last.at + last.times.total_ms / 1000)


def new_delivery(event: Event, payload: str, hook: Hook) -> Delivery:
    """The delivery of an event to a hook. The same event and hook always give the same id.

    Ids sort by the time the event was accepted. Every attempt sends the id as ``webhook-id``.

    :param payload: the event's payload, which is the same for all its hooks.
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
    """The lowest and the highest id of deliveries accepted from ``since`` to ``until``, in milliseconds."""
    first = min(since * 1000, TIME_END - 1)
    last = min((until + 1) * 1000, TIME_END) - 1
    return f"{_ID_PREFIX}{first:014x}", f"{_ID_PREFIX}{last:014x}{'f' * 18}"


def id_time(delivery_id: str) -> str:
    """The part of an id that encodes when the event was accepted, the same for all hooks."""
    return delivery_id[: len(_ID_PREFIX) + 14]


def accepted_at(delivery_id: str) -> float:
    """When a delivery's event was accepted, read from the delivery's id, in seconds since 1970."""
    return int(id_time(delivery_id).removeprefix(_ID_PREFIX), 16) / 1_000_000


def is_delivery_id(text: str) -> bool:
    """Whether a text has the form of a delivery's id."""
    return _ID.fullmatch(text) is not None
