"""The function that delivers, with real requests to receivers on loopback."""

import base64
import io
import json
import time

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from storehooks.adapters.deliveries_queue import DeliveriesQueue, from_record
from storehooks.adapters.hooks_table import HooksTable
from storehooks.domain.errors import QueueFailedError
from storehooks.domain.identity import Caller
from storehooks.flows import outcome
from tests.integration.conftest import load_event
from tests.integration.receivers import OK, Connection, Receiver, responding, then_hanging

CLIENT_ID = "40c672b9177b5d3a8dbfad24321be15d"


class Delivering:
    """The function, fed with messages of the deliveries queue."""

    def __init__(self, aws, functions, access) -> None:
        self.aws = aws
        self.parts, self.handler = functions.parts("deliver"), functions.handler("deliver")
        self.hooks = HooksTable("HooksTable", dynamodb=aws.dynamodb)
        self.caller = Caller("5ueh97", CLIENT_ID, frozenset())
        self.secret = access.create_token("5ueh97", CLIENT_ID).client_secret
        self.number = 0

    def hook(self, url: str, **fields) -> int:
        return self.hooks.create(
            self.caller, scope="store/order/*", destination=url, is_active=True, **fields
        ).id

    def message(self, hook_id: int) -> dict:
        """A first attempt for a hook, as it comes from the queue."""
        (record,) = load_event("deliver")["Records"]
        self.number += 1
        task = json.loads(record["body"])
        task["hook_id"] = task["delivery"]["hook_id"] = hook_id
        task["delivery_id"] = task["delivery"]["id"] = f"msg_{self.number:032x}"
        return record | {"messageId": f"message-{self.number}", "body": json.dumps(task)}

    def deliver(self, *messages: dict) -> list[str]:
        """The ids of the messages that failed."""
        response = self.handler({"Records": list(messages)}, None)
        return [failure["itemIdentifier"] for failure in response["batchItemFailures"]]

    def logged(self) -> dict[str, str]:
        """The status of each delivery in the log."""
        items = self.aws.scan("DeliveriesTable")
        return {item["id"]["S"]: item["status"]["S"] for item in items if "status" in item}


@pytest.fixture
def delivering(aws, functions, access, monkeypatch):
    monkeypatch.setenv("ALLOW_PRIVATE_DESTINATIONS", "true")
    monkeypatch.setenv("DELIVERY_TIMEOUT_SECONDS", "2")
    return Delivering(aws, functions, access)


@pytest.fixture
def receiver():
    with Receiver(responding(OK), None) as receiver:
        yield receiver


def test_a_receiver_gets_a_signed_callback_with_the_hooks_headers(delivering, receiver):
    hook_id = delivering.hook(
        receiver.url("/hooks?a=1"), headers={"X-Mine": "ü", "Authorization": "Bearer x"}
    )
    assert delivering.deliver(delivering.message(hook_id)) == []
    (request,) = receiver.requests
    assert request.line == "POST /hooks?a=1 HTTP/1.1"
    headers = dict(header.split(": ", 1) for header in request.headers)
    assert (
        headers | {"X-Mine": "ü", "Authorization": "Bearer x", "Content-Type": "application/json"} == headers
    )
    assert headers["User-Agent"].startswith("storehooks/")
    library = Webhook(base64.b64encode(delivering.secret.encode()).decode())
    assert library.verify(request.body, headers) == {
        "scope": "store/order/created",
        "store_id": "1025646",
        "data": {"type": "order", "id": 250},
        "hash": "dd70c0976e06b67aaf671e73f49dcb79230ebf9d",
        "created_at": 1561479335,
        "producer": "stores/5ueh97",
    }


