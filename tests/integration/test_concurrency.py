"""What holds when requests come at once: each call to AWS is atomic, and anything may be between two.

First with 50 threads and whatever they happen to do; then each place in one request where another
may come in between, one after the other.
"""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from storehooks.adapters.access import valid_secrets
from storehooks.adapters.hooks_table import HooksTable
from storehooks.domain.errors import SecretOverlapError
from storehooks.domain.hook import MAX_HOOKS_PER_SCOPE
from storehooks_cli.access import AccessTables
from tests.fakes.messages import as_received
from tests.integration.conftest import Client
from tests.integration.earlier_release import forget_lists
from tests.integration.interleaving import interleavings
from tests.integration.wholeness import check_whole
from tests.world import World

pytestmark = pytest.mark.toolchain  # takes long

THREADS = 50


def at_once(calls):
    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(lambda call: call(), calls))


def of_channel(number: int) -> str:
    """One of the scopes without end."""
    return f"store/channel/{number}/cart/created"


@pytest.fixture
def few(functions, monkeypatch):
    """Quotas of a client and of a store that are used up soon."""
    functions.end("create_hook")
    monkeypatch.setenv("MAX_HOOKS_PER_CLIENT", "3")
    monkeypatch.setenv("MAX_HOOKS_PER_STORE", "5")
    functions.handler("create_hook")


@pytest.fixture(autouse=True)
def _loaded(functions):
    """Handlers are loaded before the threads race for them."""
    for name in ("create_hook", "get_hook", "update_hook", "delete_hook", "list_hooks"):
        functions.handler(name)


def test_identical_creates_leave_one_hook(client):
    responses = at_once([client.create] * THREADS)
    assert Counter(status for status, _ in responses) == {201: 1, 409: THREADS - 1}
    assert len(client.list()[1]) == 1


def test_different_creates_of_one_scope_leave_ten(client):
    creates = [
        lambda number=number: client.create(destination=f"https://app.example.com/{number}")
        for number in range(THREADS)
    ]
    responses = at_once(creates)
    assert Counter(status for status, _ in responses) == {201: 10, 403: THREADS - 10}
    hooks = client.list()[1]
    assert len({hook["id"] for hook in hooks}) == 10


def test_different_creates_of_many_scopes_leave_the_clients_quota(aws, few, client, functions, monkeypatch):
    monkeypatch.setenv("MAX_HOOKS_PER_STORE", "1000")
    functions.end("create_hook")
    functions.handler("create_hook")
    creates = [lambda number=number: client.create(scope=of_channel(number)) for number in range(1, THREADS)]
    responses = at_once(creates)
    assert Counter(status for status, _ in responses) == {201: 3, 403: THREADS - 4}
    assert len(client.list()[1]) == 3
    check_whole(aws)


def test_no_change_of_another_field_is_lost(client):
    hook_id = client.create()[1]["id"]
    changes = [
        lambda: client.update(hook_id, is_active=True),
        lambda: client.update(hook_id, headers={"X-A": "1"}),
        lambda: client.update(hook_id, destination="https://app.example.com/moved"),
        lambda: client.update(hook_id, scope="store/cart/*"),
    ]
    responses = at_once(changes)
    assert [status for status, _ in responses] == [200] * len(changes)
    hook = client.get(hook_id)[1]
    assert hook["is_active"] is True
    assert hook["headers"] == {"X-A": "1"}
    assert hook["destination"] == "https://app.example.com/moved"
    assert hook["scope"] == "store/cart/*"


def test_a_hook_deleted_meanwhile_does_not_come_back(client):
    hook_id = client.create()[1]["id"]
    calls = [lambda: client.delete(hook_id)] * 5 + [
        lambda number=number: client.update(hook_id, destination=f"https://app.example.com/{number}")
        for number in range(20)
    ]
    responses = at_once(calls)
    assert Counter(status for status, _ in responses[:5]) == {200: 1, 404: 4}
    assert {status for status, _ in responses[5:]} <= {200, 404}
    assert client.get(hook_id)[0] == 404
    assert client.list() == (200, [])
    statuses = [client.create(destination=f"https://app.example.com/{number}")[0] for number in range(10)]
    assert statuses == [201] * 10, "no place is taken by the hook that is gone"


# ---------------------------------------------------------------- one by one


@pytest.fixture
def begun(aws, client):
    """Begins anew with hooks of these destinations, whose ids count from 1."""

    def begin(*paths: str, **fields):
        def anew():
            aws.empty("HooksTable")
            for path in paths:
                destination = f"https://app.example.com/{path}"
                assert client.create(destination=destination, **fields)[0] == 201

        return anew

    return begin


