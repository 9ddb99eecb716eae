"""Protocols of everything that the flows need from outside.

The adapters implement them with AWS. Tests have an implementation of each in memory, and hold both to the
same contract. Unless a method says otherwise, it may raise :class:`storehooks.domain.errors.TransientError`.
Times are in seconds since 1970.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from storehooks.domain.attempt import Attempt, OutgoingRequest
from storehooks.domain.circuit import Circuit
from storehooks.domain.deactivation_day import Deactivation, DeactivationDay
from storehooks.domain.deactivation_mail import Mail
from storehooks.domain.delivery import Delivery, DeliverySummary, Status
from storehooks.domain.delivery_context import DeliveryContext
from storehooks.domain.due import DueBatch, DueFailure
from storehooks.domain.event import Event, IdUse
from storehooks.domain.hook import Hook
from storehooks.domain.hook_stats import ScannedPage
from storehooks.domain.identity import Caller
from storehooks.domain.lease import Lease, LeasePool
from storehooks.domain.pull import GivenOut, Waiting
from storehooks.domain.rate import Reservation
from storehooks.domain.recovery import Recovery
from storehooks.domain.task import AttemptTask, HoldTask, ReceivedTask, TaskMessage


class Hooks(Protocol):
    """The hooks of all stores."""

    def find(self, store_hash: str, hook_id: int) -> Hook | None:
        """The current hook; None if there is none."""

    def subscribers(self, store_hash: str, scope: str) -> list[Hook]:
        """The hooks that get events of a scope, deactivated ones included. The list may be a moment old."""

    def deactivate(self, hook: Hook, reason: str) -> bool:
        """Deactivate a hook because of failures. Return False if it has changed since it was read."""


class HooksOfClients(Protocol):
    """The hooks of all stores, for their clients."""

    def get(self, caller: Caller, hook_id: int) -> Hook:
        """A hook of the caller.

        :raises storehooks.domain.errors.HookNotFoundError: if there is none, or it is another client's.
        """

    def change(self, hook: Hook, changes: Mapping[str, Any]) -> Hook | None:
        """Change a hook; None if it has changed since it was read.

        :raises storehooks.domain.errors.CallerError: if the change is refused.
        """


class DeliveryLog(Protocol):
    """The deliveries of all hooks."""

    def get(self, store_hash: str, hook_id: int, delivery_id: str) -> Delivery:
        """A delivery.

        :raises storehooks.domain.errors.DeliveryNotFoundError: if there is none, or it has expired.
        """

    def waiting(self, store_hash: str, hook_id: int, limit: int) -> tuple[list[DeliverySummary], bool]:
        """Up to ``limit`` deliveries of a hook that wait for an attempt; and whether there are more."""

    def first_kept_until(self, store_hash: str, hook_id: int, status: Status) -> float | None:
        """When the first of a hook's deliveries with a status expires; None if there is none.

        If thousands have expired and are not deleted yet, it may be now.
        """

    def has_reached(self, store_hash: str, hook_id: int, since: float) -> bool:
        """Whether one of the hook's latest deliveries was delivered at ``since`` or later."""

    def save_delivered(self, deliveries: Sequence[Delivery]) -> None:
        """Log deliveries that a destination has accepted, over any other status in the log."""

    def save(self, delivery: Delivery, *, over: Delivery | None) -> bool:
        """Log a delivery, unless it has changed in the log since it was read.

        :param over: the delivery that was read; None if the log had none.
        :return: whether it was written.
        """

    def save_reserved(self, delivery: Delivery, reserved: Reservation, *, over: Delivery | None) -> None:
        """Log a delivery that waits for its place, unless it has changed in the log since it was read."""

    def end_waiting(self, delivery: DeliverySummary, status: Status) -> bool:
        """End a waiting delivery with a status. Return False if it no longer waited."""

    def begin_round(
        self, delivery: DeliverySummary, now: float, *, unless_since: float | None = None
    ) -> AttemptTask | None:
        """Begin another round of a delivery that ended, unless its present one began at that time or later.

        :return: the task of its next attempt; None if it has changed since it was read.
        """

    def bring_forward(self, delivery: Delivery, now: float) -> bool:
        """Make a waiting delivery's next attempt due now. Return False if it changed since it was read."""


