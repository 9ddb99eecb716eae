"""How many hooks a client and a store may have, and what a look at a client's hooks reads."""

import time

import pytest

from storehooks.adapters.hook_ids import RECOUNT_SECONDS, counter_key, number_of
from storehooks.adapters.hook_lists import _SETTLE_SECONDS
from storehooks.adapters.hooks_table import HooksTable
from storehooks.domain.errors import HookQuotaError, StoreBusyError, StoreFailedError
from storehooks.domain.hook import DEFAULT_QUOTAS, HookQuotas
from storehooks.domain.identity import Caller
from tests.faults import refused
from tests.integration.conftest import Client
from tests.integration.earlier_release import EarlierHooksTable, forget_lists
from tests.integration.wholeness import check_whole
from tests.world import Clock

STORE = "5ueh97"
ONE, OTHER = (Caller(STORE, letter * 32, frozenset()) for letter in "ab")
WIDE = HookQuotas(per_client=1_000, per_store=1_000)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def hooks(aws, clock):
    return HooksTable("HooksTable", dynamodb=aws.dynamodb, clock=clock, sleep=lambda _: None)


@pytest.fixture
def earlier(aws, clock):
    return EarlierHooksTable("HooksTable", dynamodb=aws.dynamodb, clock=clock, sleep=lambda _: None)


@pytest.fixture
def few(aws, monkeypatch):
    """Quotas that are used up soon."""
    monkeypatch.setenv("MAX_HOOKS_PER_CLIENT", "3")
    monkeypatch.setenv("MAX_HOOKS_PER_STORE", "5")


def create(table, number: int, caller: Caller = ONE, **given):
    """A hook of a scope of its own: channels make scopes without end."""
    scope = f"store/channel/{number}/cart/created"
    return table.create(caller, scope=scope, destination="https://app.example.com/", **given)


def shown(table, caller: Caller = ONE) -> list[int]:
    return [hook.id for hook in table.page(caller, skip=0, limit=1_000).hooks]


def created(client: Client, number: int):
    return client.create(scope=f"store/channel/{number}/cart/created")


def counted(aws, store_hash: str = STORE) -> int:
    """How many hooks a store has by its counter."""
    with aws.uncounted():
        item = aws.dynamodb.get_item(TableName="HooksTable", Key=counter_key(store_hash))["Item"]
    return number_of(item, "last_id") - number_of(item, "gone")


# ---------------------------------------------------------------- the quotas


def test_a_client_that_has_used_up_its_quota_is_refused_and_told_which_it_is(few, client, other_client):
    first, *_ = [created(client, number)[1]["id"] for number in range(1, 4)]
    status, (problem,) = created(client, 4)
    assert (status, problem["details"]) == (403, {"quota": "max_hooks_per_client", "limit": 3})
    assert "max_hooks_per_client" in problem["message"]
    assert created(client, 3)[0] == 409, "that it exists already is worth more to know"
    assert client.update(first, is_active=True)[0] == 200
    assert created(other_client, 1)[0] == 201
    client.delete(first)
    assert created(client, 4)[0] == 201
    assert created(client, 5)[0] == 403


def test_a_store_that_has_used_up_its_quota_refuses_every_client_and_says_so(
    few, functions, client, other_client
):
    ids = [created(client, number)[1]["id"] for number in range(1, 4)]
    for number in (1, 2):
        assert created(other_client, number)[0] == 201
    status, (problem,) = created(other_client, 3)
    assert (status, problem["details"]) == (403, {"quota": "max_hooks_per_store", "limit": 5})
    assert created(Client(functions, "other1", client.client_id), 1)[0] == 201
    client.delete(ids[0])
    assert created(other_client, 3)[0] == 201
    assert created(client, 4)[0] == 403


def test_version_3_refuses_likewise(few, v3_client):
    for number in (1, 2, 3):
        assert created(v3_client, number)[0] == 200
    status, problem = created(v3_client, 4)
    assert (status, problem["status"]) == (403, 403)
    assert "max_hooks_per_client" in problem["title"]


def test_a_refused_create_takes_no_place_of_the_store(aws, hooks):
    quotas = HookQuotas(per_client=2, per_store=3)
    create(hooks, 1, quotas=quotas), create(hooks, 2, quotas=quotas)
    for _ in range(5):
        with pytest.raises(HookQuotaError, match="per_client"):
            create(hooks, 3, quotas=quotas)
    assert counted(aws) == 2
    create(hooks, 1, OTHER, quotas=quotas)
    for _ in range(5):
        with pytest.raises(HookQuotaError, match="per_store"):
            create(hooks, 2, OTHER, quotas=quotas)
    assert counted(aws) == 3
    check_whole(aws)


