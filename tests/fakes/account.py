"""A deployment in memory, and the parts of its processes."""

import itertools
from collections.abc import Callable
from copy import deepcopy
from dataclasses import fields
from typing import Any

from storehooks.composition import Parts
from storehooks.domain.delivery import Delivery
from storehooks.settings import Settings
from tests.fakes import clients, contexts, delivery_log, messages, once
from tests.fakes.deactivation_days import DeactivationDays
from tests.fakes.held_watches import HeldWatches
from tests.fakes.hooks import Hooks
from tests.fakes.memory import Memory, Secrets

RETENTION_DAYS = 30
SETTINGS = {
    "DELIVERY_TIMEOUT_SECONDS": "10",
    "RETRY_SCHEDULE": "60,180,300",
    "DELIVERY_RETENTION_DAYS": str(RETENTION_DAYS),
}


def memory_parts(memory: Memory, clock: Callable[[], float], **given: object) -> Parts:
    """The parts of a process whose ports are all in memory, but for those that are given.

    The queue is this process's own unless it is given, and so is the sender, which is the real one.
    """
    table = {"retention_days": RETENTION_DAYS}
    fakes: dict[str, object] = {
        "hooks": Hooks(memory, clock),
        "log": delivery_log.DeliveryLog(memory, clock, **table),
        "pulled": delivery_log.PulledDeliveries(memory, clock, **table),
        "selections": delivery_log.Selections(memory, clock, **table),
        "scans": delivery_log.Scans(memory, clock, **table),
        "due": delivery_log.DueDeliveries(memory, clock, **table),
        "held_watches": HeldWatches(memory, clock),
        "circuits": delivery_log.Circuits(memory, clock, **table),
        "lines": delivery_log.Lines(memory, clock, **table),
        "recoveries": delivery_log.Recoveries(memory, clock, **table),
        "missed_events": delivery_log.MissedEvents(memory, clock, **table),
        "days": DeactivationDays(memory),
        "contexts": contexts.DeliveryContexts(memory, clock),
        "secrets": clients.ClientSecrets(memory, clock),
        "clients": clients.Clients(memory),
        "access_tokens": clients.AccessTokens(memory),
        "notification_emails": clients.NotificationEmails(memory, clock),
        "mailer": clients.Mailer(memory),
        "event_ids": once.EventIds(memory, clock),
        "leases": once.Leases(memory, clock),
        "claims": once.Claims(memory, clock),
        "deliveries_queue": messages.DeliveriesQueue(clock),
        "dead_letters": messages.DeadLetters(memory),
        "bus": messages.EventBus(memory),
    }
    return Parts(Settings(SETTINGS), clock=clock, sleep=_no_sleep, **fakes | given)


def _no_sleep(_seconds: float) -> None:
    """Nothing in memory is tried again."""


class Account:
    """A deployment in memory, by the same methods as tests.integration.conftest.Aws is one over moto."""

    def __init__(self) -> None:
        self.memory = Memory()
        self._numbers = itertools.count()

    def new_process(self, clock: Callable[[], float], **given: object) -> Parts:
        """What a process has that knows nothing of those before."""
        return memory_parts(self.memory, clock, **given)

    def new_client(self, store_hash: str) -> tuple[str, str]:
        """The id and the secret of another client of a store."""
        number = next(self._numbers)
        client_id, secret = f"{number:032x}", f"secret-{number}"
        self.memory.secrets[store_hash, client_id] = Secrets(secret)
        self.memory.tokens[store_hash, client_id] = [f"token-{number}"]
        return client_id, secret

    def tokens(self, store_hash: str, client_id: str) -> list[str]:
        """The ids of a client's tokens."""
        return self.memory.tokens[store_hash, client_id]

    def rotate_secret(self, store_hash: str, client_id: str, until: int) -> str:
        """Give a client a new secret, beside which the one it has signs until a time; the new one."""
        before = self.memory.secrets[store_hash, client_id]
        rotated = Secrets(f"secret-{next(self._numbers)}", before.secret, until)
        self.memory.secrets[store_hash, client_id] = rotated
        return rotated.secret

    def deliveries(self) -> dict[str, Delivery]:
        """All deliveries of the log, by id."""
        return {logged.delivery.id: logged.delivery for logged in self.memory.deliveries.values()}

    def due_times(self) -> dict[str, float]:
        """When the sweep has to look at which delivery, or at what is held for a hook."""
        logged = self.memory.deliveries.values()
        due = {one.delivery.id: one.due_at for one in logged if one.due_at is not None}
        watched = self.memory.held_watches.items()
        return due | {f"held {hook_id}": at for (_, hook_id), (_, _, at) in watched if at is not None}

    def dead_letters(self) -> list[tuple[str, str]]:
        """The bodies of the events queue's dead letters, each with the reason; they are gone then."""
        taken = list(self.memory.dead_letters)
        self.memory.dead_letters.clear()
        return taken

    def stored(self) -> Any:
        """All that is stored, to be compared with what is stored later."""
        values = {field.name: getattr(self.memory, field.name) for field in fields(Memory)}
        return {name: deepcopy(value) for name, value in values.items() if name != "lock"}
