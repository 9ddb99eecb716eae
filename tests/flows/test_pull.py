"""Pulling: what consumers take, acknowledge, and get again."""

import random
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from storehooks.domain.attempt import ACKNOWLEDGED
from storehooks.domain.callback import callback
from storehooks.domain.delivery import Status
from storehooks.domain.errors import (
    HookInactiveError,
    HookNotPulledError,
    HookPulledError,
    InvalidFieldsError,
    StoreBusyError,
)
from storehooks.domain.event_filter import check_filter
from storehooks.domain.exact_json import dumps
from storehooks.domain.pull import MAX_PULLED, PullWanted
from storehooks.domain.state_machine import Unacknowledged
from storehooks.flows import match
from storehooks.flows.expiry import AHEAD_SECONDS
from tests.world import STORE, World, envelope

EXPIRING = 90101
DAY_SECONDS = 24 * 60 * 60
RETENTION_SECONDS = 30 * DAY_SECONDS


@pytest.fixture
def world():
    return World()


@pytest.fixture
def hook(world):
    return world.hook("pull:")


def publish(world, *numbers, scope="store/order/created"):
    """Have events matched."""
    world.clock.now += 1
    accepted_at = datetime.fromtimestamp(world.clock.now, UTC).isoformat()
    bodies = {str(number): dumps(envelope(number, scope) | {"time": accepted_at}) for number in numbers}
    assert world.parts.matcher.match(bodies) == set()


def pull(world, hook, number=10, *, seconds=30, ack=()):
    return world.parts.puller.pull(world.current(hook), PullWanted(number, seconds, tuple(ack)))


def ids(pulled):
    return list(pulled.requests)


def test_what_comes_waits_and_is_given_out_the_oldest_first_as_it_would_have_been_sent(world, hook):
    for number in range(3):
        publish(world, number)
    assert not world.queue.waiting, "no attempt is made"
    assert set(world.statuses.values()) == {Status.PENDING}
    pulled = pull(world, hook, 2)
    assert ids(pulled) == sorted(world.statuses)[:2]
    assert pulled.poll_after_seconds == 0, "there is more"
    for delivery_id, request in pulled.requests.items():
        delivery = world.log.get(STORE, hook.id, delivery_id)
        assert request == callback(delivery, hook, secrets=[world.secret], now=world.clock.now)
        assert delivery.next_attempt_at == world.clock.now + 30
    assert ids(pull(world, hook)) == sorted(world.statuses)[2:]
    world.pass_time(10 * DAY_SECONDS)
    assert world.sent == []


def test_beyond_a_hundred_of_a_batch_a_message_has_each_wait(world, hook, monkeypatch):
    """So a batch ends in time, however many of a store's hooks are pulled."""
    monkeypatch.setattr(match, "_MAX_OFFERS", 2)
    publish(world, *range(5))
    assert len(world.statuses) == 2
    assert len(world.queue.waiting) == 3
    world.work()
    assert set(world.statuses.values()) == {Status.PENDING}
    assert len(ids(pull(world, hook))) == 5
    world.pass_time(DAY_SECONDS)
    assert world.sent == []


def test_a_pulled_hook_whose_writes_fail_holds_up_no_other(world, hook, monkeypatch):
    world.hook("https://app.example.com/other")

    def refuse(*_given, **_options):
        raise StoreBusyError

    with monkeypatch.context() as patched:
        patched.setattr(world.parts.offers, "offer", refuse)
        publish(world, 1)
    world.work()
    assert len(world.sent) == 1
    assert len(ids(pull(world, hook))) == 1


def test_what_is_given_out_is_hidden_for_its_time_and_then_comes_again(world, hook):
    publish(world, 1)
    first = pull(world, hook, seconds=30)
    world.clock.now += 29.9
    nothing = pull(world, hook)
    assert (ids(nothing), nothing.poll_after_seconds) == ([], 1)
    world.clock.now += 0.1
    assert ids(pull(world, hook)) == ids(first)


