"""Deliveries in a time of their own, to destinations that do as they are told.

What is stored is in memory, or in the tables of moto: a world is the same over either.
"""

import itertools
import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from storehooks.adapters.delivery_messages import read_task
from storehooks.composition import Parts
from storehooks.domain.attempt import Attempt, OutgoingRequest, Times
from storehooks.domain.deactivation_day import FIRST, LATER
from storehooks.domain.delivery import Delivery, Status, new_delivery
from storehooks.domain.errors import QueueFailedError, StorehooksError
from storehooks.domain.event import Event
from storehooks.domain.hook import Hook
from storehooks.domain.identity import Caller
from storehooks.domain.retry import RetrySchedule
from storehooks.domain.task import ReceivedTask, Task, TaskMessage, attempt_task
from storehooks.flows.sweep import AHEAD_SECONDS
from tests.fakes.account import Account
from tests.fakes.messages import DeliveriesQueue, as_body, as_received
from tests.lineage import Lineage, LoopDetection
from tests.message_heap import Message

STORE = "5ueh97"
_SWEEP_SECONDS = 60

type Answer = tuple[int | None, str | None]
"""A status, or None; and a Retry-After."""


def envelope(number: int, scope: str = "store/order/created", *, has_id: bool = True) -> dict[str, Any]:
    """An event on the events queue, with or without an id that its publisher gave."""
    given = {"id": f"event-{number}"} if has_id else {}
    return {
        "id": f"envelope-{number}",
        "detail-type": scope,
        "time": "2026-11-23T10:00:00Z",
        "detail": {"store_hash": STORE, "data": {"id": number}} | given,
    }


class Clock:
    """The time of the world, in seconds since 1970."""

    def __init__(self) -> None:
        self.now = 1_795_428_000.0

    def __call__(self) -> float:
        return self.now


class Queue(DeliveriesQueue):
    """The deliveries queue; each message has the lineage of who sent it."""

    def __init__(self, world: "BaseWorld") -> None:
        super().__init__(world.clock, lambda: world.lineage)
        self.fails = False
        self.receives = False
        """Whether a function may take further messages itself."""
        self.sends: Counter[str] = Counter()
        """How often each message was sent."""

    def send(self, messages: Sequence[TaskMessage]) -> None:
        if self.fails and messages:
            raise QueueFailedError("InternalError", frozenset(range(len(messages))))
        self.sends.update(as_body(message.task) for message in messages)
        super().send(messages)

    def receive(self, *, wait_seconds: int) -> list[ReceivedTask]:
        assert self.receives, "no destination of this world is slow"
        return super().receive(wait_seconds=wait_seconds)


class Sender:
    """Answers at once, as the world's destinations say."""

    def __init__(self, world: "BaseWorld") -> None:
        self._world = world
        self._started: list[tuple[str, OutgoingRequest]] = []

    @property
    def in_flight(self) -> int:
        return len(self._started)

    def start(self, key: str, request: OutgoingRequest) -> None:
        self._started.append((key, request))

    def wait(self, _seconds: float) -> list[tuple[str, Attempt]]:
        started, self._started = self._started, []
        return [(key, self._attempt(request)) for key, request in started]

    def wake(self) -> None:
        pass

    def _attempt(self, request: OutgoingRequest) -> Attempt:
        world = self._world
        world.sent.append((world.clock.now, request))
        status, retry_after = world.response(request)
        is_ok = status is not None and 200 <= status < 300
        return Attempt(
            at=world.clock.now,
            status=status,
            error=None if is_ok else f"answered {status}",
            times=Times(total_ms=1.0),
            response="the answer",
            retry_after=retry_after,
        )


