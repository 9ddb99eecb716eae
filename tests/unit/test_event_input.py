"""Events as publishers send them."""

import json

import pytest

from storehooks.api.event_envelope import event_id, from_envelope, to_envelope
from storehooks.api.event_input import NewEvent
from storehooks.domain.errors import InvalidRequestError

GOOD = {"scope": "store/order/created", "data": {"type": "order", "id": 250}}


def problems(call) -> dict[str, str]:
    """Each field that is refused, and why."""
    with pytest.raises(InvalidRequestError) as refused:
        call()
    return {problem.field: problem.reason for problem in refused.value.problems}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"scope": "store/order/*"}, "scope"),
        ({"scope": "store/order/unknown"}, "scope"),
        ({"scope": "store/channel/{channel_id}/order/created"}, "scope"),
        ({"scope": 5}, "scope"),
        ({"scope": None}, "scope"),
        ({"data": "text"}, "data"),
        ({"data": 5}, "data"),
        ({"data": None}, "data"),
        ({"id": 5}, "id"),
        ({"id": ""}, "id"),
        ({"id": "a b"}, "id"),
        ({"store_id": True}, "store_id"),
        ({"store_id": 1.5}, "store_id"),
        ({"store_id": "12x"}, "store_id"),
        ({"created_at": "2026-01-01"}, "created_at"),
        ({"created_at": 1.5}, "created_at"),
        ({"created_at": -1}, "created_at"),
        ({"colour": "red"}, "colour"),
        ({"store_hash": "5ueh97"}, "store_hash"),
    ],
)
def test_what_is_wrong_is_refused_by_its_field(changes, field):
    assert set(problems(lambda: NewEvent.parse(GOOD | changes))) == {field}


@pytest.mark.parametrize("missing", ["scope", "data"])
def test_what_is_missing_is_refused_by_its_field(missing):
    given = {name: value for name, value in GOOD.items() if name != missing}
    assert problems(lambda: NewEvent.parse(given)) == {missing: "is required"}


def test_all_events_of_an_array_are_looked_at_and_named_by_their_position():
    values = [GOOD, GOOD | {"scope": "x"}, 5, GOOD | {"data": 1, "colour": 2}]
    assert set(problems(lambda: NewEvent.parse_all(values, in_array=True))) == {
        "[1].scope", "[2]", "[3].data", "[3].colour",
    }  # fmt: skip


@pytest.mark.parametrize("data", [{}, [], [1, {"a": None}], {"a": [1.5, "x", False]}])
def test_data_is_an_object_or_an_array(data):
    assert NewEvent.parse(GOOD | {"data": data}).data == data


@pytest.mark.parametrize(
    "scope", ["store/channel/12/order/created", "store/channel/*/inventory/product/stock_changed"]
)
def test_channel_scopes_have_a_number_or_are_named_as_they_stand(scope):
    if "12" in scope:
        scope = next(iter(channel_scopes())).replace("{channel_id}", "12")
    assert NewEvent.parse(GOOD | {"scope": scope}).scope == scope


def channel_scopes():
    from storehooks.domain.scope import catalogue

    return [scope for scope in catalogue() if "{channel_id}" in scope]


def test_an_event_comes_out_of_its_envelope_as_it_went_in():
    new = NewEvent.parse(GOOD | {"id": "a", "store_id": 12, "created_at": 5})
    envelope = to_envelope(new, "5ueh97", 1_700_000_000_123_456)
    event = from_envelope(json.dumps(envelope))
    assert (event.id, event.has_given_id, event.store_hash, event.scope) == ("a", True, "5ueh97", new.scope)
    assert (event.data, event.store_id, event.created_at) == (GOOD["data"], "12", 5)
    assert (event.accepted_at, event.publication) == (1_700_000_000_123_456, envelope["id"])


def test_an_event_without_an_id_has_its_envelopes():
    envelope = to_envelope(NewEvent.parse(GOOD), "5ueh97", 1_700_000_000_123_456)
    event = from_envelope(json.dumps(envelope))
    assert event.id == envelope["id"] == event_id(envelope)
    assert not event.has_given_id
    assert event.created_at == 1_700_000_000, "when it was accepted"
    other = to_envelope(NewEvent.parse(GOOD), "5ueh97", 1_700_000_000_123_456)
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
        (bus_entry(id=None), "id"),
        ({}, "id"),
        ([], "message"),
        ("x", "message"),
    ],
)
def test_an_entry_that_is_no_event_is_refused_by_its_field(entry, field):
    assert set(problems(lambda: from_envelope(json.dumps(entry)))) == {field}


@pytest.mark.parametrize("body", ["", "not JSON", "[" * 100_000])
def test_a_message_that_is_not_json_is_refused(body):
    assert set(problems(lambda: from_envelope(body))) == {"message"}


@pytest.mark.parametrize("field", ["created_at", "store_id"])
def test_an_integer_may_be_written_with_a_fraction_of_zero(field):
    """JSON has one kind of number: 250.0 is 250."""
    event = {"scope": "store/order/created", "data": {}}
    assert getattr(NewEvent.parse(event | {field: 250.0}), field) in {250, "250"}
    for wrong in (250.5, 1e400, True):
        with pytest.raises(InvalidRequestError):
            NewEvent.parse(event | {field: wrong})