def test_while_two_secrets_are_valid_a_callback_is_signed_by_both(delivering, access, receiver):
    """The receivers' own library accepts it with either, and afterwards with the new one alone."""
    hook_id = delivering.hook(receiver.url())
    new = access.rotate_secret("5ueh97", CLIENT_ID, overlap_seconds=3600).client_secret
    assert delivering.deliver(delivering.message(hook_id)) == []
    newest = access.rotate_secret("5ueh97", CLIENT_ID, overlap_seconds=0, force=True).client_secret
    assert delivering.deliver(delivering.message(hook_id)) == []
    accepted = []
    for request in receiver.requests:
        headers = dict(header.split(": ", 1) for header in request.headers)
        assert len(headers["webhook-signature"].split(" ")) == (1 if accepted else 2)
        accepted.append(
            [
                accepts(base64.b64encode(secret.encode()).decode(), request.body, headers)
                for secret in (newest, new, delivering.secret)
            ]
        )
    assert accepted == [[False, True, True], [True, False, False]]


def accepts(secret: str, body: bytes, headers: dict[str, str]) -> bool:
    try:
        Webhook(secret).verify(body, headers)
    except WebhookVerificationError:
        return False
    return True


def test_a_batch_of_successes_costs_one_read_and_one_write_of_each_delivery(aws, delivering, receiver):
    hook_id = delivering.hook(receiver.url())
    messages = [delivering.message(hook_id) for _ in range(10)]
    before = len(aws.calls)
    assert delivering.deliver(*messages) == []
    assert aws.calls[before:] == ["BatchGetItem", "BatchWriteItem"]
    assert list(delivering.logged().values()) == ["delivered"] * 10
    assert len(aws.scan("DeliveriesTable")) == 10, "one item a delivery, and nothing beside it"


