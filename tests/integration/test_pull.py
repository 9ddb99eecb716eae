"""Pulling over the API: what a consumer sends and gets. tests/flows/test_pull.py has what becomes of it."""

import base64
import json

import pytest
from standardwebhooks import Webhook

from storehooks.api.response import MAX_RESPONSE_BYTES
from storehooks.domain.attempt import ACKNOWLEDGED
from storehooks.domain.event import MAX_DATA_BYTES
from storehooks.domain.pull import MAX_PULLED
from tests import emf
from tests.integration.conftest import Client, load_event

CLIENT_ID = "40c672b9177b5d3a8dbfad24321be15d"


@pytest.fixture
def client(functions):
    return Client(functions, "5ueh97", CLIENT_ID)


@pytest.fixture
def secret(access):
    return access.create_token("5ueh97", CLIENT_ID).client_secret


def publish(functions, *datas, scope="store/order/created"):
    """Have events matched."""
    event = load_event("match_events")
    record = event["Records"][0]
    envelope = json.loads(record["body"])
    for number, data in enumerate(datas):
        envelope["id"] = f"e-{number}-{len(json.dumps(data))}"
        envelope["detail-type"] = scope
        envelope["detail"] = {"store_hash": "5ueh97", "data": data}
        event["Records"] = [record | {"body": json.dumps(envelope), "messageId": str(number)}]
        assert functions.handler("match_events")(event, None) == {"batchItemFailures": []}


def pull(client, **wanted):
    status, response = client.call("pull_deliveries", hook_id=1, body=wanted)
    assert status == 200, response
    return response


def test_a_delivery_is_given_out_signed_and_acknowledged(functions, client, secret):
    client.create(destination="pull:", headers={"X-Mine": "é"}, is_active=True)
    publish(functions, {"type": "order", "id": 250, "note": "café"})
    response = pull(client)
    (one,) = response["data"]
    assert response["not_acknowledged"] == []
    assert response["poll_after_seconds"] == 1
    assert one["headers"]["X-Mine"] == "é"
    assert one["headers"]["Content-Type"] == "application/json"
    assert one["headers"]["webhook-id"] == one["id"]
    event = Webhook(base64.b64encode(secret.encode()).decode()).verify(one["body"], one["headers"])
    assert event["data"] == {"type": "order", "id": 250, "note": "café"}
    assert pull(client, ack=[one["id"], "another"])["not_acknowledged"] == [
        {"id": "another", "reason": "unknown"}
    ]
    _, page = client.call("list_deliveries", hook_id=1)
    assert [delivery["status"] for delivery in page["data"]] == ["delivered"]
    event = load_event("get_delivery")
    event["pathParameters"]["delivery_id"] = one["id"]
    _, delivery = functions.invoke("get_delivery", event)
    (attempt,) = delivery["attempts"]
    assert (attempt["status"], attempt["error"], attempt["answer"]) == (None, None, ACKNOWLEDGED)


