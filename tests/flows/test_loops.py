"""``deliver`` sends messages to the queue that invokes it: it gets as far as it has to, and never circles.

Lambda would stop it after 16 invocations in one chain (tests/lineage.py). The template
allows the loop, so our own bound holds instead: who makes no progress waits longer each time.
"""

import time
from collections import Counter
from dataclasses import replace
from typing import get_args

import pytest
from hypothesis import settings

from storehooks.domain.attempt import Attempt, Times
from storehooks.domain.deactivation_day import DAY_SECONDS, day_end
from storehooks.domain.delivery import SOON_SECONDS, Status
from storehooks.domain.errors import StoreBusyError
from storehooks.domain.recovery import MISSED, RecoveryStatus
from storehooks.domain.state_machine import MAX_IN_FLIGHT_OF_CLIENT, MAX_PENDING
from storehooks.domain.task import (
    AttemptTask,
    DigestTask,
    HoldTask,
    RecordTask,
    RecoverTask,
    Task,
    TaskMessage,
    attempt_task,
)
from storehooks.flows.deliver import _MAX_IN_FLIGHT
from tests.lineage import MAX_INVOCATIONS, LoopDetection
from tests.world import STORE, Sender, World

IS_LONG = settings.get_current_profile_name() == "long"
# The same number of steps: ten thousand take a minute.
MANY, STEP, OUTAGE_SECONDS = (10_000, 500, 1800) if IS_LONG else (400, 20, 300)
YEAR_SECONDS = 365 * DAY_SECONDS
# All of them brought by the queue, so that no sweep is needed.
SCHEDULE = "60,180,300,600,900,900,900,900"


@pytest.fixture(autouse=True)
def steps_of_many(monkeypatch):
    monkeypatch.setattr("storehooks.domain.state_machine.MAX_OF_STEP", STEP)
    monkeypatch.setattr("storehooks.domain.state_machine.MAX_PENDING", 2 * STEP)
    monkeypatch.setattr("storehooks.flows.hold._MAX_OF_STEP", STEP)


class SlowWorld(World):
    """Destinations take a second of its time for each batch."""

    def deliver(self, taken):
        self.clock.now += 1
        return super().deliver(taken)


def waiting(world, hook, number: int, status: Status):
    """So many deliveries of a hook in this status, without the time that this takes."""
    failed = Attempt(at=world.clock.now, status=500, error="answered 500", times=Times(total_ms=1.0))
    made = [world.event(hook) for _ in range(number)]
    world.queue.waiting.clear()
    next_attempt_at = world.clock.now + DAY_SECONDS if status is Status.RETRYING else None
    made = [replace(one, status=status, attempts=(failed,), next_attempt_at=next_attempt_at) for one in made]
    world.log.save_delivered(made)  # as fast as it can be written
    return made


def recovery_of(world, hook):
    return world.recovery_starter.start(hook, MISSED, world.clock.now - DAY_SECONDS, world.clock.now + 1)


def failing_until(world, end: float):
    return lambda _request: (500, None) if world.clock.now < end else (200, None)


def sent(world) -> Counter[str]:
    return Counter(request.headers["webhook-id"] for _, request in world.sent)


# ---------------------------------------------------------------- it gets to its end


@pytest.mark.parametrize("destination", ["fast", "slow", "failing"])
def test_a_recovery_of_many_gets_to_its_end(record_property, destination):
    world = (SlowWorld if destination == "slow" else World)(schedule=SCHEDULE)
    hook = world.hook()
    missed = waiting(world, hook, MANY, Status.HELD)
    if destination == "failing":
        world.circuits.count_failures(STORE, hook.id, 5)
        world.response = failing_until(world, world.clock.now + OUTAGE_SECONDS)
    recovery = recovery_of(world, hook)
    world.finish_queue(DAY_SECONDS)
    now = world.recoveries.get(STORE, hook.id, recovery.id)
    assert (now.status, now.recovered) == (RecoveryStatus.FINISHED, MANY)
    assert sent(world).keys() == {one.id for one in missed}
    assert destination == "failing" or set(sent(world).values()) == {1}
    assert Counter(world.statuses.values()) == {Status.DELIVERED: MANY}
    assert world.dead == []
    assert world.loops.longest["deliver"] > MAX_INVOCATIONS
    record_property("steps", now.step - 1)
    record_property("invocations in one chain", world.loops.longest["deliver"])