def test_a_create_that_always_comes_second_takes_no_place_of_the_store(aws, hooks, monkeypatch):
    """Else a client could use up all places of its store by creates that get in each other's way."""
    conflict = {"CancellationReasons": [{"Code": "TransactionConflict"}] * 3}

    def conflicting(**_given):
        raise refused("TransactionCanceledException", **conflict)

    monkeypatch.setattr(aws.dynamodb, "transact_write_items", conflicting)
    with pytest.raises(StoreBusyError):
        create(hooks, 1)
    assert counted(aws) == 0


def test_a_quota_that_is_lowered_takes_no_hook_away(hooks):
    first, *_ = [create(hooks, number, quotas=WIDE).id for number in range(1, 6)]
    for quotas in (HookQuotas(per_client=3, per_store=9), HookQuotas(per_client=9, per_store=3)):
        with pytest.raises(HookQuotaError):
            create(hooks, 6, quotas=quotas)
    assert len(shown(hooks)) == 5
    assert hooks.update(ONE, first, {"is_active": True}).is_active


# ---------------------------------------------------------------- earlier releases


def test_hooks_of_an_earlier_release_are_counted_and_shown(aws, hooks, earlier):
    ids = [create(earlier, number).id for number in range(1, 4)]
    create(earlier, 1, OTHER)
    assert shown(hooks) == ids
    with pytest.raises(HookQuotaError, match="per_client"):
        create(hooks, 4, quotas=HookQuotas(per_client=3, per_store=9))
    with pytest.raises(HookQuotaError, match="per_store"):
        create(hooks, 4, quotas=HookQuotas(per_client=9, per_store=4))
    create(hooks, 4, quotas=HookQuotas(per_client=4, per_store=5))
    assert len(shown(hooks)) == 4
    check_whole(aws)


def test_what_a_rollback_creates_and_deletes_is_counted_right_afterwards(aws, hooks, earlier, clock):
    quotas = HookQuotas(per_client=4, per_store=6)
    kept, deleted = (create(hooks, number, quotas=quotas).id for number in (1, 2))
    more = [create(earlier, number).id for number in (3, 4)]
    earlier.delete(ONE, deleted)
    assert shown(hooks) == [kept, *more]
    create(hooks, 5, quotas=quotas)
    with pytest.raises(HookQuotaError):
        create(hooks, 6, quotas=quotas)
    clock.now += RECOUNT_SECONDS
    check_whole(aws)


def test_what_a_rollback_only_deletes_makes_room_as_soon_as_the_quota_is_used_up(aws, hooks, earlier, clock):
    quotas = HookQuotas(per_client=3, per_store=4)
    ids = [create(hooks, number, quotas=quotas).id for number in (1, 2, 3)]
    create(hooks, 1, OTHER, quotas=quotas)
    for hook_id in ids[:2]:
        earlier.delete(ONE, hook_id)
    assert shown(hooks) == ids[2:]
    assert hooks.ids(ONE) == ids[2:]
    create(hooks, 4, quotas=quotas), create(hooks, 5, quotas=quotas)
    for caller, quota in ((ONE, "per_store"), (OTHER, "per_store")):
        with pytest.raises(HookQuotaError, match=quota):
            create(hooks, 6, caller, quotas=quotas)
    assert counted(aws) == 4
    check_whole(aws)


def test_a_hook_that_an_earlier_release_was_creating_at_the_upgrade_is_missed_for_a_minute_at_most(
    hooks, earlier, clock
):
    begun = earlier.take_id(ONE, scope="store/order/*", destination="https://app.example.com/")
    assert shown(hooks) == []
    earlier.put(begun)
    clock.now += _SETTLE_SECONDS
    assert shown(hooks) == [begun.id]


def test_such_a_hook_is_counted_before_another_is_created_then(hooks, earlier, clock):
    quotas = HookQuotas(per_client=2, per_store=9)
    begun = earlier.take_id(ONE, scope="store/order/*", destination="https://app.example.com/")
    create(hooks, 1, quotas=quotas)
    earlier.put(begun)
    clock.now += _SETTLE_SECONDS
    with pytest.raises(HookQuotaError, match="per_client"):
        create(hooks, 2, quotas=quotas)


