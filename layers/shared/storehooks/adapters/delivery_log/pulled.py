"""The deliveries that wait to be pulled.

One that waits is pending, and stands in no due index. While it is given out, its ``next_attempt_at`` is when
it comes again, and ``given_out_at`` is when it was given out; no index has that.
"""

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from storehooks.adapters.delivery_log.items import from_item
from storehooks.adapters.delivery_log.keys import (
    DELIVERY_PREFIX,
    hook_partition,
    is_expired,
    item_key,
    number_value,
    status_partition,
)
from storehooks.adapters.dynamodb import ConditionFailedError, read_batch, store_errors
from storehooks.domain.delivery import Delivery, Status
from storehooks.domain.pull import GivenOut, Waiting

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_PAGE = 1000
_MAX_QUERIES = 4
"""So no more than about 3,000 deliveries of a hook are given out at a time."""
_SKIP_SECONDS = 5.0
"""For so long pages are skipped that have only what is over its time; DynamoDB may delete that days later."""
_TRIES = 4


class PulledDeliveries:
    """Gives out what waits to be pulled.

    Every method may raise :class:`storehooks.domain.errors.StoreBusyError` and
    :class:`storehooks.domain.errors.StoreFailedError`.
    """

    def __init__(
        self,
        table: str,
        *,
        dynamodb: "DynamoDBClient",
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._table = table
        self._dynamodb = dynamodb
        self._clock = clock
        self._sleep = sleep

    def waiting(self, store_hash: str, hook_id: int, limit: int) -> Waiting:
        """Up to so many of a hook's deliveries that nobody holds, the oldest first.

        One call, and up to three more if hundreds are given out; more if thousands are over their time.
        """
        now = self._clock()
        found = Waiting([], None)
        start: dict[str, Any] = {}
        left = _MAX_QUERIES
        while left:
            with store_errors():
                response = self._dynamodb.query(
                    TableName=self._table,
                    IndexName="by_state",
                    KeyConditionExpression="#state = :partition",
                    ProjectionExpression="id, next_attempt_at, expires_at",
                    ExpressionAttributeNames={"#state": "state"},
                    ExpressionAttributeValues={
                        ":partition": {"S": status_partition(store_hash, hook_id, Status.PENDING)}
                    },
                    Limit=_PAGE if start else limit,
                    **start,
                )
            kept = [item for item in response["Items"] if not is_expired(item, now)]
            if kept or self._clock() - now > _SKIP_SECONDS:
                left -= 1
            for item in kept:
                hidden_until = float(item["next_attempt_at"]["N"]) if "next_attempt_at" in item else now
                if hidden_until > now:
                    found = Waiting(found.ids, min(found.next_at or hidden_until, hidden_until))
                else:
                    found.ids.append(item["id"]["S"])
            if len(found.ids) >= limit or "LastEvaluatedKey" not in response:
                break
            start = {"ExclusiveStartKey": response["LastEvaluatedKey"]}
        return Waiting(found.ids[:limit], found.next_at)

    def newest_at(self, store_hash: str, hook_id: int) -> float:
        """When the newest of a hook's deliveries came, in seconds since 1970; 0 if none has. One call."""
        with store_errors():
            response = self._dynamodb.query(
                TableName=self._table,
                KeyConditionExpression="#hook = :partition AND begins_with(id, :first)",
                ProjectionExpression="created_at",
                ExpressionAttributeNames={"#hook": "hook"},
                ExpressionAttributeValues={
                    ":partition": {"S": hook_partition(store_hash, hook_id)},
                    ":first": {"S": DELIVERY_PREFIX},
                },
                ScanIndexForward=False,
                Limit=1,
            )
        return max((float(item["created_at"]["N"]) for item in response["Items"]), default=0.0)

    def give_out(
        self, store_hash: str, hook_id: int, delivery_id: str, *, now: float, until: float
    ) -> Delivery | None:
        """Give out a delivery, and hide it until a time. One call.

        :return: None if it does not wait any more, or somebody holds it.
        :raises storehooks.domain.errors.CorruptItemError: when it cannot be read. It is hidden all the same.
        """
        try:
            with store_errors():
                response = self._dynamodb.update_item(
                    TableName=self._table,
                    Key=item_key(store_hash, hook_id, delivery_id),
                    UpdateExpression=(
                        "SET next_attempt_at = :until, given_out_at = :now REMOVE due_shard, due_at"
                    ),
                    ConditionExpression=(
                        "#status = :pending AND expires_at > :now "
                        "AND (attribute_not_exists(next_attempt_at) OR next_attempt_at <= :now)"
                    ),
                    ExpressionAttributeNames={"#status": "status"},
                    ExpressionAttributeValues={
                        ":pending": {"S": Status.PENDING.value},
                        ":now": number_value(now),
                        ":until": number_value(until),
                    },
                    ReturnValues="ALL_NEW",
                )
        except ConditionFailedError:
            return None
        return from_item(response["Attributes"])

    def given_out(self, store_hash: str, hook_id: int, delivery_ids: Sequence[str]) -> dict[str, GivenOut]:
        """Those of up to 100 deliveries that there are, by id. One call; none for none."""
        if not delivery_ids:
            return {}
        keys = [item_key(store_hash, hook_id, delivery_id) for delivery_id in delivery_ids]
        requests = {self._table: {"Keys": keys, "ConsistentRead": True}}
        found = read_batch(self._dynamodb, requests, tries=_TRIES, sleep=self._sleep)
        return {
            item["id"]["S"]: GivenOut(
                from_item(item), float(item["given_out_at"]["N"]) if "given_out_at" in item else None
            )
            for item in found[self._table]
            if not is_expired(item, self._clock())
        }

    def offer_again(self, delivery: Delivery, *, over: Delivery) -> bool:
        """Have a delivery of the log wait until it is pulled, and no attempt made. One call.

        If it is given out already, it stays so.

        :param over: as it was read.
        :return: whether it was still so, and an attempt was to be made.
        """
        update = "SET #status = :status, #state = :state REMOVE due_shard, due_at"
        if over.status is not delivery.status:
            update += ", next_attempt_at"
        try:
            with store_errors():
                self._dynamodb.update_item(
                    TableName=self._table,
                    Key=item_key(delivery.store_hash, delivery.hook_id, delivery.id),
                    UpdateExpression=update,
                    ConditionExpression="#status = :before AND attribute_exists(due_at)",
                    ExpressionAttributeNames={"#status": "status", "#state": "state"},
                    ExpressionAttributeValues={
                        ":status": {"S": delivery.status.value},
                        ":state": {
                            "S": status_partition(delivery.store_hash, delivery.hook_id, delivery.status)
                        },
                        ":before": {"S": over.status.value},
                    },
                )
        except ConditionFailedError:
            return False
        return True
