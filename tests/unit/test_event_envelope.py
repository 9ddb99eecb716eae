"""The messages of the events queue."""

import json
from itertools import batched

import pytest

from storehooks.adapters.delivery_messages import read_task, to_message
from storehooks.adapters.queue import as_body
from storehooks.api.event_envelope import from_envelope, published_to_v2, to_envelope
from storehooks.api.event_input import NewEvent
from storehooks.api.operational_envelope import to_operational_envelope
from storehooks.api.request import Request
from storehooks.api.response import Response
from storehooks.api.v2 import whole_delivery_to_v2
from storehooks.domain.callback import callback
from storehooks.domain.delivery import new_delivery
from storehooks.domain.errors import InvalidRequestError
from storehooks.domain.hook import Hook
from storehooks.domain.identity import Caller
from storehooks.domain.task import attempt_task
from tests.numbers_in_json import literals

GOOD = {"scope": "store/order/created", "data": {"type": "order", "id": 250}}
CALLER = Caller("5ueh97", "c" * 32, frozenset())
HOOK = Hook(
    id=1,
    store_hash="5ueh97",
    client_id="c" * 32,
    scope="store/*",
    destination="https://app.example.com/",
    headers=None,
    is_active=True,
    created_at=0,
    updated_at=0,
)


def fields_refused(body):
    with pytest.raises(InvalidRequestError) as refused:
        from_envelope(body)
    return {problem.field for problem in refused.value.problems}


def test_an_event_comes_out_of_its_envelope_as_it_went_in():
    new = NewEvent.parse(GOOD | {"id": "a", "store_id": 12, "created_at": 5})
    envelope = to_envelope(new, CALLER, 1_700_000_000_123_456)
    event = from_envelope(json.dumps(envelope))
    assert (event.id, event.has_given_id, event.store_hash, event.scope) == ("a", True, "5ueh97", new.scope)
    assert (event.data, event.store_id, event.created_at) == (GOOD["data"], "12", 5)
    assert (event.accepted_at, event.publication) == (1_700_000_000_123_456, envelope["id"])


def test_an_event_without_an_id_has_its_envelopes():
    envelope = to_envelope(NewEvent.parse(GOOD), CALLER, 1_700_000_000_123_456)
    event = from_envelope(json.dumps(envelope))
    assert event.id == envelope["id"] == published_to_v2(envelope)["id"]
    assert not event.has_given_id
    assert event.created_at == 1_700_000_000, "when it was accepted"
    other = to_envelope(NewEvent.parse(GOOD), CALLER, 1_700_000_000_123_456)
    assert other["id"] != envelope["id"], "two equal events are two"


def bus_entry(**changes):
    """An entry of the bus as EventBridge hands it on."""
    return {
        "version": "0",
        "id": "6a7e8feb-b491-4cf7-a9f1-bf3703467718",
        "detail-type": "store/order/created",
        "source": "com.example",
        "account": "123456789012",
        "time": "2026-11-23T10:00:00Z",
        "region": "us-east-1",
        "resources": [],
        "detail": {"store_hash": "5ueh97", "data": {"id": 1}},
    } | changes


def test_an_entry_of_the_bus_is_an_event():
    event = from_envelope(json.dumps(bus_entry()))
    assert (event.scope, event.store_hash, event.data) == ("store/order/created", "5ueh97", {"id": 1})
    assert event.created_at == 1795428000
    assert event.accepted_at == 1795428000_000_000


def test_an_event_is_its_clients_over_http_and_its_accounts_and_sources_on_the_bus():
    over_http = to_envelope(NewEvent.parse(GOOD), CALLER, 0)
    assert from_envelope(json.dumps(over_http)).publisher == f"client:{'c' * 32}"
    assert from_envelope(json.dumps(bus_entry())).publisher == "bus:123456789012:com.example"
    del over_http["client"]
    assert from_envelope(json.dumps(over_http)).publisher is None, "of 0.2.0, which does not say"


def test_neither_way_of_publishing_can_pass_for_the_other():
    """A publisher on the bus chooses what PutEvents takes, and over HTTP what the detail has."""
    as_client = {"source": "storehooks.api", "detail-type": "store/order/created", "resources": ["client:c"]}
    forged = from_envelope(json.dumps(bus_entry(**as_client)))
    assert forged.publisher == "bus:123456789012:storehooks.api"
    for name in ("client", "account", "source", "publisher"):
        assert fields_refused(json.dumps(bus_entry(detail={"store_hash": "a", "data": {}, name: "c"}))) == {
            name
        }
        with pytest.raises(InvalidRequestError):
            NewEvent.parse(GOOD | {name: "c"})


OPERATIONAL = {"source": "storehooks.deliveries", "detail-type": "store/hook/deliveryException"}


def own(**changes):
    """A message with an event of storehooks' own."""
    detail = {"store_hash": "5ueh97", "data": {"error_code": 90002}, "id": "deactivated.1.2"}
    return to_operational_envelope(detail, "c" * 32, 1_700_000_000_123_456) | changes


