"""What the flows need of the world around them, as protocols.

The adapters are what AWS has for each; the tests also have one in memory for each, and hold both to the same
contract. Unless a method says otherwise, each may raise :class:`storehooks.domain.errors.TransientError`.
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
        """A hook as it is now; None if there is none."""

    def subscribers(self, store_hash: str, scope: str) -> list[Hook]:
        """The hooks for a scope that get its events, deactivated ones included. It may be a moment old."""

    def deactivate(self, hook: Hook, reason: str) -> bool:
        """Deactivate a hook because of failures; False if it has changed since it was read."""


class HooksOfClients(Protocol):
    """The hooks of all stores, for their clients."""

    def get(self, caller: Caller, hook_id: int) -> Hook:
        """A hook of the caller.

        :raises storehooks.domain.errors.HookNotFoundError: when there is none, or it is another client's.
        """

    def change(self, hook: Hook, changes: Mapping[str, Any]) -> Hook | None:
        """Change a hook that was read; None if it is not as it was read any more.

        :raises storehooks.domain.errors.CallerError: when it cannot be changed like that.
        """


class DeliveryLog(Protocol):
    """The deliveries of all hooks."""

    def get(self, store_hash: str, hook_id: int, delivery_id: str) -> Delivery:
        """A delivery.

        :raises storehooks.domain.errors.DeliveryNotFoundError: when there is none, or its time is over.
        """

    def waiting(self, store_hash: str, hook_id: int, limit: int) -> tuple[list[DeliverySummary], bool]:
        """Some of what waits for a hook's next attempt; and whether that is not all."""

    def first_kept_until(self, store_hash: str, hook_id: int, status: Status) -> float | None:
        """Until when the first of a hook's deliveries with a status is kept; None if there is none.

        If thousands are over their time and not deleted yet, it may be now.
        """

    def has_reached(self, store_hash: str, hook_id: int, since: float) -> bool:
        """Whether one of the hook's latest deliveries was delivered at a time or later."""

    def save_delivered(self, deliveries: Sequence[Delivery]) -> None:
        """Log deliveries that a destination has taken, whatever else the log says of them."""

    def save(self, delivery: Delivery, *, over: Delivery | None) -> bool:
        """Log a delivery over what was read of it, None if nothing.

        :return: whether that was still what the log says; else nothing was written.
        """

    def save_reserved(self, delivery: Delivery, reserved: Reservation, *, over: Delivery | None) -> None:
        """Log a delivery that waits for its place, unless the log says something else by now."""

    def end_waiting(self, delivery: DeliverySummary, status: Status) -> bool:
        """Take a delivery out of those that wait; False if it did not wait any more."""

    def begin_round(
        self, delivery: DeliverySummary, now: float, *, unless_since: float | None = None
    ) -> AttemptTask | None:
        """Begin another round for a delivery that ended, unless its present one began at a time or later.

        :return: the task of its next attempt; None if it is not as it was read any more.
        """

    def bring_forward(self, delivery: Delivery, now: float) -> bool:
        """Have the next attempt of a delivery that waits made now; False if it is not as it was read."""


