"""A queue of the local AWS under load: each message is received once."""

import io
import itertools
import json
import threading
import time
import zipfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

pytestmark = pytest.mark.toolchain

_BATCHES = 300
_SENDERS = 3
_RECEIVERS = 3
_SECONDS = 20
_SECONDS_INVISIBLE = "60"  # longer than the test waits: nothing is to be received again

FUNCTION = """
import os

def handler(event, context):
    bodies = "".join(record["body"] + "\\n" for record in event["Records"])
    file = os.open(os.environ["RECEIVED"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(file, bodies.encode())
    os.close(file)
"""


@pytest.fixture
def queue(stack):
    """The URL of a queue with dead letters, as the template's have them."""
    sqs = stack.run.aws("sqs")
    urls = [sqs.create_queue(QueueName="test-dead-letters")["QueueUrl"]]
    redrive = {"deadLetterTargetArn": arn_of(sqs, urls[0]), "maxReceiveCount": 5}
    attributes = {"VisibilityTimeout": _SECONDS_INVISIBLE, "RedrivePolicy": json.dumps(redrive)}
    urls.append(sqs.create_queue(QueueName="test-queue", Attributes=attributes)["QueueUrl"])
    yield urls[1]
    for url in urls:
        sqs.delete_queue(QueueUrl=url)


def arn_of(sqs, url: str) -> str:
    return sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]


@pytest.fixture
def received_by_function(stack, queue, tmp_path):
    """A file with what a function received from the queue, a line each."""
    functions = stack.run.aws("lambda")
    received = tmp_path / "received"
    received.touch()
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("app.py", FUNCTION)
    functions.create_function(
        FunctionName="test-receive",
        Runtime="python3.13",
        Handler="app.handler",
        Role="arn:aws:iam::000000000000:role/test",
        Code={"ZipFile": code.getvalue()},
        Environment={"Variables": {"RECEIVED": str(received)}},
    )
    mapping = functions.create_event_source_mapping(
        FunctionName="test-receive", EventSourceArn=arn_of(stack.run.aws("sqs"), queue), BatchSize=10
    )
    yield received
    functions.delete_event_source_mapping(UUID=mapping["UUID"])
    functions.delete_function(FunctionName="test-receive")


def test_no_message_is_lost_or_received_twice(stack, queue, received_by_function):
    sqs = stack.run.aws("sqs")
    sent = Counter(str(number) for number in range(_BATCHES * 10))
    received_here: list[str] = []
    all_sent = threading.Event()
    deadline = time.monotonic() + _SECONDS

    def left() -> int:
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        counts = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=names)["Attributes"]
        return sum(int(counts[name]) for name in names)

    def send(batch: tuple[str, ...]) -> None:
        entries = [{"Id": number, "MessageBody": number} for number in batch]
        assert sqs.send_message_batch(QueueUrl=queue, Entries=entries)["Failed"] == []

    def receive() -> None:
        while not all_sent.is_set() or (left() and time.monotonic() < deadline):
            response = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=1)
            if messages := response.get("Messages"):
                received_here.extend(message["Body"] for message in messages)
                entries = [{"Id": one["Body"], "ReceiptHandle": one["ReceiptHandle"]} for one in messages]
                sqs.delete_message_batch(QueueUrl=queue, Entries=entries)

    with ThreadPoolExecutor(_SENDERS + _RECEIVERS) as clients:
        receivers = [clients.submit(receive) for _ in range(_RECEIVERS)]
        try:
            list(clients.map(send, itertools.batched(sent, 10, strict=True)))
        finally:
            all_sent.set()
        for receiver in receivers:
            receiver.result()
    received = Counter([*received_by_function.read_text().split(), *received_here])
    assert {"lost": sent - received, "again": received - sent} == {"lost": Counter(), "again": Counter()}
    assert left() == 0
