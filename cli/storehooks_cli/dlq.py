"""storehooks dlq: dead letters, the messages of a queue whose work could not be done.

SQS and EventBridge send them there after their last try, and match_events sends invalid entries.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import batched
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from storehooks.api.v2 import iso_utc
from storehooks.domain.errors import QueueFailedError
from storehooks_cli.options import Json, StackOptions, unfolded
from storehooks_cli.output import fail, failures_said, print_json, print_table, printable, progress
from storehooks_cli.times import local_time

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageTypeDef

    from storehooks_cli.stack import Stack

app = typer.Typer(no_args_is_help=True, help="Dead letters: list them, and try them again.")

_MAX_MESSAGES = 10
# While a message is looked at or moved, nobody else gets it. Should the command be stopped
# in the middle, it is back after this long.
_AWAY_SECONDS = 30
# Above zero SQS asks all of its servers, and an empty response means an empty queue.
_WAIT_SECONDS = 1
_MAX_SHOWN = 128
# The attributes in which match_events, EventBridge and Lambda say why a message is a dead letter.
_REASONS = ["reason", "ERROR_MESSAGE", "ErrorMessage"]

_QueueName = Literal["events", "deliveries", "emails"]
_QueueOption = Annotated[_QueueName | None, typer.Option(help="Only this queue's; all if left out.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Queues:
    """A dead-letter queue, what could not be done with its messages, and where they came from.

    They came from a queue, or from a function whose calls failed for good.
    """

    name: _QueueName
    dead_letters_url: str
    undone: str
    url: str = ""
    function: str = ""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A dead letter as it is shown, without its event's data. ``sent_at`` is in seconds since 1970."""

    queue: _QueueName
    message_id: str
    receipt_handle: str
    sent_at: int
    reason: str
    about: dict[str, str]


@app.command("list")
@unfolded
def list_dead_letters(
    deployment: StackOptions,
    queue: _QueueOption = None,
    as_json: Json = False,
) -> None:
    """List the dead letters, the oldest first. They stay where they are."""
    stack = deployment.find()
    with failures_said():
        sqs = stack.sqs()
        letters = [letter for queues in queues_of(stack, queue) for letter in look_at(sqs, queues)]
    if as_json:
        print_json([_as_json(letter) for letter in letters])
    else:
        rows = [
            [
                letter.queue,
                letter.message_id,
                local_time(iso_utc(letter.sent_at)),
                " ".join(f"{name}={value}" for name, value in letter.about.items()),
                letter.reason,
            ]
            for letter in letters
        ]
        print_table(["QUEUE", "MESSAGE ID", "SENT", "ABOUT", "REASON"], rows)


@app.command("redrive")
@unfolded
def redrive(
    deployment: StackOptions,
    queue: _QueueOption = None,
    as_json: Json = False,
) -> None:
    """Give the dead letters back to where they come from, to be tried again.

    Each is sent before it is deleted, so that nothing is lost if this is stopped. As many
    are moved as there are at the beginning: those which come back meanwhile are left.
    """
    stack = deployment.find()
    with failures_said():
        sqs = stack.sqs()
        moved = {queues.name: _redrive(stack, sqs, queues) for queues in queues_of(stack, queue)}
    if as_json:
        print_json(moved)
    else:
        print_table(["QUEUE", "MOVED"], [[name, str(count)] for name, count in moved.items()])


def queues_of(stack: "Stack", name: _QueueName | None) -> list[Queues]:
    """The queues that the option names; that of the e-mails only where some are sent."""
    known = [
        Queues(
            name="events",
            dead_letters_url=stack.output("EventsDeadLettersUrl"),
            undone="matched",
            url=stack.output("EventsQueueUrl"),
        ),
        Queues(
            name="deliveries",
            dead_letters_url=stack.output("DeliveriesDeadLettersUrl"),
            undone="made",
            url=stack.output("DeliveriesQueueUrl"),
        ),
    ]
    if "EmailsDeadLettersUrl" in stack.outputs:
        emails = Queues(
            name="emails",
            dead_letters_url=stack.output("EmailsDeadLettersUrl"),
            undone="written",
            function=stack.output("NotifyOwnersFunctionName"),
        )
        known.append(emails)
    elif name == "emails":
        fail(f"the stack {stack.name} sends no e-mails: it was deployed without EmailSender")
    return [queues for queues in known if name in {None, queues.name}]


def _receive(sqs: "SQSClient", url: str, limit: int) -> "list[MessageTypeDef]":
    return sqs.receive_message(
        QueueUrl=url,
        MaxNumberOfMessages=limit,
        VisibilityTimeout=_AWAY_SECONDS,
        WaitTimeSeconds=_WAIT_SECONDS,
        MessageSystemAttributeNames=["SentTimestamp", "MessageGroupId"],
        MessageAttributeNames=_REASONS,
    ).get("Messages", [])


# -------------------------------------------------------------------- list


def look_at(sqs: "SQSClient", queues: Queues) -> list[DeadLetter]:
    """All dead letters of a queue; they are put back at the end."""
    why = _why(sqs, queues)
    seen: dict[str, DeadLetter] = {}
    # Those that are seen again have been back already: there are too many to look at them all within 30 s.
    while new := [
        message
        for message in _receive(sqs, queues.dead_letters_url, _MAX_MESSAGES)
        if message["MessageId"] not in seen
    ]:
        for message in new:
            seen[message["MessageId"]] = _to_dead_letter(queues, message, why)
    for letters in batched(seen.values(), _MAX_MESSAGES, strict=False):
        sqs.change_message_visibility_batch(
            QueueUrl=queues.dead_letters_url,
            Entries=[
                {"Id": str(position), "ReceiptHandle": letter.receipt_handle, "VisibilityTimeout": 0}
                for position, letter in enumerate(letters)
            ],
        )
    return sorted(seen.values(), key=lambda letter: letter.sent_at)


