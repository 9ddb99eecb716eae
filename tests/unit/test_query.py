"""What a query asks for."""

import itertools
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storehooks.api.query import Query
from storehooks.api.wanted import DeliveriesWanted, EventsWanted, HooksWanted, Page
from storehooks.domain.delivery import Status
from storehooks.domain.errors import InvalidRequestError
from storehooks.domain.event import LATEST
from storehooks.domain.hook import HookFilter
from storehooks.domain.hook_stats import StatsWanted

CURSOR = "msg_0123456789abcdef0123456789abcdef"


def fields(caught):
    return [problem.field for problem in caught.value.problems]


def test_a_page_is_the_first_250_unless_asked_otherwise():
    assert Query({}).hooks_wanted() == HooksWanted(Page(1, 250))
    query = {"page": "3", "limit": "10", "other": "x", "is_active": "x", "scope": "x"}
    assert Query(query).hooks_wanted() == HooksWanted(Page(3, 10))


def test_filtered_hooks_are_those_that_agree_with_the_query():
    assert Query({}).filtered_hooks_wanted() == HooksWanted(Page(1, 50), is_counted=True)
    query = {"page": "2", "other": "x", "is_active": "false", "scope": "store/*", "destination": "https://a/"}
    wanted = Query(query).filtered_hooks_wanted()
    assert wanted.page == Page(2, 50, {name: query[name] for name in ("is_active", "scope", "destination")})
    assert wanted.only == HookFilter(is_active=False, scope="store/*", destination="https://a/")
    assert Query({}).filtered_hooks_wanted(7).page == Page(1, 7)


READS = {
    "hooks": Query.hooks_wanted,
    "filtered hooks": Query.filtered_hooks_wanted,
    "events": Query.events_wanted,
}


@pytest.mark.parametrize("read", READS.values(), ids=READS)
@pytest.mark.parametrize("text", ["0", "-1", "a", "", "1.5", "1e3", "٣", "01", "9" * 30, "0" * 5000 + "1"])
def test_a_page_or_limit_out_of_range_is_refused_both_at_once(text, read):
    with pytest.raises(InvalidRequestError) as caught:
        read(Query({"page": text, "limit": text}))
    assert fields(caught) == ["page", "limit"]
    assert "1 to 250" in caught.value.problems[-1].accepted


@pytest.mark.parametrize("read", [*READS.values(), Query.deliveries_wanted], ids=[*READS, "deliveries"])
def test_a_limit_is_at_most_250(read):
    read(Query({"limit": "250"}))
    with pytest.raises(InvalidRequestError) as caught:
        read(Query({"limit": "251"}))
    assert fields(caught) == ["limit"]


@pytest.mark.parametrize("text", ["", "2", "01", "yes", "no", "on", "true,false", "t", "-1", "1.0", "null"])
def test_what_is_neither_true_nor_false_is_refused(text):
    with pytest.raises(InvalidRequestError) as caught:
        Query({"is_active": text, "page": "0"}).filtered_hooks_wanted()
    assert fields(caught) == ["is_active", "page"]
    assert "true or false" in caught.value.problems[0].accepted


def spellings(word):
    """A word in every mixture of capitals and small letters."""
    return map("".join, itertools.product(*((letter, letter.upper()) for letter in word)))


@pytest.mark.parametrize(("word", "digit", "value"), [("true", "1", True), ("false", "0", False)])
def test_is_active_is_true_or_false_in_any_case_or_one_or_zero(word, digit, value):
    tried = [*spellings(word), digit]
    assert len(tried) == 2 ** len(word) + 1
    for text in tried:
        wanted = Query({"is_active": text}).filtered_hooks_wanted()
        assert wanted.only.is_active is value
        assert wanted.page.given == {"is_active": text}, "links lead to the same list"


@pytest.mark.parametrize("read", READS.values(), ids=READS)
def test_a_parameter_of_spaces_is_empty_too(read):
    with pytest.raises(InvalidRequestError) as caught:
        read(Query({"limit": " ", "page": "   "}))
    assert {problem.reason for problem in caught.value.problems} == {"is empty"}


def test_a_plus_in_a_destination_need_not_be_escaped():
    """The gateway makes a space of it, which no destination has."""
    wanted = Query({"destination": "https://a.example/?b=c d"}).filtered_hooks_wanted()
    assert wanted.only.destination == "https://a.example/?b=c+d"


def test_deliveries_are_the_newest_50_of_any_status_unless_asked_otherwise():
    assert Query({}).deliveries_wanted() == DeliveriesWanted(None, 50, None)
    query = {"status": "held", "limit": "7", "cursor": CURSOR, "page": "x"}
    assert Query(query).deliveries_wanted() == DeliveriesWanted(Status.HELD, 7, CURSOR)


def test_what_is_no_status_limit_or_cursor_is_refused_all_at_once():
    with pytest.raises(InvalidRequestError) as caught:
        Query({"status": "HELD", "limit": "0", "cursor": CURSOR.upper()}).deliveries_wanted()
    assert sorted(fields(caught)) == ["cursor", "limit", "status"]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        ("1795428000", 1_795_428_000),
        ("2026-11-23T10:00:00Z", 1_795_428_000),
        ("2026-11-23T11:00:00.999+01:00", 1_795_428_000),
        ("2026-11-23t10:00:00z", 1_795_428_000),
        ("2026-11-23t10:00:00Z", 1_795_428_000),
        ("2026-11-23T10:00:00z", 1_795_428_000),
        ("2026-11-23 10:00:00Z", 1_795_428_000),
        # A plus that was not escaped, as the gateway hands it on.
        ("2026-11-23T10:00:00 00:00", 1_795_428_000),
        ("2026-11-23T11:00:00.999 01:00", 1_795_428_000),
        ("2026-11-23T11:00:00 0100", 1_795_428_000),
        ("2026-11-23 11:00:00 01:00", 1_795_428_000),
        ("2026-11-23 11:00:00+01", 1_795_428_000),  # as PostgreSQL writes it
        ("2026-11-23 11:00:00 01", 1_795_428_000),
        ("2026-11-23t05:00:00-05:00", 1_795_428_000),
        ("1970-01-01T00:00:00Z", 0),
    ],
)
def test_a_time_is_seconds_or_iso_8601_with_an_offset(text, seconds):
    query = {"created_at:min": text, "created_at:max": text, "page": "2"}
    wanted = Query(query).events_wanted()
    assert (wanted.since, wanted.until) == (seconds, seconds)
    assert wanted.page == Page(2, 50, {"created_at:min": text, "created_at:max": text})


