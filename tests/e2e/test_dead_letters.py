"""Dead letters, and storehooks dlq, against the running stack."""

import json
import time
import uuid
from datetime import UTC, datetime

import pytest

from storehooks.adapters.delivery_messages import to_message
from storehooks.domain.delivery import Delivery
from storehooks.domain.task import attempt_task
from tests.e2e.command_line import storehooks
from tests.e2e.subscriber import ARRIVAL_SECONDS, Subscriber, subscriber

pytestmark = pytest.mark.toolchain

STORE_HASH = "d3ad"


@pytest.fixture(scope="module")
def app(stack):
    with subscriber(stack, STORE_HASH) as one:
        yield one


@pytest.fixture(scope="module")
def outputs(stack) -> dict[str, str]:
    """The template's outputs."""
    (description,) = stack.run.aws("cloudformation").describe_stacks(StackName="storehooks")["Stacks"]
    return {output["OutputKey"]: output["OutputValue"] for output in description["Outputs"]}


def wait_for_dead_letters(stack, url: str, count: int) -> None:
    """Wait until a queue has this many messages that can be received."""
    name = "ApproximateNumberOfMessages"
    deadline = time.monotonic() + ARRIVAL_SECONDS
    while True:
        attributes = stack.run.aws("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=[name])
        if int(attributes["Attributes"][name]) == count:
            return
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_dead_letters_are_listed_and_tried_again(stack, outputs, app):
    entry = {
        "EventBusName": outputs["EventBusName"],
        "Source": "a.platform",
        "DetailType": "store/order/crated",
        "Detail": json.dumps(
            {"store_hash": STORE_HASH, "id": "bad-one", "data": {"id": "secret-of-the-data"}}
        ),
    }
    stack.run.aws("events").put_events(Entries=[entry])
    wait_for_dead_letters(stack, outputs["EventsDeadLettersUrl"], 1)

    shown = storehooks(stack, "dlq", "list")
    assert "secret" not in shown.stdout
    assert f"store_hash={STORE_HASH} scope=store/order/crated event_id=bad-one" in shown.stdout
    assert "scope is not in the catalogue of scopes, accepted: " in shown.stdout
    put_good_ones(stack, outputs, app)
    letters = json.loads(storehooks(stack, "dlq", "list", "--json").stdout)
    assert "secret" not in json.dumps(letters)
    assert [(letter["queue"], letter["about"]["event_id"]) for letter in letters] == [
        ("events", "bad-one"),
        ("events", "good-one"),
        ("deliveries", "another"),
        ("emails", f"deactivated.{app.hook['id']}.2"),
    ]
    assert letters[2]["about"]["delivery_id"] == f"msg_{'0' * 32}"
    assert "22" in letters[2]["reason"], "how often it was received"
    assert letters[3]["about"]["hook_id"] == str(app.hook["id"])
    assert letters[3]["reason"] == "MessageRejected"

    moved = json.loads(storehooks(stack, "dlq", "redrive", "--json").stdout)
    assert moved == {"events": 2, "deliveries": 1, "emails": 1}
    callbacks = [app.next_callback() for _ in range(2)]
    assert {callback["data"]["id"] for callback in callbacks} == {1, 2}
    wait_for_dead_letters(stack, outputs["EventsDeadLettersUrl"], 1)
    wait_for_dead_letters(stack, outputs["DeliveriesDeadLettersUrl"], 0)
    wait_for_dead_letters(stack, outputs["EmailsDeadLettersUrl"], 0)
    shown = storehooks(stack, "dlq", "redrive", "--queue", "events").stdout
    assert [line.split() for line in shown.splitlines()] == [["QUEUE", "MOVED"], ["events", "1"]]
    wait_for_dead_letters(stack, outputs["EventsDeadLettersUrl"], 1)
    stack.run.aws("sqs").purge_queue(QueueUrl=outputs["EventsDeadLettersUrl"])


def put_good_ones(stack, outputs, app: Subscriber) -> None:
    """Dead letters with which nothing is wrong any more."""
    envelope = {
        "id": str(uuid.uuid4()),
        "detail-type": "store/order/created",
        "time": datetime.now(UTC).isoformat(),
        "detail": {"store_hash": STORE_HASH, "id": "good-one", "data": {"id": 1}},
    }
    delivery = Delivery(
        id=f"msg_{'0' * 32}",
        store_hash=STORE_HASH,
        hook_id=app.hook["id"],
        client_id=app.hook["client_id"],
        event_id="another",
        scope="store/order/created",
        payload='{"data": {"id": 2, "more": "secret-of-the-data"}}',
        created_at=time.time(),
    )
    sqs = stack.run.aws("sqs")
    sqs.send_message(
        QueueUrl=outputs["EventsDeadLettersUrl"],
        MessageBody=json.dumps(envelope),
        MessageAttributes={"reason": {"DataType": "String", "StringValue": "was not in the catalogue"}},
    )
    sqs.send_message(
        QueueUrl=outputs["DeliveriesDeadLettersUrl"],
        MessageBody=json.dumps(to_message(attempt_task(delivery))),
        MessageGroupId=f"{STORE_HASH}#{app.hook['client_id']}",
    )
    sqs.send_message(
        QueueUrl=outputs["EmailsDeadLettersUrl"],
        MessageBody=json.dumps(
            {
                "id": str(uuid.uuid4()),
                "detail": {
                    "store_hash": STORE_HASH,
                    "id": f"deactivated.{app.hook['id']}.2",
                    "data": {"id": app.hook["id"], "error_code": 90002},
                },
            }
        ),
        MessageAttributes={"ErrorMessage": {"DataType": "String", "StringValue": "MessageRejected"}},
    )


def test_an_unknown_queue_is_refused(stack):
    response = storehooks(stack, "dlq", "list", "--queue", "hooks", check=False)
    assert response.returncode == 2
    assert "'events', 'deliveries'" in response.stderr
