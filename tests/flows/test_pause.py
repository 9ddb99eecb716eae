"""Pauses: what comes for a paused hook is held, and sent when it resumes, whatever happens meanwhile."""

import pytest

from storehooks.domain.delivery import Status
from storehooks.domain.errors import (
    HookPausedError,
    QueueFailedError,
    RecoveryNotFoundError,
    StoreBusyError,
)
from storehooks.domain.lease import MAX_RECOVERIES
from storehooks.domain.recovery import MISSED, SETTLED_SECONDS, RecoveryStatus
from storehooks.domain.task import HoldTask, RecoverTask
from storehooks.flows.expiry import AHEAD_SECONDS
from tests.faults import Killed
from tests.world import STORE, World

DAY_SECONDS = 24 * 60 * 60
RETENTION_SECONDS = 30 * DAY_SECONDS
SOON = SETTLED_SECONDS + 30
OTHER = "https://other.example.com/"


@pytest.fixture
def world():
    return World()


@pytest.fixture
def hook(world):
    return world.hook()


def change(world, hook, **changes):
    """The id of the recovery that a change of a hook starts, None if it starts none."""
    return world.parts.pauses.update(world.caller, hook.id, changes)[1]


def pause(world, hook):
    assert change(world, hook, is_paused=True) is None
    world.work()


def resume(world, hook):
    """The recovery that it starts."""
    return recovery(world, hook, change(world, hook, is_paused=False))


def recovery(world, hook, recovery_id):
    return world.recoveries.get(STORE, hook.id, recovery_id)


def statuses(world, *deliveries):
    return [world.statuses[delivery.id] for delivery in deliveries]


def sent(world):
    """The ids of the deliveries in the order of their attempts."""
    return [request.headers["webhook-id"] for _, request in world.sent]


# ---------------------------------------------------------------- holding


def test_what_comes_for_a_paused_hook_is_held_and_not_sent(world, hook):
    pause(world, hook)
    delivery = world.event(hook)
    world.pass_time(DAY_SECONDS)
    assert statuses(world, delivery) == [Status.HELD]
    assert world.sent == []


def test_what_waits_when_a_hook_is_paused_is_held_as_well_and_nothing_is_cancelled(world, hook):
    world.response = lambda _request: (500, None)
    waiting = [world.event(hook) for _ in range(3)]
    world.work()
    assert statuses(world, *waiting) == [Status.RETRYING] * 3
    pause(world, hook)
    assert statuses(world, *waiting) == [Status.HELD] * 3
    before = len(world.sent)
    world.pass_time(DAY_SECONDS)
    assert len(world.sent) == before
    assert world.hooks.find(STORE, hook.id).is_active


def test_another_hook_goes_on_meanwhile(world, hook):
    other = world.hook(OTHER)
    pause(world, hook)
    delivery = world.event(other)
    world.work()
    assert statuses(world, delivery) == [Status.DELIVERED]


@pytest.mark.parametrize(
    ("status", "becomes"),
    [(200, Status.DELIVERED), (500, Status.HELD), (410, Status.HELD)],
)
def test_an_attempt_under_way_ends_as_it_does_and_deactivates_nothing(world, hook, status, becomes):
    def paused_meanwhile(_request):
        change(world, hook, is_paused=True)
        return status, None

    world.response = paused_meanwhile
    delivery = world.event(hook)
    world.work()
    world.pass_time(DAY_SECONDS)
    assert statuses(world, delivery) == [becomes]
    assert len(world.sent) == 1
    now = world.current(hook)
    assert (now.is_active, now.is_paused) == (True, True)
    assert world.bus.codes in ([], [90001])


def test_the_last_attempt_of_the_schedule_deactivates_no_hook_that_was_paused_meanwhile(hook, world):
    world.response = lambda _request: (500, None)
    delivery = world.event(hook)
    world.work()
    world.pass_time(60 + 180)

    def paused_meanwhile(_request):
        change(world, hook, is_paused=True)
        return 500, None

    world.response = paused_meanwhile
    world.pass_time(DAY_SECONDS)
    assert statuses(world, delivery) == [Status.EXHAUSTED]
    assert world.current(hook).is_active


