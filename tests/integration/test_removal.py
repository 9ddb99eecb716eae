"""Removing a store, or a client of it: all of it goes, and none of it comes back."""

import itertools

import pytest

from storehooks.adapters.delivery_log.items import to_item
from storehooks.adapters.delivery_log.keys import hook_partition
from storehooks.adapters.dynamodb import write_batch
from storehooks.adapters.hook_ids import counter_key
from storehooks.domain.delivery import Delivery, Status
from storehooks.domain.errors import StoreBusyError
from storehooks.domain.identity import Caller
from storehooks_cli.access import AccessTables
from storehooks_cli.hook_logs import HookLogs
from storehooks_cli.removal import Contents, Removal
from storehooks_cli.store_hooks import StoreHooks
from tests.world import STORE, World

TABLES = ("HooksTable", "TokensTable", "ClientsTable", "DeliveriesTable")
OTHER = "f" * 32


@pytest.fixture
def world(aws):
    """A world in which another store and another client have all that the world's own client has."""
    world = World(aws)
    access = AccessTables("TokensTable", "ClientsTable", dynamodb=aws.dynamodb)
    for store_hash, client_id in ((STORE, OTHER), ("x0ther", OTHER)):
        access.create_token(store_hash, client_id)
        caller = Caller(store_hash, client_id, frozenset())
        hook = world.hooks.create(caller, scope="store/*", destination="https://x.example.com/")
        log(aws, hook.store_hash, hook.id, client_id, 1)
    for store_hash, client_id in ((STORE, world.caller.client_id), (STORE, OTHER), ("x0ther", OTHER)):
        aws.dynamodb.put_item(
            TableName="HooksTable",
            Item={"store_hash": {"S": f"admin#{store_hash}#{client_id}"}, "id": {"N": "0"}},
        )
    return world


def log(aws, store_hash: str, hook_id: int, client_id: str, number: int, *, payload: str = "{}") -> None:
    """So many deliveries of a hook."""
    deliveries = (
        Delivery(
            id=f"msg_{position:032x}", store_hash=store_hash, hook_id=hook_id, client_id=client_id,
            event_id="e", scope="s", payload=payload, created_at=0, status=Status.DELIVERED,
        )
        for position in range(number)
    )  # fmt: skip
    with aws.uncounted():
        for some in itertools.batched(deliveries, 25, strict=False):
            puts = [{"PutRequest": {"Item": to_item(one, expires_at=2_000_000_000)}} for one in some]
            write_batch(aws.dynamodb, "DeliveriesTable", puts, tries=1, sleep=lambda _: None)


def removal(aws, world, client_id: str | None = None) -> Removal:
    return Removal(
        STORE,
        client_id,
        access=AccessTables("TokensTable", "ClientsTable", dynamodb=aws.dynamodb),
        hooks=StoreHooks("HooksTable", dynamodb=aws.dynamodb, sleep=lambda _: None),
        logs=HookLogs("DeliveriesTable", dynamodb=aws.dynamodb, sleep=lambda _: None),
    )


def silently(_done: int) -> None:
    pass


def lived(world) -> None:
    """The client's hooks have delivered, failed, been told of, moved and been deleted."""
    hook, deleted = world.hook(), world.hook("https://app.example.com/2", "store/cart/*")
    world.event(hook)
    world.event(deleted)
    world.work()
    world.response = lambda _request: (500, None)
    world.event(hook)
    world.work()
    world.hooks.deactivate(world.current(hook), "it fails")
    world.parts.notices.add(world.current(hook))
    world.queue.waiting.clear()
    world.hooks.delete(world.caller, deleted.id)


def of(store_hash: str, items: list) -> list:
    return [item for item in items if store_hash in repr(item)]


def test_all_of_a_store_goes_but_its_counter_of_ids_and_nothing_of_another_store(aws, world):
    lived(world)
    before = {table: aws.scan(table) for table in TABLES}
    contents = removal(aws, world).contents(silently)
    assert contents == Contents(clients=2, tokens=2, hooks=2, deliveries=4)
    assert {table: aws.scan(table) for table in TABLES} == before
    assert removal(aws, world).remove(silently) == contents
    left = {table: of(STORE, aws.scan(table)) for table in TABLES}
    empty_guard = left["HooksTable"].pop()
    assert (empty_guard["store_hash"]["S"].split("#")[0], empty_guard["number"]) == ("guard", {"N": "0"})
    (counter,) = left.pop("HooksTable")
    assert counter == {
        **counter_key(STORE), "last_id": {"N": "3"}, "listed": {"N": "3"}, "gone": {"N": "1"}
    }  # fmt: skip
    assert left == {table: [] for table in TABLES[1:]}
    assert {table: of("x0ther", aws.scan(table)) for table in TABLES} == {
        table: of("x0ther", items) for table, items in before.items()
    }
    assert not removal(aws, world).contents(silently)
    assert world.hook().id == 4


def test_all_of_a_client_goes_and_nothing_of_another_client(aws, world):
    lived(world)
    others = {table: of(OTHER, aws.scan(table)) for table in TABLES}
    own = removal(aws, world, world.caller.client_id)
    contents = own.contents(silently)
    assert contents == Contents(clients=1, tokens=1, hooks=1, deliveries=3)
    assert own.remove(silently) == contents
    assert {table: of(OTHER, aws.scan(table)) for table in TABLES} == others
    mine = [item for table in TABLES for item in of(world.caller.client_id, aws.scan(table))]
    assert [item["number"] for item in mine] == [{"N": "0"}], "the empty guard of the deleted hook"
    partitions = {item["hook"]["S"] for item in aws.scan("DeliveriesTable")}
    assert partitions == {hook_partition(STORE, 1), hook_partition("x0ther", 1)}
    assert world.hook().id == 4, "the scope and destination are free again"


