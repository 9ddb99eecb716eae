"""An event's id is its publisher's: nobody else can use it up, and another event with it is no repeat."""

import itertools
import json
import logging
from dataclasses import replace

import pytest
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storehooks.adapters.event_ids import KEPT_SECONDS, EventIdsTable
from storehooks.domain.errors import StoreBusyError
from storehooks.domain.event import Event, IdUse
from tests.integration.conftest import Client, load_event
from tests.world import Clock, World

ONE, OTHER, THIRD = "client:one", "client:other", "bus:123456789012:com.example"
_numbers = itertools.count()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def ids(aws, clock):
    return EventIdsTable("EventIdsTable", dynamodb=aws.dynamodb, clock=clock)


def published(publisher: str | None = ONE, event_id: str = "order-250", data: int = 250) -> Event:
    """An event that is published once more."""
    number = next(_numbers)
    return Event(
        id=event_id,
        has_given_id=True,
        publisher=publisher,
        publication=f"publication-{number}",
        store_hash="5ueh97",
        scope="store/order/created",
        data={"id": data},
        store_id=None,
        created_at=0,
        accepted_at=0,
    )


def test_nobody_uses_up_the_id_of_another_publisher(ids):
    assert ids.remember(published(ONE)) is IdUse.NEW
    assert ids.remember(published(OTHER)) is IdUse.NEW
    assert ids.remember(published(THIRD)) is IdUse.NEW
    assert [ids.remember(published(one)) for one in (ONE, OTHER, THIRD)] == [IdUse.REPEAT] * 3


def test_no_id_and_no_publisher_makes_the_key_of_another(ids):
    used = [
        published("client:a", "b#c"),
        published("client:a#b", "c"),
        published("client:a", "#event#5ueh97#c"),
        published("client:a", "#told#bus#5ueh97#1#1"),
    ]
    # Each has a key of its own, for an item of somebody else is there.
    assert {ids.remember(replace(one, publisher="client:first")) for one in used} == {IdUse.NEW}
    assert {ids.remember(one) for one in used} == {IdUse.NEW}


def test_the_same_id_with_another_scope_or_data_is_a_conflict(ids):
    event = published()
    ids.remember(event)
    assert ids.remember(published()) is IdUse.REPEAT
    assert ids.remember(published(data=251)) is IdUse.CONFLICT
    assert ids.remember(replace(published(), scope="store/order/updated")) is IdUse.CONFLICT
    assert ids.remember(published(OTHER, data=251)) is IdUse.NEW
    assert ids.remember(published(OTHER)) is IdUse.CONFLICT
    assert ids.remember(event) is IdUse.NEW, "its own message, which came again"


def test_an_id_that_two_use_costs_the_first_one_call_and_the_other_three(aws, ids, clock):
    for publisher, calls in ((ONE, 1), (OTHER, 3), (ONE, 1), (OTHER, 3)):
        before = len(aws.calls)
        ids.remember(published(publisher))
        assert aws.calls[before:] == ["PutItem"] * calls
        clock.now += 1


PUBLISHERS = st.sampled_from([ONE, OTHER, THIRD])
HOURS = st.sampled_from([0, 0, 1, 5, 12, 23, 24, 25])


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.tuples(HOURS, PUBLISHERS, st.integers(1, 2)), max_size=14))
def test_each_publisher_is_told_what_it_would_be_if_it_were_alone(aws, ids, clock, steps):
    aws.empty("EventIdsTable")
    known: dict[str, tuple[float, int]] = {}
    for hours, publisher, data in steps:
        clock.now += hours * 3600
        expected = IdUse.NEW
        if publisher in known and known[publisher][0] > clock.now:
            expected = IdUse.REPEAT if known[publisher][1] == data else IdUse.CONFLICT
        else:
            known[publisher] = (clock.now + KEPT_SECONDS, data)
        assert ids.remember(published(publisher, data=data)) is expected


def test_an_item_that_changes_meanwhile_is_looked_at_again(aws, ids, clock, monkeypatch):
    """The first publisher of an id uses it again, when its day is over, while another one looks."""
    ids.remember(published(ONE))
    clock.now += 10
    put, renewed = aws.dynamodb.put_item, []

    def raced(**request):
        if "expires_at = :expires_at" in request["ConditionExpression"] and not renewed:
            renewed.append(True)
            item = request["Item"] | {"publication": {"S": "renewed"}, "expires_at": {"N": "1"}}
            put(TableName="EventIdsTable", Item=item)
        return put(**request)

    monkeypatch.setattr(aws.dynamodb, "put_item", raced)
    assert ids.remember(published(OTHER)) is IdUse.NEW
    assert ids.remember(published(OTHER)) is IdUse.REPEAT


def test_an_item_that_changes_each_time_fails_as_a_busy_table_does(aws, ids, clock, monkeypatch):
    ids.remember(published(ONE))
    clock.now += 10
    put = aws.dynamodb.put_item

    def raced(**request):
        if "expires_at = :expires_at" in request["ConditionExpression"]:
            raise ClientError({"Error": {"Code": "ConditionalCheckFailedException"}}, "PutItem")
        return put(**request)

    monkeypatch.setattr(aws.dynamodb, "put_item", raced)
    with pytest.raises(StoreBusyError):
        ids.remember(published(OTHER))


# ---------------------------------------------------------------- earlier releases


