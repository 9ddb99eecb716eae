"""Deliveries survive the way into the table and through the queue."""

import json
from dataclasses import asdict, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storehooks.adapters.deliveries_queue import from_record
from storehooks.adapters.delivery_log.due import claimed_until
from storehooks.adapters.delivery_log.items import MAX_ITEM_BYTES, from_item, to_item
from storehooks.adapters.delivery_messages import from_message, to_message
from storehooks.adapters.queue import MAX_DELAY_SECONDS
from storehooks.domain.attempt import Attempt, Times
from storehooks.domain.delivery import MAX_STORED_ATTEMPTS, SOON_SECONDS, Delivery, Status
from storehooks.domain.hook import MAX_HOOK_ID
from storehooks.domain.rate import Reservation
from storehooks.domain.task import AttemptTask, DigestTask, HoldTask, RecordTask, RecoverTask, attempt_task

# As DynamoDB and JSON keep them: milliseconds.
milliseconds = st.integers(0, 4 * 10**12).map(lambda number: number / 1000)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
times = st.builds(
    Times,
    name_lookup_ms=st.none() | st.floats(0, 1e5),
    connect_ms=st.none() | st.floats(0, 1e5),
    tls_ms=st.none() | st.floats(0, 1e5),
    first_byte_ms=st.none() | st.floats(0, 1e5),
    total_ms=st.floats(0, 1e5),
)
attempts = st.builds(
    Attempt,
    at=milliseconds,
    status=st.none() | st.integers(200, 599),
    error=st.none() | texts,
    times=times,
    response=st.sampled_from(["", "no"]) | texts,
    retry_after=st.none(),  # what it asked for is in the next attempt's time
)
deliveries = st.builds(
    Delivery,
    id=st.text("0123456789abcdef", min_size=32, max_size=32).map("msg_{}".format),
    store_hash=st.just("5ueh97"),
    hook_id=st.integers(1, MAX_HOOK_ID),
    client_id=st.just("c" * 32),
    event_id=texts.filter(bool),
    scope=st.just("store/order/created"),
    payload=texts.filter(bool),
    created_at=milliseconds,
    status=st.sampled_from(Status),
    attempts=st.lists(attempts, max_size=3).map(tuple),
    next_attempt_at=st.none() | milliseconds,
) | st.builds(
    Delivery,
    id=st.just("msg_" + "0" * 32),
    store_hash=st.just("5ueh97"),
    hook_id=st.just(1),
    client_id=st.just("c" * 32),
    event_id=st.just("e"),
    scope=st.just("store/order/created"),
    payload=st.just("{}"),
    created_at=milliseconds,
    attempts=st.lists(attempts, max_size=3).map(tuple),
    earlier=st.integers(0, 10**6),
    forgotten=st.integers(0, 10**6),
    round_at=milliseconds,
)


@given(delivery=deliveries)
def test_what_is_read_from_the_table_is_what_was_written(delivery):
    assert from_item(to_item(delivery, expires_at=1)) == delivery


def test_an_answer_that_repeats_is_kept_once_and_a_step_that_was_not_reached_not_at_all():
    """Each failed attempt writes all attempts again, and is paid by the size of that."""
    refused = Attempt(at=1, status=None, error="refused", times=Times(connect_ms=1.5, total_ms=2))
    unwell = Attempt(at=1, status=503, error="answered 503", times=Times(total_ms=2), response="not now")
    delivery = Delivery(
        id="msg_" + "0" * 32, store_hash="a", hook_id=1, client_id="c", event_id="e", scope="s", payload="{}",
        created_at=1, attempts=(unwell, unwell, refused, unwell),
    )  # fmt: skip
    item = to_item(delivery, expires_at=1)
    assert item["answers"]["S"] == '["not now",null,"","not now"]'
    records = json.loads(item["attempts"]["S"])
    assert [record["times"] for record in records] == [{"total_ms": 2}] * 4
    assert [record.get("ms") for record in records] == [None, None, [None, 1.5], None]
    assert from_item(item) == delivery


@given(delivery=deliveries)
def test_an_item_of_before_that_is_read(delivery):
    item = to_item(delivery, expires_at=1)
    item["attempts"]["S"] = json.dumps(
        [
            {"at": one.at, "status": one.status, "error": one.error, "times": asdict(one.times)}
            for one in delivery.attempts
        ]
    )
    item["answers"]["S"] = json.dumps([attempt.response for attempt in delivery.attempts])
    assert from_item(item) == delivery


@given(delivery=deliveries)
def test_what_comes_out_of_the_queue_is_what_went_in(delivery):
    for task in (
        RecordTask(delivery=delivery),
        attempt_task(delivery),
        AttemptTask(
            delivery_id=delivery.id, store_hash="a", hook_id=1, client_id="c", attempt=2, delivery=delivery,
            ignores_circuit=True,
        ),
        HoldTask(store_hash="a", hook_id=1, client_id="c", store_id=None),
        RecoverTask(store_hash="a", hook_id=1, client_id="c", recovery_id="rec_" + "0" * 32, step=3),
        DigestTask(store_hash="a", hook_id=1, client_id="c", until=1_795_478_400),
    ):  # fmt: skip
        assert from_message(json.loads(json.dumps(to_message(task)))) == task


