"""Fakes and adapters under the same random operations: what each returns and stores is the same."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from hypothesis.stateful import run_state_machine_as_test as run

from storehooks.composition import Parts
from storehooks.domain.attempt import Attempt, Times
from storehooks.domain.delivery import WAITING, Delivery, Status, ids_between
from storehooks.domain.errors import StorehooksError
from storehooks.domain.event_filter import check_filter
from storehooks.domain.hook import Hook, HookFilter
from storehooks.domain.identity import Caller
from storehooks.domain.rate import Reservation
from storehooks.domain.recovery import Recovery, new_recovery, new_recovery_id
from storehooks.domain.task import AttemptTask, attempt_task
from tests.conftest import sequences
from tests.contract import examples
from tests.fakes.account import Account
from tests.world import STORE, Clock

DAY_SECONDS = 24 * 60 * 60
STEPS_OF_TIME = st.sampled_from([0.0004, 0.7, 12, 61, 400, 4000, 29 * DAY_SECONDS])

attempts = st.builds(
    Attempt,
    at=st.sampled_from([examples.NOW, examples.NOW + 0.1234567, examples.NOW + 70]),
    status=st.sampled_from([None, 200, 500]),
    error=st.sampled_from([None, "answered 500"]),
    times=st.sampled_from(
        [Times(total_ms=1.25), Times(name_lookup_ms=0.0, connect_ms=2.5, total_ms=900_000)]
    ),
    response=st.sampled_from(["", "no", "\u2028"]),
    retry_after=st.sampled_from([None, "120"]),
)


class Both(RuleBasedStateMachine):
    """One deployment in memory and one over moto, in the same time."""

    def __init__(self, aws) -> None:
        super().__init__()
        aws.empty("HooksTable", "DeliveriesTable", "EventIdsTable")
        self.clock = Clock()
        self.memory, self.moto = Account(), aws
        self.fake, self.real = (one.new_process(self.clock) for one in (self.memory, self.moto))

    def both(self, act: Callable[[Parts], Any]) -> Any:
        """What an operation returns, which is the same for both; None if it raises."""
        fake, real = (_outcome(act, parts) for parts in (self.fake, self.real))
        assert fake == real
        return fake[0]

    @rule(seconds=STEPS_OF_TIME)
    def time_passes(self, seconds):
        self.clock.now += seconds


def _outcome(act: Callable[[Parts], Any], parts: Parts) -> tuple[Any, Any]:
    """What comes of it: a value, or an error's type with what explains it."""
    try:
        return act(parts), None
    except StorehooksError as error:
        return None, (type(error), vars(error))


