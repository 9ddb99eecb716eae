"""Deliveries through days of retries, in a time of their own."""

import itertools
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from storehooks.domain.delivery import Status
from storehooks.domain.identity import Caller
from storehooks.domain.retry import BIGCOMMERCE_SCHEDULE, RetrySchedule
from tests.world import World


@pytest.fixture
def world():
    return World()


def failing(_request):
    return 500, None


def only(path: str):
    """All destinations fail but this one."""
    return lambda request: (200 if request.url.endswith(path) else 500, None)


def test_a_delivery_that_succeeds_is_sent_once(world):
    delivery = world.event(world.hook())
    world.pass_time(3600)
    assert world.attempts(delivery) == [0]
    logged = world.logged(delivery)
    assert (logged.status, logged.next_attempt_at, len(logged.attempts)) == (Status.DELIVERED, None, 1)
    assert world.queue.tasks == []


def assert_on_schedule(attempts: list[float], schedule: RetrySchedule) -> None:
    """Never early, and at most a minute late."""
    waits = [later - earlier for earlier, later in itertools.pairwise(attempts)]
    assert len(waits) == len(schedule.slots)
    for wait, slot in zip(waits, schedule.slots, strict=True):
        assert slot <= wait <= slot + 60


def test_bigcommerces_schedule_is_kept_over_its_two_days():
    world = World(schedule=BIGCOMMERCE_SCHEDULE)
    world.response = failing
    delivery = world.event(world.hook())
    world.pass_time(4 * 24 * 3600)
    assert_on_schedule(world.attempts(delivery), world.schedule)
    assert world.logged(delivery).status is Status.EXHAUSTED


@settings(
    max_examples=6,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # to shrink days of deliveries takes minutes
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    slots=st.lists(st.integers(1, 4000), min_size=1, max_size=6),
    numbers=st.integers(1, 5),
    seed=st.randoms(use_true_random=False),
)
def test_any_schedule_is_kept_for_any_number_of_deliveries(slots, numbers, seed):
    world = World(schedule=",".join(map(str, slots)))
    world.response = failing
    # A hook each: none slows another down.
    hooks = [world.hook(f"https://app.example.com/{number}", "store/*") for number in range(numbers)]
    deliveries = []
    for hook in hooks:
        deliveries.append(world.event(hook))
        world.pass_time(seed.uniform(0, 100))
    world.pass_time(sum(slots) + 70 * len(slots) + 60)
    for delivery in deliveries:
        assert_on_schedule(world.attempts(delivery), world.schedule)
        assert world.logged(delivery).status is Status.EXHAUSTED
    for hook in hooks:
        world.hooks.delete(world.caller, hook.id)


def test_retry_after_is_honoured_within_two_slots(world):
    waits = {60: "100", 180: "9999", 300: "1"}
    responses = iter(waits.values())
    world.response = lambda _request: (503, next(responses, None))
    delivery = world.event(world.hook())
    world.pass_time(3600)
    assert world.attempts(delivery) == [0, 100, 460, 760]


def test_a_delivery_that_succeeds_in_the_end_has_all_its_attempts(world):
    world.response = failing
    hook = world.hook()
    delivery = world.event(hook)
    world.pass_time(100)
    world.response = lambda _request: (204, None)
    world.pass_time(3600)
    logged = world.logged(delivery)
    assert [attempt.status for attempt in logged.attempts] == [500, 500, 204]
    assert (logged.status, world.current(hook).is_active) == (Status.DELIVERED, True)


# ---------------------------------------------------------------- the hook meanwhile


def test_deliveries_of_a_deleted_hook_are_cancelled(world):
    world.response = failing
    hook = world.hook()
    delivery = world.event(hook)
    world.work()
    world.hooks.delete(world.caller, hook.id)
    world.pass_time(3600)
    assert world.attempts(delivery) == [0]
    assert world.logged(delivery).status is Status.CANCELLED