class PulledDeliveries(Protocol):
    """The deliveries that wait to be pulled."""

    def waiting(self, store_hash: str, hook_id: int, limit: int) -> Waiting:
        """Up to ``limit`` of a hook's deliveries that are not given out, the oldest first."""

    def newest_at(self, store_hash: str, hook_id: int) -> float:
        """When the newest of a hook's deliveries was accepted; 0 if there is none."""

    def give_out(
        self, store_hash: str, hook_id: int, delivery_id: str, *, now: float, until: float
    ) -> Delivery | None:
        """Give out a delivery, hidden until a time; None if it is given out already, or has ended.

        :raises storehooks.domain.errors.CorruptItemError: if it cannot be read.
        """

    def given_out(self, store_hash: str, hook_id: int, delivery_ids: Sequence[str]) -> dict[str, GivenOut]:
        """The existing ones of up to 100 deliveries, by id."""

    def offer_again(self, delivery: Delivery, *, over: Delivery) -> bool:
        """Have a logged delivery wait until it is pulled, instead of an attempt.

        :return: False if it has changed since it was read, or no attempt was to be made.
        """


class Selections(Protocol):
    """The deliveries of a hook by status and time, as recoveries need them."""

    def count(
        self,
        store_hash: str,
        hook_id: int,
        statuses: tuple[Status, ...],
        between: tuple[float, float],
        *,
        held_since: float | None = None,
        within_seconds: float,
    ) -> tuple[int, bool]:
        """The number of deliveries; and whether all were counted within ``within_seconds``.

        :param held_since: count only deliveries that were held at this time or later.
        """

    def pending(self, store_hash: str, hook_id: int, limit: int) -> int:
        """The approximate number of pending deliveries; counting stops at ``limit``."""

    def next_of(self, recovery: Recovery, limit: int) -> tuple[list[DeliverySummary], str | None]:
        """The next deliveries of a recovery; and the id up to which they are all, None if none follow."""


class Scans(Protocol):
    """The deliveries of a hook in some time, as figures need them."""

    def newest(self, store_hash: str, hook_id: int, since: int, until: int) -> Iterator[ScannedPage]:
        """The deliveries accepted from ``since`` up to, but without, ``until``, the newest first."""

    def oldest_waiting_at(self, store_hash: str, hook_id: int) -> float | None:
        """When the event of the oldest waiting delivery was accepted; None if none waits."""


class DueDeliveries(Protocol):
    """The deliveries whose attempts the retry sweep sends."""

    def take_due(self, until: float) -> Iterator[DueBatch]:
        """Claim attempts that are due up to a time, in batches. Raises nothing: a batch has its failures."""

    def release(self, task: AttemptTask, next_attempt_at: float) -> None:
        """Make a claimed attempt due again, because its message could not be sent."""


class HeldWatches(Protocol):
    """The times at which the sweep looks at holds of hooks. A hold is a pause or a deactivation."""

    def begin(self, hook: Hook, at: float) -> None:
        """Have the sweep look at a hook's hold at a time, unless a watch exists."""

    def move(self, hook: Hook, at: float) -> None:
        """Have the sweep look at a hook's hold at this time."""

    def end(self, store_hash: str, hook_id: int) -> None:
        """Stop the sweep from looking at a hook's hold."""

    def take_due(self, until: float) -> Iterator[HoldTask | DueFailure]:
        """Claim the holds that are due for a look up to a time. Raises nothing: failures are yielded."""


class Circuits(Protocol):
    """The circuits of all hooks."""

    def get(self, store_hash: str, hook_id: int) -> Circuit:
        """A hook's circuit."""

    def count_failures(self, store_hash: str, hook_id: int, number: int) -> None:
        """Add to a hook's failures in a row."""

    def count_success(self, store_hash: str, hook_id: int, failures: int) -> None:
        """Note that an attempt succeeded now, and the number of failures after it."""

    def claim_probe(self, store_hash: str, hook_id: int) -> bool:
        """Whether the caller may probe a tripped circuit now."""


class Lines(Protocol):
    """The lines of hooks with a rate."""

    def reserve(self, hook: Hook, number: int) -> tuple[int, ...] | None:
        """Reserve the next places of a hook that has a rate.

        :return: the calendar second of each place; None if the hook has changed since it was read.
        """


class Recoveries(Protocol):
    """The recoveries of all hooks."""

    def get(self, store_hash: str, hook_id: int, recovery_id: str) -> Recovery:
        """A recovery.

        :raises storehooks.domain.errors.RecoveryNotFoundError: if there is none, or it has expired.
        """

    def create(self, recovery: Recovery) -> None:
        """Save a new recovery."""

    def save(self, recovery: Recovery, *, over: Recovery) -> bool:
        """Save a recovery after a step. Return False if that step was done elsewhere."""


class DeliveryContexts(Protocol):
    """The context of a batch of attempts."""

    def read(self, tasks: Iterable[AttemptTask]) -> DeliveryContext:
        """The context of up to 25 attempts."""


