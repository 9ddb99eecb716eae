"""Publishing events over HTTP."""

import json

import pytest

from tests.integration.conftest import load_event

GOOD = {"scope": "store/order/created", "data": {"type": "order", "id": 250}}


@pytest.fixture
def publish(functions):
    """Publish a body as a client of the store 5ueh97; the status and the answer."""

    def call(body, **authorizer):
        event = load_event("publish_events")
        event["body"] = body if isinstance(body, str) else json.dumps(body)
        event["requestContext"]["authorizer"] |= authorizer
        return functions.invoke("publish_events", event)

    return call


def messages(aws):
    return [json.loads(message["Body"]) for message in aws.take("EventsQueue")]


def test_an_array_is_accepted_in_its_order(aws, functions):
    status, response = functions.invoke("publish_events", load_event("publish_events"))
    assert status == 202
    assert [event["scope"] for event in response] == ["store/order/created", "store/cart/lineItem/created"]
    assert response[0]["id"] == "order-250-created"
    published = sorted(messages(aws), key=lambda message: message["time"])
    assert [message["detail-type"] for message in published] == [event["scope"] for event in response]
    assert published[0]["detail"] == {
        "store_hash": "5ueh97",
        "scope": "store/order/created",
        "data": {"type": "order", "id": 250},
        "id": "order-250-created",
        "store_id": "1025646",
        "created_at": 1561479335,
    }
    assert published[1]["id"] == response[1]["id"]


def test_one_event_is_accepted_and_answered_in_an_array(aws, publish):
    status, response = publish(GOOD)
    assert (status, [event["scope"] for event in response]) == (202, ["store/order/created"])
    assert [message["id"] for message in messages(aws)] == [response[0]["id"]]


def test_the_events_are_the_callers_stores(aws, publish):
    assert publish(GOOD | {"store_hash": "other"})[0] == 400
    assert messages(aws) == []


def test_one_that_is_invalid_refuses_all_and_every_problem_is_named(aws, functions):
    status, response = functions.invoke("publish_events", load_event("publish_events_invalid"))
    assert status == 400
    assert [problem["details"]["field"] for problem in response] == ["[1].scope", "[1].data", "[1].colour"]
    assert messages(aws) == []


@pytest.mark.parametrize(
    "body", ["", "5", "[]", '"x"', "null", "[[]]", "{", '{"scope":"a","scope":"b"}', '[{"a":1e999}]']
)
def test_a_body_that_holds_no_events_is_400(publish, body):
    assert publish(body)[0] == 400


def test_an_event_of_storehooks_own_cannot_be_published(aws, publish):
    forged = {
        "scope": "store/hook/deliveryException",
        "data": {"type": "webhook", "id": 1, "error_code": 90002},
    }
    status, (response,) = publish(forged)
    assert (status, response["details"]["field"]) == (400, "scope")
    assert messages(aws) == []


def test_a_token_without_the_oauth_scope_is_refused(publish):
    assert publish(GOOD, oauth_scopes="default")[0] == 403
    assert publish(GOOD, store_hash="other")[0] == 403


def test_a_hundred_events_go_in_calls_of_ten(aws, publish):
    assert publish([GOOD] * 100)[0] == 202
    assert aws.calls == ["SendMessageBatch"] * 10
    published = messages(aws)
    assert len({message["id"] for message in published}) == 100
    assert len({message["time"] for message in published}) == 100, "so that a log sorts them as they came"


def test_more_than_a_hundred_is_413(publish):
    status, (response,) = publish([GOOD] * 101)
    assert status == 413
    assert "100" in response["message"]


def test_more_than_a_megabyte_is_413(publish):
    event = GOOD | {"data": {"text": "x" * 60_000}}
    assert publish([event] * 17)[0] == 202
    assert publish([event] * 18)[0] == 413


def test_data_over_64_kb_is_400_and_named(publish):
    status, (response,) = publish(GOOD | {"data": {"text": "x" * 65_526}})
    assert (status, response["details"]["field"]) == (400, "data")
    assert publish(GOOD | {"data": {"text": "x" * 65_525}})[0] == 202


def test_characters_that_sqs_refuses_are_carried(aws, publish):
    text = "\x01\x0b\ufffe\uffff naïve 🛒"
    assert publish(GOOD | {"data": {"text": text}})[0] == 202
    (message,) = aws.take("EventsQueue")
    assert message["Body"].isascii()
    assert json.loads(message["Body"])["detail"]["data"]["text"] == text


def test_what_sqs_does_not_take_is_503_and_may_be_repeated(aws, publish, monkeypatch):
    monkeypatch.setattr("time.sleep", lambda _: None)
    aws.sqs.delete_queue(QueueUrl=aws.queues["EventsQueue"])
    status, (response,) = publish(GOOD)
    assert (status, response["status"]) == (503, 503)
