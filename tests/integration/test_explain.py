"""Which of a client's hooks would get an event, over HTTP."""

import json

import pytest

from tests.integration.conftest import load_event


@pytest.fixture
def explain(functions):
    def call(event, **changed):
        request = load_event("explain_event")
        request["body"] = json.dumps(event)
        request["requestContext"]["authorizer"] |= changed
        return functions.invoke("explain_event", request)

    return call


def made(client, scope="store/order/*", path="", **fields):
    fields = {"destination": f"https://app.example.com/{path}", "is_active": True} | fields
    status, hook = client.create(scope=scope, **fields)
    assert status == 201
    return hook["id"]


EVENT = {"scope": "store/order/created", "data": {"id": 250, "status": "paid"}}


def test_each_hook_of_the_client_is_explained_by_id(client, other_client, explain):
    sent = made(client)
    other_scope = made(client, "store/cart/*")
    inactive = made(client, path="inactive", is_active=False)
    filtered = made(client, filter={"data": {"status": ["shipped"]}})
    paused = made(client, path="paused", is_paused=True)
    made(other_client)

    status, response = explain(EVENT)

    assert status == 200
    assert [(one["hook_id"], one["is_sent"], one["code"]) for one in response["data"]] == [
        (sent, True, None),
        (other_scope, False, "scope"),
        (inactive, False, "inactive"),
        (filtered, False, "filter"),
        (paused, False, "paused"),
    ]
    assert response["data"][-2]["reason"] == 'data.status is "paid", and the filter asks for ["shipped"]'


def test_a_filter_sees_all_that_a_callback_has(client, explain):
    event = EVENT | {"store_id": 11, "created_at": 1_561_479_335}
    pattern = {
        "scope": ["store/order/created"],
        "store_id": ["11"],
        "created_at": [1_561_479_335],
        "producer": ["stores/5ueh97"],
        "hash": [{"exists": True}],
    }
    made(client, filter=pattern)
    assert explain(event)[1]["data"][0]["code"] is None


def test_nothing_is_published(aws, client, explain):
    made(client)
    assert explain(EVENT)[0] == 200
    assert aws.take("EventsQueue") == []
    assert aws.take("DeliveriesQueue") == []


@pytest.mark.parametrize(
    ("event", "field"),
    [
        ({"scope": "store/nothing", "data": {}}, "scope"),
        ({"scope": "store/order/created"}, "data"),
        (EVENT | {"extra": 1}, "extra"),
        (EVENT | {"store_id": "x"}, "store_id"),
    ],
)
def test_a_wrong_event_is_refused_as_in_publishing(explain, functions, event, field):
    request = load_event("publish_events")
    request["body"] = json.dumps(event)

    status, response = explain(event)

    assert status == 400
    assert response[0]["details"]["field"] == field
    assert functions.invoke("publish_events", request) == (status, response)


def test_a_token_without_the_oauth_scope_default_explains_nothing(explain):
    assert explain(EVENT, oauth_scopes="events")[0] == 403