def test_a_hold_of_many_gets_to_its_end(record_property):
    world = World(schedule=SCHEDULE)
    hook = world.hook()
    waiting(world, hook, MANY, Status.RETRYING)
    world.response = lambda _request: (410, None)
    world.event(hook)
    world.finish_queue(DAY_SECONDS)
    assert Counter(world.statuses.values()) == {Status.HELD: MANY + 1}
    assert world.dead == []
    assert world.loops.longest["deliver"] > MAX_INVOCATIONS
    record_property("invocations in one chain", world.loops.longest["deliver"])


def test_a_schedule_of_thirty_short_waits_gets_to_its_end():
    world = World(schedule=",".join(["1"] * 30))
    hook = world.hook()
    responses = iter([(500, None)] * 30 + [(200, None)])
    world.response = lambda _request: next(responses)
    delivery = world.event(hook)
    world.finish_queue(600)
    assert world.logged(delivery).status is Status.DELIVERED
    assert len(world.logged(delivery).attempts) == 31
    assert world.dead == []
    assert world.loops.longest["deliver"] > MAX_INVOCATIONS


def test_without_the_template_s_leave_the_same_recovery_ends_halfway():
    """So the tests above would notice if ``RecursiveLoop`` went from the template."""
    world = World(schedule=",".join(["1"] * 30))
    world.loops = LoopDetection(allowed=())
    world.response = lambda _request: (500, None)
    delivery = world.event(world.hook())
    world.finish_queue(600)
    assert world.loops.longest["deliver"] == MAX_INVOCATIONS
    assert world.logged(delivery).status is Status.RETRYING
    assert len(world.dead) == 1


class Crowd:
    """A destination that responds when nothing more comes for it, so that a crowd is in flight at once."""

    def __init__(self, world) -> None:
        self._sender = Sender(world)
        self._queue = world.queue
        self.most_in_flight = 0
        self.start, self.wake = self._sender.start, self._sender.wake

    @property
    def in_flight(self) -> int:
        return self._sender.in_flight

    def wait(self, seconds: float):
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        if self._queue.has_due and self.in_flight < _MAX_IN_FLIGHT:
            time.sleep(0.001)  # until the thread that receives has brought more
            return []
        return self._sender.wait(seconds)


def test_a_crowd_of_one_client_gets_through_and_does_not_circle():
    world = SlowWorld(schedule=SCHEDULE, patience_seconds=0)
    world.queue.receives = True
    sender = world.deliverer.sender = Crowd(world)
    hook = world.hook()
    crowd = [world.event(hook) for _ in range(6 * MAX_IN_FLIGHT_OF_CLIENT)]
    world.finish_queue(DAY_SECONDS)
    assert sender.most_in_flight == MAX_IN_FLIGHT_OF_CLIENT
    assert sent(world) == {one.id: 1 for one in crowd}
    assert world.dead == []
    assert max(world.queue.sends.values()) < MAX_INVOCATIONS


def test_a_crowd_that_is_retried_has_few_messages_though_the_sweep_looks_after_it_too(monkeypatch):
    """A long wait is left to the sweep, so that not both bring it."""
    monkeypatch.setattr("storehooks.domain.state_machine.MAX_IN_FLIGHT_OF_CLIENT", 0)
    world = World(schedule=SCHEDULE)
    hook = world.hook()
    crowd = waiting(world, hook, 3, Status.PENDING)
    for one in crowd:
        world.log.save(replace(one, next_attempt_at=world.clock.now), over=one)
        world.queue.send([TaskMessage(attempt_task(one))])
    world.pass_time(2 * 3600)
    assert len(world.queue.waiting) <= len(crowd)
    assert max(world.queue.sends.values()) <= 20
    monkeypatch.undo()
    world.pass_time(2 * 3600)
    assert sent(world) == {one.id: 1 for one in crowd}


# ---------------------------------------------------------------- it waits longer each time


