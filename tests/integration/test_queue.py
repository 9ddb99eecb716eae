"""The queue over real connections that died while Lambda had the process frozen."""

import json
import socket
import struct

import botocore.session
import pytest
from botocore.exceptions import ReadTimeoutError

from storehooks.adapters import aws
from storehooks.adapters.queue import OutgoingMessage, Queue
from storehooks.domain.errors import QueueFailedError
from tests.integration.receivers import Connection, Receiver

ANSWERS = {
    "ReceiveMessage": {
        "Messages": [
            {"Body": "{}", "ReceiptHandle": "handle", "Attributes": {"ApproximateReceiveCount": "1"}}
        ]
    },
    "DeleteMessageBatch": {"Successful": [{"Id": "0"}], "Failed": []},
    "SendMessageBatch": {"Successful": [{"Id": "0"}], "Failed": []},
}
CALLS = {
    "ReceiveMessage": lambda queue: queue.receive(wait_seconds=0),
    "DeleteMessageBatch": lambda queue: queue.delete(["handle"]),
    "SendMessageBatch": lambda queue: queue.send([OutgoingMessage("{}")]),
}


def response(operation: str) -> bytes:
    body = json.dumps(ANSWERS[operation]).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.0\r\nContent-Length: {len(body)}"
    return f"{head}\r\n\r\n".encode() + body


def closed(connection: Connection) -> None:
    connection.close()


def reset(connection: Connection) -> None:
    connection._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection._sock.close()


@pytest.fixture
def queue_at(monkeypatch):
    """A queue whose SQS is a receiver on this machine, and which does not wait between tries."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")

    def create(target: Receiver) -> Queue:
        client = botocore.session.Session().create_client(
            "sqs", region_name="us-east-1", endpoint_url=target.url(), config=aws._QUEUE_CONFIG
        )
        return Queue(target.url("/queue"), client, sleep=lambda _: None, monotonic=lambda: 0.0)

    return create


@pytest.mark.parametrize("operation", ["DeleteMessageBatch", "SendMessageBatch"])
@pytest.mark.parametrize("end", [closed, reset])
def test_a_connection_that_breaks_under_the_first_call_after_a_freeze_is_made_up_for(
    queue_at, operation, end
):
    def behave(connection):
        is_kept = target.connections == 1
        connection.read_request()
        connection.send(response(operation))
        connection.read_request()
        if is_kept:
            end(connection)
        else:
            connection.send(response(operation))

    with Receiver(behave, None) as target:
        queue = queue_at(target)
        first = CALLS[operation](queue)
        assert CALLS[operation](queue) == first
        assert target.connections == 2
        assert len(target.requests) == 3


# An invocation tries its first receive again (tests/integration/test_deliver.py).
@pytest.mark.parametrize(("operation", "tries"), [("ReceiveMessage", 1), ("DeleteMessageBatch", 2)])
def test_what_breaks_each_time_is_given_up(queue_at, operation, tries):
    def behave(connection):
        connection.read_request()

    with Receiver(behave, None) as target:
        with pytest.raises(QueueFailedError) as failed:
            CALLS[operation](queue_at(target))
        assert failed.value.code == "ConnectionClosedError"
        assert len(target.requests) == tries


def test_a_delete_that_fails_slowly_is_not_repeated():
    """An invocation has no time for it. What was not deleted comes again, and is found to be done."""
    now = [0.0]
    calls = []

    class Sqs:
        def delete_message_batch(self, **given):
            calls.append(given)
            now[0] += 8
            raise ReadTimeoutError(endpoint_url="x")

    with pytest.raises(QueueFailedError) as failed:
        Queue("url", Sqs(), sleep=lambda _: None, monotonic=lambda: now[0]).delete(
            [f"handle-{number}" for number in range(25)]
        )
    assert len(calls) == 1
    assert failed.value.failed == frozenset(range(25))


def test_what_sqs_did_not_delete_is_told_apart_from_what_it_did():
    class Sqs:
        def delete_message_batch(self, **given):
            ids = [entry["Id"] for entry in given["Entries"]]
            refused = [{"Id": one, "Code": "ReceiptHandleIsInvalid", "SenderFault": True} for one in ids[1:2]]
            return {"Failed": refused}

    with pytest.raises(QueueFailedError) as failed:
        Queue("url", Sqs()).delete([f"handle-{number}" for number in range(13)])
    assert (failed.value.code, failed.value.failed) == ("ReceiptHandleIsInvalid", frozenset({1, 11}))
