"""What is due, as the sweep takes it."""

from tests.contract.examples import NOW, ended, retrying
from tests.world import STORE

SAFETY_SECONDS = 300
HOUR_SECONDS = 3600


def save(parts, *deliveries) -> None:
    for one in deliveries:
        assert parts.log.save(one, over=None)


def taken(parts, until: float) -> list[tuple[str, float]]:
    """The ids of what is due, each with the time of its attempt."""
    batches = list(parts.due.take_due(until))
    assert not any(batch.failures for batch in batches)
    return sorted((task.delivery_id, at) for batch in batches for task, at in batch.due)


def test_what_no_message_brings_is_due_at_its_time(parts):
    later = NOW + 5000
    save(parts, retrying(1, next_attempt_at=later), ended(2))
    assert taken(parts, later - 1) == []
    assert taken(parts, later) == [(retrying(1).id, later)]


def test_a_task_is_the_delivery_s_next_attempt(parts):
    save(parts, retrying(1, next_attempt_at=NOW + 5000, forgotten=2))
    (batch,) = parts.due.take_due(NOW + 5000)
    ((task, _),) = batch.due
    assert (task.store_hash, task.hook_id, task.attempt, task.delivery) == (STORE, 1, 4, None)


def test_what_a_message_brings_soon_is_due_some_time_later_should_that_be_lost(parts):
    save(parts, retrying(1, next_attempt_at=NOW + 60))
    assert taken(parts, NOW + 60 + SAFETY_SECONDS - 1) == []
    assert taken(parts, NOW + 60 + SAFETY_SECONDS) == [(retrying(1).id, NOW + 60)]


def test_all_of_many_is_taken_a_few_at_a_time(parts):
    at = NOW + 5000
    save(parts, *(retrying(number, next_attempt_at=at) for number in range(40)))
    batches = list(parts.due.take_due(at))
    assert len(batches) > 1
    assert len({task.delivery_id for batch in batches for task, _ in batch.due}) == 40


def test_what_was_taken_is_not_taken_again_for_a_while(process, clock):
    at = NOW + 5000
    save(process(), retrying(1, next_attempt_at=at))
    clock.now = at
    assert len(taken(process(), at)) == 1
    assert taken(process(), at + SAFETY_SECONDS - 1) == []
    clock.now = at + SAFETY_SECONDS
    assert len(taken(process(), clock.now)) == 1


def test_what_is_due_is_taken_once_however_the_sweeps_overlap(process, clock):
    times = [NOW + 5000 + 7 * number for number in range(40)]
    save(process(), *(retrying(number, next_attempt_at=at) for number, at in enumerate(times)))
    one, other = process(), process()
    found = []
    for clock.now in range(int(NOW) + 4900, int(NOW) + 5201, 30):
        for parts in (one, other):
            found += taken(parts, clock.now + 90)
    assert sorted(at for _, at in found) == times


def test_what_was_taken_and_not_made_is_looked_at_again_and_then_ever_later(parts, clock):
    at = NOW + 5000
    save(parts, retrying(1, next_attempt_at=at))
    found = []
    for clock.now in range(int(at) - 60, int(at) + 3 * HOUR_SECONDS, 60):
        found += [clock.now - at] * len(taken(parts, clock.now))
    assert found == [0, 300, 600, 1200, 2400, 4800, 8400]


def test_of_two_sweeps_at_once_one_gets_it(process):
    at = NOW + 5000
    first, second = process(), process()
    save(first, *(retrying(number, next_attempt_at=at) for number in range(20)))
    begun = first.due.take_due(at)
    some = [task.delivery_id for task, _ in next(begun).due]
    others = [delivery_id for delivery_id, _ in taken(second, at)]
    rest = [task.delivery_id for batch in begun for task, _ in batch.due]
    assert sorted(some + others + rest) == sorted(retrying(number).id for number in range(20))


def test_the_longer_it_is_overdue_the_longer_it_is_claimed_up_to_an_hour(parts, clock, account):
    for overdue, claimed in ((61, 300), (200, 300), (1000, 1000), (10 * HOUR_SECONDS, HOUR_SECONDS)):
        one = retrying(overdue, next_attempt_at=clock.now + 5000)
        save(parts, one)
        clock.now += 5000 + overdue
        list(parts.due.take_due(clock.now))
        assert account.due_times()[one.id] == clock.now + claimed


def test_what_is_given_back_is_due_again(parts, clock):
    at = NOW + 5000
    save(parts, retrying(1, next_attempt_at=at))
    clock.now = at
    (batch,) = parts.due.take_due(at)
    ((task, due_at),) = batch.due
    parts.due.release(task, due_at)
    assert taken(parts, at) == [(task.delivery_id, at)]


def test_what_is_given_back_is_taken_alone_whoever_sweeps_next(process, clock):
    at = NOW + 5000
    save(process(), *(retrying(number, next_attempt_at=at) for number in range(8)))
    clock.now = at - 30
    first = process()
    due = [one for batch in first.due.take_due(clock.now + 90) for one in batch.due]
    first.due.release(*due[3])
    clock.now += 60
    assert taken(process(), clock.now + 90) == [(due[3][0].delivery_id, at)]
    assert taken(process(), clock.now + 90) == []


def test_what_has_ended_meanwhile_is_not_due_again(parts, account):
    at = NOW + 5000
    save(parts, retrying(1, next_attempt_at=at))
    (batch,) = parts.due.take_due(at)
    ((task, due_at),) = batch.due
    parts.log.end_waiting(retrying(1), ended().status)
    parts.due.release(task, due_at)
    assert account.due_times() == {}
