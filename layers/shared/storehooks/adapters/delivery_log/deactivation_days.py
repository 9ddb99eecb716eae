"""The days in which hooks of clients were deactivated, for notices.

In the table of the delivery log, an item for each client and day under ``notices#store#client`` and the
end of the day. DynamoDB deletes it a month later.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from storehooks.adapters.dynamodb import (
    ConditionFailedError,
    Item,
    reads_item,
    store_errors,
)
from storehooks.domain.deactivation_day import MAX_LISTED, Deactivation, DeactivationDay

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_KEPT_SECONDS = 30 * 24 * 60 * 60  # longer than a dead letter, which may ask for it


class DeactivationDays:
    """The days of all clients.

    Every method may raise :class:`storehooks.domain.errors.StoreBusyError` and
    :class:`storehooks.domain.errors.StoreFailedError`.
    """

    def __init__(self, table: str, *, dynamodb: "DynamoDBClient") -> None:
        self._table = table
        self._dynamodb = dynamodb

    def begin(self, store_hash: str, client_id: str, until: int, first: Deactivation) -> DeactivationDay:
        """The client's day; this deactivation is its first if the day has none. One call. Idempotent."""
        with store_errors():
            response = self._dynamodb.update_item(
                TableName=self._table,
                Key=day_key(store_hash, client_id, until),
                UpdateExpression=(
                    "SET #first = if_not_exists(#first, :first), later = if_not_exists(later, :none), "
                    "client_id = :client, expires_at = :end"
                ),
                ExpressionAttributeNames={"#first": "first"},
                ExpressionAttributeValues={
                    ":first": {"S": first.key},
                    ":none": {"M": {}},
                    ":client": {"S": client_id},
                    ":end": {"N": str(until + _KEPT_SECONDS)},
                },
                ReturnValues="ALL_NEW",
            )
        return _day(response["Attributes"])

    def add(self, day: DeactivationDay, later: Deactivation) -> None:
        """Add a later deactivation to a day. One call, or two if the list is full.

        Idempotent while the list has room. After that a repeat is counted again.
        """
        key = day_key(day.store_hash, day.client_id, day.until)
        try:
            with store_errors():
                self._dynamodb.update_item(
                    TableName=self._table,
                    Key=key,
                    UpdateExpression="SET later.#key = :one",
                    ConditionExpression="attribute_exists(later.#key) OR size(later) < :most",
                    ExpressionAttributeNames={"#key": later.key},
                    ExpressionAttributeValues={":one": _record(later), ":most": {"N": str(MAX_LISTED)}},
                )
        except ConditionFailedError:
            with store_errors():
                self._dynamodb.update_item(
                    TableName=self._table,
                    Key=key,
                    UpdateExpression="ADD unlisted :one",
                    ExpressionAttributeValues={":one": {"N": "1"}},
                )

    def get(self, store_hash: str, client_id: str, until: int) -> DeactivationDay | None:
        """A client's day; None if there is none. One call."""
        with store_errors():
            response = self._dynamodb.get_item(
                TableName=self._table, Key=day_key(store_hash, client_id, until), ConsistentRead=True
            )
        return _day(response["Item"]) if "Item" in response else None


def days_partition(store_hash: str, client_id: str) -> str:
    """The partition of a client's days. No hook can have it, because of the form of store hashes."""
    return f"notices#{store_hash}#{client_id}"


def day_key(store_hash: str, client_id: str, until: int) -> Item:
    """The key of a client's day."""
    return {"hook": {"S": days_partition(store_hash, client_id)}, "id": {"S": str(until)}}


def _record(one: Deactivation) -> Item:
    return {
        "M": {
            "hook_id": {"N": str(one.hook_id)},
            "at": {"N": str(one.deactivated_at)},
            "origin": {"S": one.origin},
            "reason": {"S": one.reason},
        }
    }


@reads_item
def _day(item: Mapping[str, Any]) -> DeactivationDay:
    _, store_hash, client_id = item["hook"]["S"].split("#")
    later = [
        Deactivation(
            hook_id=int(one["M"]["hook_id"]["N"]),
            deactivated_at=int(one["M"]["at"]["N"]),
            origin=one["M"]["origin"]["S"],
            reason=one["M"]["reason"]["S"],
        )
        for one in item["later"]["M"].values()
    ]
    return DeactivationDay(
        store_hash=store_hash,
        client_id=client_id,
        until=int(item["id"]["S"]),
        first=item["first"]["S"],
        later=tuple(sorted(later, key=lambda one: (one.deactivated_at, one.hook_id))),
        unlisted=int(item["unlisted"]["N"]) if "unlisted" in item else 0,
    )
