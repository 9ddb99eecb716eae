"""Sends a test event to one hook while the caller waits for the result."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from aws_lambda_powertools import Logger

from storehooks.domain.attempt import Attempt
from storehooks.domain.callback import callback
from storehooks.domain.delivery import Delivery
from storehooks.domain.errors import HookNotFoundError
from storehooks.domain.hook import Hook
from storehooks.domain.lease import MAX_PINGS, LeasePool
from storehooks.domain.ping import new_ping
from storehooks.domain.state_machine import check_sends, may_ping
from storehooks.flows.leases import release_lease, take_lease

if TYPE_CHECKING:
    from storehooks.flows.ports import ClientSecrets, Leases, Sender

logger = Logger(utc=True)

_STEP_SECONDS = 1.0
_RETRY_AFTER_SECONDS = 5
"""Seconds after which most pings that are under way are over."""


class Pinger:
    """Sends test events as deliveries are sent. They are not logged, and do not count for the circuit."""

    def __init__(
        self,
        *,
        secrets: ClientSecrets,
        leases: Leases,
        sender: Sender,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._secrets = secrets
        self._leases = leases
        self._sender = sender
        self._clock = clock

    def ping(self, hook: Hook) -> tuple[Delivery, Attempt]:
        """Send a test event, and return it with its attempt. It takes as long as an attempt may.

        :raises storehooks.domain.errors.HookPulledError: if the hook's deliveries are pulled.
        :raises HookNotFoundError: if the hook's client is being removed.
        :raises TooManyAtOnceError: if the client has the maximum number of pings under way.
        """
        check_sends(hook)
        secrets = self._secrets.valid_now(hook.store_hash, hook.client_id)
        if not may_ping(has_secret=bool(secrets)):
            raise HookNotFoundError(hook.id)
        delivery = new_ping(hook)
        pool = LeasePool("pings", hook.store_hash, hook.client_id, MAX_PINGS)
        lease = take_lease(
            self._leases,
            pool,
            delivery.id,
            is_over=lambda lease: lease.ends_at <= self._clock(),
            retry_after_seconds=_RETRY_AFTER_SECONDS,
        )
        try:
            attempt = self._send(delivery, hook, secrets)
        finally:
            release_lease(self._leases, pool, lease)
        logger.info(
            "ping", status=attempt.status, error=attempt.error, latency_ms=attempt.times.total_ms,
            **delivery.log_keys,
        )  # fmt: skip
        return delivery, attempt

    def _send(self, delivery: Delivery, hook: Hook, secrets: tuple[str, ...]) -> Attempt:
        self._sender.start(delivery.id, callback(delivery, hook, secrets=secrets, now=self._clock()))
        while True:
            for delivery_id, attempt in self._sender.wait(_STEP_SECONDS):
                if delivery_id == delivery.id:  # otherwise of an earlier invocation that broke off
                    return attempt