CHANGES = {
    "is_active": True,
    "headers": {"X-A": "1"},
    "destination": "https://app.example.com/moved",
    "scope": "store/cart/*",
}


@pytest.mark.parametrize("second", CHANGES)
@pytest.mark.parametrize("first", CHANGES)
def test_neither_of_two_changes_is_lost_wherever_one_breaks_into_the_other(
    aws, client, begun, monkeypatch, first, second
):
    def change(field):
        return lambda: client.update(1, **{field: CHANGES[field]})

    for responses in interleavings(monkeypatch, begun("orders"), change(first), change(second)):
        assert [status for status, _ in responses] == [200, 200]
        hook = client.get(1)[1]
        assert {field: hook[field] for field in {first, second}} == {
            field: CHANGES[field] for field in {first, second}
        }
        check_whole(aws)


def test_the_last_place_of_a_scope_is_given_once(aws, client, begun, monkeypatch):
    nine = [str(number) for number in range(MAX_HOOKS_PER_SCOPE - 1)]

    def create(path):
        return lambda: client.create(destination=f"https://app.example.com/{path}")

    for responses in interleavings(monkeypatch, begun(*nine), create("a"), create("b")):
        assert sorted(status for status, _ in responses) == [201, 403]
        check_whole(aws)


def test_the_last_place_of_a_scope_is_given_once_to_one_that_moves_there(aws, client, begun, monkeypatch):
    def begin():
        begun(*[str(number) for number in range(MAX_HOOKS_PER_SCOPE - 1)])()
        assert client.create(scope="store/cart/*")[0] == 201

    def move():
        return client.update(MAX_HOOKS_PER_SCOPE, scope="store/order/*")

    def create():
        return client.create(destination="https://app.example.com/b")

    for one, other in ((move, create), (create, move)):
        for responses in interleavings(monkeypatch, begin, one, other):
            statuses = [status for status, _ in responses]
            assert statuses.count(403) == 1
            assert set(statuses) <= {200, 201, 403}
            check_whole(aws)


def test_the_last_place_of_a_client_is_given_once(aws, few, client, begun, monkeypatch):
    def create(number):
        return lambda: client.create(scope=of_channel(number))

    for responses in interleavings(monkeypatch, begun("a", "b"), create(1), create(2)):
        assert sorted(status for status, _ in responses) == [201, 403]
        check_whole(aws)


def test_the_last_place_of_a_store_is_given_twice_to_creates_at_once_alone(
    aws, few, functions, client, other_client, begun, monkeypatch
):
    """Who counts the hooks does not see one that is under way."""

    def begin():
        begun("a", "b")()
        for number in (1, 2):
            assert other_client.create(scope=of_channel(number))[0] == 201

    def create(of):
        return lambda: of.create(scope=of_channel(9))

    third = Client(functions, client.store_hash, "c" * 32)
    for responses in interleavings(monkeypatch, begin, create(client), create(other_client)):
        assert sorted(status for status, _ in responses) in ([201, 403], [201, 201])
        assert third.create()[0] == 403
        check_whole(aws)


@pytest.mark.parametrize("is_full", [False, True])
def test_a_list_that_is_made_beside_a_create_or_a_delete_names_what_there_is(
    aws, few, client, begun, monkeypatch, is_full
):
    """Lists are made of hooks of earlier releases, and when a quota is used up."""
    paths = ("a", "b", "c") if is_full else ("a", "b")

    def begin():
        begun(*paths)()
        forget_lists(aws)

    def create():
        return client.create(scope=of_channel(9))

    def delete():
        return client.delete(1)

    changes = [(create, 403 if is_full else 201), (delete, 200)]
    for change, status in changes:
        for pair in ((client.list, change), (change, client.list)):
            for responses in interleavings(monkeypatch, begin, *pair):
                assert dict(zip(pair, responses, strict=True))[change][0] == status
                check_whole(aws)
    for pair in ((create, delete), (delete, create)):
        for responses in interleavings(monkeypatch, begin, *pair):
            by = dict(zip(pair, responses, strict=True))
            assert by[delete][0] == 200
            assert by[create][0] in ({201, 403} if is_full else {201})
            check_whole(aws)


