"""The operational events of a store: a hook's delivery failed, or the hook was deactivated.

They have the scope ``store/hook/deliveryException`` and go to the hooks of the same client. A copy is on the
bus, for operators. There are none about a hook of that scope: its failures would cause more of them.
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
"""Held deliveries of a hook begin to be deleted in a day. It is on the bus only, for operators."""

NOTIFY_AGAIN_SECONDS = 600
"""At most one 90001 is published in this time for a destination (BigCommerce)."""

REMEMBERED_SECONDS = 14 * 24 * 60 * 60
"""How long it is stored that a notice of a deactivation was sent: as long as a dead letter, which may ask for
the same notice again, is kept."""

SOURCE = "storehooks.deliveries"
"""The source of operational events and notices on the bus, whose policy denies it to all but ``deliver``."""


def may_notify(hook: Hook) -> bool:
    """Whether a hook's failures are published as operational events."""
    return hook.scope != DELIVERY_EXCEPTION


def retrying(hook: Hook, delivery: Delivery, attempt: Attempt) -> dict[str, Any]:
    """The event for a failed attempt that another one follows."""
    message = f"Delivering to {origin(hook.destination)} failed: {attempt.error}. It will be retried"
    return _detail(hook, RETRYING, message, store_id_of(delivery))


def deactivated(hook: Hook, store_id: str | None) -> dict[str, Any]:
    """The event for a hook's deactivation. Its id makes it idempotent."""
    where = origin(hook.destination)
    message = f"Delivering to {where} failed: {hook.deactivation_reason}. The hook was deactivated"
    detail = _detail(hook, DEACTIVATED, message, store_id)
    return detail | {"id": f"deactivated.{hook.id}.{hook.version}"}


def expiring(hook: Hook, since: int, first_until: float) -> dict[str, Any]:
    """The warning that held deliveries are deleted from ``first_until`` on (in seconds since 1970)."""
    if hook.is_pulled and not hook.is_deactivated:
        what, why = "to be pulled", "No consumer has acknowledged it"
        # One warning per hold; for pulled hooks, one each time that some are about to be deleted.
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
    """The store's number as the event's publisher gave it; None if the payload has none."""
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
