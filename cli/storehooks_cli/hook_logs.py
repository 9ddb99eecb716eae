"""The log of whole hooks in DynamoDB, to be counted and removed.

A hook's partition of the delivery log holds its deliveries and all else that is kept
about its deliveries; it outlives the hook until the time of what is in it is over.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import batched, chain
from typing import TYPE_CHECKING

from storehooks.adapters.delivery_log.deactivation_days import days_partition
from storehooks.adapters.delivery_log.keys import (
    DELIVERY_PREFIX,
    hook_partition,
)
from storehooks.adapters.dynamodb import (
    MAX_WRITES,
    Item,
    query_pages,
)
from storehooks_cli.batch_delete import delete_items

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# As many calls as botocore has connections for, by default.
_AT_ONCE = 10
_STEP = _AT_ONCE * MAX_WRITES


class HookLogs:
    """The logs of hooks, those that were deleted among them.

    A client's are what its hooks have left and no other client's: which client a deleted hook
    was of, its deliveries say. Every method may raise
    :class:`storehooks.domain.errors.StoreBusyError` and
    :class:`storehooks.domain.errors.StoreFailedError`.
    """

    def __init__(
        self,
        table: str,
        dynamodb: "DynamoDBClient",
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._table = table
        self._dynamodb = dynamodb
        self._sleep = sleep

    def count(self, store_hash: str, hook_ids: Iterable[int], client_id: str | None) -> Iterator[int]:
        """Count deliveries: yields, again and again, how many more there are."""
        for keys in self._pages(store_hash, hook_ids, client_id):
            yield _deliveries(keys)

    def remove(self, store_hash: str, hook_ids: Iterable[int], client_id: str | None) -> Iterator[int]:
        """Remove all that is logged of hooks: yields, again and again, how many more deliveries went.

        :param client_id: only what is this client's; None for all.
        """
        with ThreadPoolExecutor(_AT_ONCE) as threads:
            waiting: list[Item] = []
            for keys in self._pages(store_hash, hook_ids, client_id):
                waiting += keys
                if len(waiting) >= _STEP:
                    self._delete(waiting, threads)
                    yield _deliveries(waiting)
                    waiting = []
            self._delete(waiting, threads)
            yield _deliveries(waiting)

    def remove_days(self, store_hash: str, client_ids: Iterable[str]) -> None:
        """Remove what is stored of the days in which hooks of clients were deactivated."""
        for client_id in client_ids:
            for keys in self._keys(days_partition(store_hash, client_id)):
                delete_items(self._dynamodb, self._table, keys, sleep=self._sleep)

    def _pages(self, store_hash: str, hook_ids: Iterable[int], client_id: str | None) -> Iterator[list[Item]]:
        """The keys of what is in the hooks' partitions."""
        with ThreadPoolExecutor(_AT_ONCE) as threads:
            for ids in batched(hook_ids, _AT_ONCE, strict=False):
                queries = [self._keys(hook_partition(store_hash, hook_id), client_id) for hook_id in ids]
                # Most partitions are small or empty, so their first pages are read together.
                for first, more in zip(threads.map(next, queries), queries, strict=True):
                    yield from chain([first], more)

    def _keys(self, partition: str, client_id: str | None = None) -> Iterator[list[Item]]:
        pages = query_pages(
            self._dynamodb,
            TableName=self._table,
            ConsistentRead=True,
            KeyConditionExpression="#hook = :hook",
            ProjectionExpression="#hook, id, client_id",
            ExpressionAttributeNames={"#hook": "hook"},
            ExpressionAttributeValues={":hook": {"S": partition}},
        )
        for page in pages:
            owner = next((item["client_id"]["S"] for item in page if "client_id" in item), client_id)
            if client_id is not None and owner != client_id:
                yield []  # a hook is one client's, and so is all the rest
                return
            yield [{"hook": item["hook"], "id": item["id"]} for item in page]

    def _delete(self, keys: Sequence[Item], threads: ThreadPoolExecutor) -> None:
        chunks = batched(keys, MAX_WRITES, strict=False)
        for _ in threads.map(
            lambda chunk: delete_items(self._dynamodb, self._table, chunk, sleep=self._sleep), chunks
        ):
            pass


def _deliveries(keys: Sequence[Item]) -> int:
    return sum(key["id"]["S"].startswith(DELIVERY_PREFIX) for key in keys)