def of_0_2_0(event: Event, now: float) -> dict:
    """How 0.2.0 remembers an event."""
    return {
        "TableName": "EventIdsTable",
        "Item": {
            "event_key": {"S": f"{event.store_hash}#{event.id}"},
            "publication": {"S": event.publication},
            "expires_at": {"N": str(int(now) + KEPT_SECONDS)},
        },
        "ConditionExpression": "attribute_not_exists(event_key) OR publication = :this OR expires_at <= :now",
        "ExpressionAttributeValues": {
            ":this": {"S": event.publication},
            ":now": {"N": str(int(now))},
        },
    }


def test_an_id_that_was_published_before_an_update_is_not_sent_again_after_it(aws, ids, clock):
    event = published()
    aws.dynamodb.put_item(**of_0_2_0(event, clock.now))
    assert ids.remember(event) is IdUse.NEW, "its message, which came again"
    aws.empty("EventIdsTable")
    aws.dynamodb.put_item(**of_0_2_0(event, clock.now))
    assert ids.remember(published()) is IdUse.REPEAT
    assert ids.remember(published(data=251)) is IdUse.REPEAT, "what it said is not known"
    clock.now += KEPT_SECONDS
    assert ids.remember(published()) is IdUse.NEW


def test_an_id_that_was_published_is_not_sent_again_after_a_rollback(aws, ids, clock):
    ids.remember(published())
    clock.now += KEPT_SECONDS - 1
    with pytest.raises(ClientError, match="ConditionalCheckFailed"):
        aws.dynamodb.put_item(**of_0_2_0(published(), clock.now))
    clock.now += 1
    aws.dynamodb.put_item(**of_0_2_0(published(), clock.now))


def test_a_message_of_0_2_0_that_does_not_say_whose_it_is_counts_for_all(ids):
    assert ids.remember(published(None)) is IdUse.NEW
    assert ids.remember(published(ONE)) is IdUse.REPEAT
    assert ids.remember(published(None)) is IdUse.REPEAT
    assert ids.remember(published(ONE, "other")) is IdUse.NEW
    assert ids.remember(published(None, "other", data=7)) is IdUse.REPEAT


# ---------------------------------------------------------------- from publishing to the lists


class Publishers:
    """Publishers that give their events the same id, and what becomes of them."""

    def __init__(self, aws, functions) -> None:
        self.aws, self.functions = aws, functions
        self.world = World(aws)
        functions.clock = self.world.clock
        self.hook = self.world.hook()

    def publish(self, client_id: str, data: dict, event_id: str = "order-250") -> None:
        """Over HTTP, as a client."""
        event = load_event("publish_events")
        event["requestContext"]["authorizer"]["client_id"] = client_id
        event["body"] = json.dumps({"scope": "store/order/created", "data": data, "id": event_id})
        assert self.functions.invoke("publish_events", event)[0] == 202
        self.match([message["Body"] for message in self.aws.take("EventsQueue")])

    def put(self, data: dict, **entry: str) -> None:
        """On the bus."""
        (record, _) = load_event("match_events")["Records"]
        envelope = json.loads(record["body"]) | {"id": f"entry-{next(_numbers)}"} | entry
        envelope["detail"] = {"store_hash": "5ueh97", "data": data, "id": "order-250"}
        self.match([json.dumps(envelope)])

    def match(self, bodies: list[str]) -> None:
        records = [{"messageId": str(number), "body": body} for number, body in enumerate(bodies)]
        response = self.functions.handler("match_events")({"Records": records}, None)
        assert response == {"batchItemFailures": []}
        for message in self.aws.take("DeliveriesQueue"):
            self.world.queue.put(message["Body"])
        self.world.work()

    @property
    def sent(self) -> list[dict]:
        return [json.loads(request.body) for _, request in self.world.sent]


@pytest.fixture
def publishers(aws, functions):
    return Publishers(aws, functions)


def test_a_publisher_cannot_keep_another_ones_event_from_being_sent(publishers):
    publishers.publish("attacker", {"id": 0})
    publishers.put({"id": 1})
    publishers.put({"id": 2}, source="com.example.other")
    publishers.put({"id": 3}, account="210987654321")
    publishers.publish("victim", {"id": 4})
    assert [event["data"]["id"] for event in publishers.sent] == [0, 1, 2, 3, 4]
    assert len({event["hash"] for event in publishers.sent}) == 5


def test_a_conflict_is_logged_and_counted_and_neither_sent_nor_a_dead_letter(
    aws, functions, publishers, caplog
):
    publishers.publish("mine", {"id": 1, "a": 2})
    publishers.publish("mine", {"a": 2.0, "id": 1})
    with caplog.at_level(logging.WARNING):
        publishers.publish("mine", {"id": 2})
    assert [event["data"]["id"] for event in publishers.sent] == [1]
    assert aws.take("EventsDeadLetters") == []
    (conflict,) = [record for record in caplog.records if "conflict" in record.getMessage()]
    assert (conflict.event_id, conflict.publisher) == ("order-250", "client:mine")


def test_the_events_of_two_publishers_with_one_id_are_two_in_the_list_of_what_is_undelivered(publishers):
    """Also when they were accepted in the same second, to which a publisher on the bus may date its event."""
    publishers.world.response = lambda _request: (500, None)
    second = publishers.world.hook("https://app.example.com/second")
    publishers.put({"id": 1})
    publishers.put({"id": 2}, source="com.example.other")
    client = Client(publishers.functions, "5ueh97", publishers.world.caller.client_id, version="v3")
    _, response = client.call("list_undelivered_events")
    assert sorted(event["data"]["id"] for event in response["data"]) == [1, 2]
    client.version = "v2"
    _, deliveries = client.call("list_deliveries", hook_id=second.id)
    assert {one["event_id"] for one in deliveries["data"]} == {"order-250"}, "as its publisher calls it"