def test_what_is_acknowledged_is_delivered_by_an_attempt_that_lasts_from_the_pull_until_then(world, hook):
    publish(world, 1)
    (one,) = ids(pull(world, hook))
    given_out_at = world.clock.now
    world.clock.now += 2.5
    assert pull(world, hook, ack=[one, one]).unacknowledged == {}
    delivery = world.log.get(STORE, hook.id, one)
    assert delivery.status is Status.DELIVERED
    (attempt,) = delivery.attempts
    assert (attempt.at, attempt.times.total_ms) == (given_out_at, 2500)
    assert (attempt.status, attempt.error, attempt.response) == (None, None, ACKNOWLEDGED)
    world.clock.now += 60
    assert ids(pull(world, hook)) == []


def test_an_acknowledgement_that_does_not_count_is_told_and_does_no_harm(world, hook):
    publish(world, 1, 2, 3)
    late, done, free = sorted(world.statuses)
    assert ids(pull(world, hook, 2)) == [late, done]
    pull(world, hook, 1, ack=[done], seconds=900)
    world.clock.now += 30
    before = world.account.deliveries()
    unknown = "msg_" + "0" * 32
    given = [unknown, "no id", "", late, done]
    problems = world.parts.puller.pull(
        replace(hook, paused_at=1), PullWanted(1, 1, tuple(given))
    ).unacknowledged
    assert problems == {
        unknown: Unacknowledged.UNKNOWN,
        "no id": Unacknowledged.UNKNOWN,
        "": Unacknowledged.UNKNOWN,
        late: Unacknowledged.LATE,
        done: Unacknowledged.DELIVERED,
    }
    assert world.account.deliveries() == before
    publish(world, 4)
    never = max(world.statuses)
    assert pull(world, hook, 1, ack=[never]).unacknowledged == {never: Unacknowledged.LATE}
    assert free in world.statuses


def test_of_one_that_two_acknowledge_at_once_the_second_is_told(world, hook, monkeypatch):
    publish(world, 1)
    (one,) = ids(pull(world, hook))
    save = world.log.save

    def after_the_other(delivery, *, over):
        assert save(delivery, over=over)
        monkeypatch.undo()
        return save(replace(delivery, attempts=()), over=over)

    monkeypatch.setattr(world.log, "save", after_the_other)
    assert pull(world, hook, ack=[one]).unacknowledged == {one: Unacknowledged.DELIVERED}


def test_another_hooks_delivery_cannot_be_acknowledged(world, hook):
    other = world.hook("pull:", filter=check_filter({"data": {"id": [{"exists": True}]}}))
    publish(world, 1)
    (one,) = ids(pull(world, hook))
    assert pull(world, other, ack=[one]).unacknowledged == {one: Unacknowledged.UNKNOWN}


def test_consumers_wait_longer_the_longer_nothing_comes_and_not_beyond_a_visibility_time(world, hook):
    waits = []
    for seconds in (0, 5, 6, 9, 80, 100, 10_000):
        world.clock.now += seconds
        waits.append(pull(world, hook).poll_after_seconds)
    assert waits == [1, 1, 2, 2, 10, 20, 20]
    publish(world, 1)
    assert pull(world, hook, seconds=900).poll_after_seconds == 1
    assert pull(world, hook).poll_after_seconds == 1
    world.clock.now += 890
    assert pull(world, hook).poll_after_seconds == 10
    world.clock.now += 9
    assert pull(world, hook).poll_after_seconds == 1


def test_filters_work_and_a_paused_hook_gives_out_nothing_until_it_resumes(world):
    hook = world.hook("pull:", filter=check_filter({"data": {"id": [1, 3]}}))
    update = world.parts.pauses.update
    publish(world, 1, 2)
    (first,) = ids(pull(world, hook, seconds=900))
    assert update(world.caller, hook.id, {"is_paused": True})[1] is None
    publish(world, 3)
    world.pass_time(60)
    paused = pull(world, hook, ack=[first])
    assert (ids(paused), paused.unacknowledged, paused.poll_after_seconds) == ([], {}, 20)
    assert sorted(world.statuses.values()) == [Status.DELIVERED, Status.PENDING]
    hook_now, recovery_id = update(world.caller, hook.id, {"is_paused": False})
    assert (hook_now.is_paused, recovery_id) == (False, None)
    assert len(ids(pull(world, hook))) == 1


