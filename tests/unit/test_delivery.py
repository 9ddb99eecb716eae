"""A delivery: what it is called, and where it stands."""

from dataclasses import replace

import pytest

from storehooks import __version__
from storehooks.domain.attempt import Attempt, Times
from storehooks.domain.callback import callback
from storehooks.domain.delivery import (
    MAX_STORED_ATTEMPTS,
    TIME_END,
    Status,
    id_time,
    ids_between,
    is_delivery_id,
    new_delivery,
)
from storehooks.domain.event import LATEST
from storehooks.domain.hook import Hook
from storehooks.domain.retry import RetrySchedule
from storehooks.domain.state_machine import attempted, in_another_round
from storehooks.domain.task import attempt_task
from tests.unit.test_event import EVENT

HOOK = Hook(
    id=7,
    store_hash="5ueh97",
    client_id="c" * 32,
    scope="store/order/*",
    destination="https://app.example.com/orders?key=secret",
    headers={"X-Mine": "1"},
    is_active=True,
    created_at=1,
    updated_at=1,
)
SCHEDULE = RetrySchedule.parse("60,180")
NOW = 1_700_000_100.5


def delivery():
    return new_delivery(EVENT, EVENT.payload(), HOOK)


def attempt(status: int | None = 500, error: str | None = "answered 500", retry_after: str | None = None):
    return Attempt(at=NOW, status=status, error=error, times=Times(total_ms=1.0), retry_after=retry_after)


OK = attempt(status=200, error=None)


def test_its_id_is_derived_from_the_event_and_the_hook():
    assert delivery().id == delivery().id
    assert is_delivery_id(delivery().id)
    assert new_delivery(EVENT, "", replace(HOOK, id=8)).id != delivery().id
    assert new_delivery(replace(EVENT, publication="another"), "", HOOK).id != delivery().id
    assert new_delivery(replace(EVENT, store_hash="other"), "", HOOK).id != delivery().id


def test_ids_sort_by_the_time_that_events_were_accepted():
    times = [1, 10**14, 10**15, 10**15 + 1, 10**16, 2**55]
    ids = [new_delivery(replace(EVENT, accepted_at=time), "", HOOK).id for time in times]
    assert ids == sorted(ids)
    assert all(map(is_delivery_id, ids))


@pytest.mark.parametrize(
    "text", ["", "msg_", "msg_" + "0" * 31, "msg_" + "G" * 32, "circuit", "msg_" + "٣" * 32]
)
def test_what_is_no_delivery_id(text):
    assert not is_delivery_id(text)


def test_a_success_ends_it():
    after = attempted(delivery(), OK, SCHEDULE, NOW)
    assert (after.status, after.next_attempt_at, after.attempts) == (Status.DELIVERED, None, (OK,))


def test_a_failure_is_retried_by_the_schedule_and_the_last_exhausts_it():
    once = attempted(delivery(), attempt(), SCHEDULE, NOW)
    assert (once.status, once.next_attempt_at) == (Status.RETRYING, NOW + 60)
    twice = attempted(once, attempt(retry_after="200"), SCHEDULE, NOW + 60)
    assert (twice.status, twice.next_attempt_at) == (Status.RETRYING, NOW + 260)
    last = attempted(twice, attempt(), SCHEDULE, NOW + 260)
    assert (last.status, last.next_attempt_at, len(last.attempts)) == (Status.EXHAUSTED, None, 3)
    assert attempted(twice, OK, SCHEDULE, NOW + 260).status is Status.DELIVERED


def test_what_its_hook_ends_has_no_next_attempt():
    once = attempted(delivery(), attempt(status=410), SCHEDULE, NOW)
    assert (once.status, once.ended(Status.HELD).next_attempt_at) == (Status.RETRYING, None)


def test_the_queue_brings_what_follows_within_its_longest_delay():
    schedule = RetrySchedule.parse("899,901")
    once = attempted(delivery(), attempt(), schedule, NOW)
    assert once.is_next_soon
    assert not attempted(once, attempt(), schedule, NOW).is_next_soon
    assert not delivery().is_next_soon


def test_its_task_carries_all_of_it_until_the_log_knows_it():
    assert attempt_task(delivery()).delivery == delivery()
    assert attempt_task(delivery()).attempt == 1
    once = attempted(delivery(), attempt(), SCHEDULE, NOW)
    assert attempt_task(once).delivery is None
    assert (attempt_task(once).delivery_id, attempt_task(once).attempt) == (delivery().id, 2)


