"""When the sweep has to look at what is held for hooks: a day before it begins to be deleted.

In the table of the delivery log, an item for each hook, ``held``. In the due index it is in a partition of
its own, which releases before do not read. It is of one hold: the pause or deactivation that began at
``held_since``. DynamoDB deletes it a month after it was due.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from storehooks.adapters.delivery_log.keys import DAY_SECONDS, hook_of, item_key, number_value
from storehooks.adapters.dynamodb import ConditionFailedError, Item, query_pages, reads_item, store_errors
from storehooks.domain.due import DueFailure
from storehooks.domain.errors import CorruptItemError, TransientError
from storehooks.domain.hook import Hook, is_hook_of_client
from storehooks.domain.state_machine import held_since
from storehooks.domain.task import HoldTask

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_ID = "held"
_SHARD = "held"
_KEPT_SECONDS = 30 * DAY_SECONDS
CLAIM_SECONDS = 3600
"""A hold that was claimed and not looked at is due again after this time."""
_MAX_REMEMBERED = 10_000


class HeldWatches:
    """The watches of all hooks.

    Every method may raise :class:`storehooks.domain.errors.StoreBusyError` and
    :class:`storehooks.domain.errors.StoreFailedError`.
    """

    def __init__(
        self, table: str, *, dynamodb: "DynamoDBClient", clock: Callable[[], float] = time.time
    ) -> None:
        self._table = table
        self._dynamodb = dynamodb
        self._clock = clock
        # The holds whose watches have begun, as far as this process knows.
        self._begun: set[tuple[str, int, int]] = set()

    def begin(self, hook: Hook, at: float) -> None:
        """Have the sweep look at a hook's hold at a time, unless its watch has begun already.

        One call; none if this process knows that it has.
        """
        hold = (hook.store_hash, hook.id, held_since(hook))
        if hold in self._begun:
            return
        with suppress(ConditionFailedError):
            self._set(hook, at, "attribute_not_exists(held_since) OR held_since <> :since")
        if len(self._begun) >= _MAX_REMEMBERED:
            self._begun.clear()
        self._begun.add(hold)

    def move(self, hook: Hook, at: float) -> None:
        """Have the sweep look at a hook's hold at this time. One call."""
        self._set(hook, at)

    def end(self, store_hash: str, hook_id: int) -> None:
        """Have the sweep look at a hook's hold no more. One call."""
        with suppress(ConditionFailedError), store_errors():
            self._dynamodb.update_item(
                TableName=self._table,
                Key=item_key(store_hash, hook_id, _ID),
                UpdateExpression="REMOVE due_shard, due_at",
                ConditionExpression="attribute_exists(due_at)",
            )

    def take_due(self, until: float) -> Iterator[HoldTask | DueFailure]:
        """Claim the holds that are to be looked at up to a time. Raises nothing: what failed is yielded."""
        pages = query_pages(
            self._dynamodb,
            TableName=self._table,
            IndexName="by_due",
            KeyConditionExpression="due_shard = :shard AND due_at <= :until",
            ExpressionAttributeValues={":shard": {"S": _SHARD}, ":until": number_value(until)},
        )
        try:
            for page in pages:
                for item in page:
                    if (one := self._claim(item)) is not None:
                        yield one
        except TransientError as error:
            yield DueFailure(error, {"shard": _SHARD})

    def _claim(self, item: Item) -> HoldTask | DueFailure | None:
        try:
            task = _task(item)
        except CorruptItemError as error:
            return DueFailure(error, {"hook": item["hook"]["S"]})
        try:
            with store_errors():
                self._dynamodb.update_item(
                    TableName=self._table,
                    Key=item_key(task.store_hash, task.hook_id, _ID),
                    UpdateExpression="SET due_at = :to",
                    ConditionExpression="due_at = :seen",
                    ExpressionAttributeValues={
                        ":to": number_value(self._clock() + CLAIM_SECONDS),
                        ":seen": item["due_at"],
                    },
                )
        except ConditionFailedError:
            return None
        except TransientError as error:
            return DueFailure(error, task.log_keys)
        return task

    def _set(self, hook: Hook, at: float, condition: str | None = None) -> None:
        conditional: dict[str, Any] = {} if condition is None else {"ConditionExpression": condition}
        with store_errors():
            self._dynamodb.update_item(
                TableName=self._table,
                Key=item_key(hook.store_hash, hook.id, _ID),
                UpdateExpression=(
                    "SET held_since = :since, client_id = :client, due_shard = :shard, due_at = :at, "
                    "expires_at = :expires_at"
                ),
                ExpressionAttributeValues={
                    ":since": number_value(held_since(hook)),
                    ":client": {"S": hook.client_id},
                    ":shard": {"S": _SHARD},
                    ":at": number_value(at),
                    ":expires_at": number_value(int(at + _KEPT_SECONDS)),
                },
                **conditional,
            )


@reads_item
def _task(item: Mapping[str, Any]) -> HoldTask:
    store_hash, hook_id = hook_of(item)
    client_id = item["client_id"]["S"]
    if not is_hook_of_client(store_hash, client_id, hook_id):
        raise ValueError("no hook of a client")  # the queue would refuse it
    return HoldTask(store_hash=store_hash, hook_id=hook_id, client_id=client_id, store_id=None)