def test_what_waits_for_a_hook_that_is_switched_off_is_cancelled(world, hook):
    publish(world, 1)
    (one,) = ids(pull(world, hook))
    hook = world.hooks.update(world.caller, hook.id, {"is_active": False})
    world.parts.pauses.cancel_waiting(hook)
    world.work()
    assert world.statuses == {one: Status.CANCELLED}
    with pytest.raises(HookInactiveError):
        pull(world, hook, ack=[one])
    world.hooks.update(world.caller, hook.id, {"is_active": True})
    pulled = pull(world, hook, ack=[one])
    assert (ids(pulled), pulled.unacknowledged) == ([], {one: Unacknowledged.ENDED})


def test_what_is_redelivered_or_recovered_is_given_out_again(world, hook):
    publish(world, 1, 2)
    done = ids(pull(world, hook))
    pull(world, hook, ack=done)
    world.parts.redeliverer.redeliver(hook, done[0])
    world.pass_time(3600)
    assert ids(pull(world, hook)) == done[:1]
    pull(world, hook, ack=done[:1])
    world.recovery_starter.start(hook, (Status.DELIVERED,), 0, world.clock.now)
    world.pass_time(3600)
    assert ids(pull(world, hook)) == done
    assert pull(world, hook, ack=done).unacknowledged == {}
    assert len(world.log.get(STORE, hook.id, done[0]).attempts) == 3
    assert world.sent == []
    assert list(world.account.due_times()) == [f"held {hook.id}"], "no sweep looks at deliveries"


def test_a_redelivery_that_is_given_out_before_its_message_comes_stays_given_out(world, hook):
    publish(world, 1)
    (one,) = ids(pull(world, hook))
    pull(world, hook, ack=[one])
    world.parts.redeliverer.redeliver(hook, one)
    assert ids(pull(world, hook, seconds=900)) == [one]
    world.pass_time(600)
    assert ids(pull(world, hook)) == []


def test_what_an_earlier_release_has_tried_to_send_is_given_out(world, hook):
    """It knows no pulling: its attempts fail, and are repeated."""
    publish(world, 1)
    (one,) = world.statuses
    pending = world.log.get(STORE, hook.id, one)
    failed = replace(
        pending,
        status=Status.RETRYING,
        next_attempt_at=world.clock.now + 1800,
    )
    assert world.log.save(failed, over=pending)
    world.pass_time(3600)
    assert ids(pull(world, hook)) == [one]


def test_a_hook_is_pulled_or_sent_to_and_stays_so(world, hook):
    sent = world.hook()
    with pytest.raises(HookPulledError):
        world.parts.pinger.ping(hook)
    with pytest.raises(HookNotPulledError):
        pull(world, sent)
    for one, changes in [
        (hook, {"destination": "https://app.example.com/2"}),
        (hook, {"max_per_second": 5}),
        (sent, {"destination": "pull:"}),
    ]:
        with pytest.raises(InvalidFieldsError):
            world.hooks.update(world.caller, one.id, changes)


def test_a_warning_goes_out_a_day_before_what_waits_is_deleted_and_each_time_anew(world, hook):
    publish(world, 1)
    began = world.clock.now
    world.pass_time(RETENTION_SECONDS - AHEAD_SECONDS - 7200)
    assert world.bus.codes == []
    world.pass_time(14_400)
    assert world.bus.codes == [EXPIRING]
    assert "No consumer has acknowledged it" in world.bus.events[0]["data"]["message"]
    world.clock.now = began + RETENTION_SECONDS
    assert ids(pull(world, hook)) == []
    publish(world, 2)
    world.pass_time(RETENTION_SECONDS)
    assert world.bus.codes == [EXPIRING] * 2


def test_a_call_that_fails_hides_nothing_without_giving_it_out(world, hook, monkeypatch):
    for number in range(3):
        publish(world, number)
    last = max(world.statuses)
    give_out = world.parts.pulled.give_out

    def failing(store_hash, hook_id, delivery_id, **times):
        if delivery_id == last or fails_always:
            raise StoreBusyError
        return give_out(store_hash, hook_id, delivery_id, **times)

    monkeypatch.setattr(world.parts.pulled, "give_out", failing)
    fails_always = True
    with pytest.raises(StoreBusyError):
        pull(world, hook)
    fails_always = False
    assert ids(pull(world, hook)) == sorted(world.statuses)[:2]