def _why(sqs: "SQSClient", queues: Queues) -> str:
    """Why a message is there that does not say it itself."""
    if not queues.url:
        return f"could not be {queues.undone}"
    found = sqs.get_queue_attributes(QueueUrl=queues.url, AttributeNames=["RedrivePolicy"])
    if (policy := found.get("Attributes", {}).get("RedrivePolicy")) is None:  # somebody removed it
        return f"could not be {queues.undone}"
    return f"could not be {queues.undone}: received {json.loads(policy)['maxReceiveCount']} times"


def _to_dead_letter(queues: Queues, message: "MessageTypeDef", why: str) -> DeadLetter:
    attributes = message.get("MessageAttributes", {})
    told = [attributes[name]["StringValue"] for name in _REASONS if name in attributes]
    return DeadLetter(
        queue=queues.name,
        message_id=message["MessageId"],
        receipt_handle=message["ReceiptHandle"],
        sent_at=int(message["Attributes"]["SentTimestamp"]) // 1000,
        reason=printable(told[0]) if told else why,
        about=_about(queues.name, message["Body"]),
    )


def _about(queue: _QueueName, body: str) -> dict[str, str]:
    """What a message says of the event, hook and delivery it is about; it may be no message of ours."""
    try:
        message = _members(json.loads(body))
    except (ValueError, RecursionError):
        return {}
    found: dict[str, object]
    if queue == "emails":
        detail = _members(message.get("detail"))
        data = _members(detail.get("data"))
        found = {
            "store_hash": detail.get("store_hash"),
            "hook_id": data.get("id"),
            "event_id": detail.get("id"),
        }
    elif queue == "events":
        detail = _members(message.get("detail"))
        found = {
            "store_hash": detail.get("store_hash"),
            "scope": message.get("detail-type"),
            "event_id": detail.get("id", message.get("id")),
        }
    else:
        delivery = _members(message.get("delivery"))
        found = {
            "store_hash": message.get("store_hash", delivery.get("store_hash")),
            "hook_id": message.get("hook_id", delivery.get("hook_id")),
            "scope": delivery.get("scope"),
            "event_id": delivery.get("event_id"),
            "delivery_id": message.get("delivery_id", delivery.get("id")),
        }
    return {
        name: printable(str(value))[:_MAX_SHOWN]
        for name, value in found.items()
        if isinstance(value, str | int)
    }


def _members(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _as_json(letter: DeadLetter) -> dict[str, object]:
    return {
        "queue": letter.queue,
        "message_id": letter.message_id,
        "sent_at": iso_utc(letter.sent_at),
        "about": letter.about,
        "reason": letter.reason,
    }


# -------------------------------------------------------------------- redrive


def _redrive(stack: "Stack", sqs: "SQSClient", queues: Queues) -> int:
    """Move a queue's dead letters back; how many that were."""
    # Not by StartMessageMoveTask: it knows from where SQS moved a message, but not from where a function did.
    attributes = sqs.get_queue_attributes(
        QueueUrl=queues.dead_letters_url, AttributeNames=["ApproximateNumberOfMessages"]
    )["Attributes"]
    total, moved = int(attributes["ApproximateNumberOfMessages"]), 0
    with progress(f"moving {queues.name}", total) as tell:
        while moved < total:
            messages = _receive(sqs, queues.dead_letters_url, min(_MAX_MESSAGES, total - moved))
            if not messages:
                break
            _move(stack, sqs, queues, messages)
            moved += len(messages)
            tell(moved)
    return moved


def _move(stack: "Stack", sqs: "SQSClient", queues: Queues, messages: "Sequence[MessageTypeDef]") -> None:
    """Move these, with their groups and without the reasons; ends the command when that fails."""
    from storehooks.adapters.queue import Queue

    failure: QueueFailedError | None = None
    try:
        _send_back(stack, sqs, queues, messages)
    except QueueFailedError as error:
        failure = error
    left = failure.failed if failure else frozenset()
    taken = [message["ReceiptHandle"] for position, message in enumerate(messages) if position not in left]
    try:
        Queue(queues.dead_letters_url, sqs).delete(taken)
    except QueueFailedError as error:
        failure = error
    if failure:
        fail(f"SQS failed with {failure.code}; what was not moved is a dead letter still, so try again")


def _send_back(
    stack: "Stack", sqs: "SQSClient", queues: Queues, messages: "Sequence[MessageTypeDef]"
) -> None:
    """:raises QueueFailedError: with those that the queue did not take."""
    from storehooks.adapters.queue import OutgoingMessage, Queue

    if queues.function:
        functions = stack.functions()
        for message in messages:  # called twice, it writes once
            functions.invoke(
                FunctionName=queues.function, InvocationType="Event", Payload=message["Body"].encode()
            )
        return
    Queue(queues.url, sqs).send(
        [
            OutgoingMessage(message["Body"], group=message["Attributes"].get("MessageGroupId"))
            for message in messages
        ]
    )
