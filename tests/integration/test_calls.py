"""How many calls to AWS an operation costs."""

import json

import pytest

from storehooks.adapters.delivery_log.keys import DUE_SHARDS
from storehooks.adapters.hooks_table import HooksTable
from storehooks.domain.delivery import Status
from storehooks.domain.identity import Caller
from tests import emf
from tests.integration.conftest import load_event
from tests.world import World


def counted(aws, call):
    before = len(aws.calls)
    call()
    return aws.calls[before:]


def test_each_operation_makes_the_fewest_calls(aws, client, access, functions):
    assert counted(aws, client.create) == ["UpdateItem", "TransactWriteItems"]
    assert counted(aws, lambda: client.get(1)) == ["GetItem"]
    assert counted(aws, client.list) == ["BatchGetItem", "BatchGetItem"]
    assert counted(aws, lambda: client.update(1, is_active=True)) == ["GetItem", "PutItem"]
    moved = "https://app.example.com/moved"
    assert counted(aws, lambda: client.update(1, destination=moved)) == ["GetItem", "TransactWriteItems"]
    assert counted(aws, lambda: client.update(1, scope="store/*")) == ["GetItem", "TransactWriteItems"]
    assert counted(aws, lambda: client.delete(1)) == ["GetItem", "TransactWriteItems", "UpdateItem"]
    event = load_event("authorizer") | {"authorizationToken": access.create_token("5ueh97").access_token}
    assert counted(aws, lambda: functions.handler("authorizer")(event, None)) == ["GetItem"]


def test_pausing_a_hook_makes_four_calls_and_resuming_it_five_and_one_more_after_the_first_time(aws, client):
    client.create(is_active=True)
    paused, resumed = ({"is_paused": flag} for flag in (True, False))
    assert counted(aws, lambda: client.update(1, **resumed)) == ["GetItem", "PutItem"]
    pausing = ["GetItem", "SendMessageBatch", "PutItem", "SendMessageBatch"]
    assert counted(aws, lambda: client.update(1, **paused)) == pausing
    assert counted(aws, lambda: client.update(1, **paused)) == ["GetItem", "PutItem"]
    assert counted(aws, lambda: client.update(1, headers={"X-A": "1"})) == ["GetItem", "PutItem"]
    resuming = ["PutItem", "SendMessageBatch", "PutItem", "SendMessageBatch"]
    assert counted(aws, lambda: client.update(1, **resumed)) == ["GetItem", *resuming]
    client.update(1, **paused)
    assert counted(aws, lambda: client.update(1, **resumed)) == ["GetItem", "GetItem", *resuming]


def test_what_comes_for_a_paused_hook_makes_two_calls_and_one_more_for_the_first(aws):
    world = World(aws)
    hook = world.hook(is_paused=True)
    world.event(hook)
    assert counted(aws, world.work) == ["BatchGetItem", "UpdateItem", "PutItem"]
    world.event(hook)
    assert counted(aws, world.work) == ["BatchGetItem", "PutItem"]


def test_sending_a_delivery_again_makes_four_calls_and_so_does_a_ping(aws, functions):
    world = World(aws)
    hook = world.hook()
    delivery = world.event(hook)
    world.work()
    event = load_event("redeliver")
    event["pathParameters"] |= {"id": str(hook.id), "delivery_id": delivery.id}
    event["requestContext"]["authorizer"]["client_id"] = hook.client_id
    calls = counted(aws, lambda: functions.invoke("redeliver", event))
    assert calls == ["GetItem", "GetItem", "UpdateItem", "SendMessageBatch"]
    world.hooks.deactivate(hook, "it fails")
    assert counted(aws, lambda: functions.invoke("redeliver", event)) == ["GetItem"]
    event = load_event("ping_hook")
    event["pathParameters"]["id"] = str(hook.id)
    event["requestContext"]["authorizer"]["client_id"] = hook.client_id
    # The destination does not resolve, or is refused: no request leaves this machine.
    world.hooks.update(world.caller, hook.id, {"destination": "https://127.0.0.1/"})
    calls = counted(aws, lambda: functions.invoke("ping_hook", event))
    assert calls == ["GetItem", "GetItem", "UpdateItem", "UpdateItem"]


