"""The keys of the delivery log and its indexes, and common attributes of its items."""

from collections.abc import Mapping
from typing import Any

from storehooks.adapters.dynamodb import Item
from storehooks.domain.delivery import SAFETY_SECONDS, Status

CIRCUIT_ID = "circuit"
LINE_ID = "rate"
DELIVERY_PREFIX = "msg_"
DAY_SECONDS = 24 * 60 * 60

DUE_SHARDS = 4
"""The due index is spread over this many partitions."""


def hook_partition(store_hash: str, hook_id: int) -> str:
    """The partition of a hook."""
    return f"{store_hash}#{hook_id}"


def hook_of(item: Mapping[str, Any]) -> tuple[str, int]:
    """The store's hash and the id of the hook that an item is about."""
    store_hash, _, hook_id = item["hook"]["S"].partition("#")
    return store_hash, int(hook_id)


def item_key(store_hash: str, hook_id: int, item_id: str) -> Item:
    """The key of an item in a hook's partition."""
    return {"hook": {"S": hook_partition(store_hash, hook_id)}, "id": {"S": item_id}}


def status_partition(store_hash: str, hook_id: int, status: Status) -> str:
    """The partition of the index ``by_state`` that has a hook's deliveries of this status."""
    return f"{store_hash}#{hook_id}#{status.value}"


def due_shard(delivery_id: str) -> str:
    """The partition of the due index that a delivery is in."""
    return str(int(delivery_id[-4:], 16) % DUE_SHARDS)


def mark_key(shard: str) -> Item:
    """The key of the mark up to which a shard of the due index was taken. No hook has a partition like it."""
    return {"hook": {"S": f"due#shard#{shard}"}, "id": {"S": "mark"}}


def due_at(next_attempt_at: float) -> Item:
    """When the sweep looks at a delivery that has no message in the queue."""
    return number_value(next_attempt_at)


def due_at_if_lost(next_attempt_at: float) -> Item:
    """When the sweep looks at a delivery that has a message in the queue, in case that does not come."""
    return number_value(next_attempt_at + SAFETY_SECONDS)


def is_expired(item: Mapping[str, Any], now: float) -> bool:
    """Whether an item has expired. DynamoDB deletes such items within days."""
    return float(item["expires_at"]["N"]) <= now


def number_value(value: float) -> Item:
    """A number as an attribute, rounded to a thousandth."""
    return {"N": f"{value:.3f}".rstrip("0").rstrip(".")}
