"""What holds when requests come at once: 50 threads, each call atomic, any interleaving between."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

THREADS = 50


def at_once(calls):
    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(lambda call: call(), calls))


@pytest.fixture(autouse=True)
def _loaded(functions):
    """Handlers are loaded before the threads race for them."""
    for name in ("create_hook", "get_hook", "update_hook", "delete_hook", "list_hooks"):
        functions.module(name)


def test_identical_creates_leave_one_hook(client):
    answers = at_once([client.create] * THREADS)
    assert Counter(status for status, _ in answers) == {201: 1, 409: THREADS - 1}
    assert len(client.list()[1]) == 1


def test_different_creates_of_one_scope_leave_ten(client):
    creates = [
        lambda number=number: client.create(destination=f"https://app.example.com/{number}")
        for number in range(THREADS)
    ]
    answers = at_once(creates)
    assert Counter(status for status, _ in answers) == {201: 10, 403: THREADS - 10}
    hooks = client.list()[1]
    assert len({hook["id"] for hook in hooks}) == 10


def test_no_change_of_another_field_is_lost(client):
    hook_id = client.create()[1]["id"]
    changes = [
        lambda: client.update(hook_id, is_active=True),
        lambda: client.update(hook_id, headers={"X-A": "1"}),
        lambda: client.update(hook_id, destination="https://app.example.com/moved"),
        lambda: client.update(hook_id, scope="store/cart/*"),
    ]
    answers = at_once(changes)
    assert [status for status, _ in answers] == [200] * len(changes)
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
    answers = at_once(calls)
    assert Counter(status for status, _ in answers[:5]) == {200: 1, 404: 4}
    assert {status for status, _ in answers[5:]} <= {200, 404}
    assert client.get(hook_id)[0] == 404
    assert client.list() == (200, [])
    statuses = [client.create(destination=f"https://app.example.com/{number}")[0] for number in range(10)]
    assert statuses == [201] * 10, "no place is taken by the hook that is gone"
