"""Tasks: the jobs that messages of the deliveries queue ask for."""

from collections.abc import Iterable
from typing import Any

from storehooks.domain.delivery import Delivery
from storehooks.domain.rate import Reservation
from storehooks.domain.values import dataclass

MAX_COUNT = 10**9
"""More than the attempts of any delivery, or the steps of any recovery."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptTask:
    """Make the attempt of this number, counted from 1 through all rounds, unless it was made already.

    ``delivery`` is set until the delivery is logged. With ``ignores_circuit`` a tripped circuit does not
    defer the attempt: it was deferred once already, a person asked for it, or it is a probe. ``reserved`` is
    its place in the line of a hook with a rate; it is an attribute of the message, beside the body.
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
        """The fields that identify it in log lines; the event's id only while it carries the delivery."""
        if self.delivery is not None:
            return self.delivery.log_keys
        return {"store_hash": self.store_hash, "hook_id": self.hook_id, "delivery_id": self.delivery_id}


def attempt_task(delivery: Delivery) -> AttemptTask:
    """The task of a delivery's next attempt. It carries the delivery until that is logged."""
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
    """Log a delivery that succeeded and could not be logged before. Nothing is sent."""

    delivery: Delivery

    @property
    def log_keys(self) -> dict[str, Any]:
        """The fields that identify it in log lines."""
        return self.delivery.log_keys


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldTask:
    """Hold what waits for a deactivated or paused hook, and notify of a deactivation. Idempotent."""

    store_hash: str
    hook_id: int
    client_id: str
    store_id: str | None

    @property
    def log_keys(self) -> dict[str, Any]:
        """The fields that identify it in log lines."""
        return {"store_hash": self.store_hash, "hook_id": self.hook_id}


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoverTask:
    """Do the step of this number of a recovery, counted from 1, unless it was done already."""

    store_hash: str
    hook_id: int
    client_id: str
    recovery_id: str
    step: int

    @property
    def log_keys(self) -> dict[str, Any]:
        """The fields that identify it in log lines."""
        return {"store_hash": self.store_hash, "hook_id": self.hook_id, "recovery_id": self.recovery_id}


@dataclass(frozen=True, slots=True, kw_only=True)
class DigestTask:
    """Notify of a client's deactivations in a day, except the first, once the day is over.

    ``until`` is the day's end in seconds since 1970. ``hook_id`` is one of the deactivated hooks.
    """

    store_hash: str
    hook_id: int
    client_id: str
    until: int

    @property
    def log_keys(self) -> dict[str, Any]:
        """The fields that identify it in log lines."""
        return {"store_hash": self.store_hash, "client_id": self.client_id, "until": self.until}


type Task = AttemptTask | RecordTask | HoldTask | RecoverTask | DigestTask


def delivery_ids(tasks: Iterable[Task | None]) -> list[str]:
    """The ids of the deliveries whose attempts these tasks ask for, for log lines."""
    return [task.delivery_id for task in tasks if isinstance(task, AttemptTask)]


@dataclass(frozen=True, slots=True)
class TaskMessage:
    """A task for the deliveries queue, and its delay of at most ``SOON_SECONDS``, rounded up."""

    task: Task
    delay_seconds: int = 0


@dataclass(frozen=True, slots=True)
class ReceivedTask:
    """A message that was received from the queue. ``task`` is None if the message asks for none.

    It comes again unless it is deleted. Lambda deletes the messages of an invocation's batch, whose ids are
    ``batch_id``. An invocation deletes a message that it received from the queue itself by its ``receipt``.
    ``came_before``: it was received at least once before.
    """

    task: Task | None
    came_before: bool
    batch_id: str | None = None
    receipt: str | None = None
