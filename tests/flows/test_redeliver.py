"""Sending a delivery again because its client asks for it, in a time of its own."""

import itertools
import json

import pytest

from storehooks.adapters.delivery_messages import to_message
from storehooks.domain.delivery import Status
from storehooks.domain.errors import DeliveryNotFoundError, HookInactiveError, StoreBusyError
from storehooks.flows.redeliver import Redeliverer
from tests.message_heap import VISIBILITY_SECONDS
from tests.world import World


@pytest.fixture
def world():
    return World()


def failing(_request):
    return 500, None


def fine(_request):
    return 200, None


def redeliver(world, delivery):
    redeliverer = Redeliverer(log=world.log, queue=world.queue, clock=world.clock)
    return redeliverer.redeliver(world.current_of(delivery), delivery.id)


def ended(world, hook, status: Status):
    """A delivery that ended so, of a hook that is active again."""
    world.response = fine if status is Status.DELIVERED else failing
    if status is Status.HELD:
        world.hooks.deactivate(world.current(hook), "it fails")
    if status is Status.CANCELLED:
        world.hooks.update(world.caller, hook.id, {"is_active": False})
    delivery = world.event(hook)
    world.pass_time(3600)
    if status is not Status.DELIVERED:
        world.hooks.update(world.caller, hook.id, {"is_active": True})
    assert world.logged(delivery).status is status
    return delivery


ENDS = [Status.DELIVERED, Status.EXHAUSTED, Status.HELD, Status.CANCELLED]


@pytest.mark.parametrize("status", ENDS)
def test_what_ended_is_sent_again_once_at_once(world, status):
    delivery = ended(world, world.hook(), status)
    attempts = len(world.attempts(delivery))
    world.response = fine
    responded = redeliver(world, delivery)
    assert (responded.status, responded.next_attempt_at) == (Status.PENDING, world.clock.now)
    assert responded == world.logged(delivery)
    world.work()
    assert len(world.attempts(delivery)) == attempts + 1
    logged = world.logged(delivery)
    assert (logged.status, logged.attempt_count, logged.earlier) == (Status.DELIVERED, attempts + 1, attempts)
    world.pass_time(3600)
    assert len(world.attempts(delivery)) == attempts + 1


@pytest.mark.parametrize("status", ENDS)
def test_another_round_keeps_the_whole_schedule(world, status):
    delivery = ended(world, world.hook(), status)
    before = len(world.attempts(delivery))
    world.response = failing
    redeliver(world, delivery)
    world.pass_time(3600)
    again = world.attempts(delivery)[before:]
    waits = [later - earlier for earlier, later in itertools.pairwise(again)]
    assert len(waits) == 3
    for wait, slot in zip(waits, world.schedule.slots, strict=True):
        assert slot <= wait <= slot + 60
    assert world.logged(delivery).status is Status.EXHAUSTED


def test_a_round_that_is_lost_deactivates_the_hook_for_what_happened_in_it_alone(world):
    hook = world.hook()
    delivery = ended(world, hook, Status.EXHAUSTED)
    world.response = fine
    world.event(hook)
    world.pass_time(10)
    world.response = failing
    redeliver(world, delivery)
    world.pass_time(3600)
    now = world.current(hook)
    assert not now.is_active
    assert now.deactivation_reason.startswith("4 "), "attempts, those of the round"


def test_a_retry_that_waits_is_made_now_and_its_schedule_goes_on(world):
    world.response = failing
    delivery = world.event(world.hook())
    world.pass_time(70)
    assert world.logged(delivery).attempt_count == 2
    responded = redeliver(world, delivery)
    assert (responded.status, responded.next_attempt_at) == (Status.RETRYING, world.clock.now)
    world.pass_time(3600)
    assert world.attempts(delivery) == [0, 60, 70, 370]
    assert world.logged(delivery).status is Status.EXHAUSTED


def test_what_is_to_be_sent_anyway_is_left_alone(world):
    delivery = ended(world, world.hook(), Status.EXHAUSTED)
    first = redeliver(world, delivery)
    world.clock.now += 5
    assert redeliver(world, delivery) == first
    assert len(world.queue.tasks) == 1


