"""GET .../v2/hooks/{id}/stats, over the log in DynamoDB."""

import pytest

from storehooks.domain.delivery import Status
from storehooks.domain.lease import MAX_STATS, LeasePool
from tests.contract import examples
from tests.integration.conftest import load_event
from tests.world import STORE, World

DAY = 86_400


@pytest.fixture
def world(aws):
    return World(aws)


@pytest.fixture
def call(functions, world):
    """Asks for the figures of a hook as its client."""

    def calling(hook, *, client_id=None, **query):
        functions.clock = world.clock
        event = load_event("get_hook_stats")
        event["pathParameters"]["id"] = str(hook.id)
        event["requestContext"]["authorizer"]["client_id"] = client_id or hook.client_id
        event["queryStringParameters"] = {name: str(value) for name, value in query.items()} or None
        event["multiValueQueryStringParameters"] = None
        return functions.invoke("get_hook_stats", event)

    return calling


def test_a_hook_without_deliveries_has_figures_of_the_last_24_hours_which_are_zero(world, call):
    assert call(world.hook()) == (
        200,
        {
            "data": {
                "attempts": 0,
                "delivered": 0,
                "failed": {},
                "latency_ms": {"p50": None, "p95": None, "p99": None},
                "waiting": 0,
                "held": 0,
                "oldest_waiting_at": None,
                "steps": [],
                "covers": {
                    "since": "2026-11-22T10:00:01.000+00:00",
                    "until": "2026-11-23T10:00:01.000+00:00",
                    "deliveries": 0,
                    "is_complete": True,
                    "is_waiting_exact": True,
                    "is_held_exact": True,
                },
            }
        },
    )


def test_figures_are_of_what_was_delivered_what_failed_and_what_waits(world, call):
    hook = world.hook()
    world.event(hook)
    world.work()
    world.response = lambda _request: (503, None)
    world.clock.now += 3600
    world.event(hook)
    world.pass_time(70)
    status, response = call(hook, since=int(world.clock.now) - 7200, step=3600)
    data = response["data"]
    assert status == 200
    assert (data["attempts"], data["delivered"], data["failed"]) == (3, 1, {"status": 2})
    assert data["latency_ms"] == {"p50": 1.0, "p95": 1.0, "p99": 1.0}
    assert (data["waiting"], data["oldest_waiting_at"]) == (1, "2026-11-23T11:00:00.000+00:00")
    steps = data["steps"]
    assert [step["since"] for step in steps] == [
        "2026-11-23T09:01:10+00:00",
        "2026-11-23T10:01:10+00:00",
        "2026-11-23T11:01:10+00:00",
    ]
    assert [(step["deliveries"], step["attempts"], step["failed"]) for step in steps] == [
        (1, 1, {}),
        (1, 2, {"status": 2}),
        (0, 0, {}),
    ]


def test_more_than_a_page_of_the_log_is_read_to_its_end(aws, world, call):
    hook = world.hook()
    payload = "x" * 60_000
    saved = [
        examples.delivered(number, hook_id=hook.id, accepted_at=world.clock.now, payload=payload)
        for number in range(40)
    ]
    world.log.save_delivered(saved)
    before = len(aws.calls)
    data = call(hook)[1]["data"]
    assert (data["attempts"], data["delivered"]) == (40, 40)
    assert data["covers"]["is_complete"]
    assert aws.calls[before:].count("Query") == 3 + 3, "a megabyte to a page, and what waits and is held"


def test_figures_of_a_hook_are_its_clients_alone(world, call):
    hook = world.hook()
    assert call(hook, client_id="f" * 32)[0] == 404


def test_what_is_invalid_of_a_query_is_named(world, call):
    hook = world.hook()
    status, problems = call(hook, since="yesterday", until="now", step="0")
    assert status == 400
    assert [problem["details"]["field"] for problem in problems] == ["until", "since", "step"]
    status, (problem,) = call(hook, since=0, step=1)
    assert (status, problem["details"]["field"], problem["details"]["given"]) == (400, "step", "1")


def test_a_third_request_for_figures_at_once_is_a_429_that_says_when_to_try_again(functions, world, call):
    hook = world.hook()
    pool = LeasePool("stats", STORE, hook.client_id, MAX_STATS)
    for holder in ("a", "b"):
        assert world.parts.leases.take(pool, holder, lambda _lease: False)
    status, (problem,) = call(hook)
    assert (status, problem["details"]["limit"]) == (429, 2)
    world.clock.now += 60
    assert call(hook)[0] == 200


def test_what_is_held_and_what_waits_is_counted_whenever_its_event_was_accepted(world, call):
    hook = world.hook()
    at = world.clock.now - 2 * DAY
    for one in (
        examples.ended(1, Status.HELD, hook_id=hook.id, accepted_at=at),
        examples.retrying(2, hook_id=hook.id, accepted_at=at),
        examples.delivery(3, hook_id=hook.id, accepted_at=at, next_attempt_at=world.clock.now + 60),
    ):
        assert world.log.save(one, over=None)
    data = call(hook)[1]["data"]
    assert (data["waiting"], data["held"], data["attempts"]) == (2, 1, 0)


# ---------------------------------------------------------------- finding


def listed(functions, world, hook, **query):
    functions.clock = world.clock
    event = load_event("list_deliveries")
    event["pathParameters"]["id"] = str(hook.id)
    event["requestContext"]["authorizer"]["client_id"] = hook.client_id
    event["queryStringParameters"] = query
    return functions.invoke("list_deliveries", event)


def test_deliveries_are_found_by_the_id_of_their_event_or_of_what_it_is_about(functions, world):
    hook = world.hook()
    deliveries = [world.event(hook) for _ in range(12)]
    world.work()
    for find in ("event-1", "1"):
        status, page = listed(functions, world, hook, find=find)
        assert (status, [one["id"] for one in page["data"]]) == (200, [deliveries[1].id])
        assert page["next_cursor"] is None
    for find in (" ", "x" * 257):
        assert listed(functions, world, hook, find=find)[0] == 400


def test_looking_for_a_delivery_ends_after_eight_megabytes_and_goes_on_from_there(aws, functions, world):
    hook = world.hook()
    many = [
        examples.delivered(
            number,
            hook_id=hook.id,
            client_id=hook.client_id,
            payload='{"data":{"id":%d},"x":"%s"}' % (number, "x" * 300_000),  # noqa: UP031
        )
        for number in range(40)
    ]
    world.log.save_delivered(many)
    before = len(aws.calls)
    _, page = listed(functions, world, hook, find="0")
    assert page["data"] == []
    assert aws.calls[before:] == ["GetItem", *["Query"] * 8]
    _, page = listed(functions, world, hook, find="0", cursor=page["next_cursor"])
    assert [one["id"] for one in page["data"]] == [many[0].id]
