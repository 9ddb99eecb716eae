"""A hook that is paused, and one with a rate, on the running stack."""

import re
import time
from collections import Counter

import pytest

from tests.e2e.store import ARRIVAL_SECONDS, Destination, Store

pytestmark = pytest.mark.toolchain

# A recovery goes through what is held again, when nothing can come in behind it.
FINISHED_SECONDS = 95 + ARRIVAL_SECONDS


def until(read, is_so, seconds: float = ARRIVAL_SECONDS):
    """What is read, once it is so."""
    deadline = time.monotonic() + seconds
    while not is_so(found := read()):
        assert time.monotonic() < deadline, found
        time.sleep(0.2)
    return found


def test_a_pause_holds_what_waits_and_what_comes_and_a_resumption_sends_each_once(stack):
    store = Store(stack, "pau5e")
    with Destination(status=500) as fails:
        hook_id = store.hook("store/order/*", fails.url)
        waiting = store.delivery(hook_id, store.publish("store/order/created"))
    assert waiting["status"] == "retrying"
    path = f"hooks/{hook_id}"

    def delivery(delivery_id: str) -> dict:
        return store.call("GET", f"{path}/deliveries/{delivery_id}").json()

    with Destination(port=fails.port) as back:
        paused = store.call("PUT", path, json={"is_paused": True}).json()
        assert paused["is_paused"] is True
        held = [store.delivery(hook_id, store.publish("store/order/updated")) for _ in range(3)]
        assert [(one["status"], one["attempts"]) for one in held] == [("held", [])] * 3
        until(lambda: delivery(waiting["id"]), lambda one: one["status"] == "held")
        sent_back = store.call("PUT", path, json=store.call("GET", path).json())
        assert sent_back.json()["paused_at"] == paused["paused_at"]
        assert store.call("POST", f"{path}/deliveries/{held[0]['id']}/redeliver").status_code == 409
        assert back.requests.empty()

        response = store.call("PUT", path, json={"is_paused": False})
        assert "is_paused" not in response.json()
        location = response.headers["Location"]
        assert re.fullmatch(rf"/stores/pau5e/v2/hooks/{hook_id}/recoveries/rec_[0-9a-f]{{32}}", location)
        ids = [one["id"] for one in (waiting, *held)]
        assert Counter(back.next()[0]["webhook-id"] for _ in ids) == dict.fromkeys(ids, 1)
        recovery = until(
            lambda: store.call("GET", location.partition("/v2/")[2]).json(),
            lambda found: found["state"] == "finished",
            FINISHED_SECONDS,
        )
        assert (recovery["count"], recovery["recovered"]) == (4, 4)
        # Messages go to the queue oldest first (tests/flows/test_pause.py); two invocations may swap them.
        assert {delivery(one)["status"] for one in ids} == {"delivered"}
        assert back.requests.empty(), "each once"


def test_a_rate_is_kept_in_each_second_nothing_is_missed_and_a_neighbour_does_not_wait(stack):
    store, other = Store(stack, "rate"), Store(stack, "ne1ghb0ur")
    with Destination() as limited, Destination() as neighbour:
        hook_id = store.hook("store/order/*", limited.url, max_per_second=3)
        other.hook("store/order/*", neighbour.url)
        events = [{"scope": "store/order/created", "data": {"id": number}} for number in range(30)]
        assert store.call("POST", "events", json=events).status_code == 202
        other.publish("store/order/created")
        of_neighbour = int(neighbour.next()[0]["webhook-timestamp"])
        headers = [limited.next()[0] for _ in events]
        begun = Counter(int(one["webhook-timestamp"]) for one in headers)
        assert max(begun.values()) <= 3
        assert max(begun) - min(begun) >= 9
        assert of_neighbour < max(begun)
        assert len({one["webhook-id"] for one in headers}) == 30
        page = store.call("GET", f"hooks/{hook_id}/deliveries?limit=250&status=delivered").json()["data"]
        assert Counter(len(one["attempts"]) for one in page) == {1: 30}
        assert limited.requests.empty()