@pytest.mark.parametrize(
    "message",
    [{}, {"do": "dance"}, {"do": "attempt"}, {"do": "record"}, {"do": "hold", "colour": "red"}, [], None, "x",
     {"do": "record", "delivery": {"attempts": [{}]}}, {"do": "record", "delivery": 5},
     {"do": "recover"}, {"do": "recover", "hook_id": 1, "recovery_id": "rec_0", "step": "1"},
     {"do": "hold", "hook_id": "1", "store_hash": "a", "client_id": "c", "store_id": None},
     {"do": "attempt", "delivery_id": "x", "store_hash": "a", "hook_id": 1, "client_id": "c", "attempt": 1}],
)  # fmt: skip
def test_what_is_no_task_is_refused(message):
    with pytest.raises(ValueError, match="task"):
        from_message(message)


def test_the_place_of_an_attempt_is_beside_its_message_for_a_release_before_takes_no_unknown_field():
    task = AttemptTask(delivery_id="msg_" + "0" * 32, store_hash="a", hook_id=1, client_id="c", attempt=2)
    placed = replace(task, reserved=Reservation(1_795_428_007, 3))
    assert to_message(placed) == to_message(task)
    with pytest.raises(ValueError, match="task"):
        from_message(to_message(task) | {"reserved": "1795428007@3"})


@pytest.mark.parametrize(
    ("attributes", "place"),
    [
        ({"reserved": {"stringValue": "1795428007@3", "dataType": "String"}}, Reservation(1_795_428_007, 3)),
        ({}, None),
        ({"reserved": {"stringValue": "soon", "dataType": "String"}}, None),
        ({"reserved": {"binaryValue": "", "dataType": "Binary"}}, None),
    ],
)
def test_a_record_of_lambda_has_the_place_beside_the_body(attributes, place):
    task = AttemptTask(delivery_id="msg_" + "0" * 32, store_hash="a", hook_id=1, client_id="c", attempt=2)
    record = {
        "messageId": "1",
        "body": json.dumps(to_message(task)),
        "attributes": {"ApproximateReceiveCount": "1"},
        "messageAttributes": attributes,
    }
    assert from_record(record).task == replace(task, reserved=place)


@pytest.mark.parametrize("value", [5, "", None, ["a"]])
@pytest.mark.parametrize("name", ["store_hash", "client_id"])
def test_a_task_whose_key_dynamodb_would_refuse_is_none(name, value):
    task = HoldTask(store_hash="a", hook_id=1, client_id="c", store_id=None)
    with pytest.raises(ValueError, match=name):
        from_message(to_message(task) | {name: value})


def delivery(status: Status, next_attempt_at: float | None) -> Delivery:
    failed = Attempt(at=0.0, status=500, error="answered 500", times=Times(total_ms=0.0))
    return Delivery(
        id="msg_" + "0" * 32, store_hash="a", hook_id=1, client_id="c", event_id="e", scope="s", payload="{}",
        created_at=0, status=status, attempts=(failed,), next_attempt_at=next_attempt_at,
    )  # fmt: skip


def test_before_there_were_rounds_items_and_messages_said_nothing_of_them():
    first = delivery(Status.RETRYING, 60)
    item, message = to_item(first, expires_at=1), to_message(RecordTask(delivery=first))
    for rounds in ("earlier", "forgotten", "round_at"):
        assert rounds not in item
        assert rounds not in message["delivery"]
    assert (from_item(item), from_message(message)) == (first, RecordTask(delivery=first))


def test_the_largest_item_is_within_what_dynamodb_takes():
    worst = Attempt(
        at=1.8e9, status=500, error="x" * 500, response="\N{REPLACEMENT CHARACTER}" * 1024,
        times=Times(name_lookup_ms=0.1, connect_ms=0.1, tls_ms=0.1, first_byte_ms=0.1, total_ms=0.1),
    )  # fmt: skip
    many = replace(
        delivery(Status.RETRYING, 1.8e9),
        attempts=(worst,) * MAX_STORED_ATTEMPTS, payload="x" * 65 * 1024,
        earlier=9, forgotten=9, round_at=1.8e9,
    )  # fmt: skip
    assert len(json.dumps(to_item(many, expires_at=1))) < MAX_ITEM_BYTES


def test_what_is_soon_is_no_later_than_a_message_may_be_delayed():
    assert SOON_SECONDS <= MAX_DELAY_SECONDS


def test_what_is_delivered_is_in_no_index():
    item = to_item(delivery(Status.DELIVERED, None), expires_at=1)
    assert not {"state", "due_shard", "due_at"} & item.keys()


def test_what_is_far_ahead_is_due_for_the_sweep_and_what_is_near_only_should_it_be_lost():
    assert to_item(delivery(Status.RETRYING, 901), expires_at=1)["due_at"] == {"N": "901"}
    assert to_item(delivery(Status.RETRYING, 900), expires_at=1)["due_at"] == {"N": "1200"}


def test_what_is_overdue_is_claimed_for_longer_each_time_up_to_an_hour():
    now, claims = 1000.0, []
    for _ in range(7):
        later = float(claimed_until(1000.0, now)["N"])
        claims.append(later - now)
        now = later
    assert claims == [300, 300, 600, 1200, 2400, 3600, 3600]
