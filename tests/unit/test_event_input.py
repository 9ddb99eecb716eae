"""What a publisher may say of an event."""

import pytest

from storehooks.api.event_input import NewEvent
from storehooks.domain.errors import InvalidRequestError
from storehooks.domain.exact_json import Number, read_float

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
        ({"scope": "store/hook/deliveryException"}, "scope"),
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


@pytest.mark.parametrize("field", ["created_at", "store_id"])
def test_an_integer_may_be_written_with_a_fraction_of_zero(field):
    """JSON has one kind of number: 250.0 is 250."""
    event = {"scope": "store/order/created", "data": {}}
    assert getattr(NewEvent.parse(event | {field: 250.0}), field) in {250, "250"}
    for literal in ("250.00", "2.5E+2", "2500e-1"):
        given = read_float(literal)
        assert isinstance(given, Number)
        assert getattr(NewEvent.parse(event | {field: given}), field) in {250, "250"}
    for wrong in (250.5, 1e400, True, Number("250.50"), Number("1e400"), Number("1e99999")):
        with pytest.raises(InvalidRequestError):
            NewEvent.parse(event | {field: wrong})
