"""Hooks with a rate: no second has more attempts, none is missed, and no neighbour is slower for it."""

import random
import statistics
from collections import Counter
from dataclasses import replace
from itertools import pairwise

import pytest

from storehooks.domain.delivery import Status
from storehooks.domain.errors import StoreBusyError
from storehooks.domain.recovery import MISSED, RecoveryStatus
from storehooks.domain.state_machine import MAX_LOGGED_SECONDS
from storehooks.domain.task import TaskMessage, attempt_task
from tests.lineage import MAX_INVOCATIONS
from tests.world import STORE, World

DAY_SECONDS = 24 * 60 * 60
BATCH_SECONDS = 0.004


class BusyWorld(World):
    """A batch takes some milliseconds of its time, and so a queue can be late."""

    late = 0.0
    """How many seconds later than it is due a message comes at most."""
    random = random.Random(20)  # noqa: S311 - each run is the same

    def deliver(self, taken):
        self.clock.now += BATCH_SECONDS
        return super().deliver(taken)

    def next_due(self) -> float:
        return super().next_due() + self.random.uniform(0, self.late)


def limited(world, rate, name="limited", **fields):
    return world.hook(f"https://{name}.example.com/", max_per_second=rate, **fields)


def begun(world, hook) -> list[float]:
    """When attempts of a hook began, in seconds since 1970."""
    return [at for at, request in world.sent if request.url == hook.destination]


def per_second(world, hook) -> Counter[int]:
    return Counter(int(at) for at in begun(world, hook))


def ids(world, hook) -> Counter[str]:
    return Counter(
        request.headers["webhook-id"] for _, request in world.sent if request.url == hook.destination
    )


# ---------------------------------------------------------------- the demonstration


def spread(world, hook) -> dict[str, float]:
    """Have 300 events of a hook happen in the next two minutes; when each one does, by its delivery."""
    moments = random.Random(7)  # noqa: S311 - the same for each world
    happens = {}
    for _ in range(300):
        delivery, later = world.event(hook), moments.uniform(0, 120)
        message = max(world.queue.waiting, key=lambda message: message.number)
        world.queue.remove(message)
        world.queue.put(message.body, later)
        happens[delivery.id] = world.clock.now + later
    return happens


def median_delay(world, happens: dict[str, float]) -> float:
    begun = {request.headers["webhook-id"]: at for at, request in world.sent}
    return statistics.median(begun[delivery_id] - at for delivery_id, at in happens.items())


def test_ten_hooks_at_five_a_second_with_500_events_each_beside_a_neighbour_without_a_limit(record_property):
    alone = BusyWorld()
    of_neighbour = spread(alone, alone.hook(scope="store/*"))
    alone.pass_time(180)
    median_alone = median_delay(alone, of_neighbour)

    world = BusyWorld()
    hooks = [limited(world, 5, f"limited-{number}") for number in range(10)]
    events = {hook.id: [] for hook in hooks}
    for _ in range(500):
        for hook in hooks:
            events[hook.id].append(world.event(hook).id)
    of_neighbour = spread(world, world.hook(scope="store/*"))
    world.pass_time(180)
    for hook in hooks:
        assert max(per_second(world, hook).values()) <= 5
        assert ids(world, hook) == dict.fromkeys(events[hook.id], 1)
        assert max(begun(world, hook)) - min(begun(world, hook)) < 1.1 * 100, "and it makes use of its rate"
    assert Counter(world.statuses.values()) == {Status.DELIVERED: 5_300}
    assert world.dead == []
    median = median_delay(world, of_neighbour)
    record_property("median of the neighbour alone, and beside them", (median_alone, median))
    assert 0 < median <= 1.2 * median_alone


# ---------------------------------------------------------------- every rate, early and late


@pytest.mark.parametrize(
    ("rate", "number"), [(1000, 1500), (7, 100), (2.5, 40), (1, 30), (0.5, 20), (0.1, 12)]
)
@pytest.mark.parametrize("late", [0, 0.4])
def test_no_second_has_more_attempts_than_the_rate(rate, number, late):
    world = BusyWorld()
    world.late = late
    hook = limited(world, rate)
    sent = [world.event(hook).id for _ in range(number)]
    world.pass_time(3600)
    assert ids(world, hook) == dict.fromkeys(sent, 1)
    assert max(per_second(world, hook).values()) <= max(1, rate)
    if rate < 1:
        times = sorted(begun(world, hook))
        assert all(later - earlier > 1 / rate - 1 for earlier, later in pairwise(times))


