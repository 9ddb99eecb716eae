"""The delivery log, and what recoveries select of it."""

from dataclasses import replace

import pytest

from storehooks.domain.delivery import Status
from storehooks.domain.errors import DeliveryNotFoundError
from storehooks.domain.rate import Reservation
from storehooks.domain.recovery import new_recovery, new_recovery_id
from storehooks.domain.task import attempt_task
from tests.contract import examples
from tests.contract.examples import NOW, attempt, delivered, delivery, ended, retrying
from tests.world import STORE

PLACE = Reservation(int(NOW) + 400, 3)
RETENTION_SECONDS = 30 * 24 * 60 * 60


@pytest.fixture
def log(parts):
    return parts.log


def found(log, one):
    return log.get(STORE, one.hook_id, one.id)


def test_what_was_saved_is_read_as_it_was(log):
    one = ended(
        attempts=(attempt(error="answered 500", response="a"), attempt(NOW + 1, error="x", response="a")),
        forgotten=3,
        earlier=4,
        round_at=NOW,
    )
    assert log.save(one, over=None) is True
    assert found(log, one) == one
    assert found(log, one).attempt_count == 5


def test_times_are_kept_to_the_thousandth(log):
    one = retrying(next_attempt_at=NOW + 0.12349)
    log.save(one, over=None)
    assert found(log, one).next_attempt_at == NOW + 0.123


def test_what_is_not_logged_or_another_hooks_is_not_found(log):
    log.save(ended(), over=None)
    for hook_id, delivery_id in ((1, delivery(1).id), (2, delivery(0).id), (1, "circuit")):
        with pytest.raises(DeliveryNotFoundError):
            log.get(STORE, hook_id, delivery_id)


def test_what_is_over_its_time_is_not_found(log, clock):
    log.save(ended(), over=None)
    clock.now += RETENTION_SECONDS - 1
    assert found(log, ended()) == ended()
    clock.now += 1
    with pytest.raises(DeliveryNotFoundError):
        found(log, ended())
    assert log.page(STORE, 1, status=None, limit=1, before=None).deliveries == ()


def test_what_waits_for_longer_than_the_log_is_kept_is_kept_as_long_after_it(log, clock):
    one = retrying(next_attempt_at=NOW + 2 * RETENTION_SECONDS)
    log.save(one, over=None)
    clock.now += 3 * RETENTION_SECONDS - 1
    assert found(log, one) == one


# ---------------------------------------------------------------- saving over what was read


def test_a_delivery_is_saved_over_what_was_read_of_it_alone(log):
    first = retrying()
    second = replace(first, attempts=(*first.attempts, attempt(NOW + 60, error="no")))
    assert log.save(second, over=first) is False, "the log did not know it"
    assert log.save(first, over=None) is True
    other = replace(first, attempts=(attempt(NOW + 1, error="another"),))
    assert log.save(other, over=None) is False, "the log knows it"
    assert log.save(second, over=first) is True
    assert log.save(replace(second, status=Status.EXHAUSTED, attempts=first.attempts), over=first) is False
    assert found(log, first) == second


def test_another_status_is_another_delivery_than_was_read(log):
    log.save(retrying(), over=None)
    log.end_waiting(retrying(), Status.HELD)
    assert log.save(replace(retrying(), attempts=(attempt(),) * 2), over=retrying()) is False


def test_what_was_saved_already_counts_as_saved(log):
    """Whoever repeats a write whose response was lost is not taken for another."""
    first = retrying()
    assert [log.save(first, over=None) for _ in range(2)] == [True, True]
    second = replace(first, attempts=(*first.attempts, attempt(NOW + 60, error="no")))
    assert [log.save(second, over=first) for _ in range(2)] == [True, True]


def test_what_was_delivered_is_logged_whatever_the_log_says(log):
    known = [ended(number) for number in range(30)]
    for one in known[:2]:
        log.save(one, over=None)
    taken = [delivered(number) for number in range(30)]
    log.save_delivered(taken)
    assert [found(log, one) for one in known] == taken


# ---------------------------------------------------------------- what waits


