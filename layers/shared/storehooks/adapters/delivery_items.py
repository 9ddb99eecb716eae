"""Deliveries as items of DynamoDB and as messages of the deliveries queue."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from itertools import pairwise, starmap
from typing import Any

from storehooks.adapters.dynamodb import reads_item
from storehooks.domain.attempt import Attempt, Times
from storehooks.domain.delivery import (
    SAFETY_SECONDS,
    WAITING,
    AttemptTask,
    Delivery,
    DeliverySummary,
    HoldTask,
    RecordTask,
    RecoverTask,
    Status,
    Task,
    is_delivery_id,
)

type Item = dict[str, Any]

_DELIVERY_FIELDS = [field.name for field in fields(Delivery)]
_TIMES = [step.name for step in fields(Times)]

DUE_SHARDS = 4
"""The due index is spread over this many partitions."""

_MAX_CLAIM_SECONDS = 3600


def hook_partition(store_hash: str, hook_id: int) -> str:
    """The partition of a hook's deliveries."""
    return f"{store_hash}#{hook_id}"


def telling_partition(store_hash: str) -> str:
    """The partition of when a store's failing destinations were last told of."""
    return f"told#{store_hash}"


def hook_of(item: Mapping[str, Any]) -> tuple[str, int]:
    """The store's hash and the id of the hook that an item is about."""
    store_hash, _, hook_id = item["hook"]["S"].partition("#")
    return store_hash, int(hook_id)


def delivery_key(store_hash: str, hook_id: int, delivery_id: str) -> Item:
    """The key of a delivery's item."""
    return {"hook": {"S": hook_partition(store_hash, hook_id)}, "id": {"S": delivery_id}}


def state_of(store_hash: str, hook_id: int, status: Status) -> str:
    """By which the deliveries of a hook are found that are in this status, and not delivered."""
    return f"{store_hash}#{hook_id}#{status.value}"


def to_item(delivery: Delivery, *, expires_at: int) -> Item:
    """The whole item. A delivered one is in no index."""
    item: Item = {
        **delivery_key(delivery.store_hash, delivery.hook_id, delivery.id),
        "client_id": {"S": delivery.client_id},
        "event_id": {"S": delivery.event_id},
        "scope": {"S": delivery.scope},
        "payload": {"S": delivery.payload},
        "status": {"S": delivery.status.value},
        "created_at": number_value(delivery.created_at),
        "attempt_count": number_value(delivery.attempt_count),
        "attempts": {"S": _json([_attempt_record(attempt) for attempt in delivery.attempts])},
        # Apart, so that a list of deliveries can leave them out.
        "answers": {"S": _json(_without_repeats([attempt.answer for attempt in delivery.attempts]))},
        "expires_at": number_value(expires_at),
    }
    if delivery.round_at is not None:
        item |= {"earlier": number_value(delivery.earlier), "round_at": number_value(delivery.round_at)}
    if delivery.status is not Status.DELIVERED:
        item["state"] = {"S": state_of(delivery.store_hash, delivery.hook_id, delivery.status)}
    if delivery.next_attempt_at is not None:
        item["next_attempt_at"] = number_value(delivery.next_attempt_at)
    if delivery.status in WAITING and delivery.next_attempt_at is not None:
        due = due_at_the_latest if delivery.is_next_soon else due_at
        item["due_shard"] = {"S": due_shard(delivery.id)}
        item["due_at"] = due(delivery.next_attempt_at)
    return item


def due_shard(delivery_id: str) -> str:
    """The partition of the due index that a delivery is in."""
    return str(int(delivery_id[-4:], 16) % DUE_SHARDS)


def claimed_until(next_attempt_at: float, now: float) -> Item:
    """Until when a sweep has handed a delivery to the queue, before another looks at it again.

    The longer it is overdue, the later, up to an hour: a queue that nobody serves is not to fill with
    repeats, and what the queue leaves to the sweep is not to wait for longer.
    """
    overdue = max(0.0, now - next_attempt_at)
    return number_value(next_attempt_at + overdue + min(max(SAFETY_SECONDS, overdue), _MAX_CLAIM_SECONDS))


def due_at(next_attempt_at: float) -> Item:
    """When a sweep has to look at a delivery that no message of the queue is there for."""
    return number_value(next_attempt_at)


def due_at_the_latest(next_attempt_at: float) -> Item:
    """When a sweep has to look at a delivery that a message of the queue is there for, and may be lost."""
    return number_value(next_attempt_at + SAFETY_SECONDS)


@reads_item
def from_item(item: Mapping[str, Any]) -> Delivery:
    """The delivery in an item that was read whole."""
    answers = _with_repeats(json.loads(item["answers"]["S"]))
    records = json.loads(item["attempts"]["S"])
    return Delivery(
        **_listed(item),
        payload=item["payload"]["S"],
        attempts=tuple(starmap(_attempt, zip(records, answers, strict=True))),
        earlier=int(item["earlier"]["N"]) if "earlier" in item else 0,
        forgotten=int(item["attempt_count"]["N"]) - len(records),
        round_at=float(item["round_at"]["N"]) if "round_at" in item else None,
    )