def test_messages_that_are_always_late_are_sent_earlier_until_they_come_in_time():
    """A queue that is two seconds behind, in which each place would be over."""

    class LateWorld(World):
        def take_time(self):
            self.clock.now = max(self.clock.now, self.queue.waiting[0].due + 2)

    world = LateWorld()
    hook = limited(world, 2)
    sent = [world.event(hook).id for _ in range(40)]
    for _ in range(2_000):
        if not world.queue.waiting:
            break
        world.take_time()
        world.work()
    assert ids(world, hook) == dict.fromkeys(sent, 1)
    assert max(per_second(world, hook).values()) <= 2
    assert max(world.queue.sends.values()) < MAX_INVOCATIONS


def test_an_attempt_that_comes_late_for_its_place_reserves_anew():
    world = World()
    hook = limited(world, 1)
    for _ in range(3):
        world.event(hook)
    world.work()
    world.clock.now += 10  # the places of the other two are over, and both messages come at once
    late = int(world.clock.now)
    world.work()
    assert per_second(world, hook) == {late - 10: 1, late: 1}
    assert [message.reserved for message in world.queue.waiting] == [f"{late + 1}@{hook.version}"]
    world.pass_time(60)
    assert per_second(world, hook) == {late - 10: 1, late: 1, late + 1: 1}


# ---------------------------------------------------------------- long lines


def test_what_is_far_ahead_waits_in_the_log_and_the_sweep_brings_it():
    world = World()
    hook = limited(world, 0.1)
    sent = [world.event(hook).id for _ in range(500)]
    world.work()
    waiting = [one for one in world.account.deliveries().values() if one.status is Status.PENDING]
    assert len(waiting) == 500 - 91
    assert max(one.next_attempt_at for one in waiting) == world.clock.now + MAX_LOGGED_SECONDS
    world.pass_time(5500)
    assert ids(world, hook) == dict.fromkeys(sent, 1)
    assert max(per_second(world, hook).values()) == 1
    assert max(world.queue.sends.values()) <= 3
    assert world.loops.longest["deliver"] <= MAX_INVOCATIONS
    assert world.dead == []


def test_a_rate_that_is_raised_is_noticed_by_what_waits_already():
    world = World()
    hook = limited(world, 0.1)
    for _ in range(500):
        world.event(hook)
    world.pass_time(60)
    world.hooks.update(world.caller, hook.id, {"max_per_second": 50})
    world.pass_time(MAX_LOGGED_SECONDS + 60)
    assert set(world.statuses.values()) == {Status.DELIVERED}
    assert len(begun(world, hook)) == 500
    assert max(per_second(world, hook).values()) <= 50


def test_a_rate_that_is_lowered_counts_for_what_has_its_place_already():
    world = World()
    hook = limited(world, 100)
    for _ in range(500):
        world.event(hook)
    world.work()
    world.hooks.update(world.caller, hook.id, {"max_per_second": 2})
    before = len(world.sent)
    world.pass_time(600)
    after = Counter(int(at) for at, _ in world.sent[before:])
    assert max(after.values()) <= 2
    assert set(world.statuses.values()) == {Status.DELIVERED}


def test_a_rate_that_is_removed_does_not_hold_up_what_waits():
    world = World()
    hook = limited(world, 1)
    for _ in range(100):
        world.event(hook)
    world.pass_time(10)
    world.hooks.update(world.caller, hook.id, {"max_per_second": None})
    world.event(hook)
    world.work()
    assert per_second(world, hook)[int(world.clock.now)] >= 1
    world.pass_time(100)
    assert len(world.sent) == 101


# ---------------------------------------------------------------- whatever brings the attempt


def test_retries_obey_the_rate():
    world = World(schedule="60,180,300")
    hook = limited(world, 2)
    world.response = lambda _request: (500, None)
    for _ in range(60):
        world.event(hook)
    world.pass_time(55)
    world.response = lambda _request: (200, None)
    world.pass_time(1200)
    assert max(per_second(world, hook).values()) <= 2
    assert Counter(world.statuses.values()) == {Status.DELIVERED: 60}


def test_a_recovery_obeys_the_rate():
    world = World()
    hook = limited(world, 5)
    failed = [replace(world.event(hook), status=Status.HELD) for _ in range(400)]
    world.queue.waiting.clear()
    world.log.save_delivered(failed)
    recovery = world.recovery_starter.start(hook, MISSED, 0, world.clock.now + 1)
    world.pass_time(3600)
    now = world.recoveries.get(STORE, hook.id, recovery.id)
    assert (now.status, now.recovered) == (RecoveryStatus.FINISHED, 400)
    assert ids(world, hook) == dict.fromkeys([one.id for one in failed], 1)
    assert max(per_second(world, hook).values()) == 5
    assert max(begun(world, hook)) - min(begun(world, hook)) < 1.5 * 80