def test_what_waits_is_found_and_what_ended_is_not(log):
    waiting = [
        retrying(1),
        retrying(2),
        delivery(3, status=Status.PENDING, round_at=NOW, next_attempt_at=NOW),
    ]
    for one in [*waiting, delivered(4), ended(5), retrying(6, hook_id=2)]:
        log.save(one, over=None)
    summaries, is_more = log.waiting(STORE, 1, 10)
    assert sorted(one.id for one in summaries) == sorted(one.id for one in waiting)
    assert is_more is False
    assert not any(hasattr(one, "payload") for one in summaries)
    assert {tried.response for one in summaries for tried in one.attempts} == {""}


def test_of_much_that_waits_some_is_found_and_that_there_is_more(log):
    for number in range(5):
        log.save(retrying(number), over=None)
    summaries, is_more = log.waiting(STORE, 1, 3)
    assert (len(summaries), is_more) == (3, True)


def test_what_waits_ends_once(log, account):
    log.save(retrying(), over=None)
    (waits,), _ = log.waiting(STORE, 1, 1)
    assert log.end_waiting(waits, Status.HELD) is True
    assert log.end_waiting(waits, Status.CANCELLED) is False
    now = found(log, retrying())
    assert (now.status, now.next_attempt_at) == (Status.HELD, None)
    assert account.due_times() == {}
    assert log.end_waiting(retrying(7), Status.HELD) is False


def test_a_hook_is_reached_by_what_was_delivered_since(log):
    log.save_delivered([delivered(1, at=NOW + 5), delivered(2, at=NOW + 9, hook_id=2)])
    log.save(ended(3), over=None)
    assert [log.has_reached(STORE, 1, NOW + since) for since in (4, 5, 6)] == [True, True, False]


# ---------------------------------------------------------------- pages


def test_pages_have_the_newest_first_and_go_on(log):
    ids = []
    for number in range(5):
        log.save(ended(number), over=None)
        ids.insert(0, ended(number).id)
    first = log.page(STORE, 1, status=None, limit=3, before=None)
    assert ([one.id for one in first.deliveries], first.next_id) == (ids[:3], ids[2])
    rest = log.page(STORE, 1, status=Status.EXHAUSTED, limit=3, before=first.next_id)
    assert ([one.id for one in rest.deliveries], rest.next_id) == (ids[3:], None)
    assert log.page(STORE, 1, status=Status.DELIVERED, limit=3, before=None).deliveries == ()


# ---------------------------------------------------------------- sending again


@pytest.mark.parametrize("one", [delivered(), ended(), ended(status=Status.HELD)], ids=lambda one: one.status)
def test_another_round_begins_once(log, account, one):
    log.save(one, over=None)
    task = log.begin_round(one, NOW + 3)
    assert (task.delivery_id, task.hook_id, task.attempt, task.delivery) == (one.id, 1, 2, None)
    now = found(log, one)
    assert (now.status, now.next_attempt_at, now.round_at) == (Status.PENDING, NOW + 3, NOW + 3)
    assert (now.earlier, now.attempts_of_round) == (1, ())
    assert account.due_times() == {one.id: NOW + 303}, "should its task be lost"
    assert log.begin_round(one, NOW + 4) is None


def test_a_round_of_what_the_log_does_not_know_does_not_begin(log):
    assert log.begin_round(ended(), NOW) is None


def test_a_round_does_not_begin_if_the_present_one_began_since(log):
    one = ended(round_at=NOW)
    log.save(one, over=None)
    assert log.begin_round(one, NOW + 9, unless_since=NOW) is None
    assert log.begin_round(one, NOW + 9, unless_since=NOW + 1) is not None


def test_a_round_that_ends_without_an_attempt_can_be_followed_by_another(log):
    log.save(ended(), over=None)
    log.begin_round(ended(), NOW)
    log.end_waiting(found(log, ended()), Status.HELD)
    assert log.begin_round(found(log, ended()), NOW + 1).attempt == 2


def test_what_waits_is_brought_forward_unless_it_has_changed(log, account):
    log.save(retrying(next_attempt_at=NOW + 5000), over=None)
    one = found(log, retrying())
    assert log.bring_forward(one, NOW + 1) is True
    assert found(log, one).next_attempt_at == NOW + 1
    assert account.due_times() == {one.id: NOW + 301}
    log.end_waiting(one, Status.HELD)
    assert log.bring_forward(one, NOW + 2) is False
    assert log.bring_forward(retrying(7), NOW) is False


# ---------------------------------------------------------------- what waits for its place


