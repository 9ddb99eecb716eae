"""storehooks store remove and storehooks client remove, against the running stack."""

import json
import time

import pytest

from tests.e2e.command_line import storehooks
from tests.e2e.store import Destination, Store

pytestmark = pytest.mark.toolchain

STORE_HASH = "r3m0ve"


def test_a_client_and_then_its_store_are_removed_after_a_question(stack):
    store = Store(stack, STORE_HASH)
    other = json.loads(storehooks(stack, "token", "create", "--store-hash", STORE_HASH, "--json").stdout)
    with Destination() as destination:
        hook_id = store.hook("store/order/*", destination.url)
        store.delivery(hook_id, store.publish("store/order/created"))

    named = ("store", "remove", "--store-hash", STORE_HASH)
    asked = storehooks(stack, *named, input="n\n", check=False)
    assert asked.returncode == 1
    assert f"the store {STORE_HASH} has 2 clients, 2 tokens, 1 hook, 1 delivery" in asked.stderr
    assert store.call("GET", f"hooks/{hook_id}").status_code == 200, "nothing was done"

    client = ("client", "remove", "--store-hash", STORE_HASH, "--client-id", other["client_id"])
    removed = storehooks(stack, *client, "--yes", "--json")
    assert json.loads(removed.stdout) == {"clients": 1, "tokens": 1, "hooks": 0, "deliveries": 0}
    assert storehooks(stack, *named, input="y\n").stdout.split() == [
        *("removed", "clients", "1", "removed", "tokens", "1"),
        *("removed", "hooks", "1", "removed", "deliveries", "1"),
    ]
    deadline = time.monotonic() + stack.authorizer_cache_seconds + 5
    while store.call("GET", "hooks").status_code != 401:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    again = storehooks(stack, *named, "--yes", check=False)
    assert again.returncode == 1
    assert STORE_HASH in again.stderr
    assert again.stderr.count("\n") == 1
    assert Store(stack, STORE_HASH).hook("store/order/*", destination.url) == hook_id + 1
