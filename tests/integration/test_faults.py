"""What is lost when DynamoDB does a part, or its responses are lost: nothing.

tests/flows/test_faults.py has what fails in the middle of a delivery otherwise.
"""

import json

import pytest
from botocore.exceptions import ClientError

from storehooks.adapters.claims import CLAIM_SECONDS
from storehooks.adapters.delivery_log.keys import DUE_SHARDS
from storehooks.domain.delivery import Status
from storehooks.domain.errors import QueueFailedError, StoreBusyError
from storehooks.domain.operational_event import DEACTIVATED
from storehooks.domain.scope import DELIVERY_EXCEPTION
from storehooks.domain.task import RecordTask
from tests.flows.test_faults import failing
from tests.world import World


@pytest.fixture
def world(aws):
    return World(aws)


def test_what_a_batch_call_leaves_undone_is_done_again(aws, world, monkeypatch):
    """DynamoDB may do a part of a batch and name the rest."""
    hook = world.hook()
    deliveries = [world.event(hook) for _ in range(5)]
    table, write, read = "DeliveriesTable", aws.dynamodb.batch_write_item, aws.dynamodb.batch_get_item
    left = {"write": 1, "read": 1}

    def partial_write(*, RequestItems):  # noqa: N803
        requests = RequestItems[table]
        keep = 1 if left["write"] and len(requests) > 1 else 0
        left["write"] = max(0, left["write"] - 1)
        write(RequestItems={table: requests[keep:]})
        return {"UnprocessedItems": {table: requests[:keep]} if keep else {}}

    def partial_read(*, RequestItems):  # noqa: N803
        keys = RequestItems[table]["Keys"]
        keep = 1 if left["read"] and len(keys) > 1 else 0
        left["read"] = max(0, left["read"] - 1)
        response = read(RequestItems=RequestItems | {table: RequestItems[table] | {"Keys": keys[keep:]}})
        unread = {table: RequestItems[table] | {"Keys": keys[:keep]}}
        return response | {"UnprocessedKeys": unread if keep else {}}

    monkeypatch.setattr(aws.dynamodb, "batch_write_item", partial_write)
    monkeypatch.setattr(aws.dynamodb, "batch_get_item", partial_read)
    world.work()
    assert left == {"write": 0, "read": 0}
    assert [world.logged(one).status for one in deliveries] == [Status.DELIVERED] * 5
    assert all(world.attempts(one) == [0] for one in deliveries)


def test_a_batch_that_is_never_done_fails_or_is_logged_later(aws, world, monkeypatch):
    delivery = world.event(world.hook())
    monkeypatch.setattr(
        aws.dynamodb, "batch_write_item", lambda **call: {"UnprocessedItems": call["RequestItems"]}
    )
    world.work()
    (task,) = world.queue.tasks
    assert isinstance(task, RecordTask)
    monkeypatch.undo()
    world.pass_time(60)
    assert world.logged(delivery).status is Status.DELIVERED
    assert world.attempts(delivery) == [0]


def test_a_write_whose_answer_is_lost_is_not_taken_for_anothers(aws, world, monkeypatch):
    """It took effect; botocore repeats it, and then its condition fails."""
    world.response = failing
    delivery = world.event(world.hook())
    put = aws.dynamodb.put_item

    def twice(**arguments):
        if "payload" in arguments["Item"]:
            put(**arguments)
        return put(**arguments)

    monkeypatch.setattr(aws.dynamodb, "put_item", twice)
    world.work()
    monkeypatch.undo()
    world.queue.waiting, (order,) = [], world.queue.tasks
    assert (order.delivery_id, order.attempt) == (delivery.id, 2)


def test_a_claim_whose_answer_is_lost_is_handed_on(aws, monkeypatch):
    world = World(aws, schedule="1800,1800")
    world.response = failing
    delivery = world.event(world.hook())
    world.work()
    world.clock.now += 1750
    update = aws.dynamodb.update_item

    def twice(**arguments):
        update(**arguments)
        return update(**arguments)

    monkeypatch.setattr(aws.dynamodb, "update_item", twice)
    assert world.sweeper.sweep() == 1
    monkeypatch.undo()
    world.pass_time(60)
    assert world.attempts(delivery) == [0, 1800]


def test_a_claim_that_fails_delays_no_other(aws, monkeypatch):
    world = World(aws, schedule="1800,1800")
    world.response = failing
    hook = world.hook()
    deliveries = [world.event(hook) for _ in range(4)]
    world.work()
    world.clock.now += 1750
    assert world.sweeper.sweep() == 4
    world.queue.waiting.clear()  # they are lost
    world.clock.now += 300
    move = world.due._move_due

    def busy(task, **arguments):
        if task.delivery_id == deliveries[0].id:
            raise StoreBusyError
        return move(task, **arguments)

    monkeypatch.setattr(world.due, "_move_due", busy)
    with pytest.raises(StoreBusyError):
        world.sweeper.sweep()
    assert len(world.queue.waiting) == 3
    monkeypatch.undo()
    assert world.sweeper.sweep() == 1


