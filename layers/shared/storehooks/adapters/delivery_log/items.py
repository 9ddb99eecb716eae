"""A delivery as an item of the delivery log, whole or as lists read it.

Two publishers may give their events the same id. An index has ``event_id``, and no attribute can be added to
it. To distinguish the events, ``event_id`` is a given id, a space and the event's hash.
"""

import json
import re
from collections.abc import Mapping, Sequence
from itertools import pairwise, starmap
from typing import Any

from storehooks.adapters import attempt_records
from storehooks.adapters.delivery_log.keys import (
    due_at,
    due_at_if_lost,
    due_shard,
    hook_of,
    item_key,
    number_value,
    status_partition,
)
from storehooks.adapters.dynamodb import (
    Item,
    reads_item,
)
from storehooks.domain.delivery import WAITING, Delivery, DeliverySummary, Status
from storehooks.domain.event import event_hash, hash_in
from storehooks.domain.rate import Reservation, read_reservation

MAX_ITEM_BYTES = 400_000
"""DynamoDB accepts 400 KB. The largest delivery has a payload of 65 KB and ``MAX_STORED_ATTEMPTS`` attempts,
whose responses of 1 KB each can become 6 KB of JSON."""

LISTED = "#hook, id, client_id, event_id, #scope, #status, created_at, next_attempt_at, attempts, expires_at"
"""What :func:`summary_from_item` needs, as an expression; the index ``by_state`` has no more."""
LISTED_NAMES = {"#hook": "hook", "#scope": "scope", "#status": "status"}

_HASH = re.compile(r" [0-9a-f]{40}$", re.ASCII)


def to_item(delivery: Delivery, *, expires_at: int) -> Item:
    """The whole item. A delivered one is in no index."""
    item: Item = {
        **item_key(delivery.store_hash, delivery.hook_id, delivery.id),
        "client_id": {"S": delivery.client_id},
        "event_id": {"S": _event_name(delivery)},
        "scope": {"S": delivery.scope},
        "payload": {"S": delivery.payload},
        "status": {"S": delivery.status.value},
        "created_at": number_value(delivery.created_at),
        "attempt_count": number_value(delivery.attempt_count),
        "attempts": {"S": _json([attempt_records.to_record(attempt) for attempt in delivery.attempts])},
        # A separate attribute, so that lists of deliveries can omit it.
        "answers": {"S": _json(_without_repeats([attempt.response for attempt in delivery.attempts]))},
        "expires_at": number_value(expires_at),
    }
    if delivery.round_at is not None:
        item |= {"earlier": number_value(delivery.earlier), "round_at": number_value(delivery.round_at)}
    if delivery.status is not Status.DELIVERED:
        item["state"] = {"S": status_partition(delivery.store_hash, delivery.hook_id, delivery.status)}
    if delivery.next_attempt_at is not None:
        item["next_attempt_at"] = number_value(delivery.next_attempt_at)
    if delivery.status in WAITING and delivery.next_attempt_at is not None:
        due = due_at_if_lost if delivery.is_next_soon else due_at
        item["due_shard"] = {"S": due_shard(delivery.id)}
        item["due_at"] = due(delivery.next_attempt_at)
    return item


def reserving_item(delivery: Delivery, reserved: Reservation, *, expires_at: int) -> Item:
    """The item of a delivery that waits for its place. No message of the queue is there for it."""
    return to_item(delivery, expires_at=expires_at) | {
        "reserved": {"S": reserved.text},
        "due_shard": {"S": due_shard(delivery.id)},
        "due_at": due_at(delivery.next_attempt_at or 0),
    }


def reservation_in(item: Mapping[str, Any]) -> Reservation | None:
    """The place in an item; None if there is none."""
    return read_reservation(item["reserved"]["S"]) if "reserved" in item else None


@reads_item
def from_item(item: Mapping[str, Any]) -> Delivery:
    """The delivery in an item that was read whole."""
    responses = _with_repeats(json.loads(item["answers"]["S"]))
    records = json.loads(item["attempts"]["S"])
    return Delivery(
        **_listed(item),
        payload=item["payload"]["S"],
        attempts=tuple(starmap(attempt_records.from_record, zip(records, responses, strict=True))),
        earlier=int(item["earlier"]["N"]) if "earlier" in item else 0,
        forgotten=int(item["attempt_count"]["N"]) - len(records),
        round_at=float(item["round_at"]["N"]) if "round_at" in item else None,
    )


@reads_item
def summary_from_item(item: Mapping[str, Any]) -> DeliverySummary:
    """The delivery in an item of which ``LISTED`` was read: without payload, responses and rounds."""
    records = json.loads(item["attempts"]["S"])
    attempts = tuple(attempt_records.from_record(record, "") for record in records)
    return DeliverySummary(**_listed(item), attempts=attempts)


def _listed(item: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that are read in any case."""
    store_hash, hook_id = hook_of(item)
    return {
        "id": item["id"]["S"],
        "store_hash": store_hash,
        "hook_id": hook_id,
        "client_id": item["client_id"]["S"],
        "event_id": _HASH.sub("", item["event_id"]["S"]),
        "scope": item["scope"]["S"],
        "created_at": float(item["created_at"]["N"]),
        "status": Status(item["status"]["S"]),
        "next_attempt_at": float(item["next_attempt_at"]["N"]) if "next_attempt_at" in item else None,
    }


def _event_name(delivery: Delivery) -> str:
    """The event's id; with its hash, where that does not follow from store and id alone."""
    found = hash_in(delivery.payload)
    is_unique = found in {None, event_hash(delivery.store_hash, delivery.event_id, None)}
    return delivery.event_id if is_unique else f"{delivery.event_id} {found}"


def _without_repeats(responses: Sequence[str]) -> list[str | None]:
    """None for a response equal to the one before: a failing destination mostly repeats itself."""
    return [response if response != before else None for before, response in pairwise((None, *responses))]


def _with_repeats(responses: Sequence[str | None]) -> list[str]:
    whole: list[str] = []
    for response in responses:
        whole.append(whole[-1] if response is None else response)
    return whole


def _json(value: object) -> str:
    """JSON without spaces, because DynamoDB bills the size of items."""
    import orjson  # callers that only read items do not need it

    return orjson.dumps(value).decode()