def test_a_redelivery_obeys_the_rate():
    world = World()
    hook = limited(world, 1)
    made = [world.event(hook) for _ in range(20)]
    world.pass_time(60)
    for one in made:
        world.parts.redeliverer.redeliver(hook, one.id)
    world.pass_time(60)
    assert set(ids(world, hook).values()) == {2}
    assert max(per_second(world, hook).values()) == 1


def test_a_message_that_comes_twice_uses_no_place_twice():
    world = World()
    hook = limited(world, 1)
    for _ in range(30):
        world.event(hook)
    world.work()
    for message in list(world.queue.waiting):
        world.queue.put(message.body, message.due - world.clock.now, received=1, reserved=message.reserved)
    world.pass_time(300)
    assert max(per_second(world, hook).values()) == 1
    assert len(ids(world, hook)) == 30


def test_what_waits_for_its_place_ends_with_its_hook():
    world = World()
    hook = limited(world, 1)
    for _ in range(10):
        world.event(hook)
    world.pass_time(3)
    world.hooks.update(world.caller, hook.id, {"is_active": False})
    world.pass_time(60)
    assert Counter(world.statuses.values()) == {Status.DELIVERED: 4, Status.CANCELLED: 6}


# ---------------------------------------------------------------- what goes wrong, and what is counted


def test_attempts_that_could_not_reserve_come_again(monkeypatch, counted):
    world = World()
    hook = limited(world, 5)
    for _ in range(3):
        world.event(hook)

    def refuse(_hook, _number):
        raise StoreBusyError

    with monkeypatch.context() as patched:
        patched.setattr(world.parts.lines, "reserve", refuse)
        assert counted(world.meter, world.work)["CallsFailed"] == 1
    assert world.sent == []
    world.pass_time(300)
    assert len(world.sent) == 3


def test_who_read_the_hook_before_it_changed_asks_again(monkeypatch):
    world = World()
    hook = limited(world, 5)
    world.event(hook)
    with monkeypatch.context() as patched:
        patched.setattr(world.parts.lines, "reserve", lambda _hook, _number: None)
        world.work()
    assert world.sent == []
    (message,) = world.queue.waiting
    assert message.due == world.clock.now + 1
    world.pass_time(1)
    assert len(world.sent) == 1


def test_waiting_for_a_place_is_no_lag_and_a_metric_of_its_own(counted):
    world = World()
    hook = limited(world, 1)
    for _ in range(4):
        world.event(hook)
    world.clock.now += 0.25
    found = counted(world.meter, lambda: world.pass_time(10))
    assert found["Attempts"] == 4
    assert found["DeliveryLag"] == pytest.approx(250, abs=1)
    assert found["RateBacklog"] == pytest.approx(2750, abs=1)


def test_what_comes_late_for_its_place_lags(counted):
    world = World()
    hook = limited(world, 1)
    for _ in range(2):
        world.event(hook)
    world.work()
    world.clock.now += 7.5
    assert counted(world.meter, world.work)["DeliveryLag"] == pytest.approx(6500, abs=1)


def test_a_hook_without_a_rate_has_no_such_metric(counted):
    world = World()
    world.event(world.hook())
    assert "RateBacklog" not in counted(world.meter, world.work)


def test_a_task_in_flight_is_deferred_with_its_place_and_no_other_change():
    """The body is what a release before reads."""
    world = World()
    hook = limited(world, 1)
    one, other = world.event(hook), world.event(hook)
    bodies = world.queue.bodies
    world.work()
    (message,) = world.queue.waiting
    assert message.body == bodies[1]
    assert message.reserved == f"{int(world.clock.now) + 1}@{hook.version}"
    world.queue.send([TaskMessage(attempt_task(other))])
    world.pass_time(5)
    assert {one.id: 1, other.id: 1} == ids(world, hook)


def test_a_mistake_of_ours_in_reserving_fails_the_attempts_of_that_hook_alone(monkeypatch, errors):
    world = World()
    hook, neighbour = limited(world, 5), world.hook()
    for one in (hook, neighbour, hook):
        world.event(one)

    def stumble(_hook, _number):
        raise RuntimeError("hunter2")

    with monkeypatch.context() as patched:
        patched.setattr(world.parts.lines, "reserve", stumble)
        world.work()
    assert [request.url for _, request in world.sent] == [neighbour.destination]
    assert len(errors()) == 2
    world.pass_time(300)
    assert len(world.sent) == 3
    assert max(world.queue.sends.values()) == 1, "they come again by themselves"


def test_a_ping_of_a_hook_with_a_rate_takes_no_place():
    world = World()
    hook = limited(world, 1)
    world.event(hook)
    world.work()
    before = world.account.memory.lines.copy()
    assert world.parts.pinger.ping(hook) is not None
    assert world.account.memory.lines == before
