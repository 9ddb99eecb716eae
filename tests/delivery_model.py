"""Deliveries by sequences of happenings that hypothesis makes up: none is lost, and none comes too early.

Events come, hooks are created, moved, filtered, paused, switched off and on and deleted, deliveries are asked
for again one by one and by recoveries, strangers look, destinations fail in one way or another for a
while, messages come twice, the clock jumps, and calls fail before and after they took effect, or are
the last thing that a process does. What is stored is in memory in tests/flows, and in the tables of
moto in tests/integration.
"""

import json
import logging
from collections import Counter
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from storehooks.domain.delivery import Delivery, Status
from storehooks.domain.errors import (
    DeliveryNotFoundError,
    DuplicateHookError,
    HookInactiveError,
    QueueFailedError,
    StoreFailedError,
    TooManyAtOnceError,
    TransientError,
)
from storehooks.domain.event_filter import check_filter
from storehooks.domain.lease import MAX_RECOVERIES
from storehooks.domain.recovery import (
    CLOCKS_DIFFER_SECONDS,
    MISSED,
    RECOVERABLE,
    Recovery,
    RecoveryStatus,
)
from storehooks.domain.scope import subscriptions_to
from storehooks.domain.task import AttemptTask
from tests.event_files import load_event
from tests.faults import Killed, faulty
from tests.world import STORE, World, envelope

logger = logging.getLogger(__name__)

SCOPES = ("store/order/created", "store/order/*", "store/product/created")
EVENTS = ("store/order/created", "store/product/created")
DESTINATIONS = tuple(f"https://{name}.example.com/" for name in ("one", "two", "three"))
ANSWERS = ((200, None), (200, None), (500, None), (None, None), (410, None), (503, "120"), (302, None))
# A filter that only the first events of a sequence pass.
FIRST_IDS = 3
FIRST = check_filter({"data": {"id": [{"numeric": ["<", FIRST_IDS]}]}})
SCHEDULE = "60,300,1200"
RATES = (None, None, 5, 0.1)
# In the worst case a retry waits twice its slot, and what failed comes again some times. And a line of a
# hundred attempts takes a while.
LONG_ENOUGH = 3 * (60 + 300 + 1200) + 3600 + 3 * 100 * 10
OF_A_HOOK = ("get_hook", "list_deliveries", "get_delivery", "redeliver", "recover_deliveries", "ping_hook")
STRANGERS = ((STORE, "f" * 32), ("other1", None))
ENDS = frozenset({Status.DELIVERED, Status.EXHAUSTED, Status.HELD, Status.CANCELLED})


FAULTS = ("throttled", "failed", "unanswered", "killed")


class FragileWorld(World):
    """A world whose process can end while it works; another one then begins with what comes again."""

    def __init__(self, account: Any) -> None:
        super().__init__(account, SCHEDULE)

    def deliver(self, taken):
        try:
            return super().deliver(taken)
        except Killed:
            self.start()
            return [str(position) for position in range(len(taken))]

    def sweep(self) -> None:
        with suppress(Killed):
            super().sweep()


