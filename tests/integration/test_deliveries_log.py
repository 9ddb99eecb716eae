"""The log of deliveries, as its hook's client reads it."""

import json
from dataclasses import replace

import pytest

from storehooks.adapters.delivery_log.items import to_item
from storehooks.domain.attempt import Attempt, Times
from storehooks.domain.delivery import MAX_STORED_ATTEMPTS, Status
from tests.integration.conftest import Client, load_event
from tests.world import World

RETENTION_SECONDS = 30 * 24 * 60 * 60


@pytest.fixture
def world(aws, functions):
    world = World(aws)
    functions.clock = world.clock
    return world


class Reader:
    """Reads the log over HTTP as the world's client."""

    def __init__(self, functions, client_id: str) -> None:
        self.functions = functions
        self.client_id = client_id

    def _call(self, name: str, hook_id: object, delivery_id: str | None = None, query=None):
        event = load_event(name)
        event["pathParameters"]["id"] = str(hook_id)
        event["requestContext"]["authorizer"]["client_id"] = self.client_id
        if delivery_id is not None:
            event["pathParameters"]["delivery_id"] = delivery_id
        event["queryStringParameters"] = {name: str(value) for name, value in (query or {}).items()} or None
        return self.functions.invoke(name, event)

    def page(self, hook_id, **query):
        return self._call("list_deliveries", hook_id, query=query)

    def get(self, hook_id, delivery_id: str):
        return self._call("get_delivery", hook_id, delivery_id)

    def ids(self, hook_id, **query) -> list[str]:
        """Of all pages."""
        found: list[str] = []
        while True:
            status, page = self.page(hook_id, **query)
            assert status == 200
            found += [delivery["id"] for delivery in page["data"]]
            if page["next_cursor"] is None:
                return found
            query["cursor"] = page["next_cursor"]


@pytest.fixture
def reader(functions, world):
    return Reader(functions, world.caller.client_id)


def test_a_delivery_is_shown_with_its_attempts(world, reader):
    responses = iter([(500, "90"), (200, None)])
    world.response = lambda _request: next(responses)
    hook = world.hook()
    delivery = world.event(hook)
    world.work()
    _, page = reader.page(hook.id)
    assert page == {
        "data": [
            {
                "id": delivery.id,
                "event_id": "event-0",
                "scope": "store/order/created",
                "status": "retrying",
                "created_at": "2026-11-23T10:00:00.000+00:00",
                "next_attempt_at": "2026-11-23T10:01:30.000+00:00",
                "attempts": [
                    {
                        "at": "2026-11-23T10:00:00.000+00:00",
                        "status": 500,
                        "error": "answered 500",
                        "latency_ms": 1.0,
                        "times": {
                            "name_lookup_ms": None,
                            "connect_ms": None,
                            "tls_ms": None,
                            "first_byte_ms": None,
                            "total_ms": 1.0,
                        },
                    }
                ],
            }
        ],
        "next_cursor": None,
    }
    world.pass_time(100)
    status, whole = reader.get(hook.id, delivery.id)
    assert status == 200
    assert (whole["status"], whole["next_attempt_at"]) == ("delivered", None)
    assert [attempt["status"] for attempt in whole["attempts"]] == [500, 200]
    assert [attempt["answer"] for attempt in whole["attempts"]] == ["the answer"] * 2
    assert whole["payload"] == json.loads(delivery.payload)


def test_a_delivery_tells_how_many_attempts_it_had_when_the_oldest_are_not_stored(aws, world, reader):
    hook = world.hook()
    delivery = world.event(hook)
    attempt = Attempt(at=1.0, status=500, error="answered 500", times=Times(total_ms=1.0))
    many = replace(delivery, status=Status.EXHAUSTED, attempts=(attempt,) * MAX_STORED_ATTEMPTS, forgotten=3)
    aws.dynamodb.put_item(TableName="DeliveriesTable", Item=to_item(many, expires_at=2_000_000_000))
    _, whole = reader.get(hook.id, delivery.id)
    assert (whole["attempt_count"], len(whole["attempts"])) == (43, 40)


def test_the_newest_come_first_in_pages(world, reader):
    hook = world.hook()
    ids = [world.event(hook).id for _ in range(23)]
    world.work()
    _, page = reader.page(hook.id, limit=10)
    assert len(page["data"]) == 10
    assert page["next_cursor"] is not None
    for limit in (1, 7, 23, 24, 250):
        assert reader.ids(hook.id, limit=limit) == ids[::-1]
    assert reader.ids(hook.id) == ids[::-1]


def test_a_page_that_ends_the_list_has_no_cursor(world, reader):
    hook = world.hook()
    for _ in range(10):
        world.event(hook)
    world.work()
    _, page = reader.page(hook.id, limit=10)
    assert (len(page["data"]), page["next_cursor"]) == (10, None)


def test_they_can_be_asked_for_by_status(world, reader):
    hook = world.hook()
    delivered = [world.event(hook).id for _ in range(4)]
    world.work()
    world.response = lambda _request: (500, None)
    retrying = [world.event(hook).id for _ in range(4)]
    world.work()
    assert reader.ids(hook.id, status="delivered", limit=3) == delivered[::-1]
    assert reader.ids(hook.id, status="retrying", limit=3) == retrying[::-1]
    assert reader.ids(hook.id, status="exhausted") == []
    assert reader.ids(hook.id) == [*retrying[::-1], *delivered[::-1]]


