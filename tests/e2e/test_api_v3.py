"""Version 3 of the API on the running stack, and the e-mail that goes out when a hook is deactivated."""

import time

import pytest
import requests

from tests.e2e.store import ARRIVAL_SECONDS, Destination
from tests.e2e.test_api import TIMEOUT, new_token

STORE_HASH = "v3st0re"


class ApiV3:
    """A client of a store, in version 3."""

    def __init__(self, stack) -> None:
        token = new_token(stack, "--store-hash", STORE_HASH, "--scope", "default", "--scope", "events")
        self.client_id = token["client_id"]
        self.session = requests.Session()
        self.session.headers["X-Auth-Token"] = token["access_token"]
        self.store_url = f"{stack.base_url}/stores/{STORE_HASH}"

    def request(self, method, path="", **kwargs):
        return self.session.request(method, f"{self.store_url}/v3/hooks{path}", timeout=TIMEOUT, **kwargs)

    def publish(self, scope):
        event = {"scope": scope, "data": {"type": "test"}}
        response = self.session.post(f"{self.store_url}/v2/events", json=event, timeout=TIMEOUT)
        assert response.status_code == 202


@pytest.fixture
def api(stack):
    return ApiV3(stack)


def mails(stack, hook_id):
    """The e-mails about a hook that the local AWS was given."""
    endpoint = stack.run.endpoint
    response = requests.get(
        f"{endpoint.url}/_ministack/ses/messages", headers=endpoint.headers, timeout=TIMEOUT
    )
    kept = response.json()["messages"]
    subject = f"Webhook {hook_id} of the store {STORE_HASH} was deactivated"
    return [mail for account in kept.values() for mail in account if mail["Subject"] == subject]


def waited_for(look):
    """What is seen once there is something to be seen."""
    deadline = time.monotonic() + ARRIVAL_SECONDS
    while not (found := look()):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    return found


def test_a_hook_lives_in_envelopes_and_its_errors_have_the_v3_form(api):
    fields = {"scope": "store/cart/*", "destination": "https://app.example.com/carts"}
    created = api.request("POST", json=fields)
    assert created.status_code == 200
    hook = created.json()["data"]
    listed = api.request("GET", "?scope=store/cart/*&is_active=false").json()
    assert listed["data"] == [hook]
    assert listed["meta"]["pagination"]["total"] == 1
    deleted = api.request("DELETE", f"/{hook['id']}")
    assert (deleted.status_code, deleted.json()) == (200, created.json())
    gone = api.request("GET", f"/{hook['id']}")
    assert (gone.status_code, gone.json()["title"]) == (404, f"Webhook with id [{hook['id']}] not found")
    refused = api.request("POST", json={})
    assert (refused.status_code, set(refused.json()["errors"])) == (422, {"scope", "destination"})


def test_admin_and_events_are_no_ids_of_hooks(api):
    assert set(api.request("GET", "/admin").json()["data"]) == {"emails", "hooks_list", "blocked_domains"}
    named = api.request("PUT", "/admin", json={"emails": ["a@example.com"]})
    assert (named.status_code, named.text) == (204, "")
    assert api.request("GET", "/admin").json()["data"]["emails"] == ["a@example.com"]
    assert api.request("GET", "/events").json()["data"] == []
    for method, path in [("DELETE", "/admin"), ("POST", "/admin"), ("PUT", "/events"), ("DELETE", "/events")]:
        response = api.request(method, path)
        assert (response.status_code, response.json()[0]["status"]) == (404, 404), (
            "the gateway's form is V2's"
        )


def test_owners_get_one_mail_when_failures_deactivate_their_hook(stack, api):
    assert api.request("PUT", "/admin", json={"emails": ["a@example.com", "b@example.com"]}).ok
    with Destination(410) as destination:
        url = f"{destination.url}?token=secret"
        fields = {"scope": "store/order/*", "destination": url, "is_active": True}
        hook = api.request("POST", json=fields).json()["data"]
        api.publish("store/order/created")
        (mail,) = waited_for(lambda: mails(stack, hook["id"]))
    assert mail["To"] == ["a@example.com", "b@example.com"]
    origin = destination.url.removesuffix("/hook")
    for told in (f"{origin}:\n", "410", f"/v2/hooks/{hook['id']}/recover", api.client_id):
        assert told in mail["BodyText"]
    assert "secret" not in mail["BodyText"]

    shown = api.request("GET", f"/{hook['id']}").json()["data"]
    assert shown["is_active"] is False
    assert "410" in shown["deactivation_reason"]
    (listed,) = api.request("GET", "/admin?is_active=false").json()["data"]["hooks_list"]
    assert listed == shown | {"status": "deactivated"}
    since = f"/events?created_at%3Amin={hook['created_at']}&limit=5"
    (event,) = waited_for(lambda: api.request("GET", since).json()["data"])
    assert (event["scope"], event["data"]) == ("store/order/created", {"type": "test"})
    before = api.request("GET", f"/events?created_at:max={hook['created_at'] - 1}")
    assert (before.status_code, before.json()["data"]) == (200, [])
    assert len(mails(stack, hook["id"])) == 1