def test_nothing_is_sent_again_to_a_hook_that_is_not_active(world):
    hook = world.hook()
    world.response = failing
    delivery = world.event(hook)
    world.pass_time(3600)
    with pytest.raises(HookInactiveError) as refused:
        redeliver(world, delivery)
    assert "4 attempts failed" in refused.value.reason
    assert world.logged(delivery).status is Status.EXHAUSTED


def test_a_hook_that_is_switched_off_meanwhile_gets_nothing(world):
    hook = world.hook()
    delivery = ended(world, hook, Status.EXHAUSTED)
    redeliver(world, delivery)
    sent = len(world.sent)
    world.hooks.update(world.caller, hook.id, {"is_active": False})
    world.work()
    assert len(world.sent) == sent
    assert world.logged(delivery).status is Status.CANCELLED


def test_what_is_pending_for_a_hook_is_held_when_failures_deactivate_it(world):
    hook = world.hook()
    delivery = ended(world, hook, Status.EXHAUSTED)
    redeliver(world, delivery)
    world.queue.waiting.clear()
    other = world.event(hook)
    world.response = lambda _request: (410, None)
    world.pass_time(60)
    assert [world.logged(one).status for one in (other, delivery)] == [Status.HELD] * 2


def test_a_tripped_circuit_does_not_defer_what_somebody_waits_for(world):
    hook = world.hook()
    delivery = ended(world, hook, Status.EXHAUSTED)
    for _ in range(6):
        world.event(hook)
    world.pass_time(40)
    before = len(world.attempts(delivery))
    redeliver(world, delivery)
    world.work()
    assert len(world.attempts(delivery)) == before + 1


def test_no_delivery_is_found_where_there_is_none(world):
    hook = world.hook()
    redeliverer = Redeliverer(log=world.log, queue=world.queue, clock=world.clock)
    with pytest.raises(DeliveryNotFoundError):
        redeliverer.redeliver(hook, "msg_" + "0" * 32)


# ---------------------------------------------------------------- faults


@pytest.mark.parametrize("status", [Status.EXHAUSTED, Status.RETRYING])
def test_a_queue_that_fails_or_a_crash_before_it_only_delays(world, status):
    hook = world.hook()
    delivery = ended(world, hook, Status.EXHAUSTED)
    if status is Status.RETRYING:
        redeliver(world, delivery)
        world.work()
        world.queue.waiting.clear()
    before = len(world.attempts(delivery))
    world.response = fine
    world.queue.fails = True
    redeliver(world, delivery)
    world.queue.fails = False
    world.pass_time(600)
    assert world.logged(delivery).status is Status.DELIVERED
    assert len(world.attempts(delivery)) == before + 1


def test_a_message_of_an_earlier_round_is_known_as_made(world):
    hook = world.hook()
    world.response = failing
    delivery = world.event(hook)
    world.work()
    stale = json.dumps(to_message(world.queue.tasks[0]))
    world.pass_time(3600)
    world.hooks.update(world.caller, hook.id, {"is_active": True})
    redeliver(world, delivery)
    world.queue.waiting.clear()
    before = len(world.attempts(delivery))
    world.queue.put(stale)
    world.work()
    assert len(world.attempts(delivery)) == before
    world.response = fine
    world.pass_time(600)
    assert len(world.attempts(delivery)) == before + 1, "by the sweep"


def test_a_crash_in_the_attempt_of_a_new_round_makes_it_again(world, monkeypatch):
    delivery = ended(world, world.hook(), Status.EXHAUSTED)
    before = len(world.attempts(delivery))
    redeliver(world, delivery)
    (body,) = world.queue.bodies
    with monkeypatch.context() as patched:
        patched.setattr(world.log, "save", lambda *_, **__: (_ for _ in ()).throw(StoreBusyError()))
        world.work()
    world.queue.waiting.clear()
    world.response = fine
    world.queue.put(body, VISIBILITY_SECONDS, received=1)
    world.pass_time(VISIBILITY_SECONDS)
    assert len(world.attempts(delivery)) == before + 2
    assert world.logged(delivery).attempt_count == before + 1


def test_what_changes_each_time_it_is_read_is_too_busy(world, monkeypatch):
    delivery = ended(world, world.hook(), Status.EXHAUSTED)
    monkeypatch.setattr(world.log, "begin_round", lambda *_, **__: None)
    with pytest.raises(StoreBusyError):
        redeliver(world, delivery)
