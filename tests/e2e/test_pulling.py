"""Pulling from the running stack: over HTTP, and by `storehooks listen` as from another machine."""

import json
import signal
import time

import pytest
from standardwebhooks import Webhook

from storehooks_cli.client_secret import library_secret
from tests.e2e.command_line import RunningCommand
from tests.e2e.store import ARRIVAL_SECONDS, Store

pytestmark = pytest.mark.toolchain


def pulled(store: Store, hook_id: int, **wanted):
    response = store.call("POST", f"hooks/{hook_id}/pull", json=wanted)
    assert response.status_code == 200, response.text
    return response.json()


def first_pulled(store: Store, hook_id: int):
    """What the first pull gives out that finds something."""
    until = time.monotonic() + ARRIVAL_SECONDS
    while not (data := pulled(store, hook_id)["data"]):
        assert time.monotonic() < until
        time.sleep(0.2)
    return data


def test_what_waits_is_taken_signed_and_acknowledged_once(stack):
    store = Store(stack, "pu11http")
    hook_id = store.hook("store/order/*", "pull:")
    event_id = store.publish("store/order/created")
    (one,) = first_pulled(store, hook_id)
    verified = Webhook(library_secret(store.secret)).verify(one["body"], one["headers"])
    assert (verified["scope"], verified["data"]) == ("store/order/created", {"id": 250})
    assert pulled(store, hook_id)["data"] == [], "another consumer has it"
    acknowledged = pulled(store, hook_id, ack=[one["id"]])
    assert (acknowledged["data"], acknowledged["not_acknowledged"]) == ([], [])
    assert store.delivery(hook_id, event_id)["status"] == "delivered"
    again = pulled(store, hook_id, ack=[one["id"]])["not_acknowledged"]
    assert [(not_again["id"], not_again["reason"]) for not_again in again] == [(one["id"], "delivered")]
    assert store.call("POST", f"hooks/{hook_id}/ping").status_code == 409


def test_a_token_alone_is_enough_to_listen_and_no_hook_is_left(stack):
    store = Store(stack, "pu11cmd")
    options = ("--url", stack.base_url, "--token", store.token, "--secret", store.secret)
    arguments = ("listen", "--store-hash", store.store_hash, "--scope", "store/order/*", "--json", *options)
    with RunningCommand(stack, *arguments, is_local=False) as listening:
        assert "pulling store/order/*" in listening.said()
        store.publish("store/order/created")
        shown = json.loads(listening.line())
        assert (shown["is_signature_valid"], shown["payload"]["scope"]) == (True, "store/order/created")
        assert listening.end(signal.SIGTERM) == (0, "")
    assert store.call("GET", "hooks").json() == []