def test_a_hook_has_its_own_log_alone(world, reader):
    first, second = world.hook(), world.hook("https://app.example.com/2")
    delivery = world.event(first)
    world.work()
    assert reader.ids(second.id) == []
    assert reader.get(second.id, delivery.id)[0] == 404


def test_a_stranger_sees_neither_the_log_nor_that_there_is_one(world, functions):
    hook = world.hook()
    delivery = world.event(hook)
    world.work()
    stranger = Reader(functions, "f" * 32)
    assert stranger.page(hook.id)[0] == 404
    assert stranger.get(hook.id, delivery.id)[0] == 404


def test_the_circuit_is_no_delivery(world, reader):
    hook = world.hook()
    world.response = lambda _request: (500, None)
    world.event(hook)
    world.work()
    assert len(reader.ids(hook.id)) == 1
    assert reader.get(hook.id, "circuit")[0] == 404


@pytest.mark.parametrize("bad", ["0", "x", "msg_" + "0" * 32, "msg_" + "0" * 31, "../1", ""])
def test_what_is_no_delivery_is_404(world, reader, bad):
    assert reader.get(world.hook().id, bad)[0] == 404


def test_a_query_out_of_range_is_400_with_each_field_named(functions):
    status, response = functions.invoke("list_deliveries", load_event("list_deliveries_bad_query"))
    assert status == 400
    assert {problem["details"]["field"] for problem in response} == {"status", "limit", "cursor"}


def test_what_is_over_its_time_is_not_shown_although_dynamodb_has_not_deleted_it_yet(world, reader, aws):
    hook = world.hook()
    delivery = world.event(hook)
    world.work()
    (item,) = [item for item in aws.scan("DeliveriesTable") if item["id"]["S"] == delivery.id]
    assert float(item["expires_at"]["N"]) == int(world.clock.now + 30 * 24 * 3600)
    world.clock.now += 30 * 24 * 3600 + 1
    assert reader.ids(hook.id) == []
    assert reader.get(hook.id, delivery.id)[0] == 404


def test_a_page_looks_at_a_bounded_part_of_a_long_log(aws, world, reader, monkeypatch):
    monkeypatch.setattr("storehooks.adapters.delivery_log.deliveries._MIN_FILTERED", 2)
    hook = world.hook()
    delivered = world.event(hook).id
    world.work()
    for _ in range(30):
        world.log.save(world.event(hook).ended(Status.CANCELLED), over=None)
    before = len(aws.calls)
    status, page = reader.page(hook.id, status="delivered", limit=1)
    assert (status, page["data"]) == (200, [])
    assert aws.calls[before:].count("Query") == 8
    assert page["next_cursor"] is not None
    assert reader.ids(hook.id, status="delivered", limit=1) == [delivered]


def test_a_deactivated_hook_shows_when_and_why_and_an_active_one_does_not(world, functions):
    hook = world.hook()
    client = Client(functions, "5ueh97", world.caller.client_id)
    assert "deactivated_at" not in client.get(hook.id)[1]
    world.response = lambda _request: (410, None)
    world.event(hook)
    world.work()
    shown = client.get(hook.id)[1]
    assert (shown["is_active"], shown["deactivated_at"]) == (False, "2026-11-23T10:00:00+00:00")
    assert "410" in shown["deactivation_reason"]
    changed = client.update(hook.id, destination="https://app.example.com/new")[1]
    assert changed["deactivated_at"] == shown["deactivated_at"], "its owner did not decide anew"
    switched_on = client.update(hook.id, is_active=True)[1]
    assert not {"deactivated_at", "deactivation_reason"} & switched_on.keys()


def test_switching_a_deactivated_hook_off_ends_holding_for_it(world, functions):
    hook = world.hook()
    client = Client(functions, "5ueh97", world.caller.client_id)
    world.response = lambda _request: (410, None)
    world.event(hook)
    world.work()
    off = client.update(hook.id, is_active=False)[1]
    assert not {"deactivated_at", "deactivation_reason"} & off.keys()
    assert world.hooks.subscribers("5ueh97", hook.scope) == []


def test_behind_much_that_is_over_its_time_nobody_looks_for_what_is_kept(aws, world, monkeypatch):
    for name, value in {"_OLDEST": 1, "_MAX_PAGES_OVER_THEIR_TIME": 2}.items():
        monkeypatch.setattr(f"storehooks.adapters.delivery_log.deliveries.{name}", value)
    hook = world.hook()

    def held():
        delivery = replace(world.event(hook), status=Status.HELD)
        assert world.log.save(delivery, over=None)
        return int(world.clock.now) + RETENTION_SECONDS

    def first():
        before = len(aws.calls)
        kept_until = world.log.first_kept_until(hook.store_hash, hook.id, Status.HELD)
        return kept_until, len(aws.calls) - before

    held()
    world.clock.now += RETENTION_SECONDS
    kept_until = held()
    assert first() == (kept_until, 2)
    world.clock.now = kept_until
    held()
    assert first() == (world.clock.now, 2), "it might be deleted now"