def due_at_once(aws, number, *, late=0):
    """A world with as many retries that are due at one time, no circuit tripped."""
    world = World(aws, schedule="1800,1800")
    world.response = failing
    for count in range(number):
        if count % 4 == 0:
            hook = world.hook(f"https://app.example.com/{count}", scope="store/*")
        world.event(hook)
    world.work()
    world.clock.now += 1750 + late
    return world


def test_a_shard_that_cannot_be_taken_delays_no_other(aws, monkeypatch):
    world = due_at_once(aws, 20)
    move, tries = world.due._move_mark, []

    def busy(shard, end):
        tries.append(shard)
        if len(tries) == 2:
            raise StoreBusyError
        return move(shard, end)

    monkeypatch.setattr(world.due, "_move_mark", busy)
    with pytest.raises(StoreBusyError):
        world.sweeper.sweep()
    assert len(set(tries)) == DUE_SHARDS
    sent = len(world.queue.waiting)
    assert 0 < sent < 20
    monkeypatch.undo()
    assert world.sweeper.sweep() == 20 - sent


def test_a_mark_whose_response_was_lost_is_this_sweep_s(aws, monkeypatch):
    world = due_at_once(aws, 20)
    update = aws.dynamodb.update_item

    def repeated(**given):
        update(**given)
        return update(**given)

    monkeypatch.setattr(aws.dynamodb, "update_item", repeated)
    assert world.sweeper.sweep() == 20


def test_what_is_late_is_sent_though_it_cannot_be_claimed(aws, monkeypatch):
    """It was taken with all of its time: the claim only says when it is looked at again."""
    world = due_at_once(aws, 8, late=120)

    def busy(_task, **_arguments):
        raise StoreBusyError

    monkeypatch.setattr(world.due, "_move_due", busy)
    with pytest.raises(StoreBusyError):
        world.sweeper.sweep()
    assert len(world.queue.waiting) == 8
    monkeypatch.undo()
    assert world.sweeper.sweep() == 0


def test_what_is_due_at_one_time_is_taken_once_though_a_page_ends_in_between(aws, monkeypatch):
    world = due_at_once(aws, 30)
    monkeypatch.setattr("storehooks.adapters.delivery_log.due._MAX_OF_PAGE", 3)
    before = len(aws.calls)
    assert world.sweeper.sweep() == 30
    assert aws.calls[before:].count("Query") > 10
    assert world.sweeper.sweep() == 0
    assert len({task.delivery_id for task in world.queue.tasks}) == 30


def test_what_waits_longer_than_the_log_is_kept_is_not_deleted_before(aws):
    world = World(aws, schedule="999999")
    world.log._retention_seconds = 24 * 3600
    world.response = failing
    world.event(world.hook())
    world.work()
    (item,) = [item for item in aws.scan("DeliveriesTable") if "payload" in item]
    assert float(item["expires_at"]["N"]) > float(item["next_attempt_at"]["N"]) + 23 * 3600


def test_a_notification_that_is_not_remembered_is_one_nevertheless(world, aws, monkeypatch):
    """Its own process knows it; another may notify again."""
    hook = world.hook()
    world.response = failing
    world.event(hook)
    put = aws.dynamodb.put_item

    def forget(**given):
        if given["TableName"] == "EventIdsTable" and "ConditionExpression" not in given:
            raise ClientError({"Error": {"Code": "InternalServerError"}}, "PutItem")
        return put(**given)

    with monkeypatch.context() as patched:
        patched.setattr(aws.dynamodb, "put_item", forget)
        world.work()
    world.queue.waiting.clear()
    for entries, deliverer in ((1, world.deliverer), (2, world.new_process().deliverer)):
        world.deliverer = deliverer
        world.clock.now += CLAIM_SECONDS
        world.event(hook)
        world.work()
        assert world.bus.entries == entries


def test_the_end_of_a_hook_is_one_event_for_its_client_when_the_bus_fails_after_the_queue(
    world, aws, functions, monkeypatch
):
    observer = world.hook("https://app.example.com/observer", scope="store/hook/deliveryException")
    world.response = lambda _request: (410, None)
    world.event(world.hook())
    put = world.bus.put

    def fail(source, scope, detail):
        if scope == DELIVERY_EXCEPTION:
            raise QueueFailedError("x", frozenset({0}))
        return put(source, scope, detail)  # notices go before the queue

    with monkeypatch.context() as patched:
        patched.setattr(world.bus, "put", fail)
        world.pass_time(60)
    world.pass_time(300)
    assert world.bus.codes == [DEACTIVATED]
    assert len(world.events_queue.envelopes) > 1
    records = [
        {"messageId": str(number), "body": json.dumps(envelope)}
        for number, envelope in enumerate(world.events_queue.envelopes)
    ]
    assert functions.handler("match_events")({"Records": records}, None) == {"batchItemFailures": []}
    (message,) = aws.take("DeliveriesQueue")
    assert json.loads(message["Body"])["hook_id"] == observer.id
