"""Hooks and lists as the third version of the API shows them."""

import json
from dataclasses import replace

import pytest

from storehooks.api.response import MAX_RESPONSE_BYTES, Response
from storehooks.api.v3 import events_to_v3, hook_to_v3, pagination
from storehooks.api.wanted import Page
from storehooks.domain.errors import InvalidRequestError
from storehooks.domain.hook import Hook

HOOK = Hook(
    id=7,
    store_hash="5ueh97",
    client_id="40c672b9177b5d3a8dbfad24321be15d",
    scope="store/order/*",
    destination="https://app.example.com/orders",
    headers=None,
    is_active=True,
    created_at=1_795_428_000,
    updated_at=1_795_428_001,
)
OFF = replace(HOOK, is_active=False)
META = pagination(Page(1, 50), total=50, count=49)
DEACTIVATED = replace(OFF, deactivated_at=1_795_428_002, deactivation_reason="it fails")


def test_a_hook_has_bigcommerces_fields_in_their_order():
    assert list(hook_to_v3(HOOK).items()) == [
        ("id", 7),
        ("client_id", "40c672b9177b5d3a8dbfad24321be15d"),
        ("store_hash", "5ueh97"),
        ("scope", "store/order/*"),
        ("destination", "https://app.example.com/orders"),
        ("headers", None),
        ("is_active", True),
        ("created_at", 1_795_428_000),
        ("updated_at", 1_795_428_001),
        ("events_history_enabled", False),
    ]
    assert hook_to_v3(replace(HOOK, headers={"X-A": "1"}))["headers"] == {"X-A": "1"}


def test_a_deactivated_hook_says_when_and_why():
    extra = hook_to_v3(DEACTIVATED).items() - hook_to_v3(OFF).items()
    assert extra == {("deactivated_at", 1_795_428_002), ("deactivation_reason", "it fails")}


@pytest.mark.parametrize(
    ("hook", "status"), [(HOOK, "active"), (OFF, "inactive"), (DEACTIVATED, "deactivated")]
)
def test_a_hook_is_active_inactive_or_deactivated(hook, status):
    assert hook.status == status


@pytest.mark.parametrize(
    ("number", "total", "pages", "links"),
    [
        (1, 0, 0, {"current": "?page=1&limit=10"}),
        (1, 10, 1, {"current": "?page=1&limit=10"}),
        (1, 11, 2, {"current": "?page=1&limit=10", "next": "?page=2&limit=10"}),
        (2, 11, 2, {"previous": "?page=1&limit=10", "current": "?page=2&limit=10"}),
        (3, 11, 2, {"previous": "?page=2&limit=10", "current": "?page=3&limit=10"}),
        (9, 11, 2, {"previous": "?page=2&limit=10", "current": "?page=9&limit=10"}),
        (9, 10, 1, {"previous": "?page=1&limit=10", "current": "?page=9&limit=10"}),
        (9, 0, 0, {"current": "?page=9&limit=10"}),
    ],
)
def test_pages_are_counted_and_linked(number, total, pages, links):
    told = pagination(Page(number, 10), total=total, count=3)["pagination"]
    assert told == {
        "total": total,
        "count": 3,
        "per_page": 10,
        "current_page": number,
        "total_pages": pages,
        "links": links,
    }
    assert list(told["links"]) == [name for name in ("previous", "current", "next") if name in links]


def test_links_repeat_what_narrows_the_list():
    page = Page(1, 10, {"scope": "store/order/*", "destination": "https://a.example/?b=c&d", "x": "\ud800"})
    links = pagination(page, total=1, count=1)["pagination"]["links"]
    narrowed = "scope=store%2Forder%2F%2A&destination=https%3A%2F%2Fa.example%2F%3Fb%3Dc%26d&x=%3F"
    assert links == {"current": f"?page=1&limit=10&{narrowed}"}


def test_events_that_an_answer_cannot_hold_are_refused_with_the_number_that_it_can():
    payload = json.dumps({"data": {"text": '"' * 30_000}})  # 60 KB, and in Lambda's answer 120 KB
    assert len(events_to_v3([payload] * 49, META)["data"]) == 49
    with pytest.raises(InvalidRequestError) as caught:
        events_to_v3([payload] * 50, META)
    (problem,) = caught.value.problems
    assert (problem.field, problem.accepted) == ("limit", "here a number up to 49")
    whole = Response(200, events_to_v3([payload] * 49, META)).to_gateway()
    assert len(json.dumps(whole, ensure_ascii=False).encode()) < MAX_RESPONSE_BYTES
