"""The events that have not reached a client's hooks, as it lists them."""

import json
from dataclasses import replace

import pytest

from storehooks.adapters.delivery_log import missed
from storehooks.domain.delivery import Status, new_delivery
from storehooks.domain.event import Event
from tests.integration.conftest import Client, load_event
from tests.world import World

NOW = 1_795_428_000


@pytest.fixture
def world(aws, functions):
    world = World(aws)
    functions.clock = world.clock
    return world


@pytest.fixture
def reader(functions, world):
    return Client(functions, "5ueh97", world.caller.client_id, version="v3")


def happened(number, *, at=NOW, size=0):
    """An event that was accepted at this time."""
    return Event(
        id=f"event-{number}",
        has_given_id=False,
        publication=f"publication-{number}",
        store_hash="5ueh97",
        scope="store/order/created",
        data={"id": number, "text": "x" * size},
        store_id="1025646",
        created_at=at,
        accepted_at=at * 1_000_000 + number,
    )


def log(world, event, hook, status):
    """The delivery of an event to a hook, in the log with this status."""
    delivery = replace(new_delivery(event, event.payload(), hook), status=status)
    assert world.log.save(delivery, over=None)


def listed(reader, **query):
    """The numbers of the events on a page, and its pagination."""
    status, response = reader.call("list_undelivered_events", query={**query} or None)
    assert status == 200, response
    return [event["data"]["id"] for event in response["data"]], response["meta"]["pagination"]


def test_what_is_retried_exhausted_or_held_is_listed_the_newest_first(world, reader):
    hook = world.hook()
    for number, status in enumerate(Status):
        log(world, happened(number), hook, status)
    shown = [list(Status)[number] for number in listed(reader)[0]]
    assert shown == [
        status for status in reversed(Status) if status in {Status.RETRYING, Status.EXHAUSTED, Status.HELD}
    ]


def test_an_event_is_as_its_callback_has_it(world, reader):
    event = happened(7)
    log(world, event, world.hook(), Status.EXHAUSTED)
    _, response = reader.call("list_undelivered_events")
    assert response["data"] == [json.loads(event.payload())]
    assert list(response["data"][0]) == ["scope", "store_id", "data", "hash", "created_at", "producer"]


def test_an_event_that_fails_is_listed_until_it_is_delivered(world, reader):
    world.response = lambda _request: (500, None)
    world.event(world.hook())
    world.work()
    assert listed(reader)[0] == [0]
    world.response = lambda _request: (200, None)
    world.pass_time(61)
    assert listed(reader)[0] == []


def test_an_event_that_has_not_reached_several_hooks_is_listed_once(world, reader):
    hooks = [world.hook(f"https://app.example.com/{number}") for number in range(3)]
    for number in range(2):
        for hook in hooks:
            log(world, happened(number), hook, Status.RETRYING)
    shown, told = listed(reader)
    assert (shown, told["total"], told["count"]) == ([1, 0], 2, 2)


def test_a_client_sees_what_is_for_its_own_hooks(functions, world, reader, other_client):
    log(world, happened(0), world.hook(), Status.HELD)
    other_client.version = "v3"
    assert listed(other_client)[0] == []
    event = load_event("list_undelivered_events")
    event["pathParameters"]["store_hash"] = "x0ther"
    assert functions.invoke("list_undelivered_events", event)[0] == 403


def test_pages_follow_one_another(world, reader):
    hooks = [world.hook(f"https://app.example.com/{number}") for number in range(2)]
    for number in range(5):
        log(world, happened(number), hooks[number % 2], Status.EXHAUSTED)
    pages = [listed(reader, page=str(number), limit="2")[0] for number in (1, 2, 3, 4)]
    assert pages == [[4, 3], [2, 1], [0], []]
    _, told = listed(reader, page="2", limit="2", **{"created_at:min": str(NOW)})
    assert told == {
        "total": 5,
        "count": 2,
        "per_page": 2,
        "current_page": 2,
        "total_pages": 3,
        "links": {
            "previous": f"?page=1&limit=2&created_at%3Amin={NOW}",
            "current": f"?page=2&limit=2&created_at%3Amin={NOW}",
            "next": f"?page=3&limit=2&created_at%3Amin={NOW}",
        },
    }


