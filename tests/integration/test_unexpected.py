"""What cannot be read of the tables or of an event: what it is about fails alone and loudly.

tests/flows/test_unexpected.py has mistakes of ours wherever a flow may meet one.
"""

import json

import pytest

from storehooks.domain.delivery import Status
from storehooks.domain.errors import CorruptItemError
from storehooks.flows import deliver
from tests.flow_fixtures import SECRET
from tests.flows.test_unexpected import statuses, three
from tests.integration.aws_platform import Platform
from tests.integration.conftest import load_event
from tests.message_heap import VISIBILITY_SECONDS
from tests.world import STORE, World


@pytest.fixture
def world(aws):
    return World(aws, schedule="60,2000")


def test_one_whose_item_cannot_be_read_fails_alone_and_the_item_is_named(aws, world, errors):
    world.response = lambda _request: (500, None)
    first, broken, last = three(world)
    world.work()
    key = {"hook": {"S": f"{STORE}#{broken.hook_id}"}, "id": {"S": broken.id}}
    aws.dynamodb.update_item(
        TableName="DeliveriesTable",
        Key=key,
        UpdateExpression="SET attempts = :bad",
        ExpressionAttributeValues={":bad": {"S": SECRET}},
    )
    world.response = lambda _request: (200, None)
    world.clock.now += 60
    world.work()
    assert statuses(world, [first, last]) == [Status.DELIVERED] * 2
    assert [task.delivery_id for task in world.queue.tasks] == [broken.id]
    assert [line["error"] for line in errors()] == ["CorruptItemError"]
    assert errors()[0]["item"] == f"hook={STORE}#{broken.hook_id}, id={broken.id}: JSONDecodeError"


def test_the_sweep_sends_what_is_due_beside_an_item_that_cannot_be_read_and_ends_as_failed(
    aws, world, errors
):
    world.response = lambda _request: (500, None)
    first, broken, last = three(world)
    world.pass_time(61)  # the second failed, and the next one is for the sweep
    aws.dynamodb.update_item(
        TableName="DeliveriesTable",
        Key={"hook": {"S": f"{STORE}#{broken.hook_id}"}, "id": {"S": broken.id}},
        UpdateExpression="REMOVE client_id",
    )
    world.clock.now += 2000
    with pytest.raises(CorruptItemError):
        world.sweeper.sweep()
    assert sorted(task.delivery_id for task in world.queue.tasks) == sorted([first.id, last.id])
    assert [(line["message"], line["delivery_id"]) for line in errors()] == [("unexpected error", broken.id)]


def test_an_event_that_cannot_be_matched_fails_alone(client, functions, monkeypatch, errors):
    client.create(scope="store/*", is_active=True)
    parts = functions.parts("match_events")
    envelope = json.loads(load_event("match_events")["Records"][0]["body"])
    bodies = {}
    for name in ("first", "broken", "last"):
        detail = envelope["detail"] | {"store_hash": client.store_hash, "id": name}
        bodies[name] = json.dumps(envelope | {"id": name, "detail": detail})
    remember = parts.event_ids.remember
    sent = []

    def broken(event):
        return {}[SECRET] if event.id == "broken" else remember(event)

    monkeypatch.setattr(parts.event_ids, "remember", broken)
    monkeypatch.setattr(parts.deliveries_queue, "send", sent.extend)
    assert parts.matcher.match(bodies) == {"broken"}
    assert sorted(message.task.delivery.event_id for message in sent) == ["first", "last"]
    assert [(line["message"], line["message_id"]) for line in errors()] == [("unexpected error", "broken")]


def test_one_message_that_meets_it_again_and_again_is_a_dead_letter_and_sets_off_the_alarm(aws, monkeypatch):
    platform = Platform(aws, monkeypatch, "60")
    platform.hook()
    started = platform.clock.now
    monkeypatch.setattr(deliver, "before_attempt", lambda *_: {}[SECRET])
    with platform.watched(monkeypatch, None):
        platform.event()
        platform.pass_time(3 * VISIBILITY_SECONDS)
        assert platform.metrics.alarms(started, platform.clock.now) == {"UnexpectedErrorsAlarm"}
        platform.pass_time(75 * 60)
    assert len(platform.dead) == 1