def test_an_event_that_is_matched_twice_is_given_out_once(world, hook):
    publish(world, 1)
    (one,) = ids(pull(world, hook))
    for _ in range(2):
        assert world.parts.matcher.match({"again": dumps(envelope(1, has_id=False))}) == set()
    assert len(world.statuses) == 2, "without an id of its own, the envelope's id is one"
    assert one not in ids(pull(world, hook))


class Consumers(RuleBasedStateMachine):
    """Two consumers of one hook, each with a memory of what it holds; one forgets now and then."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.hook = self.world.hook("pull:")
        self.held: list[dict[str, float]] = [{}, {}]
        self.acknowledged: set[str] = set()
        self.number = 0

    @rule(count=st.integers(1, 5))
    def events(self, count):
        publish(self.world, *range(self.number, self.number + count))
        self.number += count

    @rule(
        who=st.integers(0, 1),
        count=st.integers(1, MAX_PULLED),
        seconds=st.integers(1, 60),
        share=st.floats(0, 1),
    )
    def pull(self, who, count, seconds, share):
        now, held = self.world.clock.now, self.held[who]
        ack = sorted(held)[: round(len(held) * share)]
        pulled = pull(self.world, self.hook, count, seconds=seconds, ack=ack)
        for one in ack:
            until = held.pop(one)
            other = self.held[1 - who].get(one, 0.0)
            if one not in pulled.unacknowledged:
                assert until > now or other > now, "it is not late"
                assert one not in self.acknowledged, "each is acknowledged once"
                self.acknowledged.add(one)
            elif one in self.acknowledged:  # by the other one, which had it too
                assert pulled.unacknowledged[one] is Unacknowledged.DELIVERED
            else:
                assert until <= now
                assert pulled.unacknowledged[one] is Unacknowledged.LATE
        for one in pulled.requests:
            assert one not in self.acknowledged
            assert self.held[1 - who].get(one, 0.0) <= now, "the other one holds it"
            assert held.get(one, 0.0) <= now
            held[one] = now + seconds
        assert len(pulled.requests) <= count

    @rule(who=st.integers(0, 1))
    def dies(self, who):
        self.held[who] = {one: until for one, until in self.held[who].items() if until > self.world.clock.now}

    @rule(seconds=st.integers(1, 90))
    def time_passes(self, seconds):
        self.world.pass_time(seconds)

    @invariant()
    def nothing_is_missed_or_sent(self):
        statuses = self.world.statuses
        assert len(statuses) == self.number
        assert {one for one, status in statuses.items() if status is Status.DELIVERED} == self.acknowledged
        assert self.world.sent == []

    def teardown(self):
        self.world.clock.now += 60
        left: set[str] = set()
        while pulled := pull(self.world, self.hook, MAX_PULLED).requests:
            left |= pulled.keys()
        assert left | self.acknowledged == set(self.world.statuses)


TestConsumers = Consumers.TestCase
TestConsumers.settings = settings(max_examples=25, stateful_step_count=20, deadline=None)


def test_four_consumers_of_which_one_is_killed_now_and_then_miss_nothing(world, hook):
    chance = random.Random(22)  # noqa: S311 - a test that can be repeated
    for start in range(0, 200, 10):
        publish(world, *range(start, start + 10))
    acknowledged: list[str] = []
    taken: list[list[str]] = [[], [], [], []]
    while len(acknowledged) < 200:
        who = chance.randrange(4)
        pulled = pull(world, hook, 10, seconds=30, ack=taken[who])
        acknowledged += [one for one in taken[who] if one not in pulled.unacknowledged]
        taken[who] = [] if who == 0 and chance.random() < 0.3 else ids(pulled)
        world.clock.now += 1
    assert sorted(acknowledged) == sorted(world.statuses)
    assert set(world.statuses.values()) == {Status.DELIVERED}
