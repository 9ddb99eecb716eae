"""The ids of a store's hooks, and the number of hooks that follows from them.

In the hooks' table, an item for each store under its hash and id 0:

- ``last_id``, the last id given out. Ids are never given out again.
- ``listed``, how many of them were given out by releases that keep the clients' lists of their hooks
  (:mod:`storehooks.adapters.hook_lists`).
- ``gone``, how many of them no hook has any more.

So a store has ``last_id - gone`` hooks. It has fewer if an earlier release deleted some, or a process ended
before it had counted one. Therefore the hooks themselves are counted when this number says that the quota is
used up, at most once in ten minutes (``counted_at``). The count misses creates that are under way, so a store
may exceed its quota by their number.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from storehooks.adapters.dynamodb import ConditionFailedError, Item, query_pages, store_errors
from storehooks.domain.errors import HookQuotaError, TransientError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


RECOUNT_SECONDS = 600
"""Hooks are not counted again before, however often a client is refused."""


class HookIds:
    """The ids of all stores' hooks.

    Unless it says otherwise, a method may raise :class:`storehooks.domain.errors.StoreBusyError` and
    :class:`storehooks.domain.errors.StoreFailedError`.
    """

    def __init__(self, table: str, dynamodb: "DynamoDBClient", clock: Callable[[], float]) -> None:
        self._table = table
        self._dynamodb = dynamodb
        self._clock = clock

    def next(self, store_hash: str, max_hooks: int) -> tuple[int, int]:
        """The next id, and how many ids are unlisted. One call, unless the hooks have to be counted.

        :raises HookQuotaError: when the store has as many hooks as it may, creates under way included.
        """
        counter = self._add(store_hash, 1, "last_id", "listed")
        last_id = number_of(counter, "last_id")
        if last_id - number_of(counter, "gone") > max_hooks and not self._has_room(counter, max_hooks):
            self.give_back(store_hash)
            raise HookQuotaError("max_hooks_per_store", max_hooks)
        return last_id, unlisted_of(counter)

    def give_back(self, store_hash: str, number: int = 1) -> None:
        """Count ids that are no hook's, or none any more. One call.

        If it fails, these ids count as hooks until the hooks are counted.
        """
        with suppress(TransientError):
            self._add(store_hash, number, "gone")

    def _has_room(self, counter: Item, max_hooks: int) -> bool:
        """Whether a store has room by its hooks themselves; three calls, and one per megabyte.

        No other request counts beside this one. What is under way meanwhile may be counted wrongly.
        """
        store_hash, now = counter["store_hash"]["S"], int(self._clock())
        if "counted_at" in counter and 0 <= now - number_of(counter, "counted_at") < RECOUNT_SECONDS:
            return False
        try:
            self._claim_count(counter, now)
        except ConditionFailedError:
            return False
        pages = query_pages(
            self._dynamodb,
            TableName=self._table,
            ConsistentRead=True,
            ProjectionExpression="id",
            KeyConditionExpression="store_hash = :store AND id > :zero",
            ExpressionAttributeValues={":store": counter["store_hash"], ":zero": {"N": "0"}},
        )
        hooks = sum(map(len, pages)) + 1  # that which is to be created
        # Meanwhile other creates were refused: they have moved both of its numbers.
        counter = self._add(store_hash, 0, "gone")
        too_many = number_of(counter, "last_id") - number_of(counter, "gone") - hooks
        self._add(store_hash, too_many, "gone")
        return hooks <= max_hooks

    def _claim_count(self, counter: Item, now: int) -> None:
        values = {":now": {"N": str(now)}}
        condition = "attribute_not_exists(counted_at)"
        if "counted_at" in counter:
            condition, values[":before"] = "counted_at = :before", counter["counted_at"]
        with store_errors():
            self._dynamodb.update_item(
                TableName=self._table,
                Key=counter_key(counter["store_hash"]["S"]),
                UpdateExpression="SET counted_at = :now",
                ConditionExpression=condition,
                ExpressionAttributeValues=values,
            )

    def _add(self, store_hash: str, number: int, *names: str) -> Item:
        """Add to numbers of a store's counter, and return all of it. One call."""
        with store_errors():
            response = self._dynamodb.update_item(
                TableName=self._table,
                Key=counter_key(store_hash),
                UpdateExpression="ADD " + ", ".join(f"{name} :number" for name in names),
                ExpressionAttributeValues={":number": {"N": str(number)}},
                ReturnValues="ALL_NEW",
            )
        return response["Attributes"]


def counter_key(store_hash: str) -> Item:
    """The key of the item that counts a store's ids."""
    return {"store_hash": {"S": store_hash}, "id": {"N": "0"}}


def unlisted_of(counter: Mapping[str, Any]) -> int:
    """How many ids of a store were given out by releases that keep no lists of clients' hooks."""
    return number_of(counter, "last_id") - number_of(counter, "listed")


def number_of(item: Mapping[str, Any], name: str, default: int = 0) -> int:
    """A whole number of an item."""
    return int(item[name]["N"]) if name in item else default
