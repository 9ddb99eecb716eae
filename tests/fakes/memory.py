"""All that a deployment stores, in plain dictionaries and the domain's own types."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import wraps
from typing import Any

from storehooks.domain.circuit import Circuit
from storehooks.domain.deactivation_day import DeactivationDay
from storehooks.domain.deactivation_mail import Mail
from storehooks.domain.delivery import Delivery
from storehooks.domain.hook import Hook, HookKey
from storehooks.domain.lease import Lease, LeasePool
from storehooks.domain.rate import Line, Reservation
from storehooks.domain.recovery import Recovery


@dataclass(frozen=True, slots=True)
class LoggedDelivery:
    """A delivery in the log, until when it is kept, when the sweep looks at it, and its place, if any;
    and when a consumer was given it last.
    """

    delivery: Delivery
    expires_at: float
    due_at: float | None
    reserved: Reservation | None = None
    given_out_at: float | None = None

    def changed(self, **changes: Any) -> "LoggedDelivery":
        """This with other values of the delivery's fields, or of its own besides."""
        names = ("expires_at", "due_at", "reserved", "given_out_at")
        own = {name: changes.pop(name) for name in names if name in changes}
        return replace(self, delivery=replace(self.delivery, **changes), **own)


@dataclass(frozen=True, slots=True)
class Secrets:
    """A client's secret, and the one before, which signs as well until a time."""

    secret: str
    previous: str = ""
    previous_until: int = 0


@dataclass
class Memory:
    """The state of a deployment. Its processes share it and may be in several threads."""

    hooks: dict[HookKey, Hook] = field(default_factory=dict)
    last_hook_ids: dict[str, int] = field(default_factory=dict)
    """By store. An id is never given out again."""
    secrets: dict[tuple[str, str], Secrets] = field(default_factory=dict)
    """By store and client."""
    tokens: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    """Likewise: the ids of each client's."""
    emails: dict[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    """Likewise."""
    emails_first_named: dict[tuple[str, str], dict[str, int]] = field(default_factory=dict)
    """When the client first named each email that counts for its limit."""
    deliveries: dict[tuple[str, int, str], LoggedDelivery] = field(default_factory=dict)
    """By store, hook and id. What is over its time stays, as it does in DynamoDB for days."""
    held_watches: dict[HookKey, tuple[int, str, float | None]] = field(default_factory=dict)
    """Since when each is held, its client, and when the sweep looks at it, if it does."""
    taken_until: dict[str, float] = field(default_factory=dict)
    """By shard of the due index, before which time all that is due was taken."""
    circuits: dict[HookKey, Circuit] = field(default_factory=dict)
    lines: dict[HookKey, Line] = field(default_factory=dict)
    recoveries: dict[tuple[str, int, str], tuple[Recovery, int]] = field(default_factory=dict)
    """By store, hook and id; each with the time until when it is kept."""
    leases: dict[LeasePool, list[Lease]] = field(default_factory=dict)
    deactivation_days: dict[tuple[str, str, int], DeactivationDay] = field(default_factory=dict)
    """By store, client and the end of the day."""
    event_ids: dict[tuple[str, str], dict[str | None, tuple[str, str, int]]] = field(default_factory=dict)
    """By store and id: the publication that brought it, and until when that counts."""
    claims: dict[str, int] = field(default_factory=dict)
    """Until when each is refused."""
    published: list[dict[str, Any]] = field(default_factory=list)
    """What was put on the bus."""
    dead_letters: list[tuple[str, str]] = field(default_factory=list)
    """The bodies of the events queue's, each with the reason."""
    mails: list[tuple[tuple[str, ...], Mail]] = field(default_factory=list)
    lock: threading.RLock = field(default_factory=threading.RLock, compare=False, repr=False)


def atomic[**P, T](method: Callable[P, T]) -> Callable[P, T]:
    """Have nothing else come between what a fake's method reads and what it writes."""

    @wraps(method)
    def alone(*arguments: P.args, **named: P.kwargs) -> T:
        with arguments[0]._memory.lock:
            return method(*arguments, **named)

    return alone


def thousandth(seconds: float) -> float:
    """A time as it is stored."""
    return round(seconds, 3)
