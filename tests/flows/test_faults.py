"""What is lost when something fails in the middle of a delivery: nothing."""

import json

import pytest

from storehooks.adapters.claims import CLAIM_SECONDS
from storehooks.adapters.delivery_messages import to_message
from storehooks.domain.delivery import Status
from storehooks.domain.errors import QueueFailedError, StoreBusyError, StoreFailedError
from storehooks.domain.operational_event import DEACTIVATED, RETRYING
from storehooks.domain.task import RecordTask
from storehooks.flows.sweep import Sweeper
from tests.faults import Killed, always
from tests.message_heap import VISIBILITY_SECONDS
from tests.world import World


@pytest.fixture
def world():
    return World()


def failing(_request):
    return 500, None


def crash(world, monkeypatch, target, name: str) -> None:
    """Work, and stop when this is called; the messages come again."""
    with monkeypatch.context() as patched:
        patched.setattr(target, name, always(Killed()))
        with pytest.raises(Killed):
            world.work()


def test_a_crash_after_the_send_and_before_the_log_sends_again_with_the_same_id(world, monkeypatch):
    delivery = world.event(world.hook())
    crash(world, monkeypatch, world.log, "save_delivered")
    world.pass_time(VISIBILITY_SECONDS)
    assert world.attempts(delivery) == [0, VISIBILITY_SECONDS]
    logged = world.logged(delivery)
    assert (logged.status, len(logged.attempts)) == (Status.DELIVERED, 1)


def test_a_crash_after_the_log_sends_nothing_again(world, monkeypatch):
    delivery = world.event(world.hook())
    (message,) = world.queue.bodies
    world.work()
    world.queue.put(message, received=1)
    world.work()
    assert world.attempts(delivery) == [0]


@pytest.mark.parametrize("error", [StoreBusyError(), StoreFailedError("InternalServerError")])
def test_a_log_that_fails_after_a_2xx_is_written_later_and_nothing_is_sent_again(world, monkeypatch, error):
    delivery = world.event(world.hook())
    with monkeypatch.context() as patched:
        patched.setattr(world.log, "save_delivered", always(error))
        world.work()
    (task,) = world.queue.tasks
    assert isinstance(task, RecordTask)
    world.pass_time(60)
    assert world.attempts(delivery) == [0]
    logged = world.logged(delivery)
    assert (logged.status, logged.attempts[0].response) == (Status.DELIVERED, "the answer")


def test_even_if_the_queue_fails_as_well_nothing_is_sent_again(world, monkeypatch):
    delivery = world.event(world.hook())
    with monkeypatch.context() as patched:
        patched.setattr(world.log, "save_delivered", always(StoreBusyError()))
        patched.setattr(world.queue, "fails", True)
        world.work()
    world.pass_time(3600)
    assert world.attempts(delivery) == [0]


def test_a_log_entry_that_fails_again_comes_again(world, monkeypatch):
    delivery = world.event(world.hook())
    with monkeypatch.context() as patched:
        patched.setattr(world.log, "save_delivered", always(StoreBusyError()))
        world.pass_time(60)
    world.pass_time(300)
    assert world.attempts(delivery) == [0]
    assert world.logged(delivery).status is Status.DELIVERED


def test_a_message_that_comes_twice_is_sent_once(world):
    hook = world.hook()
    delivery = world.event(hook)
    (message,) = world.queue.bodies
    world.queue.put(message)
    world.work()
    world.queue.put(message)
    world.work()
    assert world.attempts(delivery) == [0]
    assert len(world.logged(delivery).attempts) == 1


def test_a_retrys_message_that_comes_twice_is_sent_once_and_ordered_once(world):
    world.response = failing
    delivery = world.event(world.hook())
    world.work()
    retry = json.dumps(to_message(world.queue.tasks[0]))
    world.queue.put(retry, 60)
    world.pass_time(70)
    assert world.attempts(delivery) == [0, 60]
    assert len([task for task in world.queue.tasks if getattr(task, "delivery_id", "") == delivery.id]) == 1


def test_two_processes_with_the_same_message_at_once_log_one_attempt(world, monkeypatch):
    world.response = failing
    hook = world.hook()
    delivery = world.event(hook)
    (message,) = world.queue.bodies
    save = world.log.save

    def after_the_other(new, *, over):
        monkeypatch.setattr(world.log, "save", save)
        world.clock.now += 0.01
        world.queue.put(message)
        world.work()
        return save(new, over=over)

    monkeypatch.setattr(world.log, "save", after_the_other)
    world.deliverer, other = world.deliverer, world.deliverer
    world.work()
    assert other is world.deliverer
    assert len(world.logged(delivery).attempts) == 1
    tasks = [task for task in world.queue.tasks if getattr(task, "delivery_id", "") == delivery.id]
    assert len(tasks) == 1


