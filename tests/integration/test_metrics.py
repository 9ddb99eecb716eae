"""What the flows count: each thing once, whatever becomes of it."""

import json
from collections.abc import Callable

import pytest

from storehooks.domain.errors import QueueFailedError
from storehooks.flows.meter import Count, Duration, Meter
from tests import emf
from tests.integration.conftest import load_event
from tests.world import World

type Counted = Callable[[Meter, Callable[[], object]], dict[str, float]]


@pytest.fixture
def counted(capsys) -> Counted:
    """The sums of what is counted while something is done, and nothing from before; of times, the longest."""

    def counted(meter: Meter, act: Callable[[], object]) -> dict[str, float]:
        with meter.invocation():
            pass
        capsys.readouterr()
        with meter.invocation():
            act()
        found = emf.metrics(capsys.readouterr().out, "storehooks")
        return {name: max(times) if name in set(Duration) else sum(times) for name, times in found.items()}

    return counted


def test_all_attempts_of_a_delivery_are_counted(aws, counted):
    world = World(aws, schedule="60,180")
    statuses = iter([500, 500, 200])
    world.answer = lambda _request: (next(statuses), None)
    world.event(world.hook())
    assert counted(world.meter, lambda: world.pass_time(600)) == {
        "Attempts": 3,
        "AttemptsFailed": 2,
        "AttemptLatency": 1,
        "DeliveryLag": 0,
    }


def test_a_hook_that_is_lost_is_counted_with_what_is_held_for_it(aws, counted):
    world = World(aws, schedule="60")
    world.answer = lambda _request: (500, None)
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


def test_a_destination_that_is_gone_is_counted_as_one_hook_and_one_held_delivery(aws, counted):
    world = World(aws)
    world.answer = lambda _request: (410, None)
    world.event(world.hook())
    found = counted(world.meter, lambda: world.pass_time(600))
    assert (found["HooksDeactivated"], found["Held"], found["AttemptsFailed"]) == (1, 1, 1)
    assert "Exhausted" not in found


def test_what_is_cancelled_is_no_attempt(aws, counted):
    world = World(aws)
    hook = world.hook()
    world.event(hook)
    world.hooks.delete(world.caller, hook.id)
    assert counted(world.meter, world.work) == {}


def test_the_lag_counts_from_when_an_attempt_was_due(aws, counted):
    world = World(aws, schedule="60")
    statuses = iter([500, 200])
    world.answer = lambda _request: (next(statuses), None)
    world.event(world.hook())
    for due_in, late in ((0, 7), (60, 5)):
        world.clock.now += due_in + late
        assert counted(world.meter, world.work)["DeliveryLag"] == pytest.approx(late * 1000, abs=2)


def test_an_attempt_that_a_circuit_put_off_has_no_lag(aws, counted):
    world = World(aws)
    world.answer = lambda _request: (500, None)
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


def test_what_is_handed_on_is_counted_by_the_sweep(aws, counted):
    world = World(aws, schedule="1000")
    world.answer = lambda _request: (500, None)
    for path in ("a", "b", "c"):
        world.event(world.hook(f"https://app.example.com/{path}"))
    world.work()
    world.clock.now += 950
    assert counted(world.meter, world.sweeper.sweep) == {"RetriesHandedOn": 3}
    assert counted(world.meter, world.sweeper.sweep) == {}


def test_events_are_counted_when_they_are_matched_and_what_is_no_event_is_not(functions, counted):
    parts = functions.parts("match_events")
    message = {"good": load_event("match_events")["Records"][0]["body"], "bad": "{}"}
    assert counted(parts.meter, lambda: parts.matcher.match(message)) == {"EventsMatched": 1}


def test_an_event_is_counted_once_though_it_comes_again_and_is_published_again(
    client, functions, counted, monkeypatch
):
    parts = functions.parts("match_events")
    envelope = json.loads(load_event("match_events")["Records"][0]["body"])
    envelope["detail"] |= {"store_hash": client.store_hash, "id": "given"}
    client.create(scope="store/*", is_active=True)

    def match(**changes):
        return parts.matcher.match({"message": json.dumps(envelope | changes)})

    def refuse(orders):
        raise QueueFailedError("InternalError", frozenset(range(len(orders))))

    with monkeypatch.context() as patched:
        patched.setattr(parts.deliveries_queue, "send", refuse)
        assert counted(parts.meter, match) == {"CallsFailed": 1}
    assert counted(parts.meter, match) == {"EventsMatched": 1}
    assert counted(parts.meter, lambda: match(id="another publication")) == {}


def test_each_queue_function_writes_its_metrics_as_it_ends(aws, functions, capsys):
    functions.handler("match_events")(load_event("match_events"), None)
    assert "EventsMatched" in emf.metrics(capsys.readouterr().out, "storehooks")
    functions.parts("deliver").meter.count(Count.HELD)
    functions.handler("deliver")(load_event("deliver"), None)
    assert emf.metrics(capsys.readouterr().out, "storehooks") == {"Held": [1]}