def test_nobody_sends_to_a_paused_hook_but_by_a_test_event(world, hook):
    delivery = world.event(hook)
    world.work()
    pause(world, hook)
    paused = world.current(hook)
    with pytest.raises(HookPausedError):
        world.parts.redeliverer.redeliver(paused, delivery.id)
    with pytest.raises(HookPausedError):
        world.recovery_starter.start(paused, MISSED, 0, world.clock.now)


def test_a_recovery_stops_when_its_hook_is_paused(world, hook, small_steps):
    world.hooks.deactivate(hook, "it fails")
    held = [world.event(hook) for _ in range(9)]
    world.work()
    world.hooks.update(world.caller, hook.id, {"is_active": True})
    started = world.recovery_starter.start(world.current(hook), MISSED, 0, world.clock.now)
    change(world, hook, is_paused=True)
    world.work()
    stopped = recovery(world, hook, started.id)
    assert (stopped.status, stopped.reason) == (RecoveryStatus.STOPPED, "the hook is paused")
    assert statuses(world, *held) == [Status.HELD] * 9


def test_a_hook_that_failures_deactivated_and_that_is_paused_is_held_until_both_are_over(world, hook):
    world.hooks.deactivate(hook, "it fails")
    pause(world, hook)
    before = world.event(hook)
    world.work()
    assert change(world, hook, is_active=True, is_paused=True) is None
    after = world.event(hook)
    world.work()
    assert statuses(world, before, after) == [Status.HELD] * 2
    resume(world, hook)
    world.pass_time(SOON)
    assert statuses(world, before, after) == [Status.DELIVERED] * 2


def test_a_deactivated_hook_that_resumes_starts_no_recovery(world, hook):
    pause(world, hook)
    world.hooks.deactivate(world.current(hook), "it fails")
    assert change(world, hook, is_paused=False) is None
    world.pass_time(60)
    assert not world.current(hook).is_paused
    assert not any(isinstance(task, RecoverTask) for task in world.queue.tasks)


# ---------------------------------------------------------------- resuming


def test_what_was_held_is_sent_oldest_first_by_the_recovery_that_is_named(world, hook, small_steps):
    world.response = lambda _request: (500, None)
    waited = world.event(hook)
    world.work()
    world.response = lambda _request: (200, None)
    pause(world, hook)
    held = []
    for _ in range(8):
        held.append(world.event(hook))
        world.clock.now += 60
        world.work()
    world.sent.clear()
    started = resume(world, hook)
    assert (started.status, started.statuses) == (RecoveryStatus.WAITING, (Status.HELD,))
    world.work()
    assert recovery(world, hook, started.id).status is RecoveryStatus.RUNNING
    world.pass_time(SOON)
    assert sent(world) == [one.id for one in (waited, *held)]
    ended = recovery(world, hook, started.id)
    assert (ended.status, ended.count, ended.is_count_exact) == (RecoveryStatus.FINISHED, 9, True)
    assert ended.recovered == 9
    assert set(statuses(world, waited, *held)) == {Status.DELIVERED}


def test_what_was_held_before_the_pause_is_not_sent(world, hook):
    world.hooks.deactivate(hook, "it fails")
    before = world.event(hook)
    world.work()
    world.hooks.update(world.caller, hook.id, {"is_active": True})
    world.pass_time(600)
    pause(world, hook)
    since = world.event(hook)
    world.work()
    resume(world, hook)
    world.pass_time(SOON)
    assert statuses(world, before, since) == [Status.HELD, Status.DELIVERED]


