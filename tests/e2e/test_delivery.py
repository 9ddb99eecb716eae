"""From an event to its destination, on the running stack and across a stop of all of it."""

import base64
import json
import time
from typing import Any

import pytest
import requests
from standardwebhooks import Webhook

from tests.e2e.command_line import storehooks
from tests.e2e.local_run import STORE_HASH, LocalRun, free_ports
from tests.e2e.store import ARRIVAL_SECONDS, Destination, Store
from tests.numbers_in_json import NUMBERS


def test_an_event_reaches_its_hook_signed_and_is_in_the_log(stack):
    store = Store(stack, "de11very")
    with Destination() as destination:
        hook_id = store.hook("store/order/*", destination.url)
        event_id = store.publish("store/order/created", store_id=1025646)
        headers, body = destination.next()
        shown = store.delivery(hook_id, event_id)
    assert shown["status"] == "delivered"
    library = Webhook(base64.b64encode(store.secret.encode()).decode())
    callback = library.verify(body, headers)
    assert (callback["scope"], callback["store_id"]) == ("store/order/created", "1025646")
    assert (shown["id"], shown["event_id"]) == (headers["webhook-id"], event_id)
    whole = store.call("GET", f"hooks/{hook_id}/deliveries/{shown['id']}").json()
    assert whole["payload"] == callback
    assert [attempt["answer"] for attempt in whole["attempts"]] == ["thanks"]


@pytest.mark.parametrize("way", ["http", "bus"])
def test_numbers_arrive_with_the_digits_that_they_were_published_with(stack, way):
    store = Store(stack, f"d1g1ts{way}")
    data = f"[{','.join(NUMBERS)}]"
    with Destination() as destination:
        store.hook("store/order/*", destination.url)
        if way == "http":
            body = f'\ufeff{{"scope":"store/order/created","data":{data}}}'.encode()
            assert store.call("POST", "events", data=body).status_code == 202
        else:
            options = ("--store-hash", store.store_hash, "--scope", "store/order/created")
            storehooks(stack, "event", "send", *options, "--data", "-", input=data)
        _, received = destination.next()
    assert f'"data":{data},"hash"' in received.decode()


def test_a_filter_chooses_the_events_of_a_hook_and_an_explanation_says_why(stack):
    store = Store(stack, "f11ter")
    with Destination() as destination:
        hook_id = store.hook(
            "store/order/*", destination.url, filter={"data": {"total": [{"numeric": [">", 1.5]}]}}
        )
        scope, data = "store/order/created", '{"total":1.50}'
        response = store.call("POST", "events/explain", data=f'{{"scope":"{scope}","data":{data}}}')
        assert response.json()["data"] == [
            {
                "hook_id": hook_id,
                "is_sent": False,
                "code": "filter",
                "reason": 'data.total is 1.50, and the filter asks for [{"numeric":[">",1.5]}]',
            }
        ]
        options = ("--store-hash", store.store_hash, "--scope", scope, "--data", data, "--json")
        shown = storehooks(stack, "event", "explain", *options)
        assert json.loads(shown.stdout) == response.json()["data"]
        store.publish(scope, data={"total": 1.5})
        event_id = store.publish(scope, data={"total": 1.51})
        _, body = destination.next()
        assert json.loads(body)["data"] == {"total": 1.51}
        store.delivery(hook_id, event_id)
    deliveries = store.call("GET", f"hooks/{hook_id}/deliveries").json()["data"]
    assert [one["event_id"] for one in deliveries] == [event_id]


def test_a_destination_that_is_gone_deactivates_its_hook_and_others_hear_of_it(stack):
    store = Store(stack, "g0ne")
    with Destination() as observer, Destination(status=410) as gone:
        store.hook("store/hook/deliveryException", observer.url)
        hook_id = store.hook("store/order/*", gone.url)
        store.publish("store/order/created")
        _, body = observer.next()
        assert json.loads(body)["data"]["error_code"] == 90002
        assert json.loads(body)["data"]["id"] == hook_id
        hook = store.call("GET", f"hooks/{hook_id}").json()
        assert (hook["is_active"], "410" in hook["deactivation_reason"]) == (False, True)
        later = store.delivery(hook_id, store.publish("store/order/updated"))
        assert (later["status"], later["attempts"]) == ("held", [])
        assert gone.requests.qsize() == 1