class DeliveryLogs(Both):
    """The delivery log: deliveries, what is due of them, selections, circuits and recoveries."""

    def __init__(self, aws) -> None:
        super().__init__(aws)
        self.read: list[Delivery] = []
        """Deliveries as somebody has read them, at whatever time."""
        self.claimed: list[tuple[AttemptTask, float]] = []
        self.recoveries: list[Recovery] = []

    @property
    def now(self) -> float:
        """The time as recoveries have it."""
        return round(self.clock.now, 3)

    def some(self, data) -> Delivery:
        return data.draw(st.sampled_from(self.read))

    # ------------------------------------------------------------ deliveries

    @rule(
        number=st.integers(0, 5),
        hook_id=st.integers(1, 2),
        status=st.sampled_from(Status),
        tries=st.lists(attempts, min_size=1, max_size=3),
        forgotten=st.sampled_from([0, 0, 2]),
        earlier=st.sampled_from([0, 2]),
        round_in=st.sampled_from([None, -100.0004, 0]),
        due_in=st.sampled_from([None, 0, 60.00049, 2000, 40 * DAY_SECONDS]),
        is_known=st.booleans(),
        data=st.data(),
    )
    def a_delivery_is_saved(
        self, number, hook_id, status, tries, forgotten, earlier, round_in, due_in, is_known, data
    ):
        new = examples.delivery(
            number,
            hook_id=hook_id,
            accepted_at=examples.NOW + 0.0007 * number,
            status=status,
            attempts=tuple(tries),
            forgotten=forgotten,
            earlier=earlier,
            round_at=None if round_in is None else self.clock.now + round_in,
            next_attempt_at=None if due_in is None else self.clock.now + due_in,
        )
        over = data.draw(st.sampled_from([one for one in self.read if one.id == new.id] or [None]))
        self.both(lambda parts: parts.log.save(new, over=over if is_known else None))
        self.read.append(new)

    @precondition(lambda self: self.read)
    @rule(data=st.data(), number=st.integers(1, 3))
    def some_are_delivered(self, data, number):
        read = {one.id: one for one in (self.some(data) for _ in range(number))}
        taken = [
            replace(one, status=Status.DELIVERED, next_attempt_at=None, attempts=(*one.attempts, _taken()))
            for one in read.values()
        ]
        self.both(lambda parts: parts.log.save_delivered(taken))

    @precondition(lambda self: self.read)
    @rule(data=st.data())
    def somebody_reads_a_delivery(self, data):
        one = self.some(data)
        found = self.both(lambda parts: parts.log.get(STORE, one.hook_id, one.id))
        if found is not None:
            self.read.append(found)

    @precondition(lambda self: self.read)
    @rule(data=st.data(), status=st.sampled_from([Status.HELD, Status.CANCELLED]))
    def one_that_waits_is_ended(self, data, status):
        one = self.some(data)
        if one.status in WAITING:
            self.both(lambda parts: parts.log.end_waiting(one, status))

    @precondition(lambda self: self.read)
    @rule(data=st.data(), ahead=st.sampled_from([0, 5.0006]), since=st.sampled_from([None, -50, 0.0004]))
    def another_round_begins(self, data, ahead, since):
        one, now = self.some(data), self.clock.now
        unless = None if since is None else now + since
        self.both(lambda parts: parts.log.begin_round(one, now + ahead, unless_since=unless))

    @precondition(lambda self: self.read)
    @rule(data=st.data())
    def one_is_brought_forward(self, data):
        one = self.some(data)
        if one.status in WAITING:
            self.both(lambda parts: parts.log.bring_forward(one, self.clock.now))

    # ------------------------------------------------------------ what is due

    @rule(ahead=st.sampled_from([0, 90, 1000]))
    def a_sweep_takes_what_is_due(self, ahead):
        def sweep(parts):
            batches = list(parts.due.take_due(self.clock.now + ahead))
            assert not any(batch.failures for batch in batches)
            return sorted((one for batch in batches for one in batch.due), key=repr)

        self.claimed += self.both(sweep)

    @precondition(lambda self: self.claimed)
    @rule(data=st.data())
    def a_claim_is_given_back(self, data):
        task, due_at = data.draw(st.sampled_from(self.claimed))
        self.both(lambda parts: parts.due.release(task, due_at))

    # ------------------------------------------------------------ what is found

    @rule(hook_id=st.integers(1, 2), limit=st.integers(1, 4))
    def what_waits_is_listed(self, hook_id, limit):
        self.both(lambda parts: parts.log.waiting(STORE, hook_id, limit))

    @rule(hook_id=st.integers(1, 2), ago=st.sampled_from([0, 100, 5000]))
    def whether_a_hook_was_reached(self, hook_id, ago):
        self.both(lambda parts: parts.log.has_reached(STORE, hook_id, self.clock.now - ago))

    @rule(hook_id=st.integers(1, 2), limit=st.integers(1, 3), status=st.sampled_from([None, *Status]))
    def all_pages(self, hook_id, limit, status):
        def pages(parts):
            found, before = [], None
            while True:
                page = parts.log.page(STORE, hook_id, status=status, limit=limit, before=before)
                found += page.deliveries
                before = page.next_id
                if before is None:
                    return found

        self.both(pages)

    @rule(
        hook_id=st.integers(1, 2),
        statuses=st.sets(st.sampled_from(Status), min_size=1).map(tuple),
        first=st.sampled_from([-1, 0.001, 1]),
        last=st.sampled_from([0.002, 1]),
        limit=st.integers(1, 3),
        held_ago=st.sampled_from([None, 0, 70, 5000]),
    )
    def a_selection_is_counted_and_gone_through(self, hook_id, statuses, first, last, limit, held_ago):
        since, until = examples.NOW + first, examples.NOW + last
        if since > until:
            return
        held_since = None if held_ago is None else self.now - held_ago
        self.both(
            lambda parts: parts.selections.count(
                STORE, hook_id, statuses, (since, until), held_since=held_since, within_seconds=60
            )
        )
        recovery = _recovery(hook_id, since=since, until=until, statuses=statuses, now=self.clock.now)
        recovery = replace(recovery, held_since=held_since)

        def through(parts):
            found, position = [], ""
            while position is not None:
                some, position = parts.selections.next_of(replace(recovery, position=position), limit)
                assert len(some) <= limit
                found += some
            return found

        self.both(through)

    @rule(hook_id=st.integers(1, 2))
    def until_when_the_first_of_what_is_held_is_kept(self, hook_id):
        self.both(lambda parts: parts.log.first_kept_until(STORE, hook_id, Status.HELD))

    # ------------------------------------------------------------ what is held

    def paused(self, hook_id: int) -> Hook:
        """A hook that is paused, again after some time."""
        return replace(examples.hook(hook_id), paused_at=int(self.clock.now) // 400)

    @rule(hook_id=st.integers(1, 2), ahead=st.sampled_from([0, 70.0004]))
    def a_hold_is_watched(self, hook_id, ahead):
        hook = self.paused(hook_id)
        self.both(lambda parts: parts.held_watches.begin(hook, self.clock.now + ahead))

    @rule(hook_id=st.integers(1, 2), ahead=st.sampled_from([0, 70.0004]))
    def a_watch_is_moved(self, hook_id, ahead):
        hook = self.paused(hook_id)
        self.both(lambda parts: parts.held_watches.move(hook, self.clock.now + ahead))

    @rule(hook_id=st.integers(1, 2))
    def a_watch_ends(self, hook_id):
        self.both(lambda parts: parts.held_watches.end(STORE, hook_id))

    @rule()
    def a_sweep_takes_holds(self):
        self.both(lambda parts: sorted(parts.held_watches.take_due(self.clock.now), key=repr))

    @rule(hook_id=st.integers(1, 2), limit=st.integers(1, 4))
    def how_many_are_pending(self, hook_id, limit):
        self.both(lambda parts: min(limit, parts.selections.pending(STORE, hook_id, limit)))

    @rule(skip=st.integers(0, 2), limit=st.integers(1, 4), last=st.sampled_from([2, 5000]))
    def what_was_not_delivered_is_listed(self, skip, limit, last):
        between = ids_between(0, round(examples.NOW * 1000) + last)
        self.both(
            lambda parts: parts.missed_events.page(STORE, [1, 2], between=between, skip=skip, limit=limit)
        )

    @precondition(lambda self: self.read)
    @rule(data=st.data(), number=st.integers(1, 3))
    def a_batch_reads_its_context(self, data, number):
        tasks = [attempt_task(self.some(data)) for _ in range(number)]
        self.both(lambda parts: parts.contexts.read(tasks))

    # ------------------------------------------------------------ places in the lines of hooks

    @precondition(lambda self: any(one.status in WAITING for one in self.read))
    @rule(data=st.data(), later=st.sampled_from([0, 200.0006, 5000]), is_known=st.booleans())
    def a_delivery_waits_for_its_place(self, data, later, is_known):
        one = data.draw(st.sampled_from([one for one in self.read if one.status in WAITING]))
        waiting = replace(one, next_attempt_at=self.clock.now + later)
        place = Reservation(int(self.clock.now + later), 1)
        over = one if is_known else None
        self.both(lambda parts: parts.log.save_reserved(waiting, place, over=over))
        self.read.append(waiting)

    @rule(
        hook_id=st.integers(1, 2),
        number=st.integers(1, 25),
        version=st.integers(1, 2),
        rate=st.sampled_from([0.3, 1, 2.5, 1000]),
    )
    def places_are_reserved(self, hook_id, number, version, rate):
        # Each version of a hook has one rate.
        hook = replace(examples.hook(hook_id), version=version, max_per_second=rate if version == 1 else 7)
        self.both(lambda parts: parts.lines.reserve(hook, number))

    # ------------------------------------------------------------ circuits, recoveries

    @rule(hook_id=st.integers(1, 2), number=st.integers(1, 3))
    def failures_are_counted(self, hook_id, number):
        self.both(lambda parts: parts.circuits.count_failures(STORE, hook_id, number))

    @rule(hook_id=st.integers(1, 2), failures=st.integers(0, 2))
    def a_success_is_counted(self, hook_id, failures):
        self.both(lambda parts: parts.circuits.count_success(STORE, hook_id, failures))

    @rule(hook_id=st.integers(1, 2))
    def somebody_wants_to_probe(self, hook_id):
        self.both(lambda parts: parts.circuits.claim_probe(STORE, hook_id))
        self.both(lambda parts: parts.circuits.get(STORE, hook_id))

    @rule(hook_id=st.integers(1, 2), statuses=st.sampled_from([(Status.HELD,), tuple(Status)]))
    def a_recovery_is_created(self, hook_id, statuses):
        since = round(self.now - 100, 3)
        recovery = _recovery(hook_id, since=since, until=self.now, statuses=statuses, now=self.now)
        self.both(lambda parts: parts.recoveries.create(recovery))
        self.recoveries.append(recovery)

    @precondition(lambda self: self.recoveries)
    @rule(data=st.data(), end=st.sampled_from(["no", "finished", "stopped"]), recovered=st.integers(0, 2))
    def a_step_of_a_recovery_is_saved(self, data, end, recovered):
        before = data.draw(st.sampled_from(self.recoveries))
        now = self.now
        after = before.after_step(now, recovered=recovered, position=f"msg_{recovered}")
        if end != "no":
            after = before.finished(now) if end == "finished" else before.stopped(now, "it was switched off")
        self.both(lambda parts: parts.recoveries.save(after, over=before))
        self.recoveries.append(after)

    @precondition(lambda self: self.recoveries)
    @rule(data=st.data())
    def somebody_reads_a_recovery(self, data):
        one = data.draw(st.sampled_from(self.recoveries))
        self.both(lambda parts: parts.recoveries.get(STORE, one.hook_id, one.id))

    @invariant()
    def both_have_stored_the_same(self):
        assert self.memory.deliveries() == self.moto.deliveries()
        assert self.memory.due_times() == self.moto.due_times()


def _taken() -> Attempt:
    return examples.attempt(examples.NOW + 70)


def _recovery(hook_id: int, **fields: Any) -> Recovery:
    return new_recovery(examples.hook(hook_id), new_recovery_id(), count=0, is_count_exact=True, **fields)


SCOPES = ("store/order/*", "store/order/created")
FILTERS = (None, check_filter({"a": [1, {"prefix": "b"}]}), check_filter({"a": [1.5]}))
# The last two are one destination by another name.
DESTINATIONS = (
    *(f"https://app.example.com/{number}" for number in range(10)),
    "https://app.example.com",
    "https://APP.example.com:443/",
)
CALLERS = (
    Caller(STORE, "a" * 32, frozenset()),
    Caller(STORE, "b" * 32, frozenset()),
    Caller("other1", "a" * 32, frozenset()),
)
callers = st.sampled_from(CALLERS)
hook_ids = st.integers(1, 6)


class AllHooks(Both):
    """The hooks of two stores, one of which has two clients."""

    def __init__(self, aws) -> None:
        super().__init__(aws)
        self.known: list[Any] = []

    @rule(seconds=st.sampled_from([-30, 0.5, 100]))
    def the_clock_jumps(self, seconds):
        self.clock.now += seconds

    @rule(
        caller=callers,
        scope=st.sampled_from(SCOPES),
        destinations=st.lists(st.sampled_from(DESTINATIONS), min_size=1, max_size=6),
        headers=st.sampled_from([None, {}, {"X-Mine": "ü"}]),
        is_active=st.booleans(),
        some_filter=st.sampled_from(FILTERS),
    )
    def some_are_created(self, caller, scope, destinations, headers, is_active, some_filter):
        for destination in destinations:
            hook = self.both(
                lambda parts, destination=destination: parts.hooks.create(
                    caller,
                    scope=scope,
                    destination=destination,
                    headers=headers,
                    is_active=is_active,
                    filter=some_filter,
                )
            )
            self.known += [] if hook is None else [hook]

    @rule(
        caller=callers,
        hook_id=hook_ids,
        changes=st.fixed_dictionaries(
            {},
            optional={
                "scope": st.sampled_from(SCOPES),
                "destination": st.sampled_from(DESTINATIONS),
                "headers": st.sampled_from([None, {"X-Mine": "1"}]),
                "is_active": st.booleans(),
                "filter": st.sampled_from(FILTERS),
                "is_paused": st.booleans(),
                "resumption": st.sampled_from([None, "rec_1"]),
            },
        ),
    )
    def one_is_changed(self, caller, hook_id, changes):
        hook = self.both(lambda parts: parts.hooks.update(caller, hook_id, changes))
        self.known += [] if hook is None else [hook]

    @precondition(lambda self: self.known)
    @rule(data=st.data(), is_paused=st.booleans(), scope=st.sampled_from(SCOPES))
    def one_that_was_read_is_changed(self, data, is_paused, scope):
        hook = data.draw(st.sampled_from(self.known))
        hook = self.both(lambda parts: parts.hooks.change(hook, {"is_paused": is_paused, "scope": scope}))
        self.known += [] if hook is None else [hook]

    @rule(caller=callers, hook_id=hook_ids)
    def one_is_deleted(self, caller, hook_id):
        self.both(lambda parts: parts.hooks.delete(caller, hook_id))

    @precondition(lambda self: self.known)
    @rule(data=st.data())
    def failures_deactivate_one(self, data):
        hook = data.draw(st.sampled_from(self.known))
        self.both(lambda parts: parts.hooks.deactivate(hook, "it fails"))
        self.known.append(self.both(lambda parts: parts.hooks.find(hook.store_hash, hook.id)) or hook)

    @rule(caller=callers, hook_id=hook_ids)
    def one_is_read(self, caller, hook_id):
        self.both(lambda parts: parts.hooks.get(caller, hook_id))

    @rule(
        caller=callers,
        skip=st.integers(0, 3),
        limit=st.integers(1, 4),
        only=st.builds(
            HookFilter,
            is_active=st.sampled_from([None, True, False]),
            scope=st.sampled_from([None, *SCOPES]),
            destination=st.sampled_from([None, DESTINATIONS[0]]),
        ),
        is_counted=st.booleans(),
    )
    def a_page_is_read(self, caller, skip, limit, only, is_counted):
        self.both(
            lambda parts: parts.hooks.page(caller, skip=skip, limit=limit, only=only, is_counted=is_counted)
        )

    def teardown(self):
        for caller in CALLERS:
            for hook_id in self.both(lambda parts, caller=caller: parts.hooks.ids(caller)):
                self.both(
                    lambda parts, caller=caller, hook_id=hook_id: parts.hooks.find(caller.store_hash, hook_id)
                )

    @rule(scope=st.sampled_from(SCOPES))
    def subscribers_are_looked_up(self, scope):
        for store_hash in (STORE, "other1"):
            self.both(lambda parts, store_hash=store_hash: parts.hooks.subscribers(store_hash, scope))


# To shrink a failure takes minutes, for moto's calls; what hypothesis prints of it is short enough.
PHASES = (Phase.explicit, Phase.reuse, Phase.generate)


def test_the_delivery_log_in_memory_is_the_one_in_dynamodb(aws):
    run(partial(DeliveryLogs, aws), settings=settings(sequences(20, steps=40), phases=PHASES))


def test_the_hooks_in_memory_are_those_in_dynamodb(aws):
    run(partial(AllHooks, aws), settings=settings(sequences(8, steps=30), phases=PHASES))
