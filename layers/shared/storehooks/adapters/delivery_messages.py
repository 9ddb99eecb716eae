"""Tasks as messages of the deliveries queue."""

from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

from storehooks.adapters import attempt_records
from storehooks.domain.attempt import Attempt
from storehooks.domain.delivery import TIME_END, Delivery, Status, is_delivery_id
from storehooks.domain.hook import is_hook_of_client
from storehooks.domain.recovery import is_recovery_id
from storehooks.domain.task import MAX_COUNT, AttemptTask, DigestTask, HoldTask, RecordTask, RecoverTask, Task

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
        case DigestTask():
            return {"do": "digest", **asdict(task)}


def from_message(message: Mapping[str, Any]) -> Task:
    """The task in a message.

    The type and range of each field are checked, because one key that DynamoDB refuses would fail the read of
    the whole batch.

    :raises ValueError: if the message asks for no task.
    """
    try:
        known = {name: value for name, value in message.items() if name not in {"do", "delivery"}}
        delivery = _delivery(message["delivery"]) if "delivery" in message else None
        match message:
            case {"do": "record"} if delivery is not None:
                return RecordTask(delivery=delivery)
            case {"do": "attempt", "attempt": int(attempt), "delivery_id": str(delivery_id)} if (
                1 <= attempt <= MAX_COUNT and is_delivery_id(delivery_id)
            ):
                _check_keys(message)
                ignores_circuit = _boolean(known.pop("is_put_off", False))
                # The place is not part of the body: a body with one is invalid.
                return AttemptTask(**known, delivery=delivery, ignores_circuit=ignores_circuit, reserved=None)
            case {"do": "hold", "store_id": str() | None}:
                _check_keys(message)
                return HoldTask(**known)
            case {"do": "recover", "recovery_id": str(recovery_id), "step": int(step)} if (
                is_recovery_id(recovery_id) and 1 <= step <= MAX_COUNT
            ):
                _check_keys(message)
                return RecoverTask(**known)
            case {"do": "digest", "until": int(until)} if _is_time(until):
                _check_keys(message)
                return DigestTask(**known)
        raise ValueError("an unknown task")
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"no task: {error!r}") from error


def _check_keys(named: Mapping[str, Any]) -> None:
    if not is_hook_of_client(named["store_hash"], named["client_id"], named["hook_id"]):
        raise ValueError("no task: store_hash, client_id and hook_id name no hook")


def read_task(body: str) -> Task | None:
    """The task in a message's body; None if there is none, because something else sent the message."""
    import orjson  # callers that only send messages do not need it

    try:
        return from_message(orjson.loads(body))
    except (ValueError, RecursionError):
        return None


def _delivery_record(delivery: Delivery) -> dict[str, Any]:
    record = {name: getattr(delivery, name) for name in _DELIVERY_FIELDS}
    record["attempts"] = [
        attempt_records.to_record(attempt) | {"answer": attempt.response} for attempt in delivery.attempts
    ]
    if delivery.round_at is None:
        # Omitted in the first round, so that earlier releases can read the message after a rollback.
        for name in ("earlier", "forgotten", "round_at"):
            del record[name]
    return record


def _delivery(record: Mapping[str, Any]) -> Delivery:
    _check_keys(record)
    attempts = tuple(
        attempt_records.from_record(attempt, attempt["answer"]) for attempt in record["attempts"]
    )
    delivery = Delivery(**{**record, "status": Status(record["status"]), "attempts": attempts})
    if not (
        is_delivery_id(delivery.id)
        and _is_text(delivery.event_id)
        and _is_text(delivery.scope)
        and _is_text(delivery.payload)
        and all(map(_is_attempt, delivery.attempts))
        and _is_time(delivery.created_at)
        and (delivery.next_attempt_at is None or _is_time(delivery.next_attempt_at))
        and (delivery.round_at is None or _is_time(delivery.round_at))
        and _is_count(delivery.earlier)
        and _is_count(delivery.forgotten)
    ):
        raise ValueError("no delivery")
    return delivery


def _is_attempt(attempt: Attempt) -> bool:
    texts = (attempt.error, attempt.response)
    return (
        _is_time(attempt.at)
        and (attempt.status is None or _is_count(attempt.status))
        and all(text is None or isinstance(text, str) for text in texts)
    )


def _is_text(value: object) -> bool:
    # To encode a lone surrogate raises a ValueError, so such a message is invalid too.
    return isinstance(value, str) and value.encode() is not None


def _is_time(value: object) -> bool:
    return isinstance(value, int | float) and 0 <= value < TIME_END / 1_000_000


def _is_count(value: object) -> bool:
    return isinstance(value, int) and 0 <= value <= MAX_COUNT


def _boolean(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError("neither true nor false")
    return value