@pytest.mark.parametrize("poison", ["", "{}", "[]", "null", '{"do":"attempt"}', '{"do":"hold"}', "x" * 1000])
def test_a_poison_message_fails_alone(world, poison):
    hook = world.hook()
    before, after = world.event(hook), None
    world.queue.put(poison)
    after = world.event(hook)
    world.work()
    assert {world.logged(before).status, world.logged(after).status} == {Status.DELIVERED}
    assert world.queue.bodies == [poison], "until it is a dead letter"


def test_a_task_of_which_nothing_is_known_fails(world):
    world.response = failing
    delivery = world.event(world.hook())
    world.work()
    unknown = to_message(world.queue.tasks[0]) | {"delivery_id": "msg_" + "0" * 32}
    world.queue.waiting.clear()
    world.queue.put(json.dumps(unknown))
    world.work()
    assert len(world.queue.waiting) == 1
    assert world.attempts(delivery) == [0]


@pytest.mark.parametrize("error", [StoreBusyError(), StoreFailedError("ConnectTimeoutError")])
def test_when_the_tables_cannot_be_read_nothing_is_sent_and_all_comes_again(world, monkeypatch, error):
    hook = world.hook()
    deliveries = [world.event(hook) for _ in range(3)]
    with monkeypatch.context() as patched:
        patched.setattr(world.deliverer.contexts, "read", always(error))
        world.work()
    assert world.sent == []
    world.pass_time(VISIBILITY_SECONDS)
    assert [world.logged(one).status for one in deliveries] == [Status.DELIVERED] * 3


def test_a_failure_that_cannot_be_logged_comes_again(world, monkeypatch):
    world.response = failing
    delivery = world.event(world.hook())
    with monkeypatch.context() as patched:
        patched.setattr(world.log, "save", always(StoreBusyError()))
        world.work()
    world.response = lambda _request: (200, None)
    world.pass_time(VISIBILITY_SECONDS)
    assert world.logged(delivery).status is Status.DELIVERED


def test_a_crash_between_the_log_and_the_order_of_the_next_attempt_orders_it_later(world, monkeypatch):
    world.response = failing
    delivery = world.event(world.hook())
    crash(world, monkeypatch, world.queue, "send")
    assert len(world.logged(delivery).attempts) == 1
    world.pass_time(400)
    assert world.attempts(delivery)[:2] == [0, VISIBILITY_SECONDS]
    assert len(world.logged(delivery).attempts) == len(world.attempts(delivery)) == 3


def test_a_queue_that_does_not_take_the_next_attempt_is_asked_again(world):
    world.response = failing
    delivery = world.event(world.hook())
    world.queue.fails = True
    world.work()
    world.queue.fails = False
    world.pass_time(VISIBILITY_SECONDS)
    assert world.attempts(delivery) == [0, VISIBILITY_SECONDS]


def test_a_message_that_is_lost_altogether_is_replaced_by_the_sweep(world):
    world.response = failing
    delivery = world.event(world.hook())
    world.work()
    world.queue.waiting.clear()
    world.pass_time(3600)
    assert len(world.attempts(delivery)) == 4
    assert world.logged(delivery).status is Status.EXHAUSTED


def test_two_sweeps_at_once_do_no_harm():
    world = World(schedule="1800,1800")
    world.response = failing
    delivery = world.event(world.hook())
    world.work()
    second = Sweeper(
        due=world.due,
        watches=world.parts.held_watches,
        queue=world.queue,
        meter=world.meter,
        botocore="1.2.3",
        clock=world.clock,
    )
    world.clock.now += 1750
    assert world.sweeper.sweep() + second.sweep() == 1
    world.pass_time(60)
    assert world.attempts(delivery) == [0, 1800]


def test_a_crash_around_the_deactivation_deactivates_all_the_same(world, monkeypatch):
    hook = world.hook()
    world.response = failing
    delivery = world.event(hook)
    world.pass_time(500)
    world.clock.now += 100
    crash(world, monkeypatch, world.log, "save")
    world.pass_time(300)
    assert not world.current(hook).is_active
    assert world.bus.codes.count(90002) >= 1 or world.logged(delivery).status is Status.HELD
    assert world.logged(delivery).status in {Status.HELD, Status.EXHAUSTED}


def test_what_could_not_be_handed_on_is_due_for_the_next_sweep():
    world = World(schedule="1800,1800")
    world.response = failing
    delivery = world.event(world.hook())
    world.work()
    world.clock.now += 1750
    world.queue.fails = True
    with pytest.raises(QueueFailedError):
        world.sweeper.sweep()
    world.queue.fails = False
    world.clock.now += 40
    assert world.sweeper.sweep() == 1
    world.pass_time(30)
    assert world.attempts(delivery) == [0, 1800]


