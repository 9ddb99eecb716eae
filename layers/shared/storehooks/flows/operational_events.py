"""Operational events: the client of a hook, and operators, are notified that its deliveries fail.

An event goes to the events queue, for the client's hooks, and to the bus, for operators. It is claimed first,
and confirmed after both have accepted it. If one of them fails, the claim expires, and a repeat notifies.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from storehooks.api.operational_envelope import to_operational_envelope
from storehooks.domain import operational_event
from storehooks.domain.attempt import Attempt
from storehooks.domain.delivery import Delivery
from storehooks.domain.destination import destination_digest
from storehooks.domain.errors import TransientError
from storehooks.domain.hook import Hook
from storehooks.domain.scope import DELIVERY_EXCEPTION
from storehooks.domain.state_machine import held_since
from storehooks.flows.meter import Count, Meter
from storehooks.flows.notices import Notices
from storehooks.flows.once import do_once

if TYPE_CHECKING:
    from storehooks.flows.ports import Claims, EventBus, EventsQueue


class OperationalEvents:
    """Publishes the operational events of hooks."""

    def __init__(
        self,
        *,
        events_queue: EventsQueue,
        bus: EventBus,
        claims: Claims,
        notices: Notices,
        meter: Meter,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._events_queue = events_queue
        self._bus = bus
        self._claims = claims
        self._notices = notices
        self._meter = meter
        self._clock = clock

    def notify_of_failure(self, hook: Hook, delivery: Delivery, attempt: Attempt) -> None:
        """Publish the event for a failed attempt that is retried, once in ten minutes for a destination.

        If a call fails, that is logged, and a later failure notifies.
        """
        if not operational_event.may_notify(hook):
            return
        # For each client, because events about another client's hooks do not notify this one.
        client = f"{hook.store_hash}#{hook.client_id}"
        occasion = f"destination#{client}#{destination_digest(hook.destination)}"
        detail = operational_event.retrying(hook, delivery, attempt)
        try:
            self._once(
                hook, occasion, lambda: self._publish(hook, detail), operational_event.NOTIFY_AGAIN_SECONDS
            )
        except TransientError as error:
            self._meter.call_failed("notifying of a failure failed", error=repr(error), **delivery.log_keys)

    def notify_of_deactivation(self, hook: Hook, store_id: str | None) -> None:
        """Notify people of a hook's deactivation, and publish its event, unless that was done.

        :raises TransientError: if the call must be repeated.
        """
        if not operational_event.may_notify(hook):
            return
        # Another name than earlier releases claim, which send no notices: a deactivation that they published
        # still gets its notice.
        occasion = f"deactivated#{hook.store_hash}#{hook.id}#{hook.deactivated_at}"

        def notify() -> None:
            self._notices.add(hook)
            self._publish(hook, operational_event.deactivated(hook, store_id))

        self._once(hook, occasion, notify, operational_event.REMEMBERED_SECONDS)

    def warn_of_expiry(self, hook: Hook, first_until: float) -> None:
        """Warn operators, on the bus only, that held deliveries of a hook are deleted soon; once for a hold.

        :raises TransientError: if the call must be repeated.
        """
        since = held_since(hook)
        occasion = f"expiring#{hook.store_hash}#{hook.id}#{since}"

        def warn() -> None:
            detail = operational_event.expiring(hook, since, first_until)
            self._bus.put(operational_event.SOURCE, DELIVERY_EXCEPTION, detail)
            self._meter.count(Count.HELD_EXPIRING)

        self._once(hook, occasion, warn, operational_event.REMEMBERED_SECONDS)

    def _once(self, hook: Hook, occasion: str, do: Callable[[], None], for_seconds: int) -> None:
        keys = {"store_hash": hook.store_hash, "hook_id": hook.id}
        do_once(self._claims, occasion, do, for_seconds=for_seconds, report=self._meter.call_failed, **keys)

    def _publish(self, hook: Hook, detail: Mapping[str, Any]) -> None:
        """Send an event to the events queue and to the bus.

        :raises TransientError: if the queue or the bus did not accept it.
        """
        # First the queue: if the bus fails, matching recognises the repeat by the event's id.
        now = int(self._clock() * 1_000_000)
        self._events_queue.send([to_operational_envelope(detail, hook.client_id, now)])
        self._bus.put(operational_event.SOURCE, DELIVERY_EXCEPTION, detail)