def test_what_an_invocation_holds_that_read_the_hook_before_it_resumed_is_sent_too(world, hook):
    pause(world, hook)
    early, late = world.event(hook), world.event(hook)
    taken = world.queue.take()
    context = world.parts.contexts.read([world.task(message.body) for message in taken])
    assert context.hooks[STORE, hook.id].is_paused
    started = resume(world, hook)
    world.pass_time(SETTLED_SECONDS / 2)
    assert recovery(world, hook, started.id).status is RecoveryStatus.RUNNING
    for one in (early, late):
        world.log.save(one.ended(Status.HELD), over=None)
    world.pass_time(SETTLED_SECONDS)
    assert statuses(world, early, late) == [Status.DELIVERED] * 2
    assert recovery(world, hook, started.id).status is RecoveryStatus.FINISHED


def test_a_hook_that_is_paused_again_before_all_was_sent_sends_it_when_it_resumes_again(
    world, hook, small_steps
):
    pause(world, hook)
    held = [world.event(hook) for _ in range(12)]
    world.work()
    world.pass_time(600)
    started = resume(world, hook)

    def paused_meanwhile(_request):
        change(world, hook, is_paused=True)
        return 200, None

    world.response = paused_meanwhile
    world.pass_time(3600)
    assert recovery(world, hook, started.id).status is RecoveryStatus.STOPPED
    assert statuses(world, *held).count(Status.HELD) > 0
    world.response = lambda _request: (200, None)
    resume(world, hook)
    world.pass_time(SOON)
    assert statuses(world, *held) == [Status.DELIVERED] * 12
    assert len(world.sent) == len(set(sent(world)))


@pytest.mark.parametrize("ends_early", [True, False])
def test_where_two_recoveries_run_it_resumes_and_its_recovery_starts_when_one_ends(world, hook, ends_early):
    others = [world.hook(f"{OTHER}{number}") for number in range(MAX_RECOVERIES)]
    for other in others:
        world.recovery_starter.start(other, MISSED, 0, world.clock.now)
    kept, world.queue.waiting[:] = list(world.queue.waiting), []  # their steps do not come yet
    pause(world, hook)
    held = world.event(hook)
    world.work()
    started = resume(world, hook)
    assert not world.current(hook).is_paused
    fresh = world.event(hook)
    world.pass_time(3000)
    assert recovery(world, hook, started.id).status is RecoveryStatus.WAITING
    assert statuses(world, held, fresh) == [Status.HELD, Status.DELIVERED]
    if ends_early:
        world.queue.put(kept[0].body, 0)
        world.pass_time(61)
    else:
        world.pass_time(2 * 60 * 60)
    world.pass_time(SOON)
    assert statuses(world, held) == [Status.DELIVERED]
    assert recovery(world, hook, started.id).status is RecoveryStatus.FINISHED


def test_resumptions_count_as_recoveries_of_the_client(world):
    hooks = [world.hook(f"{OTHER}{number}") for number in range(MAX_RECOVERIES + 1)]
    for hook in hooks:
        pause(world, hook)
        world.event(hook)
        world.work()
    started = [resume(world, hook) for hook in hooks]
    world.work()
    seen = [recovery(world, hook, one.id).status for hook, one in zip(hooks, started, strict=True)]
    assert sorted(seen) == [RecoveryStatus.RUNNING] * MAX_RECOVERIES + [RecoveryStatus.WAITING]
    world.pass_time(3 * SOON)
    assert set(world.statuses.values()) == {Status.DELIVERED}


def test_a_hook_that_resumes_again_and_again_has_one_recovery_under_way(world, hook):
    held = []
    for _ in range(5):
        change(world, hook, is_paused=True)
        held.append(world.event(hook))
        started = resume(world, hook)
    world.work()
    known = [one for one, _ in world.account.memory.recoveries.values()]
    assert [one.id for one in known if not one.has_ended] == [started.id]
    world.pass_time(SOON)
    assert statuses(world, *held) == [Status.DELIVERED] * 5


