"""The recoveries of hooks."""

import pytest

from storehooks.domain.delivery import Status
from storehooks.domain.errors import RecoveryNotFoundError
from storehooks.domain.recovery import new_recovery, new_recovery_id, new_resumption
from tests.contract import examples
from tests.contract.examples import NOW
from tests.world import STORE

RETENTION_SECONDS = 30 * 24 * 60 * 60


@pytest.fixture
def recovery(parts):
    """One that was created."""
    created = new_recovery(
        examples.hook(),
        new_recovery_id(),
        since=NOW - 100.5,
        until=NOW,
        statuses=(Status.HELD, Status.DELIVERED),
        count=7,
        is_count_exact=False,
        now=NOW,
    )
    parts.recoveries.create(created)
    return created


def found(parts, recovery):
    return parts.recoveries.get(STORE, recovery.hook_id, recovery.id)


def test_a_recovery_is_read_as_it_was_created(parts, recovery):
    assert found(parts, recovery) == recovery


def test_what_was_not_created_or_is_another_hooks_is_not_found(parts, recovery):
    for hook_id, recovery_id in ((2, recovery.id), (1, "rec_" + "0" * 32)):
        with pytest.raises(RecoveryNotFoundError):
            parts.recoveries.get(STORE, hook_id, recovery_id)


def test_it_is_kept_from_its_last_change_on_for_as_long_as_the_log(parts, recovery, clock):
    clock.now += RETENTION_SECONDS - 1
    after = recovery.after_step(clock.now, recovered=1, position="msg_1")
    assert parts.recoveries.save(after, over=recovery) is True
    clock.now += RETENTION_SECONDS - 1
    assert found(parts, recovery) == after
    clock.now += 1
    with pytest.raises(RecoveryNotFoundError):
        found(parts, recovery)


def test_of_two_that_did_a_step_one_is_kept(parts, recovery):
    one = recovery.after_step(NOW + 1, recovered=3, position="msg_3")
    other = recovery.after_step(NOW + 2, recovered=0, position="")
    assert parts.recoveries.save(one, over=recovery) is True
    assert parts.recoveries.save(other, over=recovery) is False
    assert parts.recoveries.save(one, over=recovery) is True, "whoever repeats it is not another"
    assert found(parts, recovery) == one


@pytest.mark.parametrize("end", ["finished", "stopped"])
def test_its_end_is_kept_with_the_reason(parts, recovery, end):
    after = recovery.finished(NOW + 9) if end == "finished" else recovery.stopped(NOW + 9, "it was deleted")
    assert parts.recoveries.save(after, over=recovery) is True
    assert found(parts, recovery) == after


def test_a_resumption_is_kept_while_it_waits_runs_and_goes_through_again(parts):
    waiting = new_resumption(examples.hook(), new_recovery_id(), held_since=NOW - 60, now=NOW)
    parts.recoveries.create(waiting)
    assert found(parts, waiting) == waiting
    started = waiting.started(NOW + 1, count=3, is_count_exact=True)
    again = started.after_step(NOW + 2, recovered=3, position="msg_3").in_another_pass(NOW + 2, NOW + 95)
    for before, after in ((waiting, started), (started, again), (again, again.finished(NOW + 96))):
        assert parts.recoveries.save(after, over=before) is True
        assert found(parts, waiting) == after


def test_only_what_was_held_at_a_time_or_later_is_selected_whenever_its_event_was_accepted(parts, clock):
    clock.now = NOW
    before, since = (examples.retrying(number) for number in range(2))
    for one in (before, since):
        parts.log.save(one, over=None)
    parts.log.end_waiting(before, Status.HELD)
    clock.now += 100
    parts.log.end_waiting(since, Status.HELD)
    later = examples.delivery(5, accepted_at=NOW + 100, status=Status.HELD)
    parts.log.save(later, over=None)
    resumption = new_resumption(examples.hook(), new_recovery_id(), held_since=NOW + 100, now=NOW + 200)
    assert [one.id for one in parts.selections.next_of(resumption, 10)[0]] == [since.id, later.id]
    between = (0, NOW + 200)
    for held_since, number in ((None, 3), (NOW, 3), (NOW + 100, 2)):
        counted = parts.selections.count(
            STORE, 1, (Status.HELD,), between, held_since=held_since, within_seconds=5
        )
        assert counted == (number, True)
