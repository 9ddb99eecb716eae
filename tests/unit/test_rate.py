"""The rate of a hook: what it may be, and which second each attempt gets."""

import math
from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storehooks.domain.errors import InvalidValueError
from storehooks.domain.exact_json import Number
from storehooks.domain.rate import (
    MAX_LEAD_SECONDS,
    Line,
    Reservation,
    check_rate,
    interval,
    next_places,
    read_reservation,
    stored_rate,
)

NOW = 1_795_428_000.25
SECOND = int(NOW)
rates = st.integers(1, 10_000).map(lambda tenths: check_rate(tenths / 10))


# ---------------------------------------------------------------- what it may be


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (1, 1), (1000, 1000), (0.1, 0.1), (2.5, 2.5), (5.0, 5), (1e2, 100),
        (Number("5.00"), 5), (Number("2.50"), 2.5),
    ],
)  # fmt: skip
def test_a_rate_has_one_decimal_and_is_kept_as_short_as_it_can_be(given, kept):
    checked = check_rate(given)
    assert (checked, type(checked)) == (kept, type(kept))
    assert stored_rate(str(checked)) == checked


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (0, "range"), (0.09, "range"), (-1, "range"), (1000.1, "range"), (1001, "range"), (10**400, "range"),
        (Number("1e400"), "range"), (Number("-0"), "range"),
        (0.15, "decimal"), (999.99, "decimal"), (Number("0.30000000000000000001"), "decimal"),
        (True, "number"), (False, "number"), ("5", "number"), ([5], "number"), ({}, "number"),
    ],
)  # fmt: skip
def test_what_is_no_rate_is_refused_with_what_is_accepted(given, reason):
    with pytest.raises(InvalidValueError) as caught:
        check_rate(given)
    assert reason in caught.value.reason
    assert "from 0.1 to 1000" in caught.value.accepted


# ---------------------------------------------------------------- which second an attempt gets


def seconds(line, rate, number, now=NOW, version=1):
    places = next_places(line, version, rate, number, now)
    return places.line, [second - SECOND for second in places.seconds]


def test_the_first_begin_at_once_and_the_others_in_the_seconds_after():
    line, given = seconds(None, 5, 12)
    assert given == [0] * 5 + [1] * 5 + [2] * 2
    assert seconds(line, 5, 5)[1] == [2] * 3 + [3] * 2


def test_of_a_rate_over_one_only_whole_attempts_fit_in_a_second():
    assert seconds(None, 2.5, 5)[1] == [0, 0, 1, 1, 2]
    assert seconds(None, 1.9, 3)[1] == [0, 1, 2]


def test_below_one_a_second_has_an_attempt_each_time_that_its_interval_is_over():
    assert seconds(None, 0.5, 4)[1] == [0, 2, 4, 6]
    assert seconds(None, 0.1, 3)[1] == [0, 10, 20]
    assert seconds(None, 0.9, 11)[1] == [0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 11]


def test_a_line_that_nobody_stands_in_begins_with_the_present_second():
    line, _ = seconds(None, 5, 7)
    assert seconds(line, 5, 6, NOW + 60)[1] == [60] * 5 + [61]


def test_after_a_change_of_the_hook_the_line_begins_anew_once_nobody_acts_by_the_hook_before():
    line, _ = seconds(None, 1, 500)
    line, given = seconds(line, 2, 3, version=2)
    assert given == [2, 2, 3]
    assert next_places(line, 1, 1, 1, NOW) is None, "by who has not seen the change"


def test_a_hook_that_was_restored_from_a_backup_gets_a_line_once_nobody_stands_in_the_later_one():
    line, _ = seconds(None, 1, 10, version=7)
    end = NOW + 10
    assert next_places(line, 5, 1, 1, end + 119) is None
    again, given = seconds(line, 1, 2, end + 121, version=5)
    assert given == [131, 132]
    assert again.hook_version == 5


@given(
    rate=rates,
    batches=st.lists(
        st.tuples(st.integers(1, 25), st.sampled_from([0, 0, 0.3, 0.7, 1, 2.9, 30, -1.5])), max_size=60
    ),
)
def test_however_batches_follow_one_another_no_second_has_more_than_the_rate(rate, batches):
    line, now, given = None, NOW, []
    for number, later in batches:
        now += later
        places = next_places(line, 1, rate, number, now)
        assert min(places.seconds) >= math.floor(now), "no place is in the past"
        assert len(places.seconds) == number
        line, given = places.line, [*given, *places.seconds]
    assert given == sorted(given)
    assert max(Counter(given).values(), default=0) <= max(1, rate)
    if rate < 1:
        assert all(after - before >= math.floor(1 / rate) for before, after in pairwise(given))
        for first, last in zip(given, given[9:], strict=False):
            assert last - first >= 9 / rate - 1


@given(rate=rates, number=st.integers(1, 5000))
def test_a_line_is_as_long_as_the_rate_makes_it_and_no_longer(rate, number):
    last = next_places(None, 1, rate, number, NOW).seconds[-1] - SECOND
    whole = math.floor(rate) if rate >= 1 else rate
    assert last <= (number - 1) / whole * 1.001 + 1
    assert last >= math.floor((number - 1) / whole) - 1e-6


@given(rate=rates)
def test_an_interval_is_never_shorter_than_the_rate_allows(rate):
    whole = math.floor(rate) if rate >= 1 else rate
    assert interval(rate) * whole >= 1_000_000 - 1e-3
    assert (interval(rate) - 1) * whole < 1_000_000


# ---------------------------------------------------------------- a reservation


def test_a_reservation_is_for_one_calendar_second():
    reserved = Reservation(SECOND, 1)
    assert not reserved.is_over(SECOND + 0.999)
    assert reserved.is_over(SECOND + 1)
    assert [reserved.seconds_late(SECOND + late) for late in (0.5, 1.9, 2.1, 4.2)] == [0, 0, 1, 3]
    assert reserved.seconds_late(SECOND + 3600) == MAX_LEAD_SECONDS


def test_a_reservation_is_read_as_it_is_written_and_what_is_none_is_none():
    reserved = Reservation(SECOND, 12)
    assert read_reservation(reserved.text) == reserved
    for text in ("", "1795428000", "@1", "1@", "1@1@1", "-1@1", "1.5@1", "9" * 13 + "@1", "１@1"):
        assert read_reservation(text) is None


def test_a_line_is_its_end_and_the_hook_that_it_is_of():
    assert next_places(None, 7, 4, 3, NOW).line == Line((SECOND * 1_000_000) + 750_000, 7)