def test_a_waiting_recovery_stops_when_its_hook_is_paused_again(world, hook):
    pause(world, hook)
    started = resume(world, hook)
    change(world, hook, is_paused=True)
    world.work()
    stopped = recovery(world, hook, started.id)
    assert (stopped.status, stopped.reason) == (RecoveryStatus.STOPPED, "the hook is paused")


def test_switching_a_paused_hook_off_cancels_what_waits_and_leaves_what_is_held_unsent(world, hook):
    pause(world, hook)
    held = world.event(hook)
    world.work()
    world.pass_time(600)
    world.hooks.update(world.caller, hook.id, {"is_active": False})
    late = world.event(hook)
    world.work()
    assert statuses(world, held, late) == [Status.HELD, Status.CANCELLED]
    world.pass_time(600)
    world.hooks.update(world.caller, hook.id, {"is_active": True})
    after = world.event(hook)
    world.work()
    resume(world, hook)
    world.pass_time(SOON)
    assert statuses(world, held, late, after) == [Status.HELD, Status.CANCELLED, Status.DELIVERED]


def test_an_update_that_leaves_the_flag_as_it_is_sends_no_task(world, hook):
    assert change(world, hook, is_paused=False) is None
    pause(world, hook)
    world.pass_time(60)
    before = world.current(hook).paused_at
    assert change(world, hook, is_paused=True) is None
    assert world.queue.tasks == []
    assert world.current(hook).paused_at == before


# ---------------------------------------------------------------- when the work stops in between


def stop_at(world, monkeypatch, call, *, has_effect):
    """Have the process end at the n-th call that writes or sends of a change of the flag."""
    calls = iter(range(9))

    def counted(method):
        def stopping(*arguments, **named):
            is_last = next(calls) == call
            if is_last and not has_effect:
                raise Killed
            result = method(*arguments, **named)
            if is_last:
                raise Killed
            return result

        return stopping

    monkeypatch.setattr(world.hooks, "change", counted(world.hooks.change))
    monkeypatch.setattr(world.recoveries, "create", counted(world.recoveries.create))
    monkeypatch.setattr(world.queue, "send", counted(world.queue.send))


@pytest.mark.parametrize("has_effect", [False, True])
@pytest.mark.parametrize("call", range(3))
def test_wherever_pausing_stops_all_that_waits_is_held_once_the_flag_is_written(
    world, hook, monkeypatch, call, has_effect
):
    world.response = lambda _request: (500, None)
    delivery = world.event(hook)
    world.work()
    with monkeypatch.context() as patched:
        stop_at(world, patched, call, has_effect=has_effect)
        with pytest.raises(Killed):
            change(world, hook, is_paused=True)
    world.start()
    world.pass_time(31)
    is_paused = world.current(hook).is_paused
    assert is_paused == ((call, has_effect) >= (1, True))
    assert statuses(world, delivery) == [Status.HELD if is_paused else Status.RETRYING]


@pytest.mark.parametrize("has_effect", [False, True])
@pytest.mark.parametrize("call", range(4))
def test_wherever_resuming_stops_all_that_was_held_is_sent_once_the_flag_is_written(
    world, hook, monkeypatch, call, has_effect
):
    pause(world, hook)
    delivery = world.event(hook)
    world.work()
    with monkeypatch.context() as patched:
        stop_at(world, patched, call, has_effect=has_effect)
        with pytest.raises(Killed):
            change(world, hook, is_paused=False)
    world.start()
    world.pass_time(SOON)
    is_paused = world.current(hook).is_paused
    assert is_paused == ((call, has_effect) < (2, True))
    assert statuses(world, delivery) == [Status.HELD if is_paused else Status.DELIVERED]
    if is_paused:
        resume(world, hook)
        world.pass_time(SOON)
        assert statuses(world, delivery) == [Status.DELIVERED]


