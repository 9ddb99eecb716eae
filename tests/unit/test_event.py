"""An event, and what its deliveries carry."""

import hashlib
import json
from dataclasses import replace

import pytest

from storehooks.domain.errors import InvalidValueError
from storehooks.domain.event import (
    MAX_DATA_BYTES,
    Event,
    check_created_at,
    check_data,
    check_event_id,
    check_store_id,
)
from storehooks.domain.exact_json import Number

EVENT = Event(
    id="order-250-created",
    has_given_id=True,
    publication="0eb5768f-5c02-4dab-91ed-d9b2534e31b4",
    store_hash="5ueh97",
    scope="store/order/created",
    data={"type": "order", "id": 250},
    store_id="1025646",
    created_at=1561479335,
    accepted_at=1_700_000_000_000_000,
)


def test_the_payload_is_bigcommerces_callback_as_compact_json():
    assert EVENT.payload() == (
        '{"scope":"store/order/created","store_id":"1025646","data":{"type":"order","id":250},'
        f'"hash":"{EVENT.hash}","created_at":1561479335,"producer":"stores/5ueh97"}}'
    )


def test_characters_are_sent_as_they_are():
    assert '"naïve 🛒 \\n \\""' in replace(EVENT, data={"name": 'naïve 🛒 \n "'}).payload()


def test_a_store_id_that_was_not_given_is_null():
    assert json.loads(replace(EVENT, store_id=None).payload())["store_id"] is None


def test_the_hash_is_40_hex_digits_and_the_same_for_each_repeat_of_an_event():
    assert len(EVENT.hash) == 40
    assert int(EVENT.hash, 16)
    again = replace(EVENT, publication="another", accepted_at=EVENT.accepted_at + 1)
    assert again.hash == EVENT.hash
    assert replace(EVENT, id="order-251-created").hash != EVENT.hash
    assert replace(EVENT, store_hash="other").hash != EVENT.hash


def test_the_hash_tells_apart_the_events_of_two_publishers_that_gave_the_same_id():
    hashes = {replace(EVENT, publisher=one).hash for one in (None, "client:a", "client:b", "bus:1:a")}
    assert len(hashes) == 4


def test_the_hash_of_an_event_without_a_given_id_is_that_of_earlier_releases():
    event = replace(EVENT, id="6a7e8feb", has_given_id=False)
    expected = hashlib.sha256(b"5ueh97\x006a7e8feb").hexdigest()[:40]
    assert [replace(event, publisher=one).hash for one in (None, "client:a")] == [expected] * 2


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"a": 1, "b": [2]}, {"b": [2.0], "a": 1.0}),
        ([-0.0, 1e3], [0, 1000]),
        ([Number("1.50"), Number("1E+2"), Number("-0")], [1.5, 100, 0]),
        ([Number("1234567890123456.780")], [Number("1234567890123456.78")]),
        ({"a": "\u00fc"}, {"a": "ü"}),
    ],
)
def test_equal_data_is_the_same_content_however_it_was_written(one, other):
    assert replace(EVENT, data=one).content_digest == replace(EVENT, data=other).content_digest


@pytest.mark.parametrize(
    "other", [{"id": 250}, {"type": "order", "id": "250"}, {"type": "order", "id": 250.5}]
)
def test_other_data_or_another_scope_is_another_content(other):
    assert replace(EVENT, data=other).content_digest != EVENT.content_digest
    assert replace(EVENT, scope="store/order/updated").content_digest != EVENT.content_digest
    assert replace(EVENT, data=[True]).content_digest != replace(EVENT, data=[1]).content_digest


def test_numbers_that_one_float_has_are_still_other_contents():
    one, other = [Number("1234567890123456.78")], [Number("1234567890123456.77")]
    assert float(one[0].literal) == float(other[0].literal)
    assert replace(EVENT, data=one).content_digest != replace(EVENT, data=other).content_digest
    assert replace(EVENT, data=[Number("1e-400")]).content_digest != replace(EVENT, data=[0]).content_digest


def test_the_content_of_an_event_is_what_it_was_before_numbers_kept_their_digits():
    """A repeat after an update is compared with what the earlier release has stored."""
    data = {"b": [1.5, 250.0, -0.0, 1e3, 1e-7, 12345678901234567890], "a": {"ü": True, "c": None}}
    before = json.dumps(
        [
            "store/order/created",
            {"a": {"c": None, "ü": True}, "b": [1.5, 250, 0, 1000, 1e-7, 12345678901234567890]},
        ],
        ensure_ascii=False,
        separators=(",", ":"),
    )
    assert replace(EVENT, data=data).content_digest == hashlib.sha256(before.encode()).hexdigest()


def test_data_has_at_most_64_kb_as_compact_json_in_utf8():
    wrapping = len('{"a":""}')
    full = {"a": "ü" * ((MAX_DATA_BYTES - wrapping) // 2)}
    assert check_data(full) is full
    with pytest.raises(InvalidValueError, match="65538"):
        check_data({"a": full["a"] + "ü"})


@pytest.mark.parametrize("data", [{"a": float("inf")}, {"a": float("nan")}, {"a": "\ud800"}, {"\udfff": 1}])
def test_data_that_could_not_be_sent_is_refused(data):
    with pytest.raises(InvalidValueError):
        check_data(data)


@pytest.mark.parametrize("wrap", [lambda inner: [inner], lambda inner: {"a": inner}])
def test_data_is_nested_a_hundred_deep_at_most(wrap):
    data: list[object] | dict[str, object] = []
    for _ in range(99):
        data = wrap(data)
    assert check_data(data) is data
    with pytest.raises(InvalidValueError):
        check_data(wrap(data))


@pytest.mark.parametrize("good", ["a", "order-250", "!" * 128, "a#b/c"])
def test_an_event_id_is_visible_ascii(good):
    assert check_event_id(good) == good


@pytest.mark.parametrize("bad", ["", "a" * 129, "a b", "ü", "a\n", "\x00"])
def test_what_is_no_event_id_is_refused(bad):
    with pytest.raises(InvalidValueError):
        check_event_id(bad)


@pytest.mark.parametrize(
    ("given", "kept"), [(0, "0"), (1025646, "1025646"), ("1025646", "1025646"), ("007", "007")]
)
def test_a_store_id_is_kept_as_a_string_of_digits(given, kept):
    assert check_store_id(given) == kept


@pytest.mark.parametrize("bad", [-1, "", "1.0", "a", "٣", "1" * 21, 10**20])
def test_what_is_no_store_id_is_refused(bad):
    with pytest.raises(InvalidValueError):
        check_store_id(bad)


@pytest.mark.parametrize("bad", [-1, 253_402_300_800, 10**30])
def test_a_time_outside_the_calendar_is_refused(bad):
    assert check_created_at(0) == 0
    with pytest.raises(InvalidValueError):
        check_created_at(bad)
