"""Tasks as messages of the deliveries queue."""

import json
from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

from storehooks.adapters import attempt_records
from storehooks.domain.delivery import (
    AttemptTask,
    Delivery,
    HoldTask,
    RecordTask,
    RecoverTask,
    Status,
    Task,
    is_delivery_id,
)

_DELIVERY_FIELDS = [field.name for field in fields(Delivery)]


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
        _check_keys(message["delivery"] if message["do"] == "record" else message)
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


def _check_keys(named: Mapping[str, Any]) -> None:
    """One message with a key that DynamoDB refuses would fail the read of its whole batch."""
    for name in ("store_hash", "client_id"):
        if not isinstance(named[name], str) or not named[name]:
            raise ValueError(f"no task: {name} is no text")


def read_task(body: str) -> Task | None:
    """The task in a message's body; None when there is none, as nothing of ours would send."""
    try:
        return from_message(json.loads(body))
    except (ValueError, RecursionError):
        return None


def _delivery_record(delivery: Delivery) -> dict[str, Any]:
    record = {name: getattr(delivery, name) for name in _DELIVERY_FIELDS}
    record["attempts"] = [
        attempt_records.to_record(attempt) | {"answer": attempt.answer} for attempt in delivery.attempts
    ]
    if delivery.round_at is None:
        # As before there were rounds: a release that is rolled back can read its queue.
        for name in ("earlier", "forgotten", "round_at"):
            del record[name]
    return record


def _delivery(record: Mapping[str, Any]) -> Delivery:
    attempts = tuple(
        attempt_records.from_record(attempt, attempt["answer"]) for attempt in record["attempts"]
    )
    return Delivery(**{**record, "status": Status(record["status"]), "attempts": attempts})