def test_deliveries_of_a_hook_that_is_switched_off_are_cancelled(world):
    world.response = failing
    hook = world.hook()
    delivery = world.event(hook)
    world.work()
    world.hooks.update(world.caller, hook.id, {"is_active": False})
    unsent = world.event(hook)
    world.pass_time(3600)
    assert world.attempts(delivery) == [0]
    assert world.attempts(unsent) == []
    assert {world.logged(delivery).status, world.logged(unsent).status} == {Status.CANCELLED}
    assert world.queue.tasks == []


def test_a_changed_destination_and_changed_headers_count_from_the_next_attempt(world):
    world.response = only("/new")
    hook = world.hook("https://app.example.com/old")
    delivery = world.event(hook)
    world.work()
    changes = {"destination": "https://app.example.com/new", "headers": {"X-New": "1"}}
    world.hooks.update(world.caller, hook.id, changes)
    world.pass_time(3600)
    (_, first), (_, second) = world.sent
    assert (first.url, second.url) == ("https://app.example.com/old", "https://app.example.com/new")
    assert "X-New" in second.headers
    assert first.body == second.body
    assert world.logged(delivery).status is Status.DELIVERED


# ---------------------------------------------------------------- the end of a hook


def exhausted(world, hook):
    """A delivery whose every attempt fails."""
    world.response = failing
    delivery = world.event(hook)
    world.pass_time(3600)
    return delivery


def test_a_delivery_that_fails_its_last_attempt_deactivates_its_hook(world):
    hook = world.hook()
    delivery = exhausted(world, hook)
    assert world.logged(delivery).status is Status.EXHAUSTED
    now = world.current(hook)
    assert not now.is_active
    assert now.deactivated_at is not None
    assert now.deactivation_reason == (
        "4 attempts failed and none succeeded meanwhile; the last: answered 500"
    )
    assert now.version == hook.version + 1


def test_a_hook_that_something_reached_meanwhile_stays_active(world):
    hook = world.hook()
    world.response = failing
    delivery = world.event(hook)
    world.pass_time(300)
    world.response = lambda _request: (200, None)
    other = world.event(hook)
    world.work()
    world.response = failing
    world.pass_time(3600)
    assert world.logged(other).status is Status.DELIVERED
    assert world.logged(delivery).status is Status.EXHAUSTED
    assert world.current(hook).is_active


def test_what_reached_it_before_the_first_attempt_does_not_count(world):
    hook = world.hook()
    world.event(hook)
    world.pass_time(10)
    exhausted(world, hook)
    assert not world.current(hook).is_active


def test_a_hook_that_was_changed_during_the_last_attempt_is_left_alone(world):
    hook = world.hook()
    world.response = failing
    delivery = world.event(hook)
    world.pass_time(500)

    def change(request):
        world.hooks.update(world.caller, hook.id, {"destination": "https://app.example.com/better"})
        return failing(request)

    world.response = change
    world.pass_time(600)
    assert world.logged(delivery).status is Status.EXHAUSTED
    assert world.current(hook).is_active


def test_410_deactivates_a_hook_at_once(world):
    hook = world.hook()
    world.response = lambda _request: (410, None)
    delivery = world.event(hook)
    world.pass_time(3600)
    assert world.attempts(delivery) == [0]
    assert world.logged(delivery).status is Status.HELD
    assert not world.current(hook).is_active
    assert "410" in world.current(hook).deactivation_reason
    assert world.bus.codes == [90002]


def test_410_to_a_hook_that_its_owner_has_just_changed_is_a_failure_like_any_other(world):
    hook = world.hook("https://app.example.com/old")

    def gone(request):
        world.hooks.update(world.caller, hook.id, {"destination": "https://app.example.com/new"})
        world.response = lambda _request: (200, None)
        return 410, None

    world.response = gone
    delivery = world.event(hook)
    world.pass_time(100)
    assert world.attempts(delivery) == [0, 60]
    assert world.logged(delivery).status is Status.DELIVERED
    assert world.current(hook).is_active


def test_a_success_while_the_first_failing_attempt_was_on_its_way_keeps_the_hook(world):
    """Nothing of that success is in the circuit, which knew of no failure then."""
    hook = world.hook()
    other = world.event(hook)
    world.work()
    world.response = failing
    delivery = world.event(hook)
    first = world.clock.now
    world.work()
    world.pass_time(500)
    reached = world.logged(other)
    on_its_way = replace(reached.attempts[0], at=first + 5)
    world.log.save_delivered([replace(reached, attempts=(on_its_way,))])
    world.pass_time(600)
    assert world.logged(delivery).status is Status.EXHAUSTED
    assert world.current(hook).is_active


