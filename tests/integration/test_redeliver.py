"""Sending a delivery again over HTTP, and what becomes of a response from DynamoDB that is lost.

tests/flows/test_redeliver.py has what it does.
"""

import json

import pytest

from storehooks.domain.delivery import Status
from tests.flows.test_redeliver import ended, fine, redeliver
from tests.integration.conftest import load_event
from tests.world import World


@pytest.fixture
def world(aws):
    return World(aws)


def test_a_write_whose_answer_is_lost_sends_once(aws, world, monkeypatch):
    delivery = ended(world, world.hook(), Status.EXHAUSTED)
    before = len(world.attempts(delivery))
    update = aws.dynamodb.update_item

    def twice(**arguments):
        update(**arguments)
        return update(**arguments)

    monkeypatch.setattr(aws.dynamodb, "update_item", twice)
    redeliver(world, delivery)
    monkeypatch.undo()
    world.response = fine
    world.pass_time(600)
    assert len(world.attempts(delivery)) == before + 1


@pytest.fixture
def call(functions, world):
    functions.clock = world.clock

    def redeliver_over_http(hook_id: int, delivery_id: str, client_id: str | None = None):
        event = load_event("redeliver")
        event["pathParameters"] |= {"id": str(hook_id), "delivery_id": delivery_id}
        event["requestContext"]["authorizer"]["client_id"] = client_id or world.caller.client_id
        return functions.invoke("redeliver", event)

    return redeliver_over_http


def test_the_answer_is_the_delivery_as_in_the_list(aws, world, call):
    hook = world.hook()
    delivery = ended(world, hook, Status.EXHAUSTED)
    status, response = call(hook.id, delivery.id)
    assert (status, response["id"], response["status"]) == (202, delivery.id, "pending")
    assert response["next_attempt_at"] == "2026-11-23T11:00:00.000+00:00"
    assert len(response["attempts"]) == 4
    assert "payload" not in response
    (message,) = aws.take("DeliveriesQueue")
    assert json.loads(message["Body"])["attempt"] == 5


def test_what_is_refused_says_why(world, call):
    hook = world.hook()
    delivery = ended(world, hook, Status.EXHAUSTED)
    assert call(hook.id, "msg_" + "0" * 32)[0] == 404
    assert call(hook.id, "x")[0] == 404
    assert call(hook.id + 1, delivery.id)[0] == 404
    assert call(hook.id, delivery.id, client_id="f" * 32)[0] == 404
    world.hooks.update(world.caller, hook.id, {"is_active": False})
    status, (problem,) = call(hook.id, delivery.id)
    assert (status, problem["details"]["conflict_reason"]) == (409, "inactive")
    assert f" {hook.id} " in problem["message"]
    assert 'a PUT of {"is_active": true}' in problem["message"], "what to do"
