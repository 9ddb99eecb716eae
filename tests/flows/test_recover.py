"""Sending again what a hook missed, in a time of its own: all of it, once, whatever fails in between."""

import contextlib
import itertools
import json
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from storehooks.adapters.delivery_messages import to_message
from storehooks.domain.attempt import Attempt, Times
from storehooks.domain.delivery import Status
from storehooks.domain.errors import HookInactiveError, QueueFailedError, StoreBusyError
from storehooks.domain.recovery import MISSED, RECOVERABLE, RecoveryStatus
from storehooks.domain.task import DigestTask, RecoverTask
from tests.faults import Killed, faulty
from tests.message_heap import VISIBILITY_SECONDS
from tests.world import STORE, World


@pytest.fixture
def world():
    return World(schedule="60")


def failing(_request):
    return 500, None


def fine(_request):
    return 200, None


def order(world, hook, statuses=MISSED, since=None, until=None):
    now = world.clock.now
    return world.recovery_starter.start(
        world.current(hook), statuses, now - 24 * 3600 if since is None else since, until or now
    )


def current(world, recovery):
    return world.recoveries.get(STORE, recovery.hook_id, recovery.id)


def outage(world, hook, number: int):
    """So many deliveries of a time in which the destination failed; some exhausted, some held."""
    world.response = failing
    missed = [world.event(hook) for _ in range(number)]
    world.pass_time(300)
    missed += [world.event(hook) for _ in range(3)]
    world.pass_time(60)
    assert {world.logged(one).status for one in missed} == {Status.EXHAUSTED, Status.HELD}
    world.response = fine
    world.hooks.update(world.caller, hook.id, {"is_active": True})
    world.sent.clear()
    return missed


def log_ended(world, hook, status: Status):
    """A delivery that ended so, without the time that this takes."""
    delivery = world.event(hook)
    world.queue.waiting.clear()
    failed = Attempt(at=world.clock.now, status=500, error="answered 500", times=Times(total_ms=1.0))
    attempts = () if status is Status.HELD else (failed, failed)
    world.log.save(replace(delivery, status=status, attempts=attempts), over=None)
    return delivery


def sent_ids(world) -> list[str]:
    return [request.headers["webhook-id"] for _, request in world.sent]


def test_all_that_a_hook_missed_is_sent_once_the_oldest_first(world, small_steps):
    hook, other = world.hook(), world.hook("https://app.example.com/other", "store/product/*")
    world.response = fine
    delivered = world.event(hook)
    world.pass_time(1)
    missed = outage(world, hook, 20)
    of_another = outage(world, other, 2)
    recovery = order(world, hook)
    assert (recovery.count, recovery.is_count_exact, recovery.status) == (23, True, RecoveryStatus.RUNNING)
    world.pass_time(120)
    now = current(world, recovery)
    assert (now.status, now.recovered, now.reason) == (RecoveryStatus.FINISHED, 23, None)
    assert now.finished_at == now.updated_at > now.created_at
    assert sorted(sent_ids(world)) == sorted(one.id for one in missed)
    assert sent_ids(world)[:3] == [one.id for one in missed[:3]]
    assert {world.logged(one).status for one in missed} == {Status.DELIVERED}
    assert delivered.id not in sent_ids(world)
    assert not {one.id for one in of_another} & set(sent_ids(world))
    (task,) = world.queue.tasks
    assert isinstance(task, DigestTask), "two hooks of a client were deactivated"