class Deliveries(RuleBasedStateMachine):
    """What happens, and what must be true of it afterwards."""

    figures: ClassVar[Counter[str]] = Counter()
    calls: ClassVar[tuple[str, ...]]
    """What can fail of the account, by name."""

    def __init__(self, account: Any, monkeypatch) -> None:
        super().__init__()
        self.account = account
        self.monkeypatch = monkeypatch
        self.world = FragileWorld(account)
        self.world.response = self.response
        self.began = self.world.clock.now
        self.matcher = self.world.parts.matcher
        self.responses = dict.fromkeys(DESTINATIONS, (200, None))
        self.hooks: dict[int, str] = {}
        self.filtered: set[int] = set()
        self.ever_off: set[int] = set()
        self.ever_limited: set[int] = set()
        self.begun: Counter[tuple[int, int, int]] = Counter()
        """By hook, its version, and second."""
        self.last_id = 0
        self.recoveries: list[tuple[Recovery, set[str]]] = []
        self.resumptions: list[tuple[int, str]] = []
        self.held_before: dict[int, set[str]] = {}
        """What was held of a paused hook when it was paused."""
        self.owed: dict[int, set[str]] = {}
        """What a hook's last resumption has to send."""
        self.gone_back = 0.0
        self.gone_back_at: dict[int, float] = {}
        """By how much the clock had gone back in all; and had when a hook was paused."""
        self.bodies: dict[str, bytes] = {}
        self.events: list[dict[str, Any]] = []
        self.unmatched: list[dict[str, Any]] = []
        self.expected: dict[str, tuple[int, str]] = {}
        self.reached: set[str] = set()
        self.logged: dict[str, Delivery] = {}
        self.hastened: set[str] = set()
        self.is_calm = True
        self.figures["sequences"] += 1
        for destination in DESTINATIONS[:2]:
            self.a_new_hook(SCOPES[0], destination)
        # A rate from the start, and something to send: few sequences may come to that by themselves.
        self.world.hooks.update(self.world.caller, self.last_id, {"max_per_second": 5})
        self.ever_limited.add(self.last_id)
        self.publish(EVENTS[0], has_id=True)
        self.let_pass(1)

    def response(self, request):
        delivery_id = request.headers["webhook-id"]
        known = self.logged_now(delivery_id)
        assert known is None or known.status not in ENDS, f"sent again: {known}"
        if known is not None and known.next_attempt_at is not None:
            assert self.world.clock.now >= known.next_attempt_at, f"sent too early: {known}"
        assert self.bodies.setdefault(delivery_id, request.body) == request.body
        self.check_hook(self.expected[delivery_id][0])
        status, retry_after = self.responses[request.url]
        if status == 200:
            self.reached.add(delivery_id)
        self.figures["attempts"] += 1
        return status, retry_after

    def check_hook(self, hook_id: int) -> None:
        """It is not paused, and no second has more attempts than its rate."""
        with self.world.undisturbed():
            hook = self.world.hooks.find(STORE, hook_id)
        assert hook is None or not hook.is_paused, "sent to a paused hook"
        if hook is None or hook.max_per_second is None:
            return
        begun = hook_id, hook.version, int(self.world.clock.now)
        self.begun[begun] += 1
        assert self.begun[begun] <= max(1, hook.max_per_second)
        self.figures["attempts in a place"] += 1

    def logged_now(self, delivery_id: str) -> Delivery | None:
        return self.account.deliveries().get(delivery_id)

    def invoke(self, name: str, event: dict[str, Any]) -> int:
        """The status of a function's response."""
        raise NotImplementedError

    def patch(self, patched, call: str, fault: str, around) -> None:
        """Have one of the account's calls go wrong: each time ``around`` says so, with or without effect."""
        raise NotImplementedError

    # ------------------------------------------------------------ hooks

    @rule(scope=st.sampled_from(SCOPES), destination=st.sampled_from(DESTINATIONS))
    def a_new_hook(self, scope, destination):
        with suppress(DuplicateHookError):
            hook = self.world.hook(destination, scope)
            assert hook.id > self.last_id, "an id is used once"
            self.last_id = hook.id
            self.hooks[hook.id] = scope

    def a_hook_of(self, data) -> int:
        return data.draw(st.sampled_from(sorted(self.hooks)))

    @precondition(lambda self: self.hooks)
    @rule(data=st.data(), destination=st.sampled_from(DESTINATIONS))
    def a_hook_is_moved(self, data, destination):
        hook_id = self.a_hook_of(data)
        with suppress(DuplicateHookError):
            self.world.hooks.update(self.world.caller, hook_id, {"destination": destination})

    @precondition(lambda self: self.hooks)
    @rule(data=st.data(), rate=st.sampled_from(RATES))
    def a_hook_gets_another_rate(self, data, rate):
        hook_id = self.a_hook_of(data)
        self.world.hooks.update(self.world.caller, hook_id, {"max_per_second": rate})
        self.ever_limited |= {hook_id} if rate is not None else set()

    @precondition(lambda self: self.hooks)
    @rule(data=st.data(), is_filtered=st.booleans())
    def a_hook_gets_or_loses_a_filter(self, data, is_filtered):
        hook_id = self.a_hook_of(data)
        with suppress(DuplicateHookError):
            self.world.hooks.update(self.world.caller, hook_id, {"filter": FIRST if is_filtered else None})
            (self.filtered.add if is_filtered else self.filtered.discard)(hook_id)

    @precondition(lambda self: self.hooks)
    @rule(data=st.data(), is_active=st.booleans())
    def a_hook_is_switched(self, data, is_active):
        hook_id = self.a_hook_of(data)
        was_off = self.world.hooks.find(STORE, hook_id).status == "inactive"
        self.world.hooks.update(self.world.caller, hook_id, {"is_active": is_active})
        if not is_active:
            self.ever_off.add(hook_id)
        if not is_active and not was_off:
            self.owed[hook_id], self.held_before[hook_id] = set(), self.held_of(hook_id)

    def held_of(self, hook_id: int) -> set[str]:
        """The deliveries that are held for a hook."""
        log = self.account.deliveries().values()
        return {one.id for one in log if (one.hook_id, one.status) == (hook_id, Status.HELD)}

    @precondition(lambda self: self.hooks)
    @rule(data=st.data(), is_paused=st.booleans())
    def a_hook_is_paused_or_resumes(self, data, is_paused):
        self.pause(self.a_hook_of(data), is_paused=is_paused)

    def pause(self, hook_id: int, *, is_paused: bool) -> None:
        """Change the flag, and note what is to follow. If that fails, it took effect or it did not."""
        with self.world.undisturbed():
            before, held = self.world.hooks.find(STORE, hook_id), self.held_of(hook_id)
        with suppress(TransientError):
            try:
                self.world.parts.pauses.update(self.world.caller, hook_id, {"is_paused": is_paused})
            except Killed:
                self.world.start()
        with self.world.undisturbed():
            now = self.world.hooks.find(STORE, hook_id)
            if now.is_paused and not before.is_paused:
                self.held_before[hook_id], self.gone_back_at[hook_id] = held, self.gone_back
                self.figures["pauses"] += 1
            if before.is_paused and not now.is_paused and now.is_active:
                self.note_what_is_owed(hook_id, before.resumption, now.resumption)

    def note_what_is_owed(self, hook_id: int, last_id: str | None, recovery_id: str) -> None:
        recovery = self.world.recoveries.get(STORE, hook_id, recovery_id)
        self.resumptions.append((hook_id, recovery_id))
        self.figures["resumptions"] += 1
        if self.gone_back - self.gone_back_at[hook_id] > CLOCKS_DIFFER_SECONDS - 1:
            self.owed[hook_id] = set()  # since when what was held cannot be said
            return
        owed = self.held_of(hook_id) - self.held_before[hook_id]
        if last_id is not None:
            last = self.world.recoveries.get(STORE, hook_id, last_id)
            if last.status is not RecoveryStatus.FINISHED:
                owed |= self.owed.get(hook_id, set())
        log = self.account.deliveries()
        self.owed[hook_id] = {
            one
            for one in owed
            # If the clock went back, its round may seem to be of this recovery.
            if log[one].round_at is None or log[one].round_at < recovery.created_at
        }

    @precondition(lambda self: self.hooks)
    @rule(data=st.data())
    def a_hook_is_deleted(self, data):
        hook_id = self.a_hook_of(data)
        self.world.hooks.delete(self.world.caller, hook_id)
        del self.hooks[hook_id]
        self.ever_off.add(hook_id)

    @rule(destination=st.sampled_from(DESTINATIONS), response=st.sampled_from(ANSWERS))
    def a_destination_changes_its_mind(self, destination, response):
        self.responses[destination] = response

    # ------------------------------------------------------------ events

    @rule(scope=st.sampled_from(EVENTS), has_id=st.booleans(), number=st.integers(1, 3))
    def some_events(self, scope, has_id, number):
        for _ in range(number):
            self.publish(scope, has_id=has_id)

    def publish(self, scope: str, *, has_id: bool) -> None:
        event = envelope(len(self.events), scope, has_id=has_id)
        self.events.append(event)
        self.figures["events"] += 1
        self.match(event)

    @precondition(lambda self: self.events)
    @rule(data=st.data())
    def an_events_message_comes_again(self, data):
        self.match(data.draw(st.sampled_from(self.events)))

    def match(self, event: dict[str, Any]) -> None:
        """Match an event, and note whom it is for; if that fails, its message comes again."""
        scopes = subscriptions_to(event["detail-type"])
        is_first = event["detail"]["data"]["id"] < FIRST_IDS
        with self.world.undisturbed():
            expected = [
                hook_id
                for hook_id, scope in self.hooks.items()
                if scope in scopes
                and (is_first or hook_id not in self.filtered)
                and ((now := self.world.hooks.find(STORE, hook_id)).is_active or now.is_deactivated)
            ]
        before = {message.number for message in self.world.queue.waiting}
        try:
            failed = self.matcher.match({"1": json.dumps(event)})
        except Killed:
            failed = {"1"}
        ordered = [
            task.delivery
            for message in self.world.queue.waiting
            if message.number not in before and isinstance(task := self.world.task(message.body), AttemptTask)
        ]
        assert {delivery.hook_id for delivery in ordered} <= set(expected)
        for delivery in ordered:
            what = (delivery.hook_id, delivery.event_id)
            assert self.expected.setdefault(delivery.id, what) == what, "an id stands for one delivery"
        if failed:
            self.unmatched.append(event)
            return
        assert sorted(delivery.hook_id for delivery in ordered) == sorted(expected)

    @precondition(lambda self: self.expected)
    @rule(data=st.data())
    def somebody_wants_a_delivery_again(self, data):
        """What ended begins another round, what waits is made now; neither while the hook is off."""
        delivery_id = data.draw(st.sampled_from(sorted(self.expected)))
        hook = self.world.hooks.find(STORE, self.expected[delivery_id][0])
        if hook is None:
            return
        with suppress(HookInactiveError, DeliveryNotFoundError):
            self.logged[delivery_id] = self.world.parts.redeliverer.redeliver(hook, delivery_id)
            self.hastened.add(delivery_id)
            self.figures["redelivered"] += 1
            for recovery, wanted in self.recoveries:
                if self.world.clock.now < recovery.created_at:
                    # The clock went back: this round seems to be from before the recovery, which
                    # does not find a delivery that waits.
                    wanted.discard(delivery_id)

    @precondition(lambda self: self.hooks)
    @rule(data=st.data(), statuses=st.sampled_from([MISSED, RECOVERABLE]), back=st.sampled_from([600, 86400]))
    def somebody_recovers_what_a_hook_missed(self, data, statuses, back):
        hook = self.world.hooks.find(STORE, self.a_hook_of(data))
        since, until = self.began - back, self.began + back
        wanted = {
            delivery.id
            for delivery in self.account.deliveries().values()
            if delivery.hook_id == hook.id
            and delivery.status in statuses
            and since <= delivery.created_at <= until
        }
        try:
            recovery = self.world.recovery_starter.start(hook, statuses, since, until)
        except HookInactiveError:
            return
        except TooManyAtOnceError:
            known = [(one.hook_id, one.id) for one, _ in self.recoveries] + self.resumptions
            ordered = [self.world.recoveries.get(STORE, *one) for one in known]
            # More, if some had no step for two hours.
            assert sum(one.status is RecoveryStatus.RUNNING for one in ordered) >= MAX_RECOVERIES
            self.figures["recoveries refused"] += 1
            return
        assert recovery.count == len(wanted)
        self.recoveries.append((recovery, wanted))
        self.figures["recoveries"] += 1

    @precondition(lambda self: self.last_id)
    @rule(data=st.data(), name=st.sampled_from(OF_A_HOOK), stranger=st.sampled_from(STRANGERS))
    def a_stranger_looks(self, data, name, stranger):
        """Another client of the store, or a client of the same id of another store: it sees nothing."""
        event = load_event(name)
        event["requestContext"]["authorizer"] |= {
            "store_hash": stranger[0],
            "client_id": stranger[1] or self.world.caller.client_id,
        }
        event["pathParameters"] |= {
            "store_hash": stranger[0],
            "id": str(data.draw(st.integers(1, self.last_id))),
            "delivery_id": data.draw(st.sampled_from(sorted(self.expected) or ["msg_" + "0" * 32])),
        }
        before = self.account.stored(), len(self.world.queue.waiting)
        assert self.invoke(name, event) == 404
        assert (self.account.stored(), len(self.world.queue.waiting)) == before

    # ------------------------------------------------------------ time, and what goes wrong

    @rule(by=st.sampled_from([0, 1, 60, 400, 1300]))
    def time_passes(self, by):
        self.let_pass(by)

    def let_pass(self, by: float) -> None:
        self.world.pass_time(by)
        unmatched, self.unmatched = self.unmatched, []
        for event in unmatched:
            self.match(event)
        self.world.work()

    @rule(by=st.sampled_from([-30, -1, 30, 7200]))
    def the_clock_jumps(self, by):
        self.is_calm = False
        self.gone_back += max(0, -by)
        self.world.clock.now += by

    @precondition(lambda self: self.world.queue.waiting)
    @rule(data=st.data(), delay=st.sampled_from([0, 1, 100]))
    def a_message_comes_twice(self, data, delay):
        self.world.queue.put(data.draw(st.sampled_from(self.world.queue.bodies)), delay, received=1)

    @precondition(lambda self: self.world.queue.waiting)
    @rule()
    def a_message_is_lost_that_the_log_knows_of(self):
        for message in sorted(self.world.queue.waiting):
            task = self.world.task(message.body)
            if isinstance(task, AttemptTask) and task.delivery is None:
                self.is_calm = False
                self.world.queue.remove(message)
                return

    @rule(
        data=st.data(),
        fault=st.sampled_from(FAULTS),
        has_effect=st.booleans(),
        times=st.sampled_from([1, 2, 100]),
        by=st.sampled_from([0, 60, 400]),
        event=st.booleans(),
        is_paused=st.sampled_from([None, True, False]),
    )
    def something_fails_for_a_while(self, data, fault, has_effect, times, by, event, is_paused):
        self.is_calm = False
        call = data.draw(st.sampled_from(("queue", "bus", "wait", *self.calls)))
        with self.failing(call, fault, has_effect=has_effect, times=times):
            if event:
                self.publish(EVENTS[0], has_id=True)
            if is_paused is not None and self.hooks:
                self.pause(self.a_hook_of(data), is_paused=is_paused)
            self.let_pass(by)

    @contextmanager
    def failing(self, call: str, fault: str, *, has_effect: bool, times: int):
        left = iter(range(times))

        def goes_wrong(*_arguments, **_named) -> bool:
            is_due = not self.world.is_undisturbed and next(left, None) is not None
            self.figures["faults"] += is_due
            return is_due

        around = partial(faulty, has_effect=has_effect, goes_wrong=goes_wrong)
        queue, bus, sender = self.world.queue, self.world.bus, self.world.deliverer.sender
        send = queue.send

        def fail_to_send(messages):
            error = QueueFailedError(fault, frozenset(range(len(messages))))
            around(send, lambda: Killed() if fault == "killed" else error)(messages)

        with self.monkeypatch.context() as patched:
            if call == "queue":
                patched.setattr(queue, "send", fail_to_send)
            elif call == "bus":
                error = Killed if fault == "killed" else partial(StoreFailedError, fault)
                patched.setattr(bus, "put", around(bus.put, error))
            elif call == "wait":
                patched.setattr(sender, "wait", around(sender.wait, Killed))
            else:
                self.patch(patched, call, fault, around)
            yield

    # ------------------------------------------------------------ what is true

    @rule()
    def every_delivery_is_accounted_for(self):
        log, due = self.account.deliveries(), self.account.due_times()
        on_queue = self.world.queue.tasks
        carried = {task.delivery.id for task in on_queue if getattr(task, "delivery", None)}
        for delivery_id, (hook_id, _) in self.expected.items():
            delivery = log.get(delivery_id)
            if delivery is None:
                assert delivery_id in carried, f"{delivery_id} is in neither the log nor the queue"
                continue
            self.check_logged(delivery_id, hook_id, delivery, is_looked_after=delivery_id in due)
        assert set(log) <= set(self.expected)

    def check_logged(
        self, delivery_id: str, hook_id: int, delivery: Delivery, *, is_looked_after: bool
    ) -> None:
        slots = self.world.schedule.slots
        if delivery.round_at is not None:
            ordered = [recovery.hook_id for recovery, _ in self.recoveries]
            is_recovered = hook_id in ordered + [resumed for resumed, _ in self.resumptions]
            assert is_recovered or delivery_id in self.hastened, "nobody asked for another round"
            self.hastened.add(delivery_id)
        before = self.logged.get(delivery_id)
        if before is not None:
            if delivery.status is not Status.DELIVERED:
                assert delivery.attempts[: len(before.attempts)] == before.attempts
            if before.status in ENDS and delivery.round_at in {None, before.round_at}:
                assert delivery.status is before.status or delivery.status is Status.DELIVERED
        self.logged[delivery_id] = delivery
        for slot, one, following in zip(slots, delivery.attempts, delivery.attempts[1:], strict=False):
            if delivery_id in self.hastened:
                break  # its attempts come when somebody asks for them as well
            assert slot <= following.at - one.at
            if self.is_calm and hook_id not in self.ever_limited:
                assert following.at - one.at <= 2 * slot + 60
        match delivery.status:
            case Status.DELIVERED:
                assert delivery_id in self.reached
                assert delivery.attempts[-1].succeeded
            case Status.RETRYING:
                assert delivery.next_attempt_at is not None
                assert is_looked_after
                assert 0 < len(delivery.attempts_of_round) <= len(slots)
            case Status.PENDING:
                assert delivery.next_attempt_at is not None
                assert is_looked_after
                is_in_line = hook_id in self.ever_limited
                assert is_in_line or delivery.round_at is not None, "it is logged before its first attempt"
            case Status.EXHAUSTED:
                assert len(delivery.attempts_of_round) == len(slots) + 1
            case Status.HELD:
                hook = self.world.hooks.find(STORE, hook_id)
                assert hook is None or hook.version > 1, "a hook that never changed was not deactivated"
            case Status.CANCELLED:
                assert hook_id in self.ever_off

    def teardown(self) -> None:
        """Once nothing fails any more, each delivery comes to its end, and none is missing."""
        self.every_delivery_is_accounted_for()
        self.let_pass(0)  # with what was not matched
        for hook_id in self.hooks:
            self.pause(hook_id, is_paused=True)
            self.pause(hook_id, is_paused=False)
        self.let_pass(LONG_ENOUGH)
        assert not self.unmatched
        self.every_delivery_is_accounted_for()
        for delivery_id in self.expected:
            assert self.logged[delivery_id].status in ENDS, self.logged[delivery_id]
            self.figures[self.logged[delivery_id].status] += 1
        for recovery, wanted in self.recoveries:
            self.check_recovered(recovery, wanted)
        for hook_id in self.hooks:
            assert self.world.hooks.find(STORE, hook_id) is not None, "no hook goes but by its owner"
            self.check_resumed(hook_id)

    def check_resumed(self, hook_id: int) -> None:
        """Its last resumption has sent all that it had to, unless the hook receives nothing any more."""
        resumed = [recovery_id for of_hook, recovery_id in self.resumptions if of_hook == hook_id]
        if not resumed:
            return
        last = self.world.recoveries.get(STORE, hook_id, resumed[-1])
        assert last.has_ended
        self.figures[f"resumptions {last.status}"] += 1
        if last.status is RecoveryStatus.FINISHED:
            for one in map(self.logged.__getitem__, self.owed.get(hook_id, ())):
                is_begun = one.round_at is not None and one.round_at >= last.created_at
                assert is_begun or one.status is not Status.HELD, f"not sent again: {one}"

    def check_recovered(self, recovery: Recovery, wanted: set[str]) -> None:
        """It has come to an end; and unless that was the hook's, it has sent all that it was for."""
        now = self.world.recoveries.get(STORE, recovery.hook_id, recovery.id)
        self.figures[f"recoveries {now.status}"] += 1
        assert now.status is not RecoveryStatus.RUNNING
        if now.status is RecoveryStatus.FINISHED:
            for one in map(self.logged.__getitem__, wanted):
                is_begun = one.round_at is not None and one.round_at >= recovery.created_at
                assert is_begun or one.status is Status.DELIVERED, f"not sent again: {one}"


def check_figures() -> None:
    """Something went wrong in the sequences that were played, and something right."""
    figures = Deliveries.figures
    logger.info("figures: %s", dict(figures))
    assert figures["faults"]
    assert figures["attempts in a place"]
    assert figures[Status.DELIVERED]
    assert figures["resumptions finished"]