def reserved(parts, one):
    return parts.contexts.read([attempt_task(one)]).reserved.get(one.id)


@pytest.mark.parametrize("over", [None, retrying()])
def test_what_waits_for_its_place_is_due_at_it_and_at_no_other_time(parts, account, over):
    if over is not None:
        parts.log.save(over, over=None)
    one = replace(over or delivery(), next_attempt_at=NOW + 400)
    parts.log.save_reserved(one, PLACE, over=over)
    assert found(parts.log, one) == one
    assert account.due_times() == {one.id: NOW + 400}
    assert reserved(parts, one) == PLACE


def test_what_has_changed_meanwhile_does_not_wait_for_its_place(parts):
    parts.log.save_delivered([delivered()])
    parts.log.save_reserved(replace(delivery(), next_attempt_at=NOW + 400), PLACE, over=None)
    assert found(parts.log, delivery()) == delivered()


def test_a_place_is_forgotten_with_the_attempt_and_when_that_is_brought_forward(parts):
    changes = (
        lambda one: parts.log.save(replace(one, attempts=(attempt(),)), over=one),
        lambda one: parts.log.save_delivered([replace(one, status=Status.DELIVERED, attempts=(attempt(),))]),
        lambda one: parts.log.bring_forward(one, NOW + 1),
    )
    for number, change in enumerate(changes):
        one = replace(delivery(number), next_attempt_at=NOW + 400)
        parts.log.save_reserved(one, PLACE, over=None)
        assert reserved(parts, one) == PLACE
        change(one)
        assert reserved(parts, one) is None


# ---------------------------------------------------------------- selections


@pytest.fixture
def selected(log, parts, clock):
    """Some deliveries of a hook, one each 10 s; what is selected of them by `next_of`, in steps."""
    clock.now = NOW + 100
    for number, one in enumerate(
        [ended, delivered, lambda *given, **named: ended(*given, status=Status.HELD, **named), ended]
    ):
        log.save(one(number, accepted_at=NOW + 10 * number), over=None)
    log.save(ended(9, hook_id=2), over=None)

    def selected(statuses, since=NOW - 1, until=NOW + 99, *, limit=100):
        recovery = new_recovery(
            examples.hook(),
            new_recovery_id(),
            since=since,
            until=until,
            statuses=statuses,
            count=0,
            is_count_exact=True,
            now=NOW,
        )
        found, position = [], ""
        while position is not None:
            some, position = parts.selections.next_of(replace(recovery, position=position), limit)
            assert len(some) <= limit
            found += some
        counted = parts.selections.count(STORE, 1, statuses, (since, until), within_seconds=60)
        assert counted == (len(found), True)
        return [round(one.created_at - NOW) for one in found]

    return selected


@pytest.mark.parametrize("limit", [1, 2, 100])
def test_selections_have_the_oldest_first_in_whatever_steps(selected, limit):
    assert selected((Status.EXHAUSTED, Status.HELD), limit=limit) == [0, 20, 30]
    assert selected((Status.DELIVERED, Status.EXHAUSTED), limit=limit) == [0, 10, 30]
    assert selected((Status.CANCELLED,), limit=limit) == []


def test_selections_end_with_their_times_both_included(selected):
    assert selected((Status.EXHAUSTED, Status.HELD), NOW + 10, NOW + 20.002) == [20]
    assert selected((Status.EXHAUSTED, Status.HELD), NOW + 20.003, NOW + 20.004) == []


def test_selections_have_nothing_that_is_over_its_time(selected, clock):
    clock.now += RETENTION_SECONDS
    assert selected(tuple(Status)) == []


def test_a_count_that_takes_too_long_says_that_it_is_not_all(selected, parts):
    number, is_all = parts.selections.count(
        STORE, 1, (Status.EXHAUSTED, Status.HELD), (NOW - 1, NOW + 99), within_seconds=-1
    )
    assert number <= 3
    assert is_all is False


def test_what_is_pending_is_counted_as_far_as_it_matters(log, parts, clock):
    clock.now += 1
    for number in range(4):
        log.save(ended(number), over=None)
        log.begin_round(ended(number), NOW)
    log.save(retrying(5), over=None)
    assert parts.selections.pending(STORE, 1, 10) == 4
    assert parts.selections.pending(STORE, 1, 2) >= 2
    assert parts.selections.pending(STORE, 2, 10) == 0