@pytest.mark.parametrize(
    ("statuses", "wanted"),
    [
        ((Status.EXHAUSTED,), {Status.EXHAUSTED}),
        ((Status.HELD,), {Status.HELD}),
        ((Status.CANCELLED,), {Status.CANCELLED}),
        ((Status.DELIVERED,), {Status.DELIVERED}),
        (RECOVERABLE, set(RECOVERABLE)),
    ],
)
def test_what_is_sent_again_is_what_has_such_a_status(world, small_steps, statuses, wanted):
    hook = world.hook()
    delivered = [world.event(hook) for _ in range(4)]
    world.pass_time(1)
    missed = outage(world, hook, 4)
    world.hooks.update(world.caller, hook.id, {"is_active": False})
    cancelled = [world.event(hook) for _ in range(4)]
    world.pass_time(1)
    world.hooks.update(world.caller, hook.id, {"is_active": True})
    found = {one.id: world.logged(one).status for one in delivered + missed + cancelled}
    world.sent.clear()
    recovery = order(world, hook, statuses)
    world.pass_time(120)
    expected = sorted(delivery_id for delivery_id, status in found.items() if status in wanted)
    assert sorted(sent_ids(world)) == expected
    assert recovery.count == current(world, recovery).recovered == len(expected)


def test_only_what_was_accepted_in_the_time_is_sent(world):
    hook = world.hook()
    missed = outage(world, hook, 3)
    late = missed[-1].created_at
    order(world, hook, since=missed[1].created_at, until=missed[2].created_at)
    world.pass_time(60)
    # Their events came in one millisecond, and that is as finely as a time can be told.
    assert sorted(sent_ids(world)) == sorted(one.id for one in missed[:3])
    assert order(world, hook, since=late - 1, until=late).count == 3


def test_a_second_recovery_finds_only_what_is_left(world):
    hook = world.hook()
    missed = outage(world, hook, 5)
    order(world, hook)
    world.pass_time(60)
    again = order(world, hook)
    world.pass_time(60)
    assert (again.count, current(world, again).recovered) == (0, 0)
    assert current(world, again).status is RecoveryStatus.FINISHED
    assert len(world.sent) == len(missed)


@pytest.mark.parametrize("statuses", [MISSED, RECOVERABLE])
def test_two_recoveries_at_once_send_everything_once(world, small_steps, statuses):
    hook = world.hook()
    missed = outage(world, hook, 20)
    first, second = order(world, hook, statuses), order(world, hook, statuses)
    world.pass_time(120)
    assert sorted(sent_ids(world)) == sorted(one.id for one in missed)
    assert current(world, first).recovered + current(world, second).recovered == len(missed)


def test_no_more_than_some_are_pending_at_once(world, small_steps, monkeypatch):
    hook = world.hook()
    missed = outage(world, hook, 12)
    world.circuits.count_success(STORE, hook.id, 0)
    limit, begin_round = [0], world.log.begin_round

    def counting(delivery, now, **arguments):
        task = begin_round(delivery, now, **arguments)
        limit.append(world.selections.pending(STORE, hook.id, 1000))
        return task

    monkeypatch.setattr(world.log, "begin_round", counting)
    recovery = order(world, hook)
    # Attempts come late, and steps in time.
    monkeypatch.setattr(world.deliverer, "contexts", None)
    monkeypatch.setattr(
        "storehooks.flows.deliver._Invocation._begin_all",
        lambda invocation, attempts: [invocation._fail(work) for work, _ in attempts],
    )
    world.pass_time(80)
    assert max(limit) == 5
    assert current(world, recovery).status is RecoveryStatus.RUNNING
    monkeypatch.undo()
    world.pass_time(600)
    assert current(world, recovery).status is RecoveryStatus.FINISHED
    assert sorted(set(sent_ids(world))) == sorted(one.id for one in missed)


def test_while_the_hook_fails_only_probes_are_sent(world):
    hook = world.hook()
    missed = outage(world, hook, 40)
    world.response = failing
    for _ in range(6):
        world.event(hook)
    world.pass_time(4)
    world.sent.clear()
    recovery = order(world, hook)
    world.pass_time(20)
    assert 3 <= current(world, recovery).recovered <= 15
    world.response = fine
    world.pass_time(120)
    now = current(world, recovery)
    assert (now.status, now.recovered) == (RecoveryStatus.FINISHED, len(missed))
    assert {world.logged(one).status for one in missed} == {Status.DELIVERED}