class Bus:
    """Keeps what was put on it; of what has the same id, as matching does, the first."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.entries = 0
        self.notices: list[dict[str, Any]] = []
        """What is for people, as the bus hands it on."""

    def put(self, source: str, detail_type: str, detail: dict[str, Any]) -> str:
        if detail_type in {FIRST, LATER}:
            self.notices.append({"source": source, "detail-type": detail_type, "detail": dict(detail)})
            return "id"
        self.entries += 1
        if "id" not in detail or all(event.get("id") != detail["id"] for event in self.events):
            self.events.append({"scope": detail_type} | detail)
        return "id"

    @property
    def codes(self) -> list[int]:
        return [event["data"]["error_code"] for event in self.events]


class EventsQueue:
    """Keeps the envelopes that were sent to it."""

    def __init__(self) -> None:
        self.envelopes: list[dict[str, Any]] = []

    def send(self, envelopes: Sequence[dict[str, Any]]) -> None:
        self.envelopes += envelopes

    @property
    def codes(self) -> list[int]:
        return [envelope["detail"]["data"]["error_code"] for envelope in self.envelopes]


class BaseWorld:
    """A deployment with one client, in a time of its own: each message comes at its time, and the sweeps.

    A world of it says how a message is done and what a sweep is.

    :param account: where it stores what it stores: one in memory, or the ``aws`` of the fixture.
    """

    def __init__(self, account: Any, schedule: str) -> None:
        self.account = account
        self.clock = Clock()
        self.schedule = RetrySchedule.parse(schedule)
        self.response: Callable[[OutgoingRequest], Answer] = lambda _request: (200, None)
        self.sent: list[tuple[float, OutgoingRequest]] = []
        self.is_undisturbed = False
        self.loops = LoopDetection()
        self.lineage: Lineage = Counter()
        """That of the invocation which sends now."""
        self.dead: list[str] = []
        """The bodies of dead letters."""
        client_id, self.secret = account.new_client(STORE)
        self.caller = Caller(STORE, client_id, frozenset())
        self._numbers = itertools.count()
        self._swept = self.clock.now

    def new_process(self) -> Parts:
        """What a process has that knows nothing of those before."""
        return self.account.new_process(self.clock)

    def start(self) -> None:
        """Go on in a new process."""
        self.parts = self.new_process()
        self.hooks = self.parts.hooks
        self.log = self.parts.log
        self.circuits = self.parts.circuits
        self.recovery_starter = self.parts.recovery_starter

    def hook(
        self, destination: str = "https://app.example.com/", scope: str = "store/order/*", **fields
    ) -> Hook:
        """An active hook."""
        return self.hooks.create(self.caller, scope=scope, destination=destination, is_active=True, **fields)

    @contextmanager
    def undisturbed(self) -> Iterator[None]:
        """No fault is injected meanwhile."""
        self.is_undisturbed = True
        yield
        self.is_undisturbed = False

    # ------------------------------------------------------------ time

    def work(self) -> None:
        """Do what is due now; what fails comes again later."""
        raise NotImplementedError

    def sweep(self) -> None:
        """What happens each minute. One that fails is not tried again: the next one goes on."""
        raise NotImplementedError

    def next_due(self) -> float:
        """The time at which there is something to do again, besides a sweep."""
        raise NotImplementedError

    def pass_time(self, seconds: float) -> None:
        """Let time pass: each message at its time, and a sweep each minute, if it finds anything."""
        end = self.clock.now + seconds
        while True:
            self.work()
            sweep_at = self._next_sweep()
            self.clock.now = min(end, sweep_at, self.next_due())
            if self.clock.now == sweep_at:
                self._swept = sweep_at
                self.sweep()
            elif self.clock.now == end:
                self.work()
                return

    def _next_sweep(self) -> float:
        """The time of the next sweep that finds something."""
        due = self.account.due_times().values()
        waits = min(due, default=math.inf) - AHEAD_SECONDS - self._swept
        return self._swept + _SWEEP_SECONDS * max(1, math.ceil(waits / _SWEEP_SECONDS) if due else math.inf)

    @contextmanager
    def chained(self, function: str, lineages: Iterable[Lineage]) -> Iterator[bool]:
        """Whether Lambda invokes a function with messages of these; what it sends is of its chain."""
        lineage = self.loops.invoked(function, lineages)
        self.lineage = lineage or Counter()
        try:
            yield lineage is not None
        finally:
            self.lineage = Counter()

    # ------------------------------------------------------------ what is seen

    @property
    def statuses(self) -> dict[str, Status]:
        """Where each delivery that the log knows stands."""
        return {delivery.id: delivery.status for delivery in self.account.deliveries().values()}


class World(BaseWorld):
    """All of a deployment that has to do with deliveries, by its flows.

    :param account: where it stores what it stores: in memory, unless it is the ``aws`` of the fixture.
    :param given: further parts of its processes, by their names.
    """

    def __init__(self, account: Any = None, schedule: str = "60,180,300", **given: object) -> None:
        super().__init__(Account() if account is None else account, schedule)
        self._given = given
        self.queue = Queue(self)
        self.bus = Bus()
        self.events_queue = EventsQueue()
        self.start()

    def new_process(self) -> Parts:
        return self.account.new_process(
            self.clock,
            schedule=self.schedule,
            deliveries_queue=self.queue,
            events_queue=self.events_queue,
            bus=self.bus,
            sender=Sender(self),
            **self._given,
        )

    def start(self) -> None:
        super().start()
        self.recoveries = self.parts.recoveries
        self.selections = self.parts.selections
        self.claims = self.parts.claims
        self.due = self.parts.due
        self.meter = self.parts.meter
        self.deliverer = self.parts.deliverer
        self.sweeper = self.parts.sweeper

    # ------------------------------------------------------------ what happens in it

    def event(self, hook: Hook) -> Delivery:
        """An event happens; its delivery to this hook is on the queue."""
        number = next(self._numbers)
        event = Event(
            id=f"event-{number}",
            has_given_id=True,
            publication=f"publication-{number}",
            store_hash=STORE,
            scope="store/order/created",
            data={"id": number},
            store_id="1025646",
            created_at=int(self.clock.now),
            accepted_at=int(self.clock.now * 1_000_000) + number,
        )
        delivery = new_delivery(event, event.payload(), hook)
        self.queue.send([TaskMessage(attempt_task(delivery))])
        return delivery

    def work(self) -> None:
        while taken := self.queue.take():
            with self.chained("deliver", [message.lineage for message in taken]) as is_invoked:
                if not is_invoked:
                    self.dead += [message.body for message in taken]
                    continue
                try:
                    failed = self.deliver(taken)
                except BaseException:
                    for message in taken:
                        self.queue.put_back(message)
                    raise
                for position in failed:
                    self.queue.put_back(taken[int(position)])

    def deliver(self, taken: Sequence[Message]) -> Iterable[str]:
        """Do a batch; the positions of what failed."""
        return self.deliverer.deliver(
            [as_received(message, batch_id=str(position)) for position, message in enumerate(taken)]
        )

    def finish_queue(self, within_seconds: float) -> None:
        """Do what the queue holds, each message at its time, without sweeps, until it is empty."""
        end = self.clock.now + within_seconds
        while self.queue.waiting:
            assert self.queue.waiting[0].due <= end, self.queue.tasks
            self.clock.now = max(self.clock.now, self.queue.waiting[0].due)
            self.work()

    def sweep(self) -> None:
        with suppress(StorehooksError):
            self.sweeper.sweep()

    def next_due(self) -> float:
        return self.queue.waiting[0].due if self.queue.waiting else math.inf

    # ------------------------------------------------------------ what is seen

    def logged(self, delivery: Delivery) -> Delivery:
        return self.log.get(STORE, delivery.hook_id, delivery.id)

    def attempts(self, delivery: Delivery) -> list[float]:
        """When this delivery was sent, in seconds after the first time."""
        times = [at for at, request in self.sent if request.headers["webhook-id"] == delivery.id]
        return [at - times[0] for at in times]

    def current(self, hook: Hook) -> Hook:
        return self._found(hook.id)

    def current_of(self, delivery: Delivery) -> Hook:
        """The hook of a delivery."""
        return self._found(delivery.hook_id)

    def _found(self, hook_id: int) -> Hook:
        found = self.hooks.find(STORE, hook_id)
        assert found is not None
        return found

    @staticmethod
    def task(body: str) -> Task | None:
        """What a message asks for, None for one that is no task."""
        return read_task(body)
