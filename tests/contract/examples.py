"""Hooks, deliveries and attempts to begin with."""

from dataclasses import replace
from typing import Any

from storehooks.domain.attempt import Attempt, Times
from storehooks.domain.delivery import Delivery, Status, new_delivery
from storehooks.domain.event import Event
from storehooks.domain.hook import Hook
from tests.world import STORE

CLIENT_ID = "c" * 32
NOW = 1_795_428_000.0
"""When the clock of a test begins."""


def hook(hook_id: int = 1) -> Hook:
    """A hook that no table knows: the delivery log needs its id alone."""
    return Hook(
        id=hook_id,
        store_hash=STORE,
        client_id=CLIENT_ID,
        scope="store/order/*",
        destination="https://app.example.com/",
        headers=None,
        is_active=True,
        created_at=int(NOW),
        updated_at=int(NOW),
    )


def event(number: int = 0, *, accepted_at: float = NOW, **fields: Any) -> Event:
    """One of many events."""
    known = Event(
        id=f"event-{number}",
        has_given_id=True,
        publication=f"publication-{number}",
        store_hash=STORE,
        scope="store/order/created",
        data={"id": number},
        store_id="1025646",
        created_at=int(NOW),
        accepted_at=round((accepted_at + number / 1000) * 1000) * 1000,  # the log keeps milliseconds
    )
    return replace(known, **fields)


def delivery(number: int = 0, *, hook_id: int = 1, accepted_at: float = NOW, **fields: Any) -> Delivery:
    """The delivery of an event to a hook."""
    one = event(number, accepted_at=accepted_at)
    return replace(new_delivery(one, one.payload(), hook(hook_id)), **fields)


def attempt(at: float = NOW, *, error: str | None = None, **fields: Any) -> Attempt:
    """An attempt, which succeeded unless it has an error."""
    status = 200 if error is None else 500
    return Attempt(at=at, status=status, error=error, times=Times(total_ms=1.5), **fields)


def delivered(number: int = 0, *, at: float = NOW, **fields: Any) -> Delivery:
    """A delivery that its destination has taken."""
    return delivery(number, status=Status.DELIVERED, attempts=(attempt(at),), **fields)


def retrying(number: int = 0, *, next_attempt_at: float = NOW + 60, **fields: Any) -> Delivery:
    """A delivery that failed once and waits."""
    failed = attempt(error="answered 500", response="sorry")
    return delivery(
        number, status=Status.RETRYING, attempts=(failed,), next_attempt_at=next_attempt_at, **fields
    )


def ended(number: int = 0, status: Status = Status.EXHAUSTED, **fields: Any) -> Delivery:
    """A delivery that came to an end otherwise."""
    failed = {"status": status, "attempts": (attempt(error="answered 500"),)}
    return delivery(number, **failed | fields)