def test_a_hook_that_failed_before_is_tried_at_once(world):
    """Its circuit is still tripped: a few probes close it, and the others follow."""
    hook = world.hook()
    missed = outage(world, hook, 40)
    recovery = order(world, hook)
    world.work()
    assert len(world.sent) == 3
    world.pass_time(10)
    assert len(world.sent) == current(world, recovery).recovered == len(missed)


@pytest.mark.parametrize(
    ("end", "reason"),
    [
        (lambda world, hook: world.hooks.delete(world.caller, hook.id), "the hook was deleted"),
        (
            lambda world, hook: world.hooks.update(world.caller, hook.id, {"is_active": False}),
            "the hook is inactive",
        ),
        (
            lambda world, hook: world.hooks.deactivate(world.current(hook), "it fails"),
            "failures deactivated the hook: it fails",
        ),
    ],
)
def test_it_stops_with_a_reason_when_the_hook_is_not_active(world, small_steps, end, reason):
    hook = world.hook()
    missed = outage(world, hook, 10)
    recovery = order(world, hook)
    world.work()
    end(world, hook)
    world.pass_time(600)
    now = current(world, recovery)
    assert (now.status, now.reason) == (RecoveryStatus.STOPPED, reason)
    assert now.finished_at is not None
    assert len(world.sent) == 3
    left = {world.logged(one).status for one in missed[3:]}
    assert left <= {Status.EXHAUSTED, Status.HELD, Status.CANCELLED}
    assert world.queue.tasks == []


def test_a_hook_that_fails_to_the_end_again_is_deactivated_and_nothing_is_lost(world, small_steps):
    hook = world.hook()
    missed = outage(world, hook, 10)
    world.response = failing
    recovery = order(world, hook)
    world.pass_time(1200)
    assert not world.current(hook).is_active
    assert current(world, recovery).status is not RecoveryStatus.RUNNING
    assert {world.logged(one).status for one in missed} <= {Status.EXHAUSTED, Status.HELD}
    world.response = fine
    world.hooks.update(world.caller, hook.id, {"is_active": True})
    order(world, hook)
    world.pass_time(120)
    assert {world.logged(one).status for one in missed} == {Status.DELIVERED}


def test_nothing_is_ordered_for_a_hook_that_is_not_active(world):
    hook = world.hook()
    world.hooks.deactivate(hook, "it fails")
    with pytest.raises(HookInactiveError):
        order(world, hook)
    assert world.queue.tasks == []


# ---------------------------------------------------------------- faults


def test_a_step_that_comes_twice_changes_nothing(world, small_steps):
    hook = world.hook()
    missed = outage(world, hook, 20)
    recovery = order(world, hook)
    for _ in range(12):
        for body in [body for body in world.queue.bodies if '"recover"' in body]:
            world.queue.put(body)
        world.pass_time(6)
    world.pass_time(120)
    assert sorted(sent_ids(world)) == sorted(one.id for one in missed)
    now = current(world, recovery)
    assert (now.status, now.recovered) == (RecoveryStatus.FINISHED, len(missed))
    assert world.queue.tasks == []


def test_a_step_that_was_done_orders_the_next_one_only_if_that_may_be_missing(world, small_steps):
    hook = world.hook()
    outage(world, hook, 20)
    recovery = order(world, hook)
    first = json.dumps(to_message(recovery.task))
    world.work()
    (ordered,) = [task for task in world.queue.tasks if isinstance(task, RecoverTask)]
    assert ordered.step == 2
    world.queue.waiting.clear()
    world.queue.put(first)
    world.work()
    assert world.queue.tasks == []
    world.queue.put(first, received=1)
    world.work()
    assert current(world, recovery).status is RecoveryStatus.FINISHED


def test_a_queue_that_takes_no_order_recovers_nothing(world):
    hook = world.hook()
    missed = outage(world, hook, 3)
    world.queue.fails = True
    with pytest.raises(QueueFailedError):
        order(world, hook)
    world.queue.fails = False
    world.pass_time(600)
    assert world.sent == []
    order(world, hook)
    world.pass_time(60)
    assert len(world.sent) == len(missed)