class PulledDeliveries(Protocol):
    """The deliveries that wait to be pulled."""

    def waiting(self, store_hash: str, hook_id: int, limit: int) -> Waiting:
        """Up to so many of a hook's deliveries that nobody holds, the oldest first."""

    def newest_at(self, store_hash: str, hook_id: int) -> float:
        """When the newest of a hook's deliveries came; 0 if there is none."""

    def give_out(
        self, store_hash: str, hook_id: int, delivery_id: str, *, now: float, until: float
    ) -> Delivery | None:
        """Give out a delivery, and hide it until a time; None if somebody holds it, or it has ended.

        :raises storehooks.domain.errors.CorruptItemError: when it cannot be read.
        """

    def given_out(self, store_hash: str, hook_id: int, delivery_ids: Sequence[str]) -> dict[str, GivenOut]:
        """Those of up to 100 deliveries that there are, by id."""

    def offer_again(self, delivery: Delivery, *, over: Delivery) -> bool:
        """Have a delivery of the log wait until it is pulled, over what was read of it, and no attempt made.

        :return: whether it was still so, and an attempt was to be made.
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
        """How many there are; and whether all were counted before ``within_seconds`` were over.

        :param held_since: only those that were held at this time or later.
        """

    def pending(self, store_hash: str, hook_id: int, limit: int) -> int:
        """About how many are pending; counting stops at ``limit``."""

    def next_of(self, recovery: Recovery, limit: int) -> tuple[list[DeliverySummary], str | None]:
        """The next ones of a recovery; and up to which id these are all, None if they are the last."""


class Scans(Protocol):
    """All that a hook has in some time, as figures need it."""

    def newest(self, store_hash: str, hook_id: int, since: int, until: int) -> Iterator[ScannedPage]:
        """The deliveries whose events were accepted from a second on and before another, the newest first."""

    def oldest_waiting_at(self, store_hash: str, hook_id: int) -> float | None:
        """When the event of the oldest delivery that waits was accepted; None if none waits."""


class DueDeliveries(Protocol):
    """The deliveries whose next attempt the retry sweep has to send."""

    def take_due(self, until: float) -> Iterator[DueBatch]:
        """Claim what is due up to a time, a few at a time. Raises nothing: a batch has its failures."""

    def release(self, task: AttemptTask, next_attempt_at: float) -> None:
        """Make an attempt that was claimed due again, because its message could not be sent."""


class HeldWatches(Protocol):
    """When the sweep has to look at what is held for hooks. A hold is a pause or a deactivation."""

    def begin(self, hook: Hook, at: float) -> None:
        """Have the sweep look at a hook's hold at a time, unless its watch has begun already."""

    def move(self, hook: Hook, at: float) -> None:
        """Have the sweep look at a hook's hold at this time."""

    def end(self, store_hash: str, hook_id: int) -> None:
        """Have the sweep look at a hook's hold no more."""

    def take_due(self, until: float) -> Iterator[HoldTask | DueFailure]:
        """Claim the holds that are to be looked at up to a time. Raises nothing: what failed is yielded."""


class Circuits(Protocol):
    """The circuits of all hooks."""

    def get(self, store_hash: str, hook_id: int) -> Circuit:
        """A hook's circuit."""

    def count_failures(self, store_hash: str, hook_id: int, number: int) -> None:
        """Add to a hook's failures in a row."""

    def count_success(self, store_hash: str, hook_id: int, failures: int) -> None:
        """Note that something reached a hook now, and how many failures came after."""

    def claim_probe(self, store_hash: str, hook_id: int) -> bool:
        """Whether the caller may be the one that tries a tripped circuit now."""


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

        :raises storehooks.domain.errors.RecoveryNotFoundError: when there is none, or its time is over.
        """

    def create(self, recovery: Recovery) -> None:
        """Save a new recovery."""

    def save(self, recovery: Recovery, *, over: Recovery) -> bool:
        """Save a recovery after a step; False if somebody else has done that step."""


class DeliveryContexts(Protocol):
    """All that a batch of attempts has to know."""

    def read(self, tasks: Iterable[AttemptTask]) -> DeliveryContext:
        """The context of up to 25 attempts."""


class DeliveriesQueue(Protocol):
    """The queue of tasks."""

    def send(self, messages: Sequence[TaskMessage]) -> None:
        """Send all.

        :raises storehooks.domain.errors.QueueFailedError: with the positions of those that were not taken.
        """

    def receive(self, *, wait_seconds: int) -> list[ReceivedTask]:
        """Up to ten tasks, as soon as there is one; or none after so many seconds."""

    def delete(self, received: Sequence[ReceivedTask]) -> None:
        """Delete these, which are done.

        :raises storehooks.domain.errors.QueueFailedError: with the positions of those that were not deleted.
        """


class DeadLetters(Protocol):
    """The events queue's dead letters."""

    def put(self, body: str, reason: str) -> None:
        """Add a message that cannot be done, with the reason."""


