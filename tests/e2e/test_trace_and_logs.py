"""An event is followed from its publishing to its last attempt, and nothing secret is told on the way."""

import json
import re
import secrets

import pytest

from tests.e2e.command_line import storehooks
from tests.e2e.logs import everything_logged, secrets_in
from tests.e2e.store import Destination, Store

pytestmark = pytest.mark.toolchain


def test_an_events_way_is_shown_from_publishing_to_the_last_attempt(stack):
    store = Store(stack, "trac3d")
    with Destination() as well, Destination(status=500) as ill:
        hook_ids = [store.hook("store/order/*", well.url), store.hook("store/*", ill.url)]
        event_id = store.publish("store/order/created")
        deliveries = [store.delivery(hook_id, event_id) for hook_id in hook_ids]
        traced = json.loads(storehooks(stack, "trace", event_id, "--json").stdout)
    functions = [step["function"] for step in traced["steps"]]
    assert functions == ["publish_events", "match_events", "deliver", "deliver"]
    assert all(step["request_id"] for step in traced["steps"])
    attempts = [step for step in traced["steps"] if step["function"] == "deliver"]
    assert {step["delivery_id"]: step["status"] for step in attempts} == {
        deliveries[0]["id"]: 200,
        deliveries[1]["id"]: 500,
    }
    assert {one["id"]: one["status"] for one in traced["deliveries"]} == {
        deliveries[0]["id"]: "delivered",
        deliveries[1]["id"]: "retrying",
    }
    shown = storehooks(stack, "trace", event_id, "--store-hash", "trac3d").stdout
    assert re.search(r"\b500\b", shown)
    assert all(one["id"] in shown for one in deliveries)
    other = storehooks(stack, "trace", event_id, "--store-hash", "other", check=False)
    assert (other.returncode, other.stdout) == (1, "")
    assert event_id in other.stderr


@pytest.mark.parametrize("event_id", ["a b", ""])
def test_what_is_no_event_id_is_refused(stack, event_id):
    assert storehooks(stack, "trace", event_id, check=False).returncode == 2


def test_nothing_secret_of_a_full_run_is_logged(stack):
    """What all tests on this stack leave in the logs is looked at once more when it is stopped."""
    store = Store(stack, "s3cret")
    marks = {name: f"secret-{name}-{secrets.token_hex(8)}" for name in ("header", "path", "query", "data")}
    with Destination(status=410) as gone:
        hook = {
            "scope": "store/order/*",
            "destination": f"{gone.url}/{marks['path']}?key={marks['query']}",
            "headers": {"X-Key": marks["header"]},
            "is_active": True,
        }
        hook_id = store.call("POST", "hooks", json=hook).json()["id"]
        assert store.call("POST", "hooks", json=hook).status_code == 409
        refused = {"headers": {"X-Key": f"{marks['header']}\n"}, "destination": f"gopher://{marks['path']}"}
        assert store.call("PUT", f"hooks/{hook_id}", json=refused).status_code == 400
        event_id = store.publish("store/order/created", data={"text": marks["data"]})
        assert store.delivery(hook_id, event_id)["status"] == "held"
        assert store.call("POST", "events", json={"scope": "x", "data": marks["data"]}).status_code == 400
    logged = everything_logged(stack)
    assert event_id in logged
    assert [name for name, mark in marks.items() if mark in logged] == []
    assert secrets_in(logged, stack) == []
    for secret in (store.secret, store.token, marks["header"]):
        assert secrets_in(f"{logged} {secret}", stack) == [secret]
