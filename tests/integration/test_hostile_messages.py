"""Nothing that can be put on the bus or on a queue ends an invocation, or harms what is beside it."""

import io
import itertools
import json
from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from storehooks.adapters.delivery_messages import to_message
from storehooks.domain.attempt import Attempt, Times
from storehooks.domain.delivery import Delivery, Status
from storehooks.domain.hook import Hook
from storehooks.domain.scope import DELIVERY_EXCEPTION
from storehooks.domain.task import DigestTask, HoldTask, RecordTask, RecoverTask, attempt_task
from storehooks.flows import match
from tests.integration.conftest import load_event
from tests.integration.test_hostile_input import anything, hostile
from tests.world import STORE, World

pytestmark = pytest.mark.toolchain  # a long search

HUGE = 10**40
values = (
    anything
    | st.sampled_from(
        [HUGE, -1, 0, 1, True, 1e300, "", "\ud800", "#", "x" * 3000, STORE, "guard#5ueh97", {}, []]
    )
    | st.integers()
)


def paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where a JSON value has something."""
    found = [path] if path else []
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inner:
        found += paths(one, (*path, key))
    return found


def changed(whole: Any):
    """The same JSON value, with one or two of its parts replaced or left out."""

    def apply(changes: list[tuple[tuple[Any, ...], Any, bool]]) -> Any:
        result = deepcopy(whole)
        for path, value, is_left_out in changes:
            at = result
            try:
                for key in path[:-1]:
                    at = at[key]
                if is_left_out:
                    del at[path[-1]]
                else:
                    at[path[-1]] = value
            except (LookupError, TypeError):
                continue  # what the change before has left nothing of
        return result

    change = st.tuples(st.sampled_from(paths(whole)), values, st.booleans())
    return st.lists(change, min_size=1, max_size=2).map(apply)


def well_logged(caplog) -> None:
    """What was logged can be written, and no error is among it."""
    assert caplog.records
    for record in caplog.records:
        assert record.levelname != "ERROR"
        json.dumps(vars(record), ensure_ascii=False, default=str).encode()
    caplog.clear()


ENTRY = load_event("notify_owners")
DIGEST = load_event("notify_owners_later")
EARLIER = ENTRY | {"detail-type": DELIVERY_EXCEPTION, "detail": {"store_hash": STORE, "data": {"id": 1}}}
ENVELOPE = json.loads(load_event("match_events")["Records"][0]["body"])
OVER_HTTP = {name: value for name, value in ENVELOPE.items() if name != "account"}


@pytest.fixture
def deactivated(aws):
    """A store with a deactivated hook, so that entries of it are about something."""
    world = World(aws)
    world.hooks.deactivate(world.hook(), "it fails")


@hostile
@given(
    changed(ENTRY)
    | changed(DIGEST)
    | changed(EARLIER)
    | st.dictionaries(st.text(max_size=10), anything, max_size=3)
)
@example(EARLIER | {"detail": {"store_hash": STORE, "data": {"id": 0}}})
def test_any_entry_of_the_bus_is_looked_up_or_refused(functions, deactivated, caplog, entry):
    assert functions.handler("notify_owners")(entry, None) == {"written": False}
    well_logged(caplog)


@hostile
@given(changed(ENVELOPE).map(json.dumps) | anything.map(json.dumps) | st.text(max_size=50))
@example(json.dumps(ENVELOPE | {"id": "\ud800"}))
@example(json.dumps(ENVELOPE | {"detail-type": "\ud800"}))
@example(json.dumps(ENVELOPE | {"source": "\ud800"}))
@example(json.dumps(ENVELOPE | {"account": "\ud800"}))
@example(json.dumps(OVER_HTTP | {"client": "\ud800"}))
@example(json.dumps(ENVELOPE | {"source": "x" * 500_000}))
def test_any_message_of_the_events_queue_is_matched_or_put_aside_at_once(aws, functions, caplog, body):
    record = load_event("match_events")["Records"][0]
    other = record | {"messageId": "other", "body": json.dumps(ENVELOPE | {"id": "another"})}
    match_events = functions.handler("match_events")
    written = io.StringIO()
    before = match.logger.registered_handler.setStream(written)
    try:
        assert match_events({"Records": [record | {"body": body}, other]}, None) == {"batchItemFailures": []}
    finally:
        match.logger.registered_handler.setStream(before)
    # What was matched is written apart from the logger's records.
    lines = [json.loads(line) for line in written.getvalue().encode().splitlines()]
    assert "matched" in {line["message"] for line in lines}
    assert "ERROR" not in {line["level"] for line in lines}
    caplog.clear()
    aws.empty("EventsDeadLetters")


NUMBERS = itertools.count(1)
HOOK_ID, CLIENT = 7_777_777, "c" * 32  # in whose place each example has those of its own hook
FAILED = Attempt(at=1_795_428_000.5, status=500, error="it failed", times=Times(total_ms=7.5), response="no")
FRESH = Delivery(
    id="msg_" + "0" * 32, store_hash=STORE, hook_id=HOOK_ID, client_id=CLIENT, event_id="e", scope="store/*",
    payload=json.dumps({"store_id": "1"}), created_at=1_795_428_000.0,
)  # fmt: skip
TRIED = replace(
    FRESH, attempts=(FAILED,), status=Status.RETRYING, next_attempt_at=1_795_428_060.0, forgotten=1
)
TASKS = [
    to_message(attempt_task(FRESH)),
    to_message(replace(attempt_task(FRESH), attempt=3, delivery=TRIED)),
    to_message(RecordTask(delivery=replace(TRIED, round_at=1_795_428_001.0))),
    to_message(DigestTask(store_hash=STORE, hook_id=HOOK_ID, client_id=CLIENT, until=1_795_478_400)),
    to_message(HoldTask(store_hash=STORE, hook_id=HOOK_ID, client_id=CLIENT, store_id=None)),
    to_message(
        RecoverTask(
            store_hash=STORE, hook_id=HOOK_ID, client_id=CLIENT, recovery_id="rec_" + "0" * 32, step=1
        )
    ),
]


@pytest.fixture
def world(aws):
    return World(aws)


def new_hook(world: World) -> Hook:
    number = next(NUMBERS)
    return world.hook(f"https://app.example.com/{number}", f"store/channel/{number}/order/*")


@settings(parent=hostile, max_examples=60)
@given(st.sampled_from(TASKS).flatmap(changed) | anything, st.sampled_from([200, 410, 500]))
@example(TASKS[0] | {"hook_id": HUGE}, 200)
@example(TASKS[0] | {"store_hash": "x" * 3000}, 200)
@example(TASKS[0] | {"hook_id": 0}, 200)
@example(TASKS[4] | {"hook_id": 0}, 200)
def test_any_message_of_the_deliveries_queue_is_done_or_fails_alone(world, task, status):
    hook, other = new_hook(world), new_hook(world)
    world.response = lambda request: (status if request.url == hook.destination else 200, None)
    delivery = world.event(other)
    (good,) = world.queue.take()
    strange = json.dumps(task).replace(str(HOOK_ID), str(hook.id)).replace(CLIENT, hook.client_id)
    failed = world.deliver([replace(good, body=strange), good])
    world.queue.waiting.clear()
    assert list(failed) in ([], ["0"])
    assert world.logged(delivery).status is Status.DELIVERED


def of_item(item: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """An item of the due index with some of its attributes changed; its keys stay of their types."""
    kept = {"id", "due_shard", "due_at", "hook"}
    return {
        name: value
        for name, value in (item | changes).items()
        if value is not None and (name not in kept or isinstance(value, dict))
    }


ATTRIBUTES = st.sampled_from(
    [{"S": ""}, {"S": "x" * 200}, {"S": "#"}, {"S": "\ud7ff"}, {"N": "1"}, {"N": "-1"}, {"N": "0.5"}]
) | st.sampled_from([{"N": "9" * 38}, {"BOOL": True}, {"NULL": True}, {"L": []}, {"M": {}}])
KEYS = st.sampled_from([f"{STORE}#1", f"{STORE}#0", "x#y", "#", "x", "guard#a#1", f"{STORE}#{HUGE}"])


@hostile
@given(
    st.fixed_dictionaries(
        {},
        optional={
            "hook": KEYS.map(lambda key: {"S": key}),
            "id": st.sampled_from(["circuit", "rec_1", "x", "msg_x"]).map(lambda key: {"S": key}),
            "client_id": ATTRIBUTES | st.none(),
            "attempt_count": ATTRIBUTES | st.none(),
            "next_attempt_at": ATTRIBUTES | st.none(),
        },
    )
)
def test_any_item_that_is_due_is_handed_on_or_fails_alone(aws, world, changes):
    aws.empty("DeliveriesTable")
    world.log.save(replace(TRIED, id="msg_" + "1" * 32, next_attempt_at=world.clock.now + 1000), over=None)
    (ours,) = aws.scan("DeliveriesTable")
    ours |= {"due_at": {"N": str(world.clock.now)}}
    aws.dynamodb.put_item(TableName="DeliveriesTable", Item=ours)
    strange = of_item(ours, {"id": {"S": "msg_" + "2" * 32}} | changes)
    aws.dynamodb.put_item(TableName="DeliveriesTable", Item=strange)
    world.sweep()
    handed_on = [task.delivery_id for task in world.queue.tasks]
    world.queue.waiting.clear()
    assert set(handed_on) >= {"msg_" + "1" * 32}
    assert set(handed_on) <= {"msg_" + "1" * 32, "msg_" + "2" * 32}