def test_without_times_events_of_all_time_are_wanted():
    assert Query({}).events_wanted() == EventsWanted(Page(1, 50), 0, LATEST)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-1",
        "1.5",
        "999999999999",
        "9" * 5000,
        "2026-11-23",
        "2026-11-23T10:00:00",
        "2026-11-23 10",
        "2026-11-23 10:00",
        "2026-11-23T10:00:00 00:00 00:00",
        "2026-11-23T10:00:00Z 00:00",
        "2026-11-23T10:00:00Z 00",
        "1969-12-31T23:59:59Z",
        "0001-01-01T00:00:00+23:59",
        "9999-12-31T23:59:59-23:59",
        "now",
        "\u0663",
    ],
)
def test_what_is_no_time_is_refused(text):
    with pytest.raises(InvalidRequestError) as caught:
        Query({"created_at:min": text, "created_at:max": text, "page": "0"}).events_wanted()
    assert fields(caught) == ["created_at:min", "created_at:max", "page"]


def test_a_lone_surrogate_is_replaced_for_it_is_no_character():
    assert Query({"scope": "a\ud800"}).filtered_hooks_wanted().only.scope == "a?"


@given(st.text(max_size=60), st.text(max_size=20))
def test_any_query_is_read_or_refused(text, other):
    names = ("page", "limit", "is_active", "scope", "status", "cursor", "created_at:min")
    query = Query(dict.fromkeys(names, text) | {"limit": other, "created_at:max": other})
    for read in (*READS.values(), Query.deliveries_wanted):
        with suppress(InvalidRequestError):
            read(query)


def test_a_parameter_with_several_values_is_refused_and_the_same_twice_is_not():
    with pytest.raises(InvalidRequestError) as caught:
        Query({"is_active": "0", "limit": "5"}, {"is_active"}).filtered_hooks_wanted()
    (problem,) = caught.value.problems
    assert problem.field == "is_active"


def test_a_time_range_that_ends_before_it_begins_is_refused():
    with pytest.raises(InvalidRequestError) as caught:
        Query({"created_at:min": "20", "created_at:max": "10"}).events_wanted()
    (problem,) = caught.value.problems
    assert problem.field == "created_at:min"
    assert Query({"created_at:min": "10", "created_at:max": "10"}).events_wanted().since == 10


# ---------------------------------------------------------------- figures

NOW = 1_795_428_000.25


def test_figures_are_those_of_the_last_24_hours_and_of_no_steps_unless_asked_otherwise():
    until = int(NOW) + 1
    assert Query({}).stats_wanted(NOW) == StatsWanted(until - 86_400, until, None)
    given = {"until": "2026-11-23T01:00:00+01:00", "step": "3600"}
    until = 1_795_392_000
    assert Query(given).stats_wanted(NOW) == StatsWanted(until - 86_400, until, 3600)
    assert Query({"since": "0", "until": "10"}).stats_wanted(NOW) == StatsWanted(0, 10, None)
    assert Query({"until": "10"}).stats_wanted(NOW) == StatsWanted(0, 10, None)


@pytest.mark.parametrize(
    ("given", "refused"),
    [
        ({"since": "yesterday"}, ["since"]),
        ({"since": "2026-11-23T00:00:00"}, ["since"]),
        ({"until": "", "since": "-1", "step": "0"}, ["until", "since", "step"]),
        ({"step": "1.5"}, ["step"]),
        ({"since": "100", "until": "100"}, ["since"]),
        ({"since": "2027-11-23T00:00:00Z"}, ["since"]),
        ({"until": "0"}, ["since"]),
        ({"step": "172"}, ["step"]),
        ({"since": "0", "until": str(LATEST), "step": "1"}, ["step"]),
    ],
)
def test_what_is_no_time_or_makes_too_many_steps_is_refused(given, refused):
    with pytest.raises(InvalidRequestError) as caught:
        Query(given).stats_wanted(NOW)
    assert fields(caught) == refused


def test_how_long_a_step_may_be_is_said_and_is_accepted():
    with pytest.raises(InvalidRequestError) as caught:
        Query({"step": "172"}).stats_wanted(NOW)
    (problem,) = caught.value.problems
    assert problem.accepted.startswith("173 or more")
    assert Query({"step": "173"}).stats_wanted(NOW).step == 173
    assert Query({"step": str(10**17)}).stats_wanted(NOW).step == 10**17


@given(st.dictionaries(st.sampled_from(["since", "until", "step"]), st.text() | st.integers(0).map(str)))
def test_no_query_for_figures_makes_more_than_500_steps(parameters):
    with suppress(InvalidRequestError):
        wanted = Query(parameters).stats_wanted(NOW)
        assert 0 <= wanted.since < wanted.until <= max(LATEST, NOW + 1)
        assert wanted.step is None or (wanted.until - wanted.since) / wanted.step <= 500