def test_an_event_of_storehooks_own_is_for_its_recipient_and_its_ids_are_nobody_elses():
    event = from_envelope(json.dumps(own()))
    assert (event.scope, event.recipient) == ("store/hook/deliveryException", "c" * 32)
    assert (event.id, event.has_given_id, event.publisher) == ("deactivated.1.2", True, "storehooks")
    assert event.accepted_at == 1_700_000_000_123_456


def test_what_others_publish_is_for_the_hooks_of_all_clients():
    for envelope in (bus_entry(recipient="c"), to_envelope(NewEvent.parse(GOOD), CALLER, 0)):
        assert from_envelope(json.dumps(envelope)).recipient is None


@pytest.mark.parametrize(
    ("entry", "field"),
    [
        (bus_entry(detail={"data": {}}), "store_hash"),
        (bus_entry(detail={"data": {}, "store_hash": "../x"}), "store_hash"),
        (bus_entry(detail={"data": {}, "store_hash": 5}), "store_hash"),
        (bus_entry(detail={"data": {}, "store_hash": "a", "scope": "store/order/updated"}), "scope"),
        (bus_entry(**{"detail-type": "Order Created"}), "scope"),
        (bus_entry(**{"detail-type": None}), "detail-type"),
        (bus_entry(detail=[]), "body"),
        (bus_entry(detail="x"), "body"),
        (bus_entry(time="yesterday"), "time"),
        (bus_entry(time="2026-11-23T10:00:00"), "time"),
        (bus_entry(time="1969-12-31T23:59:59Z"), "time"),
        (bus_entry(**{"detail-type": "store/hook/deliveryException"}), "scope"),
        (bus_entry(**OPERATIONAL), "scope"),
        (bus_entry(**OPERATIONAL, recipient="c"), "scope"),
        (bus_entry(**OPERATIONAL, client="c"), "scope"),
        (own(recipient=5), "recipient"),
        (own(recipient=None), "scope"),
        (own(**{"detail-type": "store/order/created"}), "scope"),
        (bus_entry(id=None), "id"),
        (bus_entry(account=5), "account"),
        (bus_entry(source=None), "source"),
        ({}, "id"),
        ([], "message"),
        ("x", "message"),
    ],
)
def test_an_entry_that_is_no_event_is_refused_by_its_field(entry, field):
    assert fields_refused(json.dumps(entry)) == {field}


GOOD_ENTRY = json.dumps(bus_entry())


@pytest.mark.parametrize(
    "body",
    [
        "",
        "not JSON",
        "[" * 100_000,
        GOOD_ENTRY.replace('"data":', '"data": {}, "data":'),
        GOOD_ENTRY.replace('"store_hash":', '"store_hash": "other", "store_hash":'),
        GOOD_ENTRY.replace('"detail":', '"detail": {}, "detail":'),
        GOOD_ENTRY.replace('"account":', '"account": "1", "account":'),
        GOOD_ENTRY.replace('"id": 1', '"id": 1, "id": 1'),
        GOOD_ENTRY.replace('"id": 1', '"id": NaN'),
        GOOD_ENTRY.replace('"id": 1', f'"id": 0.{"1" * 4300}'),
        GOOD_ENTRY.replace('"id": 1', r'"id": "\ud800"'),
    ],
)
def test_a_message_that_would_be_refused_as_a_body_is_refused(body):
    assert fields_refused(body) == {"message"}


def test_a_byte_order_mark_before_a_message_is_ignored():
    assert from_envelope("\ufeff" + GOOD_ENTRY) == from_envelope(GOOD_ENTRY)


def test_20000_numbers_arrive_as_they_were_written_over_http_and_from_the_queue_on():
    """From a request's body to a request to a destination, by the messages of both queues."""
    numbers, arrived = literals(20_000), 0
    for some in batched(numbers, 1_000, strict=True):
        data = f"[{','.join(some)}]"
        body = f'\ufeff{{"scope": "store/order/created", "data": {data.replace(",", " , ")}}}'
        (new,) = NewEvent.parse_all(
            Request({"body": body}).json_objects(limit=1, max_bytes=10**6)[0], in_array=False
        )
        message = as_body(to_envelope(new, CALLER, 0))
        of_the_bus = GOOD_ENTRY.replace('{"id": 1}', data)
        for event in (from_envelope(message), from_envelope(of_the_bus)):
            delivery = new_delivery(event, event.payload(), HOOK)
            for _ in range(2):  # as a task comes again, with the delivery in it
                task = read_task(as_body(to_message(attempt_task(delivery))))
                delivery = task.delivery
            sent = callback(delivery, HOOK, secrets=["s"], now=0).body.decode()
            assert sent == event.payload()
            assert f'"data":{data},"hash"' in sent
            assert f'"payload":{sent}' in Response(200, whole_delivery_to_v2(delivery)).to_gateway()["body"]
            arrived += len(some)
    assert arrived == 2 * 20_000
