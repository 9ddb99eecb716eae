"""What a run of the doctor leaves when it is killed, and how it is found and removed.

A client in a store that all runs share stands for each run. Its id says which process of which
machine the run is.
"""

import os
import secrets
import socket
import time
import uuid
import zlib
from contextlib import suppress
from pathlib import Path

from storehooks.adapters.access import client_key
from storehooks_cli.batch_delete import delete_items
from storehooks_cli.dlq import DeadLetter, look_at, queues_of
from storehooks_cli.doctor.check import Check, Finding, Subject, ok
from storehooks_cli.doctor.queues import messages
from storehooks_cli.stack import Stack
from storehooks_cli.stopping import stops_deferred

STORE_HASH = "storehooksdoctor"
"""The store that all runs share. The store of one run is this with the run's client id."""

_MACHINE_ID = Path("/etc/machine-id")
_PREFIX = b"doctor".hex()
# After the attempt was logged, deliver still writes the hook's circuit and notifies of the failure.
_SETTLE_SECONDS = 2
_MAX_RUN_SECONDS = 10 * 60
_MAX_LETTERS = 1000
"""Among more dead letters, those of killed runs are not looked for."""


def new_client_id() -> str:
    """The id of a run of this process."""
    return f"{_this_machine()}{os.getpid():06x}{secrets.token_hex(3)}"


def remove(stack: Stack, client_id: str, *, settle: bool = False) -> None:
    """Remove a run's store, and then the client that stands for the run.

    :param settle: remove the store again 2 s later, for what its last attempt still writes.
    :raises TransientError:
    """
    store_hash = STORE_HASH + client_id
    removal = stack.removal(store_hash, None)
    removal.remove(lambda _: None)
    if settle:
        time.sleep(_SETTLE_SECONDS)
        removal.remove(lambda _: None)
    stack.hooks().forget_ids(store_hash)
    stack.removal(STORE_HASH, client_id).remove(lambda _: None)


def check_removal(stack: Stack, client_id: str) -> None:
    """Make the calls of :func:`remove` for a run that has made nothing yet, so that a missing right shows.

    :raises TransientError:
    """
    store_hash = STORE_HASH + client_id
    remove(stack, client_id)  # which reads, and deletes from the hooks
    list(stack.hook_logs().count(store_hash, [1], None))  # a run that made a hook has a log
    keys = {
        "TokensTable": {"token_sha256": {"S": client_id}},
        "ClientsTable": client_key(store_hash, client_id),
        "DeliveriesTable": {"hook": {"S": store_hash}, "id": {"S": client_id}},
    }
    for table, key in keys.items():
        delete_items(stack.client("dynamodb"), stack.output(table), [key], sleep=time.sleep)


def check_taking_out(stack: Stack) -> None:
    """Make the calls of :func:`dead_letters` and :func:`take_out` for no message, likewise.

    :raises ClientError:
    """
    sqs, url = stack.sqs(), stack.output("EventsDeadLettersUrl")
    dead_letters(stack)
    # In a batch a handle that does not exist is no error, and the rights are the same.
    sqs.change_message_visibility_batch(
        QueueUrl=url, Entries=[{"Id": "0", "ReceiptHandle": "none", "VisibilityTimeout": 0}]
    )
    sqs.delete_message_batch(QueueUrl=url, Entries=[{"Id": "0", "ReceiptHandle": "none"}])


def dead_letters(stack: Stack) -> list[DeadLetter]:
    """The dead letters of the events' queue.

    :raises ClientError:
    """
    (events,) = queues_of(stack, "events")
    with stops_deferred():  # until it is over, nobody else sees the dead letters
        return look_at(stack.sqs(), events)


def take_out(stack: Stack, letter: DeadLetter) -> None:
    """Delete a dead letter.

    :raises ClientError:
    """
    stack.sqs().delete_message(
        QueueUrl=stack.output("EventsDeadLettersUrl"), ReceiptHandle=letter.receipt_handle
    )


def remove_leftovers(subject: Subject) -> Finding:
    """Remove what runs that were killed have left."""
    stack = subject.stack
    clients = stack.access().list_clients(STORE_HASH)
    left = [one.client_id for one in clients if _has_ended(one.client_id, one.created_at)]
    for client_id in left:
        remove(stack, client_id)
    number = messages(subject, stack.output("EventsDeadLettersUrl"))
    letters = [
        letter
        for letter in (dead_letters(stack) if 0 < number <= _MAX_LETTERS else [])
        if letter.about.get("store_hash", "").startswith(STORE_HASH)
        and _has_ended(letter.about.get("event_id", ""), letter.sent_at)
    ]
    for letter in letters:
        take_out(stack, letter)
    if not left and not letters:
        return ok("earlier runs have left nothing")
    return ok(f"removed what killed runs had left: {len(left)} stores, {len(letters)} dead letters")


CHECKS = [Check("leftovers", remove_leftovers)]


def _this_machine() -> str:
    """How the ids of runs on this machine begin.

    Others may have the same host name, and copies of a machine the same machine id.
    """
    known = [socket.gethostname(), f"{uuid.getnode():x}"]
    with suppress(OSError):  # Linux alone has it
        known.append(_MACHINE_ID.read_text())
    return f"{_PREFIX}{zlib.crc32(' '.join(known).encode()):08x}"


def _has_ended(client_id: str, since: int) -> bool:
    """Whether the run of this client, which began at ``since``, has ended."""
    if client_id.startswith(_this_machine()):
        return not _runs(int(client_id[len(_this_machine()) :][:6], 16))
    return since < time.time() - _MAX_RUN_SECONDS


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # another user's
        return True
    return pid != os.getpid()  # an earlier process had this id
