"""What the flows count: each thing once, whatever becomes of it."""

import pytest

from tests.world import World


def test_all_attempts_of_a_delivery_are_counted(counted):
    world = World(schedule="60,180")
    statuses = iter([500, 500, 200])
    world.response = lambda _request: (next(statuses), None)
    world.event(world.hook())
    assert counted(world.meter, lambda: world.pass_time(600)) == {
        "Attempts": 3,
        "AttemptsFailed": 2,
        "AttemptLatency": 1,
        "DeliveryLag": 0,
    }


def test_a_hook_that_is_lost_is_counted_with_what_is_held_for_it(counted):
    world = World(schedule="60")
    world.response = lambda _request: (500, None)
    hook = world.hook()
    world.event(hook)
    world.pass_time(55)
    world.event(hook)
    world.work()

    def lose_it():
        world.pass_time(10)
        world.event(hook)
        world.pass_time(600)

    found = counted(world.meter, lose_it)
    assert (found["HooksDeactivated"], found["Exhausted"], found["Held"]) == (1, 1, 2)


def test_a_destination_that_is_gone_is_counted_as_one_hook_and_one_held_delivery(counted):
    world = World()
    world.response = lambda _request: (410, None)
    world.event(world.hook())
    found = counted(world.meter, lambda: world.pass_time(600))
    assert (found["HooksDeactivated"], found["Held"], found["AttemptsFailed"]) == (1, 1, 1)
    assert "Exhausted" not in found


def test_what_is_cancelled_is_no_attempt(counted):
    world = World()
    hook = world.hook()
    world.event(hook)
    world.hooks.delete(world.caller, hook.id)
    assert counted(world.meter, world.work) == {}


def test_the_lag_counts_from_when_an_attempt_was_due(counted):
    world = World(schedule="60")
    statuses = iter([500, 200])
    world.response = lambda _request: (next(statuses), None)
    world.event(world.hook())
    for due_in, late in ((0, 7), (60, 5)):
        world.clock.now += due_in + late
        assert counted(world.meter, world.work)["DeliveryLag"] == pytest.approx(late * 1000, abs=2)


def test_an_attempt_that_a_circuit_deferred_has_no_lag(counted):
    world = World()
    world.response = lambda _request: (500, None)
    hook = world.hook()
    for _ in range(6):  # the sixth is the probe
        world.event(hook)
        world.work()
    world.event(hook)
    world.work()
    assert [task.ignores_circuit for task in world.queue.tasks].count(True) == 1
    world.clock.now += 30
    found = counted(world.meter, world.work)
    assert found["Attempts"] == 1
    assert "DeliveryLag" not in found


def test_what_is_handed_on_is_counted_by_the_sweep(counted):
    world = World(schedule="1000")
    world.response = lambda _request: (500, None)
    for path in ("a", "b", "c"):
        world.event(world.hook(f"https://app.example.com/{path}"))
    world.work()
    world.clock.now += 950
    assert counted(world.meter, world.sweeper.sweep) == {"RetriesHandedOn": 3}
    assert counted(world.meter, world.sweeper.sweep) == {}