def rounds_of(world, number: int) -> list[int]:
    """The delays with which a task is sent again, each round at its time."""
    delays = []
    for _ in range(number):
        (message,) = world.queue.waiting
        world.clock.now = message.due
        world.deliver(world.queue.take())
        if not world.queue.waiting:
            break
        (message,) = world.queue.waiting
        delays.append(message.due - world.clock.now)
    return delays


def a_crowded_attempt(world, monkeypatch):
    """Its client has as much in flight as it may have, for as long as anybody looks."""
    monkeypatch.setattr("storehooks.domain.state_machine.MAX_IN_FLIGHT_OF_CLIENT", 0)
    world.event(world.hook())


def a_crowded_attempt_of_an_event_from_the_future(world, monkeypatch):
    """Whoever publishes on the bus dates its events."""
    world.clock.now += YEAR_SECONDS
    a_crowded_attempt(world, monkeypatch)
    world.clock.now -= YEAR_SECONDS
    world.queue.waiting[0].due = world.clock.now


def a_hold_of_what_changes(world, monkeypatch):
    """Each delivery that is to be held has been changed in the moment before."""
    monkeypatch.setattr("storehooks.flows.hold._MAX_OF_STEP", 2)
    hook = world.hook()
    waiting(world, hook, 6, Status.RETRYING)
    world.hooks.deactivate(hook, "it fails")
    monkeypatch.setattr(world.log, "end_waiting", lambda *_: False)
    task = HoldTask(store_hash=STORE, hook_id=hook.id, client_id=hook.client_id, store_id=None)
    world.queue.send([TaskMessage(task)])


def a_recovery_of_what_stays_pending(world, monkeypatch):
    """As many deliveries are pending as may be, and none of them gets further."""
    hook = world.hook()
    waiting(world, hook, 1, Status.HELD)
    monkeypatch.setattr(world.selections, "pending", lambda *_: MAX_PENDING)
    recovery_of(world, hook)


def a_recovery_of_a_failing_hook(world, monkeypatch):
    a_recovery_of_what_stays_pending(world, monkeypatch)
    world.circuits.count_failures(STORE, 1, 5)


def a_record_that_is_not_taken(world, monkeypatch):
    """It fails and comes again by its visibility, until it is a dead letter: it sends nothing."""

    def refuse(_deliveries):
        raise StoreBusyError

    (delivery,) = waiting(world, world.hook(), 1, Status.DELIVERED)
    monkeypatch.setattr(world.log, "save_delivered", refuse)
    world.queue.send([TaskMessage(RecordTask(delivery=delivery))])


def a_digest_of_a_day_that_is_not_over(world, _monkeypatch):
    hook = world.hook()
    until = day_end(world.clock.now)
    task = DigestTask(store_hash=STORE, hook_id=hook.id, client_id=hook.client_id, until=until)
    world.queue.send([TaskMessage(task)])


STUCK = {
    AttemptTask: [a_crowded_attempt, a_crowded_attempt_of_an_event_from_the_future],
    RecordTask: [a_record_that_is_not_taken],
    HoldTask: [a_hold_of_what_changes],
    RecoverTask: [a_recovery_of_what_stays_pending, a_recovery_of_a_failing_hook],
    DigestTask: [a_digest_of_a_day_that_is_not_over],
}
"""For each task, how it can be kept from getting further."""


def test_every_task_has_its_scene():
    assert set(get_args(Task.__value__)) == set(STUCK)


@pytest.mark.parametrize("scene", [scene for scenes in STUCK.values() for scene in scenes])
def test_a_task_that_gets_no_further_waits_longer_each_time(monkeypatch, scene):
    world = World(schedule=SCHEDULE)
    scene(world, monkeypatch)
    delays = rounds_of(world, 16)
    if scene is a_record_that_is_not_taken:
        assert delays == []
        return
    assert len(delays) == 16
    # As long as it has waited already, less what spreads a crowd, up to what SQS takes.
    for number, delay in enumerate(delays):
        waited = min(sum(delays[:number]), SOON_SECONDS)
        assert 0.75 * waited <= delay <= SOON_SECONDS
    assert delays[-1] >= 0.75 * SOON_SECONDS
    assert sum(delays) > 3600