class EventIds(Protocol):
    """The ids that publishers gave events in the last day."""

    def remember(self, event: Event) -> IdUse:
        """What is known of the id that an event was given; a new one is remembered for a day."""


class EventsQueue(Protocol):
    """The queue of events that are to be matched."""

    def send(self, envelopes: Sequence[Mapping[str, Any]]) -> None:
        """Send all, in their envelopes.

        :raises storehooks.domain.errors.QueueFailedError: with the positions of those that were not taken.
        """


class EventBus(Protocol):
    """The event bus."""

    def put(self, source: str, detail_type: str, detail: Mapping[str, Any]) -> str:
        """Put an event or a notice on the bus, and return the id that it was given."""


class Claims(Protocol):
    """Claims of what is to be done once. A claim that is not confirmed expires soon."""

    def claim(self, what: str) -> bool:
        """Whether the caller is to do this now: it was not done, and nobody else has claimed it."""

    def confirm(self, what: str, *, for_seconds: int) -> None:
        """Note that it was done, and is not to be done again for so long."""


class Leases(Protocol):
    """The leases of all clients. One that is not released ends by itself."""

    def take(self, pool: LeasePool, holder: str, is_over: Callable[[Lease], bool]) -> Lease | None:
        """A lease for a holder that has none; None when there are as many as may be and none has ended."""

    def release(self, pool: LeasePool, lease: Lease) -> None:
        """End a lease."""


class DeactivationDays(Protocol):
    """The days in which hooks of clients were deactivated."""

    def begin(self, store_hash: str, client_id: str, until: int, first: Deactivation) -> DeactivationDay:
        """The client's day; with this one as its first, if it has none. Repeating it is harmless."""

    def add(self, day: DeactivationDay, later: Deactivation) -> None:
        """Add one that is not the day's first."""

    def get(self, store_hash: str, client_id: str, until: int) -> DeactivationDay | None:
        """A client's day; None if there is none."""


class NotificationEmails(Protocol):
    """The notification emails of clients."""

    def get(self, store_hash: str, client_id: str) -> tuple[str, ...]:
        """Those of a client of a store."""

    def remove(self, store_hash: str, client_id: str) -> None:
        """Have none of a client."""


class Clients(Protocol):
    """The clients of all stores."""

    def remove(self, store_hash: str, client_id: str) -> None:
        """Remove a client with its secrets, if there is one."""


class AccessTokens(Protocol):
    """The access tokens of all clients."""

    def delete_all(self, store_hash: str, client_id: str) -> Iterator[int]:
        """Delete the tokens of a client, some at a time; how many each time."""


class HooksOfRemoved(Protocol):
    """The hooks of all stores, for the end of a client."""

    def delete_all(self, caller: Caller) -> Iterator[int]:
        """Delete the hooks of a client, some at a time; how many each time."""


class Mailer(Protocol):
    """Sends emails."""

    def send(self, addresses: Sequence[str], mail: Mail) -> str:
        """Send one email to all of them, and return its id."""


class ClientSecrets(Protocol):
    """The secrets by which clients verify what they get."""

    def valid_now(self, store_hash: str, client_id: str) -> tuple[str, ...]:
        """Those of a client, the newest first; none if there is no such client."""


class Sender(Protocol):
    """Sends requests to destinations, many at once. Nothing of a destination makes it raise."""

    @property
    def in_flight(self) -> int:
        """How many requests are under way."""

    def start(self, key: str, request: OutgoingRequest) -> None:
        """Begin to send a request, which :meth:`wait` will name by this key."""

    def wait(self, seconds: float) -> list[tuple[str, Attempt]]:
        """What is over, as soon as something is, or after so many seconds."""

    def wake(self) -> None:
        """Have :meth:`wait` return at once. From any thread."""
