"""Removing a client: nothing is sent any more, and what waits is cancelled."""

import pytest

from storehooks.domain.delivery import Status
from storehooks.domain.errors import StoreBusyError
from storehooks.flows.remove_client import MAX_SECONDS
from tests.world import World


@pytest.fixture
def world():
    return World()


def remove(world):
    world.parts.client_remover.remove(world.caller.store_hash, world.caller.client_id)


def test_what_waits_for_a_removed_client_is_cancelled_when_it_is_due_and_never_sent(world):
    world.response = lambda _request: (500, None)
    hook = world.hook()
    delivery = world.event(hook)
    world.work()
    assert world.statuses[delivery.id] is Status.RETRYING
    remove(world)
    world.pass_time(3600)
    assert world.statuses[delivery.id] is Status.CANCELLED
    assert len(world.sent) == 1


def test_what_was_never_tried_is_not_sent_either(world):
    delivery = world.event(world.hook())
    remove(world)
    world.work()
    assert world.sent == []
    assert world.statuses.get(delivery.id) is not Status.DELIVERED


def test_what_was_delivered_stays_in_the_log(world):
    delivery = world.event(world.hook())
    world.work()
    remove(world)
    assert world.statuses[delivery.id] is Status.DELIVERED


def test_a_removal_that_takes_too_long_leaves_the_client_and_is_finished_by_the_next(world):
    for number in range(3):
        world.hook(f"https://app.example.com/{number}")
    clock, calls = world.parts.client_remover._clock, []

    def slowly():
        calls.append(clock())
        return calls[0] + (len(calls) - 1) * MAX_SECONDS / 2

    world.parts.client_remover._clock = slowly
    with pytest.raises(StoreBusyError):
        remove(world)
    of_client = world.caller.store_hash, world.caller.client_id
    assert world.parts.secrets.valid_now(*of_client)
    assert world.parts.hooks.all(world.caller)
    world.parts.client_remover._clock = clock
    remove(world)
    assert not world.parts.secrets.valid_now(*of_client)
    assert world.parts.hooks.all(world.caller) == []


@pytest.mark.parametrize(
    ("status", "end"),
    [(200, Status.DELIVERED), (500, Status.CANCELLED), (410, Status.HELD)],
)
def test_a_removal_during_an_attempt_leaves_that_attempt_the_last(world, status, end):
    def remove_and_respond(_request):
        remove(world)
        return status, None

    world.response = remove_and_respond
    first, waiting = (world.event(hook) for hook in (world.hook(), world.hook("https://app.example.com/2")))
    world.work()
    world.pass_time(3 * 24 * 3600)
    assert len(world.sent) <= 2, "both may have been under way"
    assert world.statuses[first.id] is end
    assert world.statuses[waiting.id] in {end, Status.CANCELLED}
    assert world.dead == []