def test_a_batch_of_failures_is_logged_and_ordered_again(aws, delivering):
    with Receiver(responding(b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"), None) as broken:
        hook_id = delivering.hook(broken.url())
        messages = [delivering.message(hook_id) for _ in range(10)]
        before = len(aws.calls)
        assert delivering.deliver(*messages) == []
    calls = aws.calls[before:]
    assert sorted(calls) == sorted(
        ["BatchGetItem", *["PutItem"] * 12, "PutEvents", *["SendMessageBatch"] * 2, "UpdateItem"]
    ), "each delivery, to claim, make and confirm a notification, the retries together, the circuit"
    assert list(delivering.logged().values()) == ["retrying"] * 10


def test_what_a_slow_destination_holds_up_is_not_the_rest_of_the_queue(aws, functions, access, monkeypatch):
    """The invocation goes on with other messages while it waits, here for a response that comes after."""
    monkeypatch.setenv("ALLOW_PRIVATE_DESTINATIONS", "true")
    monkeypatch.setenv("DELIVERY_TIMEOUT_SECONDS", "20")
    delivering = Delivering(aws, functions, access)

    def respond_after_the_others(connection: Connection) -> None:
        connection.read_request()
        while len(others.requests) < 3 and not connection.receiver.closed.is_set():
            connection.pause(0.01)
        connection.send(OK)

    with Receiver(responding(OK), None) as others, Receiver(respond_after_the_others, None) as waiting:
        slow, fast = delivering.hook(waiting.url()), delivering.hook(others.url())
        with aws.uncounted():
            for _ in range(3):
                body = delivering.message(fast)["body"]
                aws.sqs.send_message(QueueUrl=aws.queues["DeliveriesQueue"], MessageBody=body)
        assert delivering.deliver(delivering.message(slow)) == []
    assert sorted(delivering.logged().values()) == ["delivered"] * 4
    assert aws.take("DeliveriesQueue") == []


def test_an_invocation_takes_no_more_work_once_it_has_lasted_a_timeout(aws, functions, access, monkeypatch):
    """However much the queue has: so it ends within about two timeouts."""
    monkeypatch.setenv("ALLOW_PRIVATE_DESTINATIONS", "true")
    monkeypatch.setenv("DELIVERY_TIMEOUT_SECONDS", "1")
    delivering = Delivering(aws, functions, access)
    taken = []

    def receive(_queue, *, wait_seconds):
        """One message each twentieth of a second, and so twenty in the time."""
        time.sleep(0.05)
        if len(taken) == 60:
            return []
        taken.append(from_record(delivering.message(slow)))
        return taken[-1:]

    monkeypatch.setattr(DeliveriesQueue, "receive", receive)
    with Receiver(then_hanging(b""), None) as hanging:
        slow = delivering.hook(hanging.url())
        delivering.deliver(delivering.message(slow))
    assert 0 < len(taken) <= 21
    assert sorted(delivering.logged()) == [f"msg_{number:032x}" for number in range(1, len(taken) + 2)]


def test_the_first_receive_is_tried_again_for_after_a_freeze_its_connection_may_be_dead(
    aws, delivering, receiver, monkeypatch
):
    queue = delivering.parts.deliveries_queue._queue
    receive, failures = queue.receive, iter([True])

    def fail_once(**given):
        if next(failures, False):
            raise QueueFailedError("ConnectionClosedError", frozenset())
        return receive(**given)

    monkeypatch.setattr(queue, "receive", fail_once)
    with Receiver(then_hanging(b""), None) as hanging:
        slow, fast = delivering.hook(hanging.url()), delivering.hook(receiver.url())
        with aws.uncounted():
            body = delivering.message(fast)["body"]
            aws.sqs.send_message(QueueUrl=aws.queues["DeliveriesQueue"], MessageBody=body)
        assert delivering.deliver(delivering.message(slow)) == []
    assert len(receiver.requests) == 1


def test_the_payload_is_the_same_for_each_attempt_and_for_each_hook(delivering, receiver):
    first, second = delivering.hook(receiver.url("/1")), delivering.hook(receiver.url("/2"))
    delivering.deliver(delivering.message(first), delivering.message(second))
    one, other = receiver.requests
    assert one.body == other.body


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "127.1", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0",
     "169.254.169.254", "10.0.0.1", "192.168.0.1", "[fd00::1]", "[fe80::1]", "[64:ff9b::7f00:1]"],
)  # fmt: skip
def test_no_connection_opens_to_a_private_address_even_if_a_hook_names_it(
    aws, functions, access, monkeypatch, host
):
    """Such a hook may be from before, or be a name that resolves so now."""
    monkeypatch.setenv("ALLOW_PRIVATE_DESTINATIONS", "false")
    delivering = Delivering(aws, functions, access)
    opened = []
    monkeypatch.setattr("storehooks.adapters.sender.socket", lambda *arguments: opened.append(arguments))
    assert delivering.deliver(delivering.message(delivering.hook(f"https://{host}/"))) == []
    (item,) = [item for item in aws.scan("DeliveriesTable") if "attempts" in item]
    (attempt,) = json.loads(item["attempts"]["S"])
    assert attempt["status"] is None
    assert "is not public" in attempt["error"]
    assert opened == []


def test_the_event_file_is_delivered_to_nobody_if_there_is_no_such_hook(delivering):
    event = load_event("deliver")
    assert delivering.handler(event, None) == {"batchItemFailures": []}
    assert list(delivering.logged().values()) == ["cancelled"]


def test_a_sweep_hands_on_what_is_due(aws, functions):
    assert functions.handler("retry_due")(load_event("retry_due"), None) == {"sent": 0}


def test_logs_hold_no_secret(delivering, receiver, caplog, monkeypatch):
    written = io.StringIO()  # what is written past the records that caplog has
    monkeypatch.setattr(outcome.logger.registered_handler, "stream", written)
    hook_id = delivering.hook(receiver.url("/?key=query-secret"), headers={"Authorization": "header-secret"})
    delivering.deliver(delivering.message(hook_id))
    assert "delivery_id" in written.getvalue()
    logs = str([vars(record) for record in caplog.records]) + written.getvalue()
    for secret in ("query-secret", "header-secret", delivering.secret):
        assert secret not in logs