def test_a_time_narrows_the_list_both_ends_included(world, reader):
    hook = world.hook()
    for number in range(4):
        log(world, happened(number, at=NOW + number), hook, Status.EXHAUSTED)
    assert listed(reader, **{"created_at:min": str(NOW + 2)})[0] == [3, 2]
    assert listed(reader, **{"created_at:max": str(NOW + 1)})[0] == [1, 0]
    both = {"created_at:min": "2026-11-23T10:00:01Z", "created_at:max": "2026-11-23T11:00:02+01:00"}
    assert listed(reader, **both)[0] == [2, 1]


def test_a_query_that_is_wrong_is_400(reader):
    query = {"created_at:min": "yesterday", "created_at:max": "", "limit": "251"}
    status, response = reader.call("list_undelivered_events", query=query)
    assert (status, set(response["errors"])) == (400, set(query))


def test_more_than_an_answer_can_hold_is_400(world, reader):
    hook = world.hook()
    for number in range(100):
        log(world, happened(number, size=63 * 1024), hook, Status.HELD)
    status, response = reader.call("list_undelivered_events", query={"limit": "100"})
    assert (status, set(response["errors"])) == (400, {"limit"})
    assert "92" in response["errors"]["limit"]
    assert listed(reader, limit="92")[0] == [*range(99, 7, -1)]


def test_what_is_over_its_time_is_not_listed(world, reader):
    log(world, happened(0), world.hook(), Status.HELD)
    world.clock.now += 30 * 24 * 3600 + 1
    assert listed(reader)[0] == []


def test_what_is_gone_when_it_is_read_is_passed_over(aws, world, reader, functions, monkeypatch):
    hook = world.hook()
    for number in range(2):
        log(world, happened(number), hook, Status.HELD)
    table = functions.parts("list_undelivered_events").missed_events
    read = table._read
    monkeypatch.setattr(table, "_read", lambda keys: dict(list(read(keys).items())[:1]))
    shown, told = listed(reader)
    assert (len(shown), told["count"]) == (1, 1)


def test_what_it_costs_is_three_queries_a_hook_and_a_read_for_a_hundred_events(aws, world, reader):
    hooks = [world.hook(f"https://app.example.com/{number}") for number in range(4)]
    before = len(aws.calls)
    assert listed(reader)[0] == []
    assert aws.calls[before:] == ["BatchGetItem"] * 2 + ["Query"] * 12
    for number in range(150):
        log(world, happened(number), hooks[number % 4], Status.EXHAUSTED)
    before = len(aws.calls)
    assert len(listed(reader, limit="150")[0]) == 150
    assert sorted(aws.calls[before:]) == ["BatchGetItem"] * 4 + ["Query"] * 12


def test_a_client_without_hooks_costs_one_call(aws, reader):
    before = len(aws.calls)
    assert listed(reader)[0] == []
    assert aws.calls[before:] == ["BatchGetItem"]


def test_the_list_ends_at_the_newest_however_many_there_are(aws, world, reader, monkeypatch):
    monkeypatch.setattr(missed, "MAX_EVENTS", 5)
    hooks = [world.hook(f"https://app.example.com/{number}") for number in range(2)]
    for number in range(20):
        log(world, happened(number), hooks[number % 2], Status.HELD)
    before = len(aws.calls)
    shown, told = listed(reader)
    assert (shown, told["total"]) == ([19, 18, 17, 16, 15], 5)
    assert aws.calls[before:].count("Query") == 6
    assert listed(reader, **{"created_at:max": str(NOW)})[0] == [19, 18, 17, 16, 15]


def test_what_dynamodb_does_not_give_at_once_is_asked_for_again(functions, world, reader, monkeypatch):
    hook = world.hook()
    for number in range(3):
        log(world, happened(number), hook, Status.HELD)
    table = functions.parts("list_undelivered_events").missed_events
    functions.sleep = lambda _seconds: None
    read = table._dynamodb.batch_get_item

    def give_one(RequestItems):  # noqa: N803 - as botocore calls it
        ((name, asked),) = RequestItems.items()
        first, rest = asked["Keys"][:1], asked["Keys"][1:]
        response = read(RequestItems={name: asked | {"Keys": first}})
        return response | {"UnprocessedKeys": {name: asked | {"Keys": rest}} if rest else {}}

    monkeypatch.setattr(table._dynamodb, "batch_get_item", give_one)
    assert listed(reader)[0] == [2, 1, 0]
    monkeypatch.setattr(
        table._dynamodb,
        "batch_get_item",
        lambda RequestItems: {"Responses": {}, "UnprocessedKeys": RequestItems},  # noqa: N803
    )
    assert reader.call("list_undelivered_events")[0] == 429
