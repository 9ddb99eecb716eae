"""The hooks of a whole store in DynamoDB, those of all its clients.

How they are stored is in :mod:`storehooks.adapters.hooks_table`.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from storehooks.adapters.dynamodb import query_pages, store_errors
from storehooks.adapters.hook_ids import counter_key
from storehooks.adapters.hook_lists import list_key
from storehooks.adapters.hooks_table import HooksTable, guard_key, hook_key, to_hook
from storehooks.adapters.notification_emails import addresses_key
from storehooks.domain.hook import Hook
from storehooks_cli.batch_delete import delete_items

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class StoreHooks:
    """The hooks of whole stores, to be read and removed.

    Every method may raise :class:`storehooks.domain.errors.StoreBusyError` and
    :class:`storehooks.domain.errors.StoreFailedError`.
    """

    def __init__(
        self, table: str, dynamodb: "DynamoDBClient", sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._table = table
        self._dynamodb = dynamodb
        self._sleep = sleep

    def last_id(self, store_hash: str) -> int:
        """The last id that the store gave to a hook, 0 if it gave none. One call."""
        with store_errors():
            response = self._dynamodb.get_item(
                TableName=self._table, Key=counter_key(store_hash), ConsistentRead=True
            )
        return int(response["Item"]["last_id"]["N"]) if "Item" in response else 0

    def find(self, store_hash: str, hook_id: int) -> Hook | None:
        """A hook of whichever client; None if there is none. One call."""
        return HooksTable(self._table, self._dynamodb).find(store_hash, hook_id)

    def pages(self, store_hash: str) -> Iterator[list[Hook]]:
        """The hooks of all the store's clients, in the order of their ids; one call per megabyte."""
        counter = counter_key(store_hash)
        pages = query_pages(
            self._dynamodb,
            TableName=self._table,
            ConsistentRead=True,
            KeyConditionExpression="store_hash = :store AND id > :counter",
            ExpressionAttributeValues={":store": counter["store_hash"], ":counter": counter["id"]},
        )
        for items in pages:
            yield [to_hook(item) for item in items]

    def remove(self, hooks: Sequence[Hook]) -> None:
        """Remove hooks whose clients can change nothing any more; 25 writes to a call.

        Their guards go first: one that outlived its hooks would be in the way of new ones.
        """
        guards = {key["store_hash"]["S"]: key for key in map(guard_key, hooks)}
        self._delete(guards.values())
        self._delete(hook_key(hook.store_hash, hook.id) for hook in hooks)

    def remove_of_clients(self, store_hash: str, client_ids: Iterable[str]) -> None:
        """Remove the notification emails of clients, and their lists of hooks; 25 writes to a call.

        Their hooks go before: no list would name them.
        """
        keys = (list_key, addresses_key)
        self._delete(key(store_hash, client_id) for client_id in client_ids for key in keys)

    def forget_ids(self, store_hash: str) -> None:
        """Remove the counter of ids of a store whose hash is never used again. One call."""
        self._delete([counter_key(store_hash)])

    def _delete(self, keys: Iterable[Mapping[str, Any]]) -> None:
        delete_items(self._dynamodb, self._table, keys, sleep=self._sleep)
