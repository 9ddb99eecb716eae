"""The due index: which attempts the retry sweep has to send to the queue, and when."""

import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import batched
from typing import TYPE_CHECKING, Any

from storehooks.adapters.delivery_log.keys import (
    DUE_SHARDS,
    due_at,
    hook_of,
    item_key,
    number_value,
)
from storehooks.adapters.dynamodb import (
    ConditionFailedError,
    Item,
    query_pages,
    reads_item,
    store_errors,
)
from storehooks.domain.delivery import SAFETY_SECONDS, is_delivery_id
from storehooks.domain.due import DueBatch, DueFailure
from storehooks.domain.errors import CorruptItemError, TransientError
from storehooks.domain.hook import is_hook_of_client
from storehooks.domain.task import MAX_COUNT, AttemptTask

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_MAX_CLAIM_SECONDS = 3600
_CLAIMS_AT_ONCE = 16
_MINUTE_SECONDS = 60


class DueIndex:
    """What is due in all stores.

    :meth:`release` may raise :class:`storehooks.domain.errors.StoreBusyError` and
    :class:`storehooks.domain.errors.StoreFailedError`.
    """

    def __init__(
        self,
        table: str,
        *,
        dynamodb: "DynamoDBClient",
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._table = table
        self._dynamodb = dynamodb
        self._clock = clock

    def take_due(self, until: float) -> Iterator[DueBatch]:
        """Claim what is due up to a time, and yield a few attempts at a time.

        A claim lasts five minutes or more. So of two sweeps at once only one gets an attempt, and a sweep
        that ends before it has sent it only delays it. What failed is yielded too, and stays due.
        """
        with ThreadPoolExecutor(_CLAIMS_AT_ONCE) as threads:
            for page in self._due(until):
                if isinstance(page, DueFailure):
                    yield DueBatch([], [page])
                    continue
                # Only a few at a time: what is claimed and not sent waits for five minutes.
                for some in batched(page, _CLAIMS_AT_ONCE, strict=False):
                    batch = DueBatch([], [])
                    for one in threads.map(self._claim_due, some):
                        if isinstance(one, DueFailure):
                            batch.failures.append(one)
                        elif one is not None:
                            batch.due.append(one)
                    yield batch

    def _due(self, until: float) -> Iterator[list[Item] | DueFailure]:
        # Each minute another shard is the first, because a sweep may not get to the last.
        first = int(self._clock() // _MINUTE_SECONDS)
        for shard in range(first, first + DUE_SHARDS):
            pages = query_pages(
                self._dynamodb,
                TableName=self._table,
                IndexName="by_due",
                KeyConditionExpression="due_shard = :shard AND due_at <= :until",
                ExpressionAttributeValues={
                    ":shard": {"S": str(shard % DUE_SHARDS)},
                    ":until": {"N": f"{until:.3f}"},
                },
            )
            try:
                yield from pages
            except TransientError as error:
                yield DueFailure(error, {"shard": shard % DUE_SHARDS})

    def _claim_due(self, item: Item) -> tuple[AttemptTask, float] | DueFailure | None:
        try:
            task, next_attempt_at = _attempt_due(item)
        except CorruptItemError as error:  # the others are due nevertheless
            return DueFailure(error, {"delivery_id": item["id"]["S"]})
        later = claimed_until(next_attempt_at, self._clock())
        try:
            is_claimed = self._move_due(task, seen=item["due_at"], to=later)
        except TransientError as error:
            return DueFailure(error, task.log_keys)
        return (task, next_attempt_at) if is_claimed else None

    def release(self, task: AttemptTask, next_attempt_at: float) -> None:
        """Make what was claimed due again, because it could not be sent. One call."""
        later = claimed_until(next_attempt_at, self._clock())
        self._move_due(task, seen=later, to=due_at(next_attempt_at), at_most=True)

    def _move_due(self, task: AttemptTask, *, seen: Item, to: Item, at_most: bool = False) -> bool:
        """Change when a sweep looks at a delivery; false if somebody else did so meanwhile."""
        try:
            with store_errors():
                self._dynamodb.update_item(
                    TableName=self._table,
                    Key=item_key(task.store_hash, task.hook_id, task.delivery_id),
                    UpdateExpression="SET due_at = :to",
                    ConditionExpression="due_at <= :seen" if at_most else "due_at = :seen",
                    ExpressionAttributeValues={":to": to, ":seen": seen},
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
        except ConditionFailedError as error:
            # As it was to be: this very write took effect, and its response was lost.
            return error.item is not None and error.item.get("due_at") == to
        return True


@reads_item
def _attempt_due(item: Mapping[str, Any]) -> tuple[AttemptTask, float]:
    """The next attempt of a delivery as the index has it, and its time."""
    store_hash, hook_id = hook_of(item)
    delivery_id, client_id = item["id"]["S"], item["client_id"]["S"]
    attempt = int(item["attempt_count"]["N"]) + 1
    if not (
        is_delivery_id(delivery_id)
        and is_hook_of_client(store_hash, client_id, hook_id)
        and 1 <= attempt <= MAX_COUNT
    ):
        raise ValueError("no delivery of a client's hook")  # the queue would refuse it, with all beside it
    task = AttemptTask(
        delivery_id=delivery_id,
        store_hash=store_hash,
        hook_id=hook_id,
        client_id=client_id,
        attempt=attempt,
    )
    return task, float(item["next_attempt_at"]["N"])


def claimed_until(next_attempt_at: float, now: float) -> Item:
    """Until when a claim lasts: then a sweep looks at the delivery again.

    The longer it is overdue, the longer, up to an hour. So a queue that nobody serves does not fill with
    repeats, and an attempt that is left to the sweep waits for an hour at most.
    """
    overdue = max(0.0, now - next_attempt_at)
    return number_value(next_attempt_at + overdue + min(max(SAFETY_SECONDS, overdue), _MAX_CLAIM_SECONDS))