def test_fewer_large_deliveries_are_given_out_than_are_wanted_and_the_others_next(functions, client, secret):
    client.create(destination="pull:", is_active=True)
    # As JSON in JSON in JSON, each quotation mark is four bytes.
    large = '"' * ((MAX_DATA_BYTES - 40) // 2)
    publish(functions, *({"id": number, "text": large} for number in range(30)))
    event = load_event("pull_deliveries")
    event["body"] = json.dumps({"max": MAX_PULLED})
    found = []
    while len(found) < 30:
        response = functions.handler("pull_deliveries")(event, None)
        assert response["statusCode"] == 200
        assert len(json.dumps(response).encode()) <= MAX_RESPONSE_BYTES
        data = json.loads(response["body"])["data"]
        assert data
        found += [one["id"] for one in data]
    assert found == sorted(set(found))


@pytest.mark.parametrize(
    ("body", "field", "reason"),
    [
        ({"max": 0}, "max", "is out of range"),
        ({"max": MAX_PULLED + 1}, "max", "is out of range"),
        ({"max": "10"}, "max", "has the wrong type"),
        ({"max": True}, "max", "has the wrong type"),
        ({"visibility_seconds": 901}, "visibility_seconds", "is out of range"),
        ({"visibility_seconds": 1.5}, "visibility_seconds", "has the wrong type"),
        ({"ack": "msg_1"}, "ack", "has the wrong type"),
        ({"ack": [1]}, "ack", "has the wrong type in [0]"),
        ({"ack": ["msg_1"] * 101}, "ack", "has 101 ids"),
        ({"colour": "red"}, "colour", "is unknown"),
        ([], "body", "is not a JSON object"),
    ],
)
def test_what_is_asked_for_wrongly_is_refused_with_what_is_accepted(client, body, field, reason):
    client.create(destination="pull:", is_active=True)
    status, (error,) = client.call("pull_deliveries", hook_id=1, body=body)
    assert status == 400
    assert (error["details"]["field"], error["details"]["invalid_reason"]) == (field, reason)


def test_ids_that_are_no_text_to_send_back_are_told_as_well(client, secret):
    client.create(destination="pull:", is_active=True)
    told = pull(client, ack=["x" * 1000, "\N{SNOWMAN}"])["not_acknowledged"]
    assert told == [{"id": "x" * 100, "reason": "unknown"}, {"id": "\N{SNOWMAN}", "reason": "unknown"}]


def test_only_a_hook_of_the_clients_own_that_is_pulled_and_active_can_be_pulled(client, other_client, secret):
    client.create(destination="pull:", is_active=True)
    client.create(is_active=True)
    assert other_client.call("pull_deliveries", hook_id=1, body={})[0] == 404
    assert client.call("pull_deliveries", hook_id=3, body={})[0] == 404
    status, (error,) = client.call("pull_deliveries", hook_id=2, body={})
    assert (status, error["details"]["conflict_reason"]) == (409, "not pulled")
    client.update(1, is_active=False)
    status, (error,) = client.call("pull_deliveries", hook_id=1, body={})
    assert (status, error["details"]["conflict_reason"]) == (409, "inactive")


def test_without_the_right_oauth_scope_nothing_is_given_out(functions, client):
    client.create(destination="pull:", is_active=True)
    event = load_event("pull_deliveries")
    event["requestContext"]["authorizer"]["oauth_scopes"] = "events"
    assert functions.invoke("pull_deliveries", event)[0] == 403


def test_a_hook_that_is_pulled_gets_no_ping_no_rate_and_no_url(client, v3_client):
    assert client.create(destination="pull:", is_active=True)[1]["destination"] == "pull:"
    status, (error,) = client.call("ping_hook", hook_id=1)
    assert (status, error["details"]["conflict_reason"]) == (409, "pulled")
    for changes, field in [
        ({"max_per_second": 5}, "max_per_second"),
        ({"destination": "https://app.example.com/"}, "destination"),
    ]:
        status, (error,) = client.update(1, **changes)
        assert (status, error["details"]["field"]) == (400, field)
        status, error = v3_client.update(1, **changes)
        assert (status, list(error["errors"])) == (422, [field])
    assert client.create(destination="pull:", max_per_second=5)[0] == 400
    assert client.update(1, destination="pull:", headers={"X-A": "1"})[0] == 200
    assert client.create()[0] == 201
    assert client.update(2, destination="pull:")[0] == 400


@pytest.mark.parametrize("destination", ["pull", "pull:x", "PULL:", " pull:", "pull://", "pull://host/"])
def test_nothing_but_the_word_itself_is_accepted(client, destination):
    status, (error,) = client.create(destination=destination)
    assert (status, error["details"]["field"]) == (400, "destination")
    assert "or pull:" in error["details"]["accepted"]


def test_there_is_one_for_each_scope_and_filter_and_v3_shows_it_as_well(client, v3_client):
    client.create(destination="pull:", is_active=True)
    assert client.create(destination="pull:")[0] == 409
    assert client.create(destination="pull:", filter={"data": {"id": [1]}})[0] == 201
    _, page = v3_client.list(destination="pull:")
    assert [hook["destination"] for hook in page["data"]] == ["pull:", "pull:"]
    assert client.delete(1)[0] == 200
    assert client.create(destination="pull:")[0] == 201


def test_switching_a_hook_off_asks_for_what_waits_to_be_cancelled(aws, client, secret):
    client.create(destination="pull:", is_active=True)
    client.update(1, is_active=False)
    (message,) = aws.take("DeliveriesQueue")
    assert json.loads(message["Body"])["do"] == "hold"


def test_a_delivery_that_cannot_be_read_is_left_out_of_a_pull_and_the_others_are_given_out(
    aws, client, functions, secret, errors, capsys
):
    client.create(destination="pull:", is_active=True)
    publish(functions, *({"id": number} for number in range(3)))
    first, broken, last = sorted(item["id"]["S"] for item in aws.scan("DeliveriesTable") if "payload" in item)
    key = {"hook": {"S": "5ueh97#1"}, "id": {"S": broken}}
    aws.dynamodb.update_item(TableName="DeliveriesTable", Key=key, UpdateExpression="REMOVE client_id")
    capsys.readouterr()
    assert [one["id"] for one in pull(client, max=2)["data"]] == [first, last]
    assert [(line["message"], line["delivery_id"]) for line in errors()] == [("unexpected error", broken)]
    assert errors()[0]["item"] == f"hook=5ueh97#1, id={broken}: KeyError"
    assert emf.metrics(capsys.readouterr().out, "storehooks")["UnexpectedErrors"] == [1]
    assert pull(client, max=3)["data"] == [], "it is hidden like the others"