def test_the_log_of_another_clients_deleted_hook_stays(aws, world):
    hook = world.hook()
    world.event(hook)
    world.work()
    world.hooks.delete(world.caller, hook.id)
    assert removal(aws, world, OTHER).remove(silently) == Contents(1, 1, 1, 1)
    assert len(of(f"{STORE}#{hook.id}", aws.scan("DeliveriesTable"))) == 1


def test_thousands_of_deliveries_are_removed_in_batches_and_told_of_on_the_way(aws, world):
    hook = world.hook()
    log(aws, STORE, hook.id, hook.client_id, 1500, payload="x" * 1000)
    one, told = removal(aws, world, hook.client_id), []
    assert one.contents(told.append).deliveries == 1500
    assert told[-1] == 1500
    assert len(set(told)) > 1
    told.clear()
    before = len(aws.calls)
    assert one.remove(told.append).deliveries == 1500
    assert aws.calls[before:].count("BatchWriteItem") < 1500 / 25 + 10
    assert told[0] < told[-1] == 1500
    assert of(f"{STORE}#{hook.id}", aws.scan("DeliveriesTable")) == []


def test_what_dynamodb_does_not_take_at_once_is_asked_again(aws, world, monkeypatch):
    hook = world.hook()
    log(aws, STORE, hook.id, hook.client_id, 60)
    write, refused = aws.dynamodb.batch_write_item, itertools.cycle([True, False])

    def write_half(RequestItems):  # noqa: N803 - as botocore has it
        ((table, requests),) = RequestItems.items()
        if next(refused):
            return {"UnprocessedItems": RequestItems}
        write(RequestItems={table: requests[: len(requests) // 2 + 1]})
        rest = requests[len(requests) // 2 + 1 :]
        return {"UnprocessedItems": {table: rest} if rest else {}}

    monkeypatch.setattr(aws.dynamodb, "batch_write_item", write_half)
    assert removal(aws, world).remove(silently).deliveries == 61
    assert of(STORE, aws.scan("ClientsTable") + aws.scan("TokensTable") + aws.scan("DeliveriesTable")) == []
    monkeypatch.setattr(
        aws.dynamodb, "batch_write_item", lambda **named: {"UnprocessedItems": named["RequestItems"]}
    )
    log_of = HookLogs("DeliveriesTable", dynamodb=aws.dynamodb, sleep=lambda _: None)
    aws.dynamodb.put_item(TableName="DeliveriesTable", Item={"hook": {"S": "a#1"}, "id": {"S": "circuit"}})
    with pytest.raises(StoreBusyError):
        list(log_of.remove("a", [1], None))


@pytest.mark.parametrize("client_id", [None, "own"])
@pytest.mark.parametrize("calls", range(1, 7))
def test_wherever_it_stops_it_can_be_begun_again(aws, world, monkeypatch, client_id, calls):
    client_id = world.caller.client_id if client_id else None
    lived(world)
    write, number = aws.dynamodb.batch_write_item, itertools.count(1)

    def write_and_stop(**arguments):
        if next(number) >= calls:
            raise KeyboardInterrupt
        return write(**arguments)

    with monkeypatch.context() as patched:
        patched.setattr(aws.dynamodb, "batch_write_item", write_and_stop)
        with pytest.raises(KeyboardInterrupt):
            removal(aws, world, client_id).remove(silently)
    again = removal(aws, world, client_id)
    assert again.contents(silently), "that something is left is seen"
    again.remove(silently)
    assert not again.contents(silently)
    log_left = [item["hook"]["S"] for item in aws.scan("DeliveriesTable")]
    assert [hook for hook in log_left if hook.startswith((f"{STORE}#2", f"{STORE}#3"))] == []
    assert world.hook().id == 4, "no guard is in the way"


# ---------------------------------------------------------------- what was on its way


def test_what_is_still_queued_for_a_removed_store_is_neither_sent_nor_logged(aws, world):
    """Neither what was never tried nor what is to be tried again, and none of it becomes a dead letter."""
    hook = world.hook()
    world.response = lambda _request: (500, None)
    world.event(hook)
    world.work()
    world.event(hook)
    sent = len(world.sent)
    assert len(world.queue.tasks) == 2
    removal(aws, world).remove(silently)
    world.pass_time(7 * 24 * 3600)
    assert (len(world.sent), world.queue.tasks) == (sent, [])
    assert of(STORE, aws.scan("DeliveriesTable")) == []


def test_what_is_logged_while_a_store_is_removed_ends_and_expires(aws, world):
    """Its attempt was on its way when the log was removed."""
    hook = world.hook()
    world.response = lambda _request: (500, None)
    delivery = world.event(hook)
    taken = aws.dynamodb.batch_get_item

    def read_and_remove(**arguments):
        found = taken(**arguments)
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(aws.dynamodb, "batch_get_item", taken)
            removal(aws, world).remove(silently)
        return found

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(aws.dynamodb, "batch_get_item", read_and_remove)
        world.work()
    assert world.logged(delivery).status is Status.RETRYING
    world.pass_time(7 * 24 * 3600)
    assert world.attempts(delivery) == [0]
    assert world.logged(delivery).status is Status.CANCELLED
    assert removal(aws, world).remove(silently).deliveries == 1