def test_a_repeat_of_an_attempt_beside_the_next_one_does_not_swallow_it(world):
    world.response = failing
    delivery = world.event(world.hook())
    (first,) = world.queue.bodies
    world.work()
    world.clock.now += 60
    world.queue.put(first)
    world.work()
    assert world.attempts(delivery) == [0, 60]


def test_a_process_in_which_an_invocation_was_broken_off_goes_on(world, monkeypatch):
    """Its sends are still on their way in the sender."""
    hook = world.hook()
    lost = world.event(hook)
    (body,) = world.queue.bodies
    crash(world, monkeypatch, world.deliverer.sender, "wait")
    delivery = world.event(hook)
    world.work()
    assert world.logged(delivery).status is Status.DELIVERED
    world.queue.put(body, received=1)
    world.work()
    assert world.logged(lost).status is Status.DELIVERED


def test_what_a_broken_off_invocation_had_begun_is_begun_again_beside_it(world, monkeypatch):
    """The sender then finishes both, and only what this invocation began is its own."""
    lost = world.event(world.hook())
    (body,) = world.queue.bodies
    crash(world, monkeypatch, world.deliverer.sender, "wait")
    world.queue.put(body, received=1)
    world.work()
    logged = world.logged(lost)
    assert (logged.status, len(logged.attempts)) == (Status.DELIVERED, 1)


def test_a_circuit_that_cannot_be_written_changes_nothing_else(world, monkeypatch):
    world.response = failing
    delivery = world.event(world.hook())
    with monkeypatch.context() as patched:
        patched.setattr(world.circuits, "count_failures", always(StoreBusyError()))
        world.work()
    world.pass_time(70)
    assert world.attempts(delivery) == [0, 60]


def test_an_event_bus_that_fails_keeps_no_delivery_from_its_retries(world, monkeypatch):
    world.response = failing
    delivery = world.event(world.hook())
    with monkeypatch.context() as patched:
        patched.setattr(world.bus, "put", always(StoreFailedError("x")))
        world.work()
    world.pass_time(70)
    assert world.attempts(delivery) == [0, 60]


def test_the_end_of_a_hook_is_notified_of_when_the_bus_is_back(world, monkeypatch):
    hook = world.hook(scope="store/order/created")
    world.response = failing
    world.event(hook)
    world.pass_time(400)
    with monkeypatch.context() as patched:
        patched.setattr(world.bus, "put", always(StoreFailedError("x")))
        world.pass_time(300)
    assert not world.current(hook).is_active
    world.pass_time(300)
    assert world.bus.codes.count(90002) == 1


def test_the_end_of_a_hook_is_notified_of_when_the_queue_is_back(world, monkeypatch):
    world.response = lambda _request: (410, None)
    world.event(world.hook())
    with monkeypatch.context() as patched:
        patched.setattr(world.events_queue, "send", always(QueueFailedError("x", frozenset({0}))))
        world.pass_time(60)
    assert world.bus.codes == [], "what its client does not know, operators are not told either"
    world.pass_time(300)
    assert world.bus.codes == world.events_queue.codes == [DEACTIVATED]


def test_a_failure_that_the_bus_did_not_take_is_notified_of_by_the_next_one_once_the_claim_expired(
    world, monkeypatch
):
    hook = world.hook()
    world.response = failing
    world.event(hook)
    with monkeypatch.context() as patched:
        patched.setattr(world.bus, "put", always(QueueFailedError("x", frozenset({0}))))
        world.work()
    world.clock.now += CLAIM_SECONDS - 1
    world.event(hook)
    world.work()
    assert world.bus.codes == [], "somebody may still be at it"
    world.clock.now += 1
    world.event(hook)
    world.work()
    assert world.bus.codes == [RETRYING]


def test_a_process_killed_after_it_claimed_to_notify_silences_no_other(world, monkeypatch):
    hook = world.hook()
    world.response = failing
    world.event(hook)
    crash(world, monkeypatch, world.bus, "put")
    world.start()
    world.clock.now += CLAIM_SECONDS
    world.event(hook)
    world.work()
    assert world.bus.codes == [RETRYING]


def test_a_process_killed_before_it_confirmed_makes_one_notification_more(world, monkeypatch):
    hook = world.hook()
    world.response = failing
    world.event(hook)
    crash(world, monkeypatch, world.claims, "confirm")
    assert world.bus.codes == [RETRYING]
    world.start()
    world.clock.now += CLAIM_SECONDS
    for _ in range(3):
        world.event(hook)
        world.work()
    assert world.bus.codes == [RETRYING, RETRYING]
