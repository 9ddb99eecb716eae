"""Numbers reach a destination with the digits that they were written with, whatever happens on the way."""

import io
import json

import pytest

from storehooks.domain.delivery import Status
from storehooks.flows import match
from tests.flows.test_recover import order
from tests.flows.test_redeliver import failing, fine, redeliver
from tests.integration.conftest import load_event
from tests.numbers_in_json import NUMBERS
from tests.world import World

DATA = f'{{"money":[{",".join(NUMBERS)}],"name":"naïve 🛒"}}'
SHORT = "60,1200"  # one retry by the queue, one by the due index


@pytest.fixture
def world(aws):
    return World(aws, schedule=SHORT)


@pytest.fixture
def matched(aws, functions, world):
    """Match what the events queue has, and give the world what the deliveries queue then has."""

    def match(*bodies: str) -> None:
        record = load_event("match_events")["Records"][0]
        records = [record | {"messageId": str(number), "body": body} for number, body in enumerate(bodies)]
        assert functions.handler("match_events")({"Records": records}, None) == {"batchItemFailures": []}
        for message in aws.take("DeliveriesQueue"):
            world.queue.put(message["Body"])

    return match


@pytest.fixture
def publish(aws, functions, matched):
    def call(body: str):
        response = functions.invoke("publish_events", load_event("publish_events") | {"body": body})
        matched(*(message["Body"] for message in aws.take("EventsQueue")))
        return response

    return call


def sent(world) -> set[str]:
    return {request.body.decode() for _, request in world.sent}


def test_over_http_each_attempt_has_the_same_bytes(aws, functions, world, publish):
    functions.clock = world.clock
    hook = world.hook()
    world.response = failing
    assert publish(f'{{"scope":"store/order/created","data":{DATA}}}')[0] == 202
    world.pass_time(3600)
    (delivery,) = aws.deliveries().values()
    assert (delivery.status, len(world.sent)) == (Status.EXHAUSTED, 3)

    world.hooks.update(world.caller, hook.id, {"is_active": True})
    redeliver(world, delivery)
    world.pass_time(3600)
    assert (world.logged(delivery).status, len(world.sent)) == (Status.EXHAUSTED, 6)

    world.hooks.update(world.caller, hook.id, {"is_active": True})
    world.response = fine
    order(world, hook)
    world.pass_time(3600)
    assert (world.logged(delivery).status, len(world.sent)) == (Status.DELIVERED, 7)

    (body,) = sent(world)
    assert f'"data":{DATA},"hash"' in body
    event = load_event("get_delivery")
    event["pathParameters"] |= {"id": str(hook.id), "delivery_id": delivery.id}
    event["requestContext"]["authorizer"]["client_id"] = world.caller.client_id
    shown = functions.handler("get_delivery")(event, None)["body"]
    assert f'"payload":{body}' in shown


def test_what_is_missed_is_listed_with_its_digits(aws, functions, world, publish):
    functions.clock = world.clock
    world.hook()
    world.response = failing
    publish(f'{{"scope":"store/order/created","data":{DATA}}}')
    world.pass_time(3600)
    event = load_event("list_undelivered_events")
    event["requestContext"]["authorizer"]["client_id"] = world.caller.client_id
    listed = functions.handler("list_undelivered_events")(event, None)
    (body,) = sent(world)
    assert (listed["statusCode"], body in listed["body"]) == (200, True)


def test_from_the_bus_on_they_are_kept(world, matched):
    world.hook()
    envelope = json.loads(load_event("match_events")["Records"][0]["body"])
    envelope |= {"detail-type": "store/order/created", "detail": {"store_hash": "5ueh97", "data": {}}}
    matched(json.dumps(envelope).replace('"data": {}', f'"data": {DATA}'))
    world.work()
    (body,) = sent(world)
    assert f'"data":{DATA},"hash"' in body


def test_a_repeat_with_numbers_written_otherwise_is_a_repeat_and_one_with_others_a_conflict(
    world, publish, monkeypatch
):
    written = io.StringIO()
    monkeypatch.setattr(match.logger.registered_handler, "stream", written)
    world.hook()
    for number, said in (
        ("1234567890123456.50", "matched"),
        ("12345678901234565e-1", "event was published before"),
        ("1234567890123456.51", "conflict: the id was given to another event"),
    ):
        publish(f'{{"scope":"store/order/created","id":"one","data":[{number}]}}')
        assert said in [json.loads(line)["message"] for line in written.getvalue().splitlines()]
        written.seek(0)
        written.truncate()
    world.work()
    assert len(world.sent) == 1


@pytest.mark.parametrize(
    "twice", ['"data":{"id":1,"id":2}', '"data":{"id":1},"data":{"id":2}', '"data":{},"store_hash":"other"']
)
def test_a_member_that_is_there_twice_is_refused_over_http_and_from_the_queue(aws, publish, matched, twice):
    status, (problem,) = publish(f'{{"scope":"store/order/created",{twice},"store_hash":"5ueh97"}}')
    assert (status, "twice" in problem["message"]) == (400, True)
    envelope = json.loads(load_event("match_events")["Records"][0]["body"])
    message = json.dumps(envelope | {"detail": "detail"}).replace(
        '"detail": "detail"', f'"detail": {{{twice},"store_hash":"5ueh97"}}'
    )
    matched(message)
    ((body, reason),) = aws.dead_letters()
    assert (body, "twice" in reason) == (message, True)