def test_a_destination_is_taken_once(aws, client, begun, monkeypatch):
    def move(hook_id):
        return lambda: client.update(hook_id, destination="https://app.example.com/wanted")

    for responses in interleavings(monkeypatch, begun("a", "b"), move(1), move(2)):
        assert sorted(status for status, _ in responses) == [200, 409]
        check_whole(aws)


@pytest.mark.parametrize("change", [{field: value} for field, value in CHANGES.items()], ids=list(CHANGES))
def test_a_hook_that_is_deleted_and_changed_is_gone(aws, client, begun, monkeypatch, change):
    def delete():
        return client.delete(1)

    def update():
        return client.update(1, **change)

    for one, other in ((delete, update), (update, delete)):
        for responses in interleavings(monkeypatch, begun("orders"), one, other):
            by = dict(zip((one, other), responses, strict=True))
            assert by[delete][0] == 200
            assert by[update][0] in {200, 404}
            assert client.get(1)[0] == 404
            check_whole(aws)


def test_a_hook_is_deleted_once(aws, client, begun, monkeypatch):
    def delete():
        return client.delete(1)

    for responses in interleavings(monkeypatch, begun("orders"), delete, delete):
        assert sorted(status for status, _ in responses) == [200, 404]
        check_whole(aws)


@pytest.mark.parametrize("change", [{"is_active": True}, {"destination": "https://app.example.com/better"}])
def test_who_changes_a_hook_while_failures_deactivate_it_is_right(aws, client, begun, monkeypatch, change):
    """What failed was the hook as it was read before; else its owner has the last word by coming last."""
    hooks = HooksTable("HooksTable", dynamodb=aws.dynamodb)

    def deactivate():
        return hooks.deactivate(hooks.find("5ueh97", 1), "it fails")

    def update():
        return client.update(1, **change)

    ends = []
    for first, second in ((deactivate, update), (update, deactivate)):
        for responses in interleavings(monkeypatch, begun("orders", is_active=True), first, second):
            by = dict(zip((first, second), responses, strict=True))
            assert by[update][0] == 200
            hook = client.get(1)[1]
            if not by[deactivate]:
                assert hook | change == hook, "nothing of the owner's change is lost"
            assert hook["is_active"] is ("deactivated_at" not in hook)
            ends.append((by[deactivate], hook["is_active"]))
            check_whole(aws)
    # Read and written on either side of the change, it has no effect.
    assert (False, True) in ends
    assert {True, False} == {was_deactivated for was_deactivated, _ in ends}
    if "is_active" not in change:
        assert (True, True) not in ends, "a change of something else does not switch a hook on again"


@pytest.mark.parametrize("force", [False, True])
def test_of_two_rotations_at_once_no_secret_in_use_is_lost(aws, access, monkeypatch, force):
    def begin():
        aws.empty("ClientsTable")
        begin.secret = access.create_token("5ueh97", "a" * 32).client_secret

    def rotate():
        try:
            return access.rotate_secret("5ueh97", "a" * 32, overlap_seconds=3600, force=force).client_secret
        except SecretOverlapError:
            return None

    for first, second in interleavings(monkeypatch, begin, rotate, rotate):
        (item,) = aws.scan("ClientsTable")
        signing = valid_secrets(item, 0)
        if force:  # both were told one, and both sign
            assert set(signing) == {first, second}
        else:
            (given,) = {first, second} - {None}
            assert signing == (given, begin.secret)


def test_two_first_tokens_of_a_client_share_its_secret(aws, monkeypatch):
    access = AccessTables("TokensTable", "ClientsTable", dynamodb=aws.dynamodb)

    def create():
        return access.create_token("5ueh97", "a" * 32)

    for first, second in interleavings(monkeypatch, lambda: aws.empty("ClientsTable"), create, create):
        assert first.client_secret == second.client_secret
        assert first.access_token != second.access_token


def test_two_processes_at_once_notify_of_a_destination_once(aws, monkeypatch):
    """Wherever one breaks into the other: also between its claim, its event and its confirmation."""
    world: World

    def begin():
        nonlocal world
        aws.empty("HooksTable", "DeliveriesTable", "EventIdsTable")
        world = World(aws)
        world.response = lambda _request: (500, None)
        hook = world.hook()
        world.event(hook), world.event(hook)

    def work(deliverer):
        (message,) = world.queue.take(1)
        deliverer.deliver([as_received(message, batch_id="0")])

    def first():
        work(world.deliverer)

    def second():
        work(world.new_process().deliverer)

    for _ in interleavings(monkeypatch, begin, first, second):
        assert world.bus.codes == [90001]
        assert len(world.sent) == 2