def test_lists_are_made_once_and_then_known(aws, hooks, earlier, clock):
    create(earlier, 1)
    for calls in (
        ["BatchGetItem", "Query", "PutItem", "BatchGetItem"],
        ["BatchGetItem", "BatchGetItem"],
    ):
        before = len(aws.calls)
        shown(hooks)
        assert aws.calls[before:] == calls
    clock.now += _SETTLE_SECONDS
    shown(hooks)
    clock.now += 10 * _SETTLE_SECONDS
    before = len(aws.calls)
    shown(hooks)
    assert aws.calls[before:] == ["BatchGetItem", "BatchGetItem"]


# ---------------------------------------------------------------- counting again


def test_hooks_are_counted_again_once_in_ten_minutes_however_often_a_client_is_refused(aws, hooks, clock):
    for quotas in (HookQuotas(per_client=2, per_store=9), HookQuotas(per_client=9, per_store=2)):
        aws.empty("HooksTable")
        create(hooks, 1, quotas=quotas), create(hooks, 2, quotas=quotas)
        queries = []
        for seconds in (0, 1, RECOUNT_SECONDS - 2, 1, 1):
            clock.now += seconds
            before = len(aws.calls)
            with pytest.raises(HookQuotaError):
                create(hooks, 3, quotas=quotas)
            queries.append(aws.calls[before:].count("Query"))
        assert queries == [1, 0, 0, 1, 0]


def test_what_could_not_be_counted_is_counted_when_the_quota_is_used_up(aws, hooks, monkeypatch, clock):
    """A process that ends after it has taken an id, or has deleted a hook, counts no more."""
    quotas = HookQuotas(per_client=9, per_store=2)
    with monkeypatch.context() as patched:
        patched.setattr(hooks, "_retried", failing)
        for number in (1, 2, 3):
            with pytest.raises(StoreFailedError):
                create(hooks, number, quotas=WIDE)
    assert counted(aws) == 3
    create(hooks, 1, quotas=quotas)
    assert counted(aws) == 1
    create(hooks, 2, quotas=quotas)
    with pytest.raises(HookQuotaError):
        create(hooks, 3, quotas=quotas)


def failing(_attempt):
    raise StoreFailedError("InternalServerError")


def test_while_one_request_counts_a_store_no_other_does(aws, hooks, clock, monkeypatch):
    quotas = HookQuotas(per_client=9, per_store=1)
    create(hooks, 1, quotas=quotas)
    query, refused = aws.dynamodb.query, []

    def beside_another(**given):
        monkeypatch.setattr(aws.dynamodb, "query", query)
        before = len(aws.calls)
        with pytest.raises(HookQuotaError):
            create(hooks, 2, OTHER, quotas=quotas)
        refused.append(aws.calls[before:].count("Query"))
        return query(**given)

    monkeypatch.setattr(aws.dynamodb, "query", beside_another)
    with pytest.raises(HookQuotaError):
        create(hooks, 3, quotas=quotas)
    assert refused == [0]
    assert counted(aws) == 1


# ---------------------------------------------------------------- what a list reads


def test_a_list_takes_no_longer_beside_another_clients_full_quota_of_the_largest_hooks(
    aws, hooks, record_property
):
    """In calls, and in time: moto keeps what it reads in memory, so each byte that it reads shows."""
    for number in (1, 2):
        create(hooks, number)

    def look() -> tuple[float, list[str]]:
        times = []
        for _ in range(25):
            before, began = len(aws.calls), time.process_time()
            assert len(shown(hooks)) == 2
            times.append(time.process_time() - began)
        return min(times), aws.calls[before:]

    alone, calls = look()
    largest = {f"x-{letter}": "v" * 8_000 for letter in "ab"}
    for number in range(DEFAULT_QUOTAS.per_client):
        create(hooks, number + 1, OTHER, headers=largest)
    beside, same_calls = look()
    assert calls == same_calls == ["BatchGetItem", "BatchGetItem"]
    record_property("alone, ms", round(alone * 1000, 2))
    record_property("beside, ms", round(beside * 1000, 2))
    assert beside <= 4 * alone


def test_the_same_list_of_hooks_of_an_earlier_release_is_as_short_from_the_second_time_on(aws, hooks):
    create(hooks, 1)
    for number in range(70):
        create(hooks, number + 1, OTHER, headers={"x-a": "v" * 8_000, "x-b": "v" * 8_000})
    forget_lists(aws)
    for queries in (2, 0):
        before = len(aws.calls)
        shown(hooks)
        assert aws.calls[before:].count("Query") == queries
