"""The operational events of a store: a hook's deliveries fail, or have failed for good.

They have the scope ``store/hook/deliveryException`` and go to the hooks of the client whose hook it is. A
copy is on the bus, for operators. They are never raised about a hook of that scope: its own
failures would breed more of them.
"""

import json
from datetime import UTC, datetime
from typing import Any

from storehooks.domain.attempt import Attempt
from storehooks.domain.delivery import Delivery
from storehooks.domain.destination import origin
from storehooks.domain.hook import Hook
from storehooks.domain.scope import DELIVERY_EXCEPTION

RETRYING = 90001
DEACTIVATED = 90002
EXPIRING = 90101
"""What is held for a hook begins to be deleted in a day. For operators alone: it is on the bus only."""

NOTIFY_AGAIN_SECONDS = 600
"""At most one 90001 goes out in this time for a destination (BigCommerce)."""

REMEMBERED_SECONDS = 14 * 24 * 60 * 60
"""How long it is remembered that a deactivation was notified of: as long as a dead letter is kept, which may
ask for the same again."""

SOURCE = "storehooks.deliveries"
"""On the bus, of these and of notices alone: its policy denies it to everyone but ``deliver``."""


def may_notify(hook: Hook) -> bool:
    """Whether a hook's failures raise events."""
    return hook.scope != DELIVERY_EXCEPTION


def retrying(hook: Hook, delivery: Delivery, attempt: Attempt) -> dict[str, Any]:
    """An attempt failed, and there will be another."""
    message = f"Delivering to {origin(hook.destination)} failed: {attempt.error}. It will be retried"
    return _detail(hook, RETRYING, message, store_id_of(delivery))


def deactivated(hook: Hook, store_id: str | None) -> dict[str, Any]:
    """A hook was deactivated. However often it is put on the bus, it is one event."""
    where = origin(hook.destination)
    message = f"Delivering to {where} failed: {hook.deactivation_reason}. The hook was deactivated"
    detail = _detail(hook, DEACTIVATED, message, store_id)
    return detail | {"id": f"deactivated.{hook.id}.{hook.version}"}


def expiring(hook: Hook, since: int, first_until: float) -> dict[str, Any]:
    """What is held for a hook since a time is deleted from another time on, both in seconds since 1970."""
    if hook.is_pulled and not hook.is_deactivated:
        what, why = "to be pulled", "No consumer has acknowledged it"
        # A hold is warned of once; this each time that some of it is to be deleted.
        occasion = f"{since}.{int(first_until)}"
    else:
        cause = "failures deactivated it" if hook.is_deactivated else "its owner paused it"
        what, why = "held", f"It is held since {_minute(since)}, when {cause}"
        occasion = str(since)
    message = (
        f"What is {what} for the hook {hook.id} of the store {hook.store_hash} is deleted from "
        f"{_minute(first_until)} on. {why}"
    )
    return _detail(hook, EXPIRING, message, None) | {"id": f"expiring.{hook.id}.{occasion}"}


def store_id_of(delivery: Delivery) -> str | None:
    """The store's number, as the event's publisher gave it."""
    store_id: str | None = json.loads(delivery.payload)["store_id"]
    return store_id


def _minute(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")


def _detail(hook: Hook, code: int, message: str, store_id: str | None) -> dict[str, Any]:
    detail = {
        "store_hash": hook.store_hash,
        "data": {"type": "webhook", "id": hook.id, "error_code": code, "message": message},
    }
    return detail if store_id is None else detail | {"store_id": store_id}
