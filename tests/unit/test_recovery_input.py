"""What a client may say of a recovery that it asks for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storehooks.api.recovery_input import NewRecovery, check_time
from storehooks.domain.delivery import Status
from storehooks.domain.errors import InvalidRequestError, InvalidValueError

NOW = 1_795_428_000.0  # 2026-11-23T10:00:00Z
SINCE = "2026-11-23T09:00:00Z"


def parse(**body):
    return NewRecovery.parse({"since": SINCE} | body, NOW)


def test_what_is_missed_until_now_unless_something_else_is_asked_for():
    wanted = parse()
    assert (wanted.since, wanted.until) == (NOW - 3600, NOW)
    assert wanted.statuses == (Status.EXHAUSTED, Status.HELD)


@pytest.mark.parametrize(
    ("status", "statuses"),
    [
        ("cancelled", (Status.CANCELLED,)),
        (["held", "exhausted"], (Status.EXHAUSTED, Status.HELD)),
        (["delivered", "delivered"], (Status.DELIVERED,)),
    ],
)
def test_a_status_or_an_array_of_some(status, statuses):
    assert parse(status=status).statuses == statuses


@pytest.mark.parametrize(("status", "place"), [(5, ""), (["held", 5], " in [1]"), ([None], " in [0]")])
def test_of_an_array_the_element_that_is_no_string_is_named(status, place):
    with pytest.raises(InvalidRequestError) as caught:
        parse(status=status)
    (problem,) = caught.value.problems
    assert (problem.field, problem.reason) == ("status", f"has the wrong type{place}")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2026-11-23T10:00:00+00:00", NOW),
        ("2026-11-23T10:00:00Z", NOW),
        ("2026-11-23t10:00:00z", NOW),
        ("2026-11-23T21:00:00.5+11:00", NOW + 0.5),
        ("2026-11-23T10:00:00.123999Z", NOW + 0.123),
        ("20261123T100000Z", NOW),
        ("1970-01-01T00:00:00Z", 0),
    ],
)
def test_a_time_is_in_iso_8601_with_an_offset_to_the_millisecond(text, seconds):
    assert check_time(text) == seconds


@pytest.mark.parametrize(
    "text",
    ["", "now", "2026-11-23", "2026-11-23T10:00:00", "1969-12-31T23:59:59Z", "0001-01-01T00:00:00+23:59",
     "2026-13-01T00:00:00Z", "1795428000", "2026-11-23T10:00:00Z" * 50, "\ud800"],
)  # fmt: skip
def test_what_is_no_such_time_is_refused(text):
    with pytest.raises(InvalidValueError):
        check_time(text)


@given(text=st.text(max_size=40))
def test_no_text_breaks_it(text):
    try:
        assert check_time(text) >= 0
    except InvalidValueError as error:
        assert error.given == text  # noqa: PT017


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({"since": None}, ["since"]),
        ({"since": 1795428000}, ["since"]),
        ({"since": "2026-11-23T11:00:00Z"}, ["since"]),
        ({"since": "2026-11-23T11:00:00Z", "until": "2026-11-23T12:00:00Z"}, ["since"]),
        ({"until": "2026-11-23T08:00:00Z"}, ["since"]),
        ({"until": "soon", "since": "then"}, ["since", "until"]),
        ({"status": []}, ["status"]),
        ({"status": None}, ["status"]),
        ({"status": "pending"}, ["status"]),
        ({"status": ["held", "retrying"]}, ["status"]),
        ({"status": [["held"]]}, ["status"]),
        ({"status": {"held": True}}, ["status"]),
        ({"status": "held", "statuses": ["held"], "hook": 1}, ["hook", "statuses"]),
    ],
)
def test_what_is_wrong_is_named(body, fields):
    with pytest.raises(InvalidRequestError) as refused:
        parse(**body)
    assert sorted(problem.field for problem in refused.value.problems) == fields
    assert all(problem.accepted for problem in refused.value.problems)


def test_the_beginning_is_required():
    with pytest.raises(InvalidRequestError) as refused:
        NewRecovery.parse({}, NOW)
    (problem,) = refused.value.problems
    assert (problem.field, problem.reason) == ("since", "is required")
