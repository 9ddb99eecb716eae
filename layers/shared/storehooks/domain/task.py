"""Tasks: what the messages of the deliveries queue ask for."""

from collections.abc import Iterable
from typing import Any

from storehooks.domain.delivery import Delivery
from storehooks.domain.rate import Reservation
from storehooks.domain.values import dataclass

MAX_COUNT = 10**9
"""More attempts of a delivery, or steps of a recovery, than there ever are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptTask:
    """Make the attempt of this number, counted from 1 through all rounds, unless it was made already.

    ``delivery`` is there until the log knows it. With ``ignores_circuit`` a tripped circuit does not
    defer it: it was deferred once already, or somebody asked for it, or it is a probe. ``reserved`` is its
    place in the line of a hook with a rate; it stands beside the message's body.
    """

    delivery_id: str
    store_hash: str
    hook_id: int
    client_id: str
    attempt: int
    delivery: Delivery | None = None
    ignores_circuit: bool = False
    reserved: Reservation | None = None

    @property
    def log_keys(self) -> dict[str, Any]:
        """What follows it through the logs; the event's id only as long as it carries the event."""
        if self.delivery is not None:
            return self.delivery.log_keys
        return {"store_hash": self.store_hash, "hook_id": self.hook_id, "delivery_id": self.delivery_id}


def attempt_task(delivery: Delivery) -> AttemptTask:
    """The task of a delivery's next attempt. It carries the delivery as long as the log does not have it."""
    is_logged = delivery.attempt_count > 0 or delivery.round_at is not None
    return AttemptTask(
        delivery_id=delivery.id,
        store_hash=delivery.store_hash,
        hook_id=delivery.hook_id,
        client_id=delivery.client_id,
        attempt=delivery.attempt_count + 1,
        delivery=None if is_logged else delivery,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordTask:
    """Log a delivery that succeeded, because logging it failed before. Nothing is sent."""

    delivery: Delivery

    @property
    def log_keys(self) -> dict[str, Any]:
        """What follows it through the logs."""
        return self.delivery.log_keys


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldTask:
    """If failures deactivated a hook, hold what waits for it, and notify of that. Idempotent."""

    store_hash: str
    hook_id: int
    client_id: str
    store_id: str | None

    @property
    def log_keys(self) -> dict[str, Any]:
        """What follows it through the logs."""
        return {"store_hash": self.store_hash, "hook_id": self.hook_id}


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoverTask:
    """Do a step of a recovery, counted from 1, unless it was done already."""

    store_hash: str
    hook_id: int
    client_id: str
    recovery_id: str
    step: int

    @property
    def log_keys(self) -> dict[str, Any]:
        """What follows it through the logs."""
        return {"store_hash": self.store_hash, "hook_id": self.hook_id, "recovery_id": self.recovery_id}


@dataclass(frozen=True, slots=True, kw_only=True)
class DigestTask:
    """Notify of a client's deactivations in the day that ends at ``until``, once it is over.

    Of all but the first. ``hook_id`` is one of those hooks.
    """

    store_hash: str
    hook_id: int
    client_id: str
    until: int

    @property
    def log_keys(self) -> dict[str, Any]:
        """What follows it through the logs."""
        return {"store_hash": self.store_hash, "client_id": self.client_id, "until": self.until}


type Task = AttemptTask | RecordTask | HoldTask | RecoverTask | DigestTask


def delivery_ids(tasks: Iterable[Task | None]) -> list[str]:
    """The deliveries whose attempts these tasks are, for the logs."""
    return [task.delivery_id for task in tasks if isinstance(task, AttemptTask)]


@dataclass(frozen=True, slots=True)
class TaskMessage:
    """A task for the deliveries queue, and its delay: ``SOON_SECONDS``, rounded up, at most."""

    task: Task
    delay_seconds: int = 0


@dataclass(frozen=True, slots=True)
class ReceivedTask:
    """A message of the queue that was received. ``task`` is None if it asks for none.

    It comes again unless it is deleted: by Lambda, if it is one of the batch that an invocation was given
    (``batch_id`` is its id), or by the invocation that received it from the queue itself (``receipt``).
    With ``came_before`` it was received at least once before.
    """

    task: Task | None
    came_before: bool
    batch_id: str | None = None
    receipt: str | None = None