def test_what_waits_for_a_deactivated_hook_is_held_and_never_sent_by_itself(world):
    hook = world.hook()
    world.response = failing
    exhausting = world.event(hook)
    world.pass_time(400)
    waiting = world.event(hook)
    world.pass_time(400)
    on_the_queue = world.event(hook)
    world.pass_time(10)
    assert world.logged(exhausting).status is Status.EXHAUSTED
    assert [world.logged(one).status for one in (waiting, on_the_queue)] == [Status.HELD] * 2
    sent = len(world.sent)
    world.response = lambda _request: (200, None)
    on = world.hooks.update(world.caller, hook.id, {"is_active": True})
    assert (on.deactivated_at, on.deactivation_reason) == (None, None)
    world.pass_time(24 * 3600)
    assert len(world.sent) == sent
    assert [world.logged(one).status for one in (waiting, on_the_queue)] == [Status.HELD] * 2
    world.event(hook)
    world.work()
    assert len(world.sent) == sent + 1


def test_a_deactivation_is_notified_of_once_however_often_its_hook_is_looked_at(world, monkeypatch):
    """Who hears of it by the bus itself, such as an operator, has no matching that knows a repeat."""
    monkeypatch.setattr("storehooks.flows.hold._MAX_OF_STEP", 2)
    hook = world.hook()
    world.response = lambda _request: (500, None)
    waiting = [world.event(hook) for _ in range(7)]
    world.work()
    before = world.bus.entries
    world.response = lambda _request: (410, None)
    world.event(hook)
    world.pass_time(200)
    assert {world.logged(delivery).status for delivery in waiting} == {Status.HELD}
    assert world.bus.entries - before == 1
    assert world.bus.codes.count(90002) == 1


def test_a_hook_that_is_deactivated_again_is_notified_of_again(world):
    hook = world.hook()
    world.response = lambda _request: (410, None)
    for _ in range(2):
        world.event(hook)
        world.pass_time(100)
        assert not world.current(hook).is_active
        world.hooks.update(world.caller, hook.id, {"is_active": True})
    assert world.bus.codes.count(90002) == 2


def test_more_waiting_deliveries_than_one_task_holds_are_all_held(world, monkeypatch):
    monkeypatch.setattr("storehooks.flows.hold._MAX_OF_STEP", 3)
    hook = world.hook()
    world.response = failing
    first = world.event(hook)
    world.pass_time(400)
    rest = [world.event(hook) for _ in range(8)]
    world.pass_time(300)
    assert world.logged(first).status is Status.EXHAUSTED
    assert {world.logged(one).status for one in rest} == {Status.HELD}


# ---------------------------------------------------------------- operational events


def test_failures_are_notified_of_once_in_ten_minutes_and_the_end_once():
    world = World(schedule="60,60,60,60,60,60,60,60,60,60,60,60,60,60,60,60")
    hook = world.hook("https://app.example.com/path?key=secret")
    exhausted(world, hook)
    assert world.bus.codes == [90001, 90001, 90002]
    retrying, _, deactivated = world.bus.events
    assert retrying["scope"] == deactivated["scope"] == "store/hook/deliveryException"
    message = retrying["data"].pop("message")
    assert retrying["data"] == {"type": "webhook", "id": hook.id, "error_code": 90001}
    assert "https://app.example.com " in message
    assert "500" in message
    assert (deactivated["store_hash"], deactivated["store_id"]) == ("5ueh97", "1025646")
    assert "secret" not in f"{world.bus.events} {message}"


def test_what_is_on_the_bus_is_sent_to_the_queue_too_for_the_hooks_client_alone(world):
    exhausted(world, world.hook())
    sent = world.events_queue.envelopes
    assert [envelope["detail"] for envelope in sent] == [
        {name: value for name, value in event.items() if name != "scope"} for event in world.bus.events
    ]
    assert {envelope["recipient"] for envelope in sent} == {world.caller.client_id}


