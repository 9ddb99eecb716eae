"""When a failed delivery is tried again."""

import time
from datetime import UTC, datetime
from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storehooks.domain.errors import InvalidValueError
from storehooks.domain.retry import BIGCOMMERCE_SCHEDULE, RetrySchedule

NOW = 1_700_000_000.0
BIGCOMMERCE = RetrySchedule.parse(BIGCOMMERCE_SCHEDULE)


def test_bigcommerces_schedule_is_eleven_retries_over_two_days():
    waits = [BIGCOMMERCE.wait_after(attempts, retry_after=None, now=NOW) for attempts in range(1, 12)]
    assert waits == [60, 180, 300, 600, 900, 1800, 3600, 7200, 21600, 50400, 86400]
    assert sum(waits) == 173_040
    assert BIGCOMMERCE.wait_after(12, retry_after=None, now=NOW) is None


@pytest.mark.parametrize(
    ("retry_after", "wait"),
    [
        ("0", 180),
        ("59", 180),
        ("200", 200),
        (" 300 ", 300),
        ("360", 360),
        ("86400", 360),
        ("999999999", 360),
        (formatdate(NOW + 250, usegmt=True), 250),
        (formatdate(NOW - 250, usegmt=True), 180),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 360),
        ("soon", 180),
        ("-5", 180),
        ("1e9", 180),
        ("Xyz, 99 Foo 2026 99:99:99 GMT", 180),
        ("", 180),
        ("9999999999", 360),
        ("9" * 20, 360),
        ("9" * 70, 360),
        ("9" * 16_000, 360),
        ("0" * 70 + "200", 200),
        ("9" * 70 + "s", 180),
        ("١٢٣٤", 180),
    ],
)
def test_retry_after_moves_the_next_attempt_to_between_one_and_two_slots(retry_after, wait):
    assert BIGCOMMERCE.wait_after(2, retry_after=retry_after, now=NOW) == wait


@pytest.fixture(params=["UTC", "America/Los_Angeles", "Asia/Kolkata", "Pacific/Kiritimati"])
def zone(request, monkeypatch):
    """The machine's time zone."""
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("zone")
@pytest.mark.parametrize(
    "date",
    [
        "Tue, 14 Nov 2023 22:17:30 GMT",  # IMF-fixdate
        "Tuesday, 14-Nov-23 22:17:30 GMT",  # RFC 850
        "Tue Nov 14 22:17:30 2023",  # asctime
        "Tue, 14 Nov 2023 22:17:30",
        "Tue, 14 Nov 2023 22:17:30 -0000",
        "Tue, 14 Nov 2023 23:17:30 +0100",
    ],
)
def test_a_date_is_gmt_in_each_of_its_forms_wherever_the_machine_is(date):
    assert BIGCOMMERCE.wait_after(2, retry_after=date, now=NOW) == 250


@pytest.mark.usefixtures("zone")
def test_the_day_of_an_asctime_date_may_have_one_digit():
    at = datetime(2023, 12, 6, 8, 49, 37, tzinfo=UTC).timestamp()
    assert BIGCOMMERCE.wait_after(2, retry_after="Wed Dec  6 08:49:37 2023", now=at - 200) == 200


@given(retry_after=st.integers(360, 10**80).map(str))
def test_the_longer_a_destination_asks_for_the_later_it_is_sent_to(retry_after):
    assert BIGCOMMERCE.wait_after(2, retry_after=retry_after, now=NOW) == 360


@given(retry_after=st.one_of(st.text(max_size=64), st.integers().map(str)), attempts=st.integers(1, 12))
def test_whatever_a_destination_asks_for_the_wait_is_within_one_and_two_slots(retry_after, attempts):
    wait = BIGCOMMERCE.wait_after(attempts, retry_after=retry_after, now=NOW)
    if attempts == 12:
        assert wait is None
    else:
        assert wait is not None
        assert BIGCOMMERCE.slots[attempts - 1] <= wait <= 2 * BIGCOMMERCE.slots[attempts - 1]


def test_the_slot_before_an_attempt_is_the_wait_that_led_to_it():
    schedule = RetrySchedule.parse("1, 2, 4")
    assert [schedule.slot_before(attempt) for attempt in (1, 2, 3, 4)] == [1, 1, 2, 4]
    assert schedule.slot_before(9) == 4, "after a longer schedule was replaced by this one"


@pytest.mark.parametrize(
    "text",
    ["", "0", "1,0", "a", "1,,2", ",1", "1,", "-1", "1.5", "01", "1" * 7, ",".join(["1"] * 31), "١"],
)
def test_what_is_no_schedule_is_refused_with_what_is_accepted(text):
    with pytest.raises(InvalidValueError) as refused:
        RetrySchedule.parse(text)
    assert refused.value.accepted
    assert refused.value.given == text