def rounds(number: int, schedule: RetrySchedule):
    """A delivery that was exhausted in each of so many rounds."""
    now, one = NOW, delivery()
    for _ in range(number):
        one = one if one.status is Status.PENDING else in_another_round(one, now)
        while one.status is not Status.EXHAUSTED:
            one, now = attempted(one, attempt(), schedule, now), now + 1
    return one


def test_another_round_begins_the_schedule_anew_and_counts_on():
    exhausted = rounds(1, SCHEDULE)
    again = in_another_round(exhausted, NOW + 900)
    assert (again.status, again.next_attempt_at, again.attempt_count) == (Status.PENDING, NOW + 900, 3)
    assert (again.earlier, again.attempts_of_round) == (3, ())
    assert (attempt_task(again).attempt, attempt_task(again).delivery) == (4, None)
    once = attempted(again, attempt(), SCHEDULE, NOW + 900)
    assert (once.status, once.next_attempt_at, len(once.attempts)) == (Status.RETRYING, NOW + 960, 4)
    assert once.attempts_of_round == once.attempts[3:]
    assert attempted(once, OK, SCHEDULE, NOW + 960).status is Status.DELIVERED
    twice = rounds(2, SCHEDULE)
    assert (twice.status, twice.attempt_count, len(twice.attempts_of_round)) == (Status.EXHAUSTED, 6, 3)


def test_what_was_cancelled_before_any_attempt_is_known_to_the_log():
    cancelled = delivery().ended(Status.CANCELLED)
    assert attempt_task(in_another_round(cancelled, NOW)).delivery is None
    assert attempt_task(in_another_round(cancelled, NOW)).attempt == 1


def test_of_very_many_attempts_the_newest_are_kept():
    longest = RetrySchedule.parse(",".join(["60"] * 30))
    many = rounds(9, longest)
    assert (many.attempt_count, len(many.attempts), many.status) == (
        9 * 31,
        MAX_STORED_ATTEMPTS,
        Status.EXHAUSTED,
    )
    assert len(many.attempts_of_round) == 31
    assert attempt_task(in_another_round(many, NOW)).attempt == 9 * 31 + 1


def test_an_attempt_sends_the_payload_signed_with_the_hooks_headers():
    request = callback(delivery(), HOOK, secrets=["s" * 64], now=NOW)
    assert request.url == HOOK.destination
    assert request.body == EVENT.payload().encode()
    assert list(request.headers) == [
        "X-Mine", "Content-Type", "User-Agent", "webhook-id", "webhook-timestamp", "webhook-signature",
    ]  # fmt: skip
    assert request.headers["Content-Type"] == "application/json"
    assert request.headers["User-Agent"] == f"storehooks/{__version__}"
    assert request.headers["webhook-id"] == delivery().id
    assert request.headers["webhook-timestamp"] == "1700000100"


def test_a_request_shows_neither_headers_nor_body_in_its_text():
    shown = repr(callback(delivery(), HOOK, secrets=["s" * 64], now=NOW))
    assert "X-Mine" not in shown
    assert "producer" not in shown


@pytest.mark.parametrize(
    ("accepted_at", "since", "until", "is_between"),
    [
        (1_795_428_000_000_000, 1_795_428_000, 1_795_428_000, True),
        (1_795_428_000_999_999, 1_795_428_000, 1_795_428_000, True),
        (1_795_428_001_000_000, 1_795_428_000, 1_795_428_000, False),
        (1_795_427_999_999_999, 1_795_428_000, 1_795_428_000, False),
        (0, 0, 0, True),
        (1_795_428_000_000_000, 0, LATEST, True),
        (TIME_END - 1, 0, LATEST, True),
        (1_795_428_000_000_000, LATEST, LATEST, False),
        (1_795_428_000_000_000, 1_795_428_001, 1_795_428_000, False),
    ],
)
def test_the_ids_of_a_time_are_those_of_what_was_accepted_then(accepted_at, since, until, is_between):
    first, last = ids_between(since * 1000, until * 1000 + 999)
    delivery = new_delivery(replace(EVENT, accepted_at=accepted_at), "{}", HOOK)
    assert (first <= delivery.id <= last) == is_between


def test_the_ids_of_one_event_begin_alike():
    one, other = (new_delivery(EVENT, "{}", hook) for hook in (HOOK, replace(HOOK, id=8)))
    assert one.id != other.id
    assert id_time(one.id) == id_time(other.id)
