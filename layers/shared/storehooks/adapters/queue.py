"""A queue on SQS."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import batched
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from storehooks.adapters.aws import error_code
from storehooks.domain.errors import QueueFailedError
from storehooks.domain.exact_json import dumps

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import (
        BatchResultErrorEntryTypeDef,
        DeleteMessageBatchRequestEntryTypeDef,
        SendMessageBatchRequestEntryTypeDef,
    )

MAX_DELAY_SECONDS = 900
"""The longest delay of a message (SQS)."""

_MAX_MESSAGES = 10
# SQS accepts 1 MiB. A quarter, its earlier limit, is enough for three large events.
_MAX_BYTES = 256 * 1024
_TRIES = 3
_PAUSE_SECONDS = 0.1
_AT_ONCE_SECONDS = 1


@dataclass(frozen=True, slots=True)
class OutgoingMessage:
    """A message to send: its body, its group in a fair queue, its delay and its attributes."""

    body: str
    group: str | None = None
    delay_seconds: int = 0
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ReceivedMessage:
    """A message that was received and comes again unless it is deleted."""

    body: str
    receipt_handle: str
    receive_count: int
    attributes: Mapping[str, str] = field(default_factory=dict)


class Queue:
    """One queue. Failed calls are retried a few times."""

    def __init__(
        self,
        url: str,
        sqs: "SQSClient",
        *,
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._url = url
        self._sqs = sqs
        self._sleep = sleep
        self._monotonic = monotonic

    def send(self, messages: Sequence[OutgoingMessage]) -> None:
        """Send messages, ten or 256 KB to a call.

        :raises QueueFailedError: with the positions of those that were not accepted; the others were.
        """
        failed: set[int] = set()
        code = ""
        for positions in _chunks(messages):
            left = positions
            for tries in range(_TRIES):
                if tries:
                    self._sleep(_PAUSE_SECONDS * 2**tries)
                left, code = self._send_once(messages, left)
                if not left:
                    break
            failed |= set(left)
        if failed:
            raise QueueFailedError(code, frozenset(failed))

    def _send_once(self, messages: Sequence[OutgoingMessage], positions: list[int]) -> tuple[list[int], str]:
        """Send messages once. Return the positions of those not accepted, and the reason for one."""
        entries = [_entry(str(position), messages[position]) for position in positions]
        try:
            response = self._sqs.send_message_batch(QueueUrl=self._url, Entries=entries)
        except (ClientError, BotoCoreError) as error:
            return positions, error_code(error)
        refused = response.get("Failed", [])
        return [int(entry["Id"]) for entry in refused], next((entry["Code"] for entry in refused), "")

    def receive(self, *, wait_seconds: int, attributes: Sequence[str] = ()) -> list[ReceivedMessage]:
        """Receive up to ten messages, as soon as there is one; or none after ``wait_seconds``, at most 3.

        :param attributes: the message attributes to receive.
        :raises QueueFailedError: if the call failed.
        """
        with _queue_errors():
            response = self._sqs.receive_message(
                QueueUrl=self._url,
                MaxNumberOfMessages=_MAX_MESSAGES,
                WaitTimeSeconds=wait_seconds,
                MessageSystemAttributeNames=["ApproximateReceiveCount"],
                MessageAttributeNames=attributes,
            )
        return [
            ReceivedMessage(
                message["Body"],
                message["ReceiptHandle"],
                int(message["Attributes"]["ApproximateReceiveCount"]),
                {
                    name: value["StringValue"]
                    for name, value in message.get("MessageAttributes", {}).items()
                    if "StringValue" in value
                },
            )
            for message in response.get("Messages", [])
        ]

    def delete(self, receipt_handles: Sequence[str]) -> None:
        """Delete messages by their receipt handles. A message that could not be deleted comes again.

        :raises QueueFailedError: with the positions of those that were not deleted; the others were.
        """
        failed: set[int] = set()
        code = ""
        for positions in batched(range(len(receipt_handles)), _MAX_MESSAGES, strict=False):
            entries: list[DeleteMessageBatchRequestEntryTypeDef] = [
                {"Id": str(position), "ReceiptHandle": receipt_handles[position]} for position in positions
            ]
            try:
                refused = self._delete(entries)
            except QueueFailedError as error:  # the rest is not deleted either: there is no time to try each
                left = range(positions[0], len(receipt_handles))
                raise QueueFailedError(error.code, frozenset(failed.union(left))) from error
            failed |= {int(entry["Id"]) for entry in refused}
            code = next((entry["Code"] for entry in refused), code)
        if failed:
            raise QueueFailedError(code, frozenset(failed))

    def _delete(
        self, entries: "list[DeleteMessageBatchRequestEntryTypeDef]"
    ) -> "list[BatchResultErrorEntryTypeDef]":
        """Delete up to ten messages, and return SQS's errors of those that were not deleted.

        A call that fails at once is repeated, because after a freeze the first call may use a dead
        connection. A call that fails slowly is not, so that the invocation stays within its timeout.

        :raises QueueFailedError: if the call fails as a whole.
        """
        started = self._monotonic()
        try:
            with _queue_errors():
                return self._sqs.delete_message_batch(QueueUrl=self._url, Entries=entries).get("Failed", [])
        except QueueFailedError:
            if self._monotonic() - started > _AT_ONCE_SECONDS:
                raise
        self._sleep(_PAUSE_SECONDS)
        with _queue_errors():
            return self._sqs.delete_message_batch(QueueUrl=self._url, Entries=entries).get("Failed", [])


@contextmanager
def _queue_errors() -> Iterator[None]:
    """Turn AWS's errors into :class:`QueueFailedError`."""
    try:
        yield
    except (ClientError, BotoCoreError) as error:
        raise QueueFailedError(error_code(error), frozenset()) from error


def as_body(value: dict[str, Any]) -> str:
    """JSON as a message's body. In ASCII, because SQS refuses some characters that JSON allows."""
    return dumps(value, in_ascii=True)


def _chunks(messages: Sequence[OutgoingMessage]) -> Iterator[list[int]]:
    """The positions of messages that are sent in one call."""
    chunk: list[int] = []
    size = 0
    for position, message in enumerate(messages):
        length = len(message.body.encode()) + sum(map(len, message.attributes.values()))
        if chunk and (len(chunk) == _MAX_MESSAGES or size + length > _MAX_BYTES):
            yield chunk
            chunk, size = [], 0
        chunk.append(position)
        size += length
    if chunk:
        yield chunk


def _entry(entry_id: str, message: OutgoingMessage) -> "SendMessageBatchRequestEntryTypeDef":
    entry: SendMessageBatchRequestEntryTypeDef = {"Id": entry_id, "MessageBody": message.body}
    if message.delay_seconds:
        entry["DelaySeconds"] = message.delay_seconds
    if message.group is not None:
        entry["MessageGroupId"] = message.group
    if message.attributes:
        entry["MessageAttributes"] = {
            name: {"DataType": "String", "StringValue": value} for name, value in message.attributes.items()
        }
    return entry