def test_what_could_not_be_begun_is_begun_by_the_next_step(world, monkeypatch):
    hook = world.hook()
    missed = outage(world, hook, 20)
    begin_round, failures = world.log.begin_round, iter([missed[5].id, missed[9].id])
    failing_now = [next(failures)]

    def sometimes(delivery, now, **arguments):
        if failing_now and delivery.id == failing_now[0]:
            failing_now[:] = [next(failures)] if failing_now[0] == missed[5].id else []
            raise StoreBusyError
        return begin_round(delivery, now, **arguments)

    monkeypatch.setattr(world.log, "begin_round", sometimes)
    recovery = order(world, hook)
    world.pass_time(60)
    assert sorted(sent_ids(world)) == sorted(one.id for one in missed)
    assert current(world, recovery).recovered == len(missed)


def test_a_store_that_fails_altogether_is_asked_again_later(world, monkeypatch):
    hook = world.hook()
    missed = outage(world, hook, 5)
    order(world, hook)

    def busy(*_arguments, **_named):
        raise StoreBusyError

    with monkeypatch.context() as patched:
        patched.setattr(world.log, "begin_round", busy)
        world.work()
    world.pass_time(VISIBILITY_SECONDS + 30)
    assert sorted(sent_ids(world)) == sorted(one.id for one in missed)


def test_a_recovery_that_is_gone_ends_in_silence(world):
    hook = world.hook()
    recovery = order(world, hook)
    world.queue.waiting.clear()
    world.queue.put(json.dumps(to_message(replace(recovery, id="rec_" + "0" * 32).task)))
    world.work()
    assert world.queue.tasks == []


POINTS = ("begin_round", "send", "save", "circuit", "pending", "next_of")


def crash_at(world, monkeypatch, point: str, after: int) -> None:
    """Work until nothing is left now, or until something was called so often; what was taken comes again."""
    target, name = {
        "begin_round": (world.log, "begin_round"),
        "send": (world.queue, "send"),
        "save": (world.recoveries, "save"),
        "circuit": (world.circuits, "get"),
        "pending": (world.selections, "pending"),
        "next_of": (world.selections, "next_of"),
    }[point]
    calls = itertools.count()

    def is_due(*_arguments, **_named):
        # Not while something is being sent: that would come again, which no recovery can help.
        return next(calls) >= after and not world.deliverer.sender.in_flight

    with monkeypatch.context() as patched, contextlib.suppress(Killed):
        patched.setattr(target, name, faulty(getattr(target, name), Killed, goes_wrong=is_due))
        world.work()


@settings(
    max_examples=10,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    deadline=None,
)
@given(
    crashes=st.lists(st.tuples(st.sampled_from(POINTS), st.integers(0, 6)), max_size=6),
    is_with_delivered=st.booleans(),
    are_two=st.booleans(),
)
def test_whatever_crashes_nothing_is_lost_and_nothing_is_sent_twice(
    small_steps, monkeypatch, crashes, is_with_delivered, are_two
):
    world = World(schedule="60")
    hook = world.hook()
    missed = [log_ended(world, hook, status) for _ in range(5) for status in (Status.EXHAUSTED, Status.HELD)]
    statuses = RECOVERABLE if is_with_delivered else MISSED
    recoveries = [order(world, hook, statuses) for _ in range(1 + are_two)]
    for point, after in crashes:
        crash_at(world, monkeypatch, point, after)
        world.clock.now += 30
    world.pass_time(1200)
    assert sorted(sent_ids(world)) == sorted(one.id for one in missed)
    assert {world.logged(one).status for one in missed} == {Status.DELIVERED}
    for recovery in recoveries:
        assert current(world, recovery).status is RecoveryStatus.FINISHED
    assert world.queue.tasks == []
    world.hooks.delete(world.caller, hook.id)