def test_two_clients_with_one_destination_are_each_notified(world):
    """Else one client could keep the other from being notified."""
    world.response = failing
    client_id, _ = world.account.new_client("5ueh97")
    other = Caller("5ueh97", client_id, frozenset())
    world.event(world.hook("https://app.example.com/same"))
    world.event(
        world.hooks.create(
            other, scope="store/order/*", destination="https://app.example.com/same", is_active=True
        )
    )
    world.work()
    assert {envelope["recipient"] for envelope in world.events_queue.envelopes} == {
        world.caller.client_id,
        client_id,
    }


def test_two_hooks_of_one_destination_are_notified_of_once(world):
    world.response = failing
    for scope in ("store/order/*", "store/order/created"):
        world.event(world.hook("https://app.example.com/same", scope))
    world.pass_time(30)
    assert world.bus.codes == [90001]


def test_two_processes_notify_of_a_destination_once(world):
    world.response = failing
    hook = world.hook()
    world.event(hook)
    world.work()
    world.start()
    world.event(hook)
    world.pass_time(30)
    assert world.bus.codes == [90001]


def test_a_hook_on_delivery_exceptions_is_never_notified_of(world):
    hook = world.hook(scope="store/hook/deliveryException")
    exhausted(world, hook)
    assert not world.current(hook).is_active
    assert world.bus.events == []


def test_the_end_is_one_event_however_often_it_is_notified_of(world):
    hook = world.hook()
    world.response = failing
    for _ in range(5):
        world.event(hook)
    world.pass_time(3600)
    assert world.bus.codes.count(90002) == 1


# ---------------------------------------------------------------- the circuit


def test_a_failing_hook_is_slowed_down_and_a_healthy_one_is_not(world):
    sick, healthy = world.hook("https://app.example.com/sick"), world.hook("https://app.example.com/ok")
    world.response = only("/ok")
    for _ in range(20):
        world.event(sick)
    world.work()
    world.pass_time(20)
    before = len(world.sent)
    late = [world.event(sick) for _ in range(20)]
    good = [world.event(healthy) for _ in range(20)]
    world.work()
    assert [world.attempts(one) for one in good] == [[0]] * 20
    sent = [one for one in late if world.attempts(one)]
    assert len(sent) == 1, "the probe"
    assert len(world.sent) == before + 21
    world.pass_time(31)
    assert all(world.attempts(one) for one in late), "deferred by half a minute at most"


def test_what_a_tripped_circuit_defers_in_a_batch_comes_again_together(world):
    hook = world.hook()
    world.response = failing
    for _ in range(10):
        world.event(hook)
    world.work()
    world.queue.waiting.clear()
    late = [world.event(hook) for _ in range(10)]
    sends = []
    for _ in range(60):
        before = len(world.sent)
        world.clock.now += 1
        world.work()
        sends.append(len(world.sent) - before)
    assert [number for number in sends if number] == [1, 9], "the probe, and the others"
    assert all(world.attempts(one) for one in late)


def test_a_retry_of_a_failing_hook_takes_one_message_and_comes_with_the_others(world):
    hook = world.hook()
    world.response = failing
    deliveries = [world.event(hook) for _ in range(10)]
    world.work()
    world.queue.sends.clear()
    world.pass_time(95)
    assert {len(world.attempts(one)) for one in deliveries} == {2}
    assert len({world.attempts(one)[1] for one in deliveries}) == 1
    # What was sent in that time is the next retry of each.
    assert len(world.queue.sends) == 10
    assert set(world.queue.sends.values()) == {1}


def test_a_success_closes_the_circuit(world):
    hook = world.hook()
    world.response = failing
    for _ in range(6):
        world.event(hook)
    world.work()
    world.pass_time(20)
    world.response = lambda _request: (200, None)
    probe = world.event(hook)
    world.work()
    assert world.logged(probe).status is Status.DELIVERED
    rest = [world.event(hook) for _ in range(10)]
    world.work()
    assert {world.logged(one).status for one in rest} == {Status.DELIVERED}
