"""A test event for one hook, with real requests to receivers on loopback."""

import base64
import json

import pytest
from standardwebhooks import Webhook

from storehooks.api.event_input import NewEvent
from storehooks.api.hook_input import NewHook
from storehooks.domain.delivery import is_delivery_id
from storehooks.domain.errors import InvalidRequestError
from storehooks.domain.ping import SCOPE
from tests.integration.conftest import Client, load_event
from tests.integration.receivers import OK, Receiver, responding, then_hanging

CLIENT_ID = "40c672b9177b5d3a8dbfad24321be15d"


@pytest.fixture
def client(functions, monkeypatch):
    monkeypatch.setenv("ALLOW_PRIVATE_DESTINATIONS", "true")
    monkeypatch.setenv("DELIVERY_TIMEOUT_SECONDS", "1")
    return Client(functions, "5ueh97", CLIENT_ID)


@pytest.fixture
def secret(access):
    return access.create_token("5ueh97", CLIENT_ID).client_secret


def test_a_hook_gets_a_signed_test_event_with_its_headers(aws, client, secret):
    with Receiver(responding(OK), None) as receiver:
        client.create(destination=receiver.url("/hooks"), headers={"X-Mine": "1"}, is_active=False)
        status, response = client.call("ping_hook", hook_id=1)
        (request,) = receiver.requests
    assert (status, response["scope"]) == (200, "store/hook/ping")
    assert is_delivery_id(response["id"])
    attempt = response["attempt"]
    assert (attempt["status"], attempt["error"], attempt["answer"]) == (200, None, "ok")
    assert attempt["latency_ms"] == attempt["times"]["total_ms"] > 0
    headers = dict(header.split(": ", 1) for header in request.headers)
    assert (headers["X-Mine"], headers["webhook-id"]) == ("1", response["id"])
    event = Webhook(base64.b64encode(secret.encode()).decode()).verify(request.body, headers)
    assert list(event) == ["scope", "store_id", "data", "hash", "created_at", "producer"]
    assert (event["scope"], event["data"]) == ("store/hook/ping", {"type": "webhook", "id": 1})
    assert (event["store_id"], event["producer"]) == (None, "stores/5ueh97")
    assert aws.scan("DeliveriesTable") == []


def test_two_pings_are_two_events(client, secret):
    with Receiver(responding(OK), None) as receiver:
        client.create(destination=receiver.url("/"))
        first, second = (client.call("ping_hook", hook_id=1)[1] for _ in range(2))
        assert first["id"] != second["id"]
        bodies = {request.body for request in receiver.requests}
    assert len(bodies) == 2


def test_whatever_the_destination_does_is_the_answer(client, secret):
    failure = b"HTTP/1.1 500 Oh\r\nContent-Length: 5\r\n\r\nsorry"
    with Receiver(responding(failure), None) as receiver:
        client.create(destination=receiver.url("/"))
        status, response = client.call("ping_hook", hook_id=1)
    attempt = response["attempt"]
    assert (status, attempt["status"], attempt["error"], attempt["answer"]) == (
        200, 500, "answered 500", "sorry",
    )  # fmt: skip
    status, response = client.call("ping_hook", hook_id=1)
    assert (status, response["attempt"]["status"]) == (200, None)
    assert "refused" in response["attempt"]["error"]


def test_a_destination_that_hangs_is_waited_for_as_long_as_an_attempt_may_take(client, secret):
    with Receiver(then_hanging(b"HTTP/1.1 200"), None) as receiver:
        client.create(destination=receiver.url("/"))
        status, response = client.call("ping_hook", hook_id=1)
    assert status == 200
    assert "1 s" in response["attempt"]["error"]


def test_only_a_hook_of_the_caller_is_sent_to(functions, client, secret):
    client.create()
    assert client.call("ping_hook", hook_id=2)[0] == 404
    assert Client(functions, "5ueh97", "f" * 32).call("ping_hook", hook_id=1)[0] == 404
    event = load_event("ping_hook")
    event["pathParameters"]["store_hash"] = "other"
    assert functions.invoke("ping_hook", event)[0] == 403


def test_a_client_without_a_secret_has_no_hooks(client):
    client.create()
    assert client.call("ping_hook", hook_id=1)[0] == 404


def test_its_scope_can_be_neither_subscribed_to_nor_published():
    with pytest.raises(InvalidRequestError):
        NewEvent.parse({"scope": SCOPE, "data": {}})
    hook = json.loads('{"destination": "https://app.example.com/"}') | {"scope": SCOPE}
    with pytest.raises(InvalidRequestError):
        NewHook.parse(hook, allow_private=False)