def test_figures_make_a_call_for_each_megabyte_of_the_log_and_six_more_and_two_if_something_waits(
    aws, functions
):
    world = World(aws)
    hook = world.hook()
    world.event(hook)
    world.work()
    event = load_event("get_hook_stats")
    event["pathParameters"]["id"] = str(hook.id)
    event["requestContext"]["authorizer"]["client_id"] = hook.client_id
    counts, page = ["Query"] * 3, ["Query"]
    stats = counted(aws, lambda: functions.invoke("get_hook_stats", event))
    assert stats == ["GetItem", "UpdateItem", *counts, *page, "UpdateItem"]
    world.response = lambda _request: (500, None)
    world.event(hook)
    world.work()
    stats = counted(aws, lambda: functions.invoke("get_hook_stats", event))
    assert stats == ["GetItem", "UpdateItem", *counts, *["Query"] * 2, *page, "UpdateItem"]


def test_what_is_to_be_pulled_makes_a_call_for_each_delivery_three_times_and_a_pull_three_or_four(
    aws, functions
):
    world = World(aws)
    hook = world.hook("pull:")
    functions.clock = world.clock
    match = functions.handler("match_events")
    event = load_event("match_events")
    del event["Records"][1:]
    matching = ["PutItem", "Query", "Query", "Query"]
    # The first of a process has the sweep look when it is to be deleted.
    assert counted(aws, lambda: match(event, None)) == [*matching, "UpdateItem", "PutItem"]
    for number in range(4):
        record = json.loads(event["Records"][0]["body"])
        record["detail"]["id"], record["id"] = f"another-{number}", f"envelope-{number}"
        event["Records"][0]["body"] = json.dumps(record)
        assert counted(aws, lambda: match(event, None)) == [*matching, "PutItem"]

    def pull(**wanted):
        event = load_event("pull_deliveries")
        event["pathParameters"]["id"] = str(hook.id)
        event["requestContext"]["authorizer"]["client_id"] = hook.client_id
        event["body"] = json.dumps(wanted)
        calls = counted(aws, lambda: pulled.append(functions.invoke("pull_deliveries", event)[1]))
        return calls, pulled[-1]

    pulled = []
    calls, first = pull(max=3)
    assert calls == ["GetItem", "GetItem", "Query", *["UpdateItem"] * 3]
    calls, _ = pull(ack=[one["id"] for one in first["data"]])
    assert calls == ["GetItem", "GetItem", "BatchGetItem", *["PutItem"] * 3, "Query", *["UpdateItem"] * 2]
    assert pull()[0] == ["GetItem", "GetItem", "Query", "Query"], "nothing waits"


def test_failures_of_a_tripped_circuit_are_not_counted_on(aws):
    world = World(aws)
    world.response = lambda _request: (500, None)
    hook = world.hook()
    for _ in range(5):
        world.event(hook)
    assert counted(aws, world.work) == [
        "BatchGetItem",
        *["PutItem"] * 7,  # and to claim and to confirm that somebody is notified
        "UpdateItem",
    ]
    world.pass_time(40)
    for _ in range(5):
        world.event(hook)
    # The first attempt is a probe, which is claimed once; the others are deferred.
    assert counted(aws, world.work) == ["BatchGetItem", "UpdateItem", "PutItem"]
    assert world.circuits.get(hook.store_hash, hook.id).failures == 5


def test_the_retries_of_a_failing_hook_come_together_each_once(aws):
    world = World(aws, schedule="60,1800")
    world.response = lambda _request: (500, None)
    hook = world.hook()
    deliveries = [world.event(hook) for _ in range(10)]
    world.work()
    world.queue.sends.clear()
    calls = counted(aws, lambda: world.pass_time(100))
    assert calls == ["BatchGetItem", *["PutItem"] * 10]
    assert not world.queue.sends, "nothing was deferred"
    ((*_, waited),) = {tuple(world.attempts(one)) for one in deliveries}
    assert 61 <= waited <= 90


def test_a_failed_attempt_makes_three_calls_and_once_in_ten_minutes_two_more_to_notify(aws):
    world = World(aws)
    world.response = lambda _request: (500, None)
    hook = world.hook()
    for calls in (["PutItem"] * 2, [], []):
        world.event(hook)
        assert counted(aws, world.work) == ["BatchGetItem", "PutItem", *calls, "UpdateItem"]
    world.queue.waiting.clear()
    world.clock.now += 600
    world.event(hook)
    assert counted(aws, world.work) == ["BatchGetItem", *["PutItem"] * 3, "UpdateItem"]


