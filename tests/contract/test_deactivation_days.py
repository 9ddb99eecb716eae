"""The days in which hooks of clients were deactivated."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from storehooks.domain.deactivation_day import DAY_SECONDS, MAX_LISTED, Deactivation, day_end
from tests.contract.examples import CLIENT_ID, NOW
from tests.world import STORE

UNTIL = day_end(NOW)
FIRST = Deactivation(
    hook_id=1, deactivated_at=int(NOW), origin="https://app.example.com", reason="it is gone"
)


def later(number: int) -> Deactivation:
    """One of many that are not the first; of each hook there are ten."""
    hook_id, position = divmod(number, 10)
    return replace(FIRST, hook_id=2 + hook_id, deactivated_at=int(NOW) + position, reason=f"failed, {number}")


@pytest.fixture
def days(parts):
    return parts.days


@pytest.fixture
def day(days):
    """A day that has its first one."""
    return days.begin(STORE, CLIENT_ID, UNTIL, FIRST)


def found(days):
    return days.get(STORE, CLIENT_ID, UNTIL)


def test_a_day_is_read_as_it_was_begun(days, day):
    assert (day.store_hash, day.client_id, day.until) == (STORE, CLIENT_ID, UNTIL)
    assert (day.first, day.later, day.unlisted) == (FIRST.key, (), 0)
    assert found(days) == day


def test_a_day_has_one_first_however_often_it_is_begun(days, day):
    assert days.begin(STORE, CLIENT_ID, UNTIL, later(1)) == day
    days.add(day, later(1))
    assert days.begin(STORE, CLIENT_ID, UNTIL, FIRST) == found(days) == replace(day, later=(later(1),))


def test_a_day_is_one_stores_and_one_clients(days, day):
    for store_hash, client_id, until in (
        ("other1", CLIENT_ID, UNTIL),
        (STORE, "d" * 32, UNTIL),
        (STORE, CLIENT_ID, UNTIL + DAY_SECONDS),
    ):
        assert days.get(store_hash, client_id, until) is None
        assert days.begin(store_hash, client_id, until, later(1)).first == later(1).key
    assert found(days) == day


def test_the_later_ones_are_listed_by_time_each_once(days, day):
    numbers = [11, 0, 10, 1]
    for number in numbers * 2:
        days.add(day, later(number))
    assert found(days) == replace(day, later=tuple(map(later, [0, 10, 1, 11])))


def test_what_is_over_the_list_is_counted(days, day):
    for number in range(MAX_LISTED + 3):
        days.add(day, later(number))
    days.add(day, later(0))
    assert set(found(days).later) == set(map(later, range(MAX_LISTED)))
    assert found(days).unlisted == 3
    assert found(days).later_count == MAX_LISTED + 3


def test_of_many_at_once_one_is_the_first_and_none_is_lost(process):
    ones = [later(number) for number in range(MAX_LISTED + 5)]
    all_days = [process().days for _ in ones]

    def notice(days, one):
        day = days.begin(STORE, CLIENT_ID, UNTIL, one)
        if day.first != one.key:
            days.add(day, one)

    with ThreadPoolExecutor(16) as threads:
        list(threads.map(notice, all_days, ones))
    day = found(process().days)
    assert day.first in {one.key for one in ones}
    assert day.first not in {one.key for one in day.later}
    assert day.later_count == len(ones) - 1