def test_a_hook_that_is_paused_while_somebody_resumes_it_is_read_again(world, hook, monkeypatch):
    read = world.hooks.get

    def paused_after_it_was_read(caller, hook_id):
        found = read(caller, hook_id)
        monkeypatch.setattr(world.hooks, "get", read)
        pause(world, hook)
        return found

    monkeypatch.setattr(world.hooks, "get", paused_after_it_was_read)
    assert change(world, hook, is_paused=False) is not None, "what was held meanwhile is sent"
    assert not world.current(hook).is_paused


def test_who_meets_another_change_each_time_is_refused_in_the_end(world, hook, monkeypatch):
    monkeypatch.setattr(world.hooks, "change", lambda _hook, _changes: None)
    with pytest.raises(StoreBusyError):
        change(world, hook, is_paused=True)


def test_without_its_queue_nothing_changes(world, hook):
    world.queue.fails = True
    with pytest.raises(QueueFailedError):
        change(world, hook, is_paused=True)
    assert not world.current(hook).is_paused


def test_a_resumption_whose_recovery_is_not_kept_any_more_is_over(world, hook):
    pause(world, hook)
    started = resume(world, hook)
    world.pass_time(2 * RETENTION_SECONDS)
    with pytest.raises(RecoveryNotFoundError):
        recovery(world, hook, started.id)
    pause(world, hook)
    delivery = world.event(hook)
    world.work()
    resume(world, hook)
    world.pass_time(SOON)
    assert statuses(world, delivery) == [Status.DELIVERED]


# ---------------------------------------------------------------- before what is held is deleted


def hold(world, hook, how):
    if how == "paused":
        pause(world, hook)
    else:
        world.hooks.deactivate(hook, "it fails")


def in_words(world):
    return [event["data"]["message"] for event in world.bus.events if event["data"]["error_code"] == 90101]


@pytest.mark.parametrize("how", ["paused", "deactivated"])
def test_a_day_before_the_first_of_what_is_held_is_deleted_operators_are_warned_once(
    world, hook, how, counted
):
    hold(world, hook, how)
    world.pass_time(5 * DAY_SECONDS)
    world.event(hook)
    world.pass_time(RETENTION_SECONDS - AHEAD_SECONDS - 60)
    assert in_words(world) == []
    numbers = counted(world.meter, lambda: world.pass_time(60 * 60))
    (words,) = in_words(world)
    assert "is deleted from 2026-12-28 10:00 UTC on" in words
    assert ("paused" in words) == (how == "paused")
    assert numbers["HeldExpiring"] == 1
    world.event(hook)
    world.pass_time(20 * DAY_SECONDS)
    assert len(in_words(world)) == 1
    assert 90101 not in world.events_queue.codes, "it is for operators"


def test_nobody_is_warned_of_a_hook_that_has_resumed_or_holds_nothing(world, hook):
    idle = world.hook(OTHER)
    for one in (hook, idle):
        pause(world, one)
    world.event(hook)
    world.pass_time(10 * DAY_SECONDS)
    resume(world, hook)
    world.pass_time(2 * RETENTION_SECONDS)
    assert in_words(world) == []


def test_the_next_pause_has_a_warning_of_its_own(world, hook):
    for number in (1, 2):
        pause(world, hook)
        world.event(hook)
        world.pass_time(RETENTION_SECONDS)
        assert len(in_words(world)) == number
        resume(world, hook)
        world.pass_time(SOON)


def test_a_hook_that_was_created_paused_is_warned_of_too(world):
    hook = world.hook(is_paused=True)
    world.event(hook)
    world.pass_time(RETENTION_SECONDS)
    assert len(in_words(world)) == 1


def test_people_are_not_notified_again_of_a_deactivation_when_its_hold_is_looked_at(world, hook):
    world.hooks.deactivate(hook, "it fails")
    task = HoldTask(store_hash=STORE, hook_id=hook.id, client_id=hook.client_id, store_id="7")
    world.deliverer.holds.hold(task)
    world.event(hook)
    world.pass_time(RETENTION_SECONDS)
    assert world.bus.codes == [90002, 90101]
    assert len(world.bus.notices) == 1