def test_a_batch_of_deliveries_makes_two_calls_however_many_hooks_it_is_for(aws):
    world = World(aws)
    for number in range(10):
        world.event(
            world.hook(f"https://app.example.com/{number}", scope=f"store/channel/{number + 1}/order/*")
        )
    assert counted(aws, world.work) == ["BatchGetItem", "BatchWriteItem"]
    assert len(world.sent) == 10


def test_a_hook_with_a_rate_costs_a_batch_one_write_more_and_two_when_its_line_begins(aws):
    world = World(aws)
    hooks = [
        world.hook(
            f"https://app.example.com/{number}", max_per_second=10, scope=f"store/channel/{number + 1}/*"
        )
        for number in range(3)
    ]

    def batch_of(*some):
        for number in range(9):
            world.event(some[number % len(some)])
        return counted(aws, world.work)

    begins = ["UpdateItem"] * 2
    assert batch_of(hooks[0]) == ["BatchGetItem", *begins, "BatchWriteItem"]
    assert batch_of(hooks[0]) == ["BatchGetItem", "UpdateItem", "BatchWriteItem"]
    assert batch_of(*hooks) == [
        "BatchGetItem",
        "UpdateItem",
        *begins * 2,
        "BatchWriteItem",
    ]
    world.clock.now += 1
    # Those that have a place for this second reserve none: 8 of the second batch, 2 of the third.
    assert counted(aws, world.work) == ["BatchGetItem", "BatchWriteItem"]
    unlimited = world.hook("https://app.example.com/other")
    assert batch_of(unlimited) == ["BatchGetItem", "BatchWriteItem"]


def test_what_waits_long_for_its_place_is_written_to_the_log_for_each_hour(aws):
    world = World(aws)
    hook = world.hook(max_per_second=0.1)
    for _ in range(10):
        world.event(hook)
    world.work()
    world.parts.lines.reserve(world.current(hook), 1000)
    world.event(hook)
    assert counted(aws, world.work) == ["BatchGetItem", "UpdateItem", "PutItem"]


def test_a_sweep_with_nothing_due_is_what_an_idle_month_is_priced_by(aws, functions, capsys, caplog):
    functions.clock = lambda: 1_795_428_000.0 + 60 * 29  # twice an hour it looks for holds too
    sweep = functions.handler("retry_due")
    capsys.readouterr()
    assert counted(aws, lambda: sweep(load_event("retry_due"), None)) == ["Query"] * DUE_SHARDS
    assert emf.lines(capsys.readouterr().out) == [], "a metric is paid for by the hours in which it has data"
    assert len(caplog.messages) == 1, "one line"
    functions.clock = lambda: 1_795_428_000.0 + 60 * 30
    assert counted(aws, lambda: sweep(load_event("retry_due"), None)) == ["Query"] * (DUE_SHARDS + 1)


def test_a_sweep_takes_all_that_is_due_in_a_shard_by_one_write(aws):
    world = World(aws, schedule="1800,1800")
    world.response = lambda _request: (500, None)
    hook = world.hook()
    for _ in range(40):
        world.event(hook)
    world.pass_time(60)
    # Their circuit defers some of the first attempts, and plans retries late, each by up to 30 s.
    world.clock.now += 1720
    calls = counted(aws, world.sweeper.sweep)
    assert len(world.queue.waiting) == 40
    assert sorted(calls) == ["Query"] * DUE_SHARDS + ["UpdateItem"] * DUE_SHARDS
    assert counted(aws, world.sweeper.sweep) == ["Query"] * DUE_SHARDS, "it knows what it has taken"


def test_an_event_makes_a_query_for_each_scope_above_it_and_one_send_beside_remembering_its_id(
    aws, functions
):
    world = World(aws)
    for number in range(10):
        world.hook(f"https://app.example.com/{number}")
    event = load_event("match_events")
    del event["Records"][1:]
    calls = counted(aws, lambda: functions.handler("match_events")(event, None))
    assert calls == ["PutItem", "Query", "Query", "Query", "SendMessageBatch"]