def test_what_a_hook_missed_is_sent_again_one_by_one_or_all_of_it_once_a_ping_arrives(stack):
    store = Store(stack, "rec0very")
    with Destination(status=410) as gone, Destination() as back:
        hook_id = store.hook("store/order/*", gone.url)
        since = store.call("GET", f"hooks/{hook_id}").json()["created_at"]
        first = store.publish("store/order/created")
        gone.next()
        missed = [store.delivery(hook_id, first)]
        missed += [store.delivery(hook_id, store.publish("store/order/updated")) for _ in range(3)]
        assert {one["status"] for one in missed} == {"held"}
        path = f"hooks/{hook_id}"
        assert store.call("POST", f"{path}/recover", json={"since": since}).status_code == 409
        store.call("PUT", path, json={"destination": back.url})
        ping = store.call("POST", f"{path}/ping").json()
        assert (ping["attempt"]["status"], back.next()[0]["webhook-id"]) == (200, ping["id"])
        store.call("PUT", path, json={"is_active": True})
        response = store.call("POST", f"{path}/deliveries/{missed[0]['id']}/redeliver")
        assert (response.status_code, response.json()["status"]) == (202, "pending")
        assert back.next()[0]["webhook-id"] == missed[0]["id"]
        response = store.call("POST", f"{path}/recover", json={"since": since})
        assert (response.status_code, response.json()["count"]) == (202, 3)
        sent = {back.next()[0]["webhook-id"] for _ in range(3)}
        assert sent == {one["id"] for one in missed[1:]}
        until = time.monotonic() + ARRIVAL_SECONDS
        recovery = response.json()
        while recovery["state"] == "running" and time.monotonic() < until:
            time.sleep(0.2)
            recovery = store.call("GET", f"{path}/recoveries/{recovery['id']}").json()
        assert (recovery["state"], recovery["recovered"]) == ("finished", 3)


def test_a_token_for_hooks_alone_may_not_publish_and_one_for_events_alone_may_not_read(stack):
    tokens = {
        scope: json.loads(
            storehooks(stack, "token", "create", "--store-hash", "sc0pes", "--scope", scope, "--json").stdout
        )["access_token"]
        for scope in ("default", "events")
    }
    url = f"{stack.base_url}/stores/sc0pes/v2"
    event = {"scope": "store/order/created", "data": {}}

    def status(scope: str, method: str, path: str, **arguments: Any) -> int:
        headers = {"X-Auth-Token": tokens[scope]}
        return requests.request(method, f"{url}/{path}", headers=headers, timeout=60, **arguments).status_code

    assert status("default", "POST", "events", json=event) == 403
    assert status("events", "POST", "events", json=event) == 202
    assert status("events", "GET", "hooks") == 403
    assert status("default", "GET", "hooks/1/deliveries") == 404


@pytest.mark.parametrize("size", [1_000_000, 1_100_000])
def test_a_request_of_a_megabyte_is_accepted_and_a_larger_one_is_413(stack, size):
    store = Store(stack, "1arge")
    events = [{"scope": "store/order/created", "data": {"text": "x" * (size // 20 - 60)}}] * 20
    assert store.call("POST", "events", json=events).status_code == (202 if size <= 1024 * 1024 else 413)


@pytest.mark.toolchain
def test_a_retry_survives_a_stop_of_the_whole_stack(data_dir):
    _, port = free_ports()
    with LocalRun(data_dir) as run:
        run.ready()
        retry_after(run, "6,6,6")
        destination = {
            "scope": "store/order/*",
            "destination": f"http://127.0.0.1:{port}/hook",
            "is_active": True,
        }
        hook_id = run.request("POST", json=destination).json()["id"]
        event = {"scope": "store/order/created", "data": {"id": 250}}
        published = requests.post(
            f"{run.base_url}/stores/{STORE_HASH}/v2/events",
            headers={"X-Auth-Token": run.token},
            json=event,
            timeout=60,
        )
        assert published.status_code == 202
        until = time.monotonic() + ARRIVAL_SECONDS
        while not (failed := run.request("GET", f"/{hook_id}/deliveries").json()["data"]):
            assert time.monotonic() < until
            time.sleep(0.2)
        assert run.stop() == 0
    with Destination(port=port) as back, LocalRun(data_dir) as run:
        run.ready()
        headers, _ = back.next()
        assert headers["webhook-id"] == failed[0]["id"]
        assert failed[0]["attempts"][0]["error"].startswith("connection refused")
        assert run.stop() == 0


def retry_after(run: LocalRun, schedule: str) -> None:
    """As with RETRY_SCHEDULE, without deploying all of it again."""
    functions = run.aws("lambda")
    (variables,) = functions.get_function_configuration(FunctionName="storehooks-deliver")[
        "Environment"
    ].values()
    assert "RETRY_SCHEDULE" in variables
    functions.update_function_configuration(
        FunctionName="storehooks-deliver",
        Environment={"Variables": variables | {"RETRY_SCHEDULE": schedule}},
    )