@reads_item
def summary_from_item(item: Mapping[str, Any]) -> DeliverySummary:
    """The delivery in an item that was read as lists show it, without payload, answers and rounds."""
    records = json.loads(item["attempts"]["S"])
    return DeliverySummary(**_listed(item), attempts=tuple(_attempt(record, "") for record in records))


def _listed(item: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that are read in any case."""
    store_hash, hook_id = hook_of(item)
    return {
        "id": item["id"]["S"],
        "store_hash": store_hash,
        "hook_id": hook_id,
        "client_id": item["client_id"]["S"],
        "event_id": item["event_id"]["S"],
        "scope": item["scope"]["S"],
        "created_at": float(item["created_at"]["N"]),
        "status": Status(item["status"]["S"]),
        "next_attempt_at": float(item["next_attempt_at"]["N"]) if "next_attempt_at" in item else None,
    }


def to_message(task: Task) -> dict[str, Any]:
    """A task as JSON."""
    match task:
        case AttemptTask():
            message = {
                "do": "attempt",
                "delivery_id": task.delivery_id,
                "store_hash": task.store_hash,
                "hook_id": task.hook_id,
                "client_id": task.client_id,
                "attempt": task.attempt,
                "is_put_off": task.ignores_circuit,  # as releases before call it
            }
            if task.delivery is not None:
                message["delivery"] = _delivery_record(task.delivery)
            return message
        case RecordTask():
            return {"do": "record", "delivery": _delivery_record(task.delivery)}
        case HoldTask():
            return {"do": "hold", **asdict(task)}
        case RecoverTask():
            return {"do": "recover", **asdict(task)}


def from_message(message: Mapping[str, Any]) -> Task:
    """The task in a message.

    :raises ValueError: when it is none.
    """
    try:
        known = {name: value for name, value in message.items() if name not in {"do", "delivery"}}
        delivery = _delivery(message["delivery"]) if "delivery" in message else None
        match message:
            case {"do": "record"} if delivery is not None:
                return RecordTask(delivery=delivery)
            case {
                "do": "attempt",
                "hook_id": int(),
                "attempt": int(),
                "delivery_id": str() as delivery_id,
            } if is_delivery_id(delivery_id):
                ignores_circuit = known.pop("is_put_off", False)
                return AttemptTask(**known, delivery=delivery, ignores_circuit=ignores_circuit)
            case {"do": "hold", "hook_id": int()}:
                return HoldTask(**known)
            case {"do": "recover", "hook_id": int(), "recovery_id": str(), "step": int()}:
                return RecoverTask(**known)
        raise ValueError("an unknown task")
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"no task: {error!r}") from error


def _delivery_record(delivery: Delivery) -> dict[str, Any]:
    record = {name: getattr(delivery, name) for name in _DELIVERY_FIELDS}
    record["attempts"] = [
        _attempt_record(attempt) | {"answer": attempt.answer} for attempt in delivery.attempts
    ]
    if delivery.round_at is None:
        # As before there were rounds: a release that is rolled back can read its queue.
        for name in ("earlier", "forgotten", "round_at"):
            del record[name]
    return record


def _delivery(record: Mapping[str, Any]) -> Delivery:
    attempts = tuple(_attempt(attempt, attempt["answer"]) for attempt in record["attempts"])
    return Delivery(**{**record, "status": Status(record["status"]), "attempts": attempts})


def _attempt_record(attempt: Attempt) -> dict[str, Any]:
    return {
        "at": attempt.at,
        "status": attempt.status,
        "error": attempt.error,
        # Not those of steps that were not reached: each failed attempt writes all that were before it.
        "times": {name: time for name in _TIMES if (time := getattr(attempt.times, name)) is not None},
    }


def _attempt(record: Mapping[str, Any], answer: str) -> Attempt:
    return Attempt(
        at=record["at"],
        status=record["status"],
        error=record["error"],
        times=Times(**record["times"]),
        answer=answer,
    )


def _without_repeats(answers: Sequence[str]) -> list[str | None]:
    """None for what the attempt before was answered, too: who fails mostly says the same each time."""
    return [answer if answer != before else None for before, answer in pairwise((None, *answers))]


def _with_repeats(answers: Sequence[str | None]) -> list[str]:
    whole: list[str] = []
    for answer in answers:
        whole.append(whole[-1] if answer is None else answer)
    return whole


def _json(value: object) -> str:
    """As short as it can be: DynamoDB's price goes by the size of items."""
    return json.dumps(value, separators=(",", ":"))


def number_value(value: float) -> Item:
    """A number as the table keeps it: to the thousandth."""
    return {"N": f"{value:.3f}".rstrip("0").rstrip(".")}