def test_ordering_a_recovery_makes_a_count_for_each_status_and_four_calls_more(aws, functions):
    hook = World(aws).hook()
    event = load_event("recover_deliveries")
    event["pathParameters"]["id"] = str(hook.id)
    event["requestContext"]["authorizer"]["client_id"] = hook.client_id
    calls = counted(aws, lambda: functions.invoke("recover_deliveries", event))
    assert calls == ["GetItem", "UpdateItem", "Query", "Query", "PutItem", "SendMessageBatch"]


def test_a_step_of_a_recovery_makes_a_call_for_each_delivery_and_six_more(aws):
    world = World(aws)
    hook = world.hook()
    for _ in range(20):
        world.event(hook)
    world.work()
    recovery = world.recovery_starter.start(hook, (Status.DELIVERED,), 0, world.clock.now)
    recover = world.deliverer.recoverer.recover
    calls = counted(aws, lambda: recover(recovery.task, came_before=False))
    assert calls == ["GetItem", "GetItem", "GetItem", "Query", "Query", *["UpdateItem"] * 20, "PutItem"]


def test_the_admin_api_makes_one_call_and_one_more_to_count_hooks(aws, functions):
    def calls(name, **changes):
        return counted(aws, lambda: functions.invoke(name, load_event(name) | changes))

    assert calls("put_client") == ["UpdateItem"]
    assert calls("put_client") == ["UpdateItem"]
    assert calls("create_token") == ["TransactWriteItems"]
    assert calls("create_portal_link") == ["TransactWriteItems"]
    assert calls("rotate_client_secret") == ["UpdateItem"]
    assert calls("list_clients") == ["Query", "BatchGetItem"]
    assert calls("list_tokens") == ["Query"]
    assert calls("delete_token") == ["DeleteItem"]


def test_removing_a_client_makes_two_calls_for_some_dozens_of_hooks_and_ten_more(aws, client, functions):
    functions.invoke("put_client", load_event("put_client"))
    functions.invoke("create_token", load_event("create_token"))
    for number in range(50):
        client.create(scope=f"store/channel/{number + 1}/order/*")
    calls = counted(aws, lambda: functions.invoke("delete_client", load_event("delete_client")))
    of_hooks = ["BatchGetItem"] * 2 + ["TransactWriteItems", "UpdateItem"] * 2 + ["DeleteItem"]
    assert calls == ["Query", "DeleteItem", *of_hooks, "DeleteItem", "DeleteItem", "Query"]


def test_in_v3_they_make_no_more(aws, v3_client):
    assert counted(aws, v3_client.create) == ["UpdateItem", "TransactWriteItems"]
    assert counted(aws, lambda: v3_client.get(1)) == ["GetItem"]
    assert counted(aws, lambda: v3_client.list(is_active="true")) == ["BatchGetItem", "BatchGetItem"]
    assert counted(aws, lambda: v3_client.update(1, is_active=True)) == ["GetItem", "PutItem"]
    assert counted(aws, lambda: v3_client.delete(1)) == ["GetItem", "TransactWriteItems", "UpdateItem"]


def test_a_refused_request_makes_no_call(aws, client):
    assert counted(aws, lambda: client.call("create_hook", body={})) == []
    assert counted(aws, lambda: client.get("01")) == []


@pytest.mark.toolchain
def test_a_list_makes_a_call_and_one_for_each_hundred_hooks_of_its_client(aws):
    hooks = HooksTable("HooksTable", dynamodb=aws.dynamodb)
    caller, other = (Caller("5ueh97", letter * 32, frozenset()) for letter in "ab")
    for number in range(120):
        for of in (caller, other):
            hooks.create(
                of, scope=f"store/channel/{number + 1}/order/*", destination="https://app.example.com/"
            )

    def page(**wanted):
        calls = counted(aws, lambda: pages.append(hooks.page(caller, **wanted)))
        assert set(calls) == {"BatchGetItem"}
        return len(calls), pages[-1]

    pages = []
    calls, found = page(skip=0, limit=250)
    assert (calls, [hook.id for hook in found.hooks]) == (3, list(range(1, 240, 2)))
    assert page(skip=0, limit=1)[0] == 2
    assert page(skip=0, limit=1, is_counted=True)[0] == 3
    assert page(skip=119, limit=9, is_counted=True)[1].total == 120
    assert [hook.id for hook in page(skip=98, limit=4)[1].hooks] == [197, 199, 201, 203]
