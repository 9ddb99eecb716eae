"""A mistake of ours in one message's handling: that message fails alone and loudly, and nothing is lost."""

import pytest

from storehooks.domain.delivery import Delivery, Status
from storehooks.domain.task import HoldTask, RecordTask, TaskMessage
from storehooks.flows import deliver, unexpected
from tests import emf
from tests.faults import faulty
from tests.flow_fixtures import SECRET
from tests.message_heap import VISIBILITY_SECONDS
from tests.world import STORE, World


@pytest.fixture
def world():
    return World(schedule="60,2000")


def breaks_for(delivery: Delivery, act):
    """The same, but for a mistake that it meets with this delivery."""
    return faulty(
        act, lambda: KeyError(SECRET), goes_wrong=lambda *given, **named: delivery.id in repr((given, named))
    )


def statuses(world, deliveries) -> list[Status]:
    return [world.logged(one).status for one in deliveries]


def three(world) -> list[Delivery]:
    hook = world.hook()
    return [world.event(hook) for _ in range(3)]


@pytest.mark.parametrize("step", ["before_attempt", "callback"])
def test_one_that_cannot_be_begun_fails_alone_and_is_sent_once_that_is_mended(
    world, monkeypatch, step, errors
):
    first, broken, last = three(world)
    with monkeypatch.context() as patched:
        patched.setattr(deliver, step, breaks_for(broken, getattr(deliver, step)))
        world.work()
    assert [task.delivery_id for task in world.queue.tasks] == [broken.id]
    assert statuses(world, [first, last]) == [Status.DELIVERED] * 2
    (line,) = errors()
    assert (line["error"], line["delivery_id"]) == ("KeyError", broken.id)
    assert line["places"][-1].endswith(" broken")
    world.pass_time(VISIBILITY_SECONDS)
    assert world.logged(broken).status is Status.DELIVERED
    assert world.attempts(broken) == [0]


@pytest.mark.parametrize(("status", "write"), [(200, "save_delivered"), (500, "save")])
def test_of_attempts_that_are_logged_together_one_that_cannot_be_fails_alone(
    world, monkeypatch, status, write, errors
):
    world.response = lambda _request: (status, None)
    first, broken, last = three(world)
    with monkeypatch.context() as patched:
        patched.setattr(world.log, write, breaks_for(broken, getattr(world.log, write)))
        world.work()
    expected = Status.DELIVERED if status == 200 else Status.RETRYING
    assert statuses(world, [first, last]) == [expected] * 2
    assert [(line["error"], line["delivery_id"]) for line in errors()] == [("KeyError", broken.id)]
    world.response = lambda _request: (200, None)
    world.pass_time(VISIBILITY_SECONDS)
    waits = [0] if status == 200 else [0, 60]
    assert [world.attempts(one) for one in (first, last)] == [waits] * 2, "none is made twice"
    assert world.attempts(broken) == [0, VISIBILITY_SECONDS]
    assert world.logged(broken).status is Status.DELIVERED


def test_each_attempt_is_counted_once_though_the_log_is_written_anew_for_each(world, monkeypatch, capsys):
    _, broken, _ = three(world)
    capsys.readouterr()
    with world.meter.invocation(), monkeypatch.context() as patched:
        patched.setattr(world.log, "save_delivered", breaks_for(broken, world.log.save_delivered))
        world.work()
    found = emf.metrics(capsys.readouterr().out, "storehooks")
    assert (found["Attempts"], found["UnexpectedErrors"]) == ([3], [1])


def test_one_that_cannot_be_deferred_fails_alone(world, monkeypatch, errors):
    hook = world.hook()
    world.circuits.count_failures(STORE, hook.id, 6)
    assert world.circuits.claim_probe(STORE, hook.id)
    deliveries = [world.event(hook) for _ in range(3)]
    broken = deliveries[1]
    with monkeypatch.context() as patched:
        patched.setattr(world.queue, "send", breaks_for(broken, world.queue.send))
        world.work()
    deferred = [task.delivery_id for task in world.queue.tasks if task.ignores_circuit]
    assert sorted(deferred) == sorted(one.id for one in deliveries if one is not broken)
    assert [line["delivery_id"] for line in errors()] == [broken.id]
    world.pass_time(VISIBILITY_SECONDS + 60)
    assert statuses(world, deliveries) == [Status.DELIVERED] * 3


def test_a_record_and_a_hold_that_meet_one_fail_alone(world, monkeypatch, errors):
    hook = world.hook()
    world.hooks.deactivate(hook, "it fails")
    other = world.event(world.hook("https://app.example.com/other"))
    with monkeypatch.context() as patched:
        patched.setattr(world.queue, "clock", world.clock)
        hold = HoldTask(store_hash=STORE, hook_id=hook.id, client_id=hook.client_id, store_id=None)
        recorded = RecordTask(delivery=world.event(hook))
        world.queue.waiting.pop()
        world.queue.send([TaskMessage(recorded), TaskMessage(hold)])
        broken = breaks_for(recorded.delivery, world.log.save_delivered)
        patched.setattr(world.log, "save_delivered", broken)
        patched.setattr(world.log, "waiting", lambda *_: {}[SECRET])
        world.work()
    assert statuses(world, [other]) == [Status.DELIVERED]
    assert sorted(type(task).__name__ for task in world.queue.tasks) == ["HoldTask", "RecordTask"]
    assert [line["hook_id"] for line in errors()] == [hook.id] * 2


def test_when_sending_breaks_off_what_was_sent_is_logged_and_not_sent_again(world, monkeypatch):
    deliveries = three(world)
    sender = world.deliverer.sender
    wait = sender.wait

    def one_and_no_more(seconds):
        if world.sent:
            raise KeyError(SECRET)
        sender._started, left = sender._started[:1], sender._started[1:]
        finished = wait(seconds)
        sender._started = left
        return finished

    with monkeypatch.context() as patched:
        patched.setattr(sender, "wait", one_and_no_more)
        with pytest.raises(KeyError):
            world.work()
    sender._started.clear()
    assert statuses(world, deliveries[:1]) == [Status.DELIVERED]
    world.pass_time(VISIBILITY_SECONDS)
    assert statuses(world, deliveries) == [Status.DELIVERED] * 3
    assert [world.attempts(one) for one in deliveries] == [[0]] * 3


def test_what_cannot_be_received_is_left_and_the_attempts_go_on(monkeypatch, errors):
    world = World(patience_seconds=0)
    one = world.event(world.hook())
    sender, received = world.deliverer.sender, []
    wait = sender.wait

    def receive(*, wait_seconds):
        received.append(wait_seconds)
        raise KeyError(SECRET)

    with monkeypatch.context() as patched:
        patched.setattr(world.queue, "receive", receive)
        patched.setattr(sender, "wait", lambda seconds: wait(seconds) if received else [])
        world.work()
    assert statuses(world, [one]) == [Status.DELIVERED]
    assert len(received) == 1
    assert [line["error"] for line in errors()] == ["KeyError"]


def test_a_process_that_ends_is_not_held_up():
    with pytest.raises(KeyboardInterrupt), unexpected.alone(pytest.fail):
        raise KeyboardInterrupt


def test_where_each_fails_alone_each_is_said():
    failed = []

    def fail(_things):
        raise ValueError

    unexpected.each_alone(fail, [1, 2, 3], lambda one, _: failed.append(one))
    assert failed == [1, 2, 3]
