"""Having deliveries wait in the log until consumers take them."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from storehooks.flows.expiry import watch_from

if TYPE_CHECKING:
    from storehooks.domain.delivery import Delivery
    from storehooks.domain.hook import Hook
    from storehooks.flows.ports import DeliveryLog, HeldWatches, PulledDeliveries


class Offers:
    """Offers deliveries to consumers. Doing it twice makes the same."""

    def __init__(
        self,
        *,
        log: DeliveryLog,
        pulled: PulledDeliveries,
        watches: HeldWatches,
        retention_days: int,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._log = log
        self._pulled = pulled
        self._watches = watches
        self._retention_days = retention_days
        self._clock = clock

    def offer(self, hook: Hook, delivery: Delivery, *, over: Delivery | None = None) -> None:
        """Have a delivery wait until it is pulled. One call, and another for the first of a hook.

        The sweep warns before it is deleted.

        :param delivery: as :func:`storehooks.domain.state_machine.offered` returns it.
        :param over: what was read of it, None when the log did not know it.
        :raises TransientError: when it has to be repeated.
        """
        self._watches.begin(hook, watch_from(self._clock(), self._retention_days))
        if over is None:
            self._log.save(delivery, over=None)
        else:
            self._pulled.offer_again(delivery, over=over)