class DeliveriesQueue(Protocol):
    """The queue of tasks."""

    def send(self, messages: Sequence[TaskMessage]) -> None:
        """Send messages.

        :raises storehooks.domain.errors.QueueFailedError: with the positions of those that were not accepted.
        """

    def receive(self, *, wait_seconds: int) -> list[ReceivedTask]:
        """Receive up to ten tasks, as soon as there is one; or none after ``wait_seconds``."""

    def delete(self, received: Sequence[ReceivedTask]) -> None:
        """Delete messages whose tasks are done.

        :raises storehooks.domain.errors.QueueFailedError: with the positions of those that were not deleted.
        """


class DeadLetters(Protocol):
    """The events queue's dead letters."""

    def put(self, body: str, reason: str) -> None:
        """Add an invalid message, with the reason."""


class EventIds(Protocol):
    """The ids that publishers gave events in the last day."""

    def remember(self, event: Event) -> IdUse:
        """Say whether an event's id was used before; a new id is stored for a day."""


class EventsQueue(Protocol):
    """The queue of events that are to be matched."""

    def send(self, envelopes: Sequence[Mapping[str, Any]]) -> None:
        """Send events in their envelopes.

        :raises storehooks.domain.errors.QueueFailedError: with the positions of those that were not accepted.
        """


class EventBus(Protocol):
    """The event bus."""

    def put(self, source: str, detail_type: str, detail: Mapping[str, Any]) -> str:
        """Put an event or a notice on the bus, and return its id there."""


class Claims(Protocol):
    """Claims of things that are done once. A claim that is not confirmed expires soon."""

    def claim(self, what: str) -> bool:
        """Claim a thing. Return whether the caller may do it: it was not done, and nobody else claims it."""

    def confirm(self, what: str, *, for_seconds: int) -> None:
        """Note that it was done, and must not be done again for ``for_seconds``."""


class Leases(Protocol):
    """The leases of all clients. A lease that is not released expires."""

    def take(self, pool: LeasePool, holder: str, is_over: Callable[[Lease], bool]) -> Lease | None:
        """Take a lease for a holder that has none; None if the pool is full and no lease in it has ended."""

    def release(self, pool: LeasePool, lease: Lease) -> None:
        """Release a lease."""


class DeactivationDays(Protocol):
    """The days in which hooks of clients were deactivated."""

    def begin(self, store_hash: str, client_id: str, until: int, first: Deactivation) -> DeactivationDay:
        """The client's day; this deactivation is its first if the day has none. Idempotent."""

    def add(self, day: DeactivationDay, later: Deactivation) -> None:
        """Add a later deactivation to a day."""

    def get(self, store_hash: str, client_id: str, until: int) -> DeactivationDay | None:
        """A client's day; None if there is none."""


class NotificationEmails(Protocol):
    """The notification emails of clients."""

    def get(self, store_hash: str, client_id: str) -> tuple[str, ...]:
        """The notification emails of a client."""

    def remove(self, store_hash: str, client_id: str) -> None:
        """Remove all of a client."""


class Clients(Protocol):
    """The clients of all stores."""

    def remove(self, store_hash: str, client_id: str) -> None:
        """Remove a client with its secrets, if it exists."""


class AccessTokens(Protocol):
    """The access tokens of all clients."""

    def delete_all(self, store_hash: str, client_id: str) -> Iterator[int]:
        """Delete the tokens of a client in batches; yields the size of each."""


class HooksOfRemoved(Protocol):
    """The hooks of all stores, for the removal of a client."""

    def delete_all(self, caller: Caller) -> Iterator[int]:
        """Delete the hooks of a client in batches; yields the size of each."""


class Mailer(Protocol):
    """Sends e-mails."""

    def send(self, addresses: Sequence[str], mail: Mail) -> str:
        """Send one e-mail to all addresses, and return its id."""


class ClientSecrets(Protocol):
    """The secrets by which clients verify deliveries."""

    def valid_now(self, store_hash: str, client_id: str) -> tuple[str, ...]:
        """The secrets of a client that are valid now, the newest first; none if there is no such client."""


class Sender(Protocol):
    """Sends requests to destinations, many at once. No destination makes it raise."""

    @property
    def in_flight(self) -> int:
        """The number of requests under way."""

    def start(self, key: str, request: OutgoingRequest) -> None:
        """Begin to send a request. :meth:`wait` returns its attempt with this key."""

    def wait(self, seconds: float) -> list[tuple[str, Attempt]]:
        """The attempts that are over, as soon as there is one; or none after ``seconds``."""

    def wake(self) -> None:
        """Make :meth:`wait` return at once. May be called from any thread."""
