"""A ping: a test event for one hook, which shows whether and how its destination responds."""

import time
import uuid

from storehooks.domain.delivery import Delivery, new_delivery
from storehooks.domain.event import Event
from storehooks.domain.hook import Hook

SCOPE = "store/hook/ping"
"""The scope of pings. It is not in the catalogue, so it can be neither published nor subscribed to."""


def new_ping(hook: Hook) -> Delivery:
    """A test event as a delivery, which is not stored. Its body is a callback like any other."""
    event_id, accepted_at = str(uuid.uuid4()), time.time_ns() // 1000
    event = Event(
        id=event_id,
        has_given_id=False,
        publication=event_id,
        store_hash=hook.store_hash,
        scope=SCOPE,
        data={"type": "webhook", "id": hook.id},
        store_id=None,
        created_at=accepted_at // 1_000_000,
        accepted_at=accepted_at,
    )
    return new_delivery(event, event.payload(), hook)
