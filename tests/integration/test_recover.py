"""Recoveries over HTTP, and what becomes of one whose responses from DynamoDB are lost.

tests/flows/test_recover.py has what a recovery does.
"""

import json

import pytest

from storehooks.domain.recovery import RecoveryStatus
from tests.flows.test_recover import current, order, outage, sent_ids
from tests.integration.conftest import load_event
from tests.world import World

SINCE = "2026-11-23T09:00:00+00:00"


@pytest.fixture
def world(aws):
    return World(aws, schedule="60")


def test_a_recovery_whose_answers_are_lost_is_saved_once(aws, world, small_steps, monkeypatch):
    hook = world.hook()
    missed = outage(world, hook, 9)
    put, update = aws.dynamodb.put_item, aws.dynamodb.update_item

    def twice(write):
        def written(**arguments):
            if arguments.get("Item", {}).get("id", {}).get("S", "rec_").startswith("rec_"):
                write(**arguments)
            return write(**arguments)

        return written

    recovery = order(world, hook)
    monkeypatch.setattr(aws.dynamodb, "put_item", twice(put))
    monkeypatch.setattr(aws.dynamodb, "update_item", twice(update))
    world.pass_time(60)
    monkeypatch.undo()
    now = current(world, recovery)
    assert (now.status, now.recovered) == (RecoveryStatus.FINISHED, len(missed))
    assert sorted(sent_ids(world)) == sorted(one.id for one in missed)


@pytest.fixture
def call(functions, world):
    functions.clock = world.clock

    def over_http(name: str, hook_id: int, *, client_id: str | None = None, body=None, recovery_id=None):
        event = load_event(name)
        event["pathParameters"]["id"] = str(hook_id)
        event["requestContext"]["authorizer"]["client_id"] = client_id or world.caller.client_id
        if body is not None:
            event["body"] = json.dumps(body)
        if recovery_id is not None:
            event["pathParameters"]["recovery_id"] = recovery_id
        return functions.invoke(name, event)

    return over_http


def test_the_answer_is_the_recovery_and_so_is_what_is_read_of_it_later(aws, world, call):
    hook = world.hook()
    outage(world, hook, 4)
    status, response = call("recover_deliveries", hook.id, body={"since": SINCE})
    assert status == 202
    assert response == {
        "id": response["id"],
        "hook_id": hook.id,
        "since": "2026-11-23T09:00:00.000+00:00",
        "until": "2026-11-23T10:06:00.000+00:00",
        "status": ["exhausted", "held"],
        "state": "running",
        "reason": None,
        "count": 7,
        "is_count_exact": True,
        "recovered": 0,
        "created_at": "2026-11-23T10:06:00.000+00:00",
        "updated_at": "2026-11-23T10:06:00.000+00:00",
        "finished_at": None,
    }
    assert call("get_recovery", hook.id, recovery_id=response["id"]) == (200, response)
    (message,) = aws.take("DeliveriesQueue")
    world.queue.put(message["Body"])
    world.clock.now += 5
    world.pass_time(60)
    _, finished = call("get_recovery", hook.id, recovery_id=response["id"])
    assert (finished["state"], finished["recovered"]) == ("finished", 7)
    assert finished["finished_at"] is not None


def test_counting_ends_in_time_and_says_so(world, call, monkeypatch):
    hook = world.hook()
    outage(world, hook, 4)
    monkeypatch.setattr("storehooks.flows.recover._COUNT_SECONDS", -1.0)
    _, response = call("recover_deliveries", hook.id, body={"since": SINCE})
    assert (response["count"], response["is_count_exact"]) == (4, False)


def test_an_end_that_is_to_come_is_now(world, call):
    hook = world.hook()
    _, response = call("recover_deliveries", hook.id, body={"since": SINCE, "until": "2030-01-01T00:00:00Z"})
    assert response["until"] == "2026-11-23T10:00:00.000+00:00"


def test_no_one_elses_recovery_is_seen(functions, world, call):
    hook = world.hook()
    _, response = call("recover_deliveries", hook.id, body={"since": SINCE})
    assert call("get_recovery", hook.id, recovery_id=response["id"], client_id="f" * 32)[0] == 404
    assert call("get_recovery", hook.id + 1, recovery_id=response["id"])[0] == 404
    for recovery_id in ("rec_" + "0" * 32, "circuit", "x"):
        assert call("get_recovery", hook.id, recovery_id=recovery_id)[0] == 404
    assert call("recover_deliveries", hook.id, body={"since": SINCE}, client_id="f" * 32)[0] == 404
    world.clock.now += 31 * 24 * 3600
    assert call("get_recovery", hook.id, recovery_id=response["id"])[0] == 404


def test_what_is_refused_starts_nothing(aws, world, call):
    hook = world.hook()
    status, problems = call("recover_deliveries", hook.id, body={"until": "yesterday", "colour": "red"})
    assert status == 400
    assert sorted(problem["details"]["field"] for problem in problems) == ["colour", "since", "until"]
    world.hooks.deactivate(hook, "it fails")
    status, (problem,) = call("recover_deliveries", hook.id, body={"since": SINCE})
    assert (status, problem["details"]["conflict_reason"]) == (409, "inactive")
    assert "it fails" in problem["message"], "the reason"
    assert aws.take("DeliveriesQueue") == []
