"""The deliveries of the delivery log: read, written, and sent again."""

import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import batched
from typing import TYPE_CHECKING, Any

from storehooks.adapters.delivery_log.items import (
    LISTED,
    LISTED_NAMES,
    from_item,
    reserving_item,
    summary_from_item,
    to_item,
)
from storehooks.adapters.delivery_log.keys import (
    DAY_SECONDS,
    DELIVERY_PREFIX,
    due_at_if_lost,
    due_shard,
    hook_partition,
    is_expired,
    item_key,
    number_value,
    status_partition,
)
from storehooks.adapters.dynamodb import (
    MAX_WRITES,
    Batches,
    ConditionFailedError,
    Item,
    query_pages,
    store_errors,
    write_batch,
)
from storehooks.domain.delivery import WAITING, Delivery, DeliverySummary, Status
from storehooks.domain.errors import DeliveryNotFoundError
from storehooks.domain.rate import Reservation
from storehooks.domain.task import AttemptTask

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import WriteRequestTypeDef

_TRIES = 4
# Maximum megabytes that are read for a page. The page may then have fewer deliveries than asked for.
_MAX_QUERIES = 8
_MIN_FILTERED = 250
_LATEST = 50
_OLDEST = 100
_MAX_PAGES_OVER_THEIR_TIME = 50


@dataclass(frozen=True, slots=True)
class DeliveryPage:
    """A page of deliveries, the newest first, and the id to go on from if there may be more."""

    deliveries: tuple[DeliverySummary, ...]
    next_id: str | None


class DeliveryLog:
    """The deliveries of all stores.

    Every method may raise :class:`storehooks.domain.errors.StoreBusyError` and
    :class:`storehooks.domain.errors.StoreFailedError`.

    :param retention_days: how long a delivery is kept after its last change.
    :param batches: returns the client that writes successful deliveries; ``dynamodb`` if None.
    """

    def __init__(
        self,
        table: str,
        *,
        retention_days: int,
        dynamodb: "DynamoDBClient",
        batches: Callable[[], Batches] | None = None,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._table = table
        self._retention_seconds = retention_days * DAY_SECONDS
        self._dynamodb = dynamodb
        self._batches = batches or (lambda: dynamodb)
        self._clock = clock
        self._sleep = sleep

    # ------------------------------------------------------------ reading

    def get(self, store_hash: str, hook_id: int, delivery_id: str) -> Delivery:
        """A delivery, whole. One call.

        :raises DeliveryNotFoundError: if there is none, or it has expired.
        """
        with store_errors():
            response = self._dynamodb.get_item(
                TableName=self._table, Key=item_key(store_hash, hook_id, delivery_id), ConsistentRead=True
            )
        if "Item" not in response or is_expired(response["Item"], self._clock()):
            raise DeliveryNotFoundError
        return from_item(response["Item"])

    def page(
        self, store_hash: str, hook_id: int, *, status: Status | None, limit: int, before: str | None
    ) -> DeliveryPage:
        """A hook's deliveries, the newest first, without payloads and responses.

        One call, unless many are skipped. Deliveries of any status except ``delivered`` have an index, which
        follows the table with a short delay.

        :param before: only those that come after this id in the list.
        """
        if status is None or status is Status.DELIVERED:
            partition, index = hook_partition(store_hash, hook_id), None
        else:
            partition, index = status_partition(store_hash, hook_id, status), "by_state"
        found: list[DeliverySummary] = []
        for _ in range(_MAX_QUERIES):
            items, last = self._query_newest(partition, index, status, limit + 1, before)
            found += [summary_from_item(item) for item in items if not is_expired(item, self._clock())]
            before = last
            if len(found) > limit or last is None:
                break
        if len(found) > limit:
            return DeliveryPage(tuple(found[:limit]), found[limit - 1].id)
        return DeliveryPage(tuple(found), before)

    def _query_newest(
        self, partition: str, index: str | None, status: Status | None, limit: int, before: str | None
    ) -> tuple[list[Item], str | None]:
        """The result of one query, and the id that it reached; None at the end."""
        key = "#hook" if index is None else "#state"
        names = dict(LISTED_NAMES) | ({} if index is None else {"#state": "state"})
        values: Item = {":partition": {"S": partition}, ":first": {"S": DELIVERY_PREFIX}}
        condition = f"{key} = :partition AND begins_with(id, :first)"
        if before is not None:
            condition = f"{key} = :partition AND id BETWEEN :first AND :before"
            values[":before"] = {"S": _just_before(before)}
        query: dict[str, Any] = {"ConsistentRead": True} if index is None else {"IndexName": index}
        if status is Status.DELIVERED:
            query["FilterExpression"] = "#status = :status"
            values[":status"] = {"S": status.value}
            limit = max(limit, _MIN_FILTERED)  # the limit also counts items that the filter drops
        with store_errors():
            response = self._dynamodb.query(
                TableName=self._table,
                KeyConditionExpression=condition,
                ProjectionExpression=LISTED,
                ExpressionAttributeNames=names,
                ExpressionAttributeValues=values,
                ScanIndexForward=False,
                Limit=limit,
                **query,
            )
        last = response.get("LastEvaluatedKey")
        return response["Items"], None if last is None else last["id"]["S"]

    def waiting(self, store_hash: str, hook_id: int, limit: int) -> tuple[list[DeliverySummary], bool]:
        """Up to ``limit`` deliveries that wait for an attempt, without payloads; and whether there are more.

        Two calls.
        """
        found: list[DeliverySummary] = []
        is_more = False
        for status in sorted(WAITING):
            partition = status_partition(store_hash, hook_id, status)
            items, last = self._query_newest(partition, "by_state", None, limit, None)
            found += [summary_from_item(item) for item in items]
            is_more |= last is not None
        return found, is_more

    def first_kept_until(self, store_hash: str, hook_id: int, status: Status) -> float | None:
        """When the first of a hook's deliveries with a status expires; None if there is none.

        One call, unless many have expired and are not deleted yet. The oldest ones decide: deliveries that
        got the status at the same time, or later, are kept as long or longer. If the oldest 5,000 have
        expired, it is now: the ones behind them are not read, and may expire as soon.
        """
        now = self._clock()
        pages = query_pages(
            self._dynamodb,
            TableName=self._table,
            IndexName="by_state",
            KeyConditionExpression="#state = :partition",
            FilterExpression="expires_at > :now",
            ProjectionExpression="expires_at",
            ExpressionAttributeNames={"#state": "state"},
            ExpressionAttributeValues={
                ":partition": {"S": status_partition(store_hash, hook_id, status)},
                ":now": number_value(now),
            },
            Limit=_OLDEST,
        )
        for number, items in enumerate(pages, start=1):
            if items:
                return min(float(item["expires_at"]["N"]) for item in items)
            if number == _MAX_PAGES_OVER_THEIR_TIME:
                return now
        return None

    def has_reached(self, store_hash: str, hook_id: int, since: float) -> bool:
        """Whether one of the hook's latest deliveries was delivered after a time. One call, or a few."""
        latest = self.page(store_hash, hook_id, status=Status.DELIVERED, limit=_LATEST, before=None)
        return any(delivery.attempts[-1].at >= since for delivery in latest.deliveries)

    # ------------------------------------------------------------ writing

    def save_delivered(self, deliveries: Sequence[Delivery]) -> None:
        """Log deliveries that a destination accepted, 25 to a call, over any other status in the log.

        :raises storehooks.domain.errors.StoreBusyError: if some are left after all retries.
        """
        for chunk in batched(deliveries, MAX_WRITES, strict=False):
            puts: list[WriteRequestTypeDef] = [
                {"PutRequest": {"Item": self._item(delivery)}} for delivery in chunk
            ]
            write_batch(self._batches(), self._table, puts, tries=_TRIES, sleep=self._sleep)

    def save(self, delivery: Delivery, *, over: Delivery | None) -> bool:
        """Log a delivery, unless it has changed in the log since it was read. One call.

        :param over: the delivery that was read; None if the log had none.
        :return: whether it was written.
        """
        return self._save(self._item(delivery), over)

    def save_reserved(self, delivery: Delivery, reserved: Reservation, *, over: Delivery | None) -> None:
        """Log a delivery that waits for its place, unless it has changed in the log since it was read.

        One call. The sweep sends its message at ``next_attempt_at``.

        :param over: the delivery that was read; None if the log had none.
        """
        expires_at = self._expires_at(delivery.next_attempt_at)
        self._save(reserving_item(delivery, reserved, expires_at=expires_at), over)

    def _save(self, item: Item, over: Delivery | None) -> bool:
        condition: dict[str, Any] = {"ConditionExpression": "attribute_not_exists(id)"}
        if over is not None:
            condition = {
                "ConditionExpression": "#status = :status AND attempt_count = :count",
                "ExpressionAttributeNames": {"#status": "status"},
                "ExpressionAttributeValues": {
                    ":status": {"S": over.status.value},
                    ":count": {"N": str(over.attempt_count)},
                },
            }
        try:
            with store_errors():
                self._dynamodb.put_item(
                    TableName=self._table,
                    Item=item,
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                    **condition,
                )
        except ConditionFailedError as error:
            # The same attempts: this write took effect, and its response was missed.
            return error.item is not None and error.item.get("attempts") == item["attempts"]
        return True

    def end_waiting(self, delivery: DeliverySummary, status: Status) -> bool:
        """End a waiting delivery with a status. One call.

        :return: whether it was still waiting.
        """
        try:
            with store_errors():
                self._dynamodb.update_item(
                    TableName=self._table,
                    Key=item_key(delivery.store_hash, delivery.hook_id, delivery.id),
                    UpdateExpression=(
                        "SET #status = :status, #state = :state, expires_at = :expires_at "
                        "REMOVE next_attempt_at, due_shard, due_at"
                    ),
                    ConditionExpression="#status = :before",
                    ExpressionAttributeNames={"#status": "status", "#state": "state"},
                    ExpressionAttributeValues={
                        ":status": {"S": status.value},
                        ":before": {"S": delivery.status.value},
                        ":state": {"S": status_partition(delivery.store_hash, delivery.hook_id, status)},
                        ":expires_at": {"N": str(self._expires_at())},
                    },
                )
        except ConditionFailedError:
            return False
        return True

    # ------------------------------------------------------------ sending again

    def begin_round(
        self, delivery: DeliverySummary, now: float, *, unless_since: float | None = None
    ) -> AttemptTask | None:
        """Begin another round of a delivery that ended. One call.

        If its task is not sent, the sweep sends it.

        :param unless_since: do nothing if its present round began at this time or later.
        :return: the task of its next attempt; None if it has changed since it was read.
        """
        condition = "#status = :before"
        values: Item = {
            ":before": {"S": delivery.status.value},
            ":pending": {"S": Status.PENDING.value},
            ":state": {"S": status_partition(delivery.store_hash, delivery.hook_id, Status.PENDING)},
            ":now": number_value(now),
            ":shard": {"S": due_shard(delivery.id)},
            ":due_at": due_at_if_lost(now),
            ":expires_at": {"N": str(self._expires_at(now))},
            # Distinguishes this write from another's. The next attempt's write drops it.
            ":begun_by": {"S": uuid.uuid4().hex},
        }
        if unless_since is not None:
            condition += " AND (attribute_not_exists(round_at) OR round_at < :since)"
            values[":since"] = number_value(unless_since)
        try:
            with store_errors():
                response = self._dynamodb.update_item(
                    TableName=self._table,
                    Key=item_key(delivery.store_hash, delivery.hook_id, delivery.id),
                    UpdateExpression=(
                        "SET #status = :pending, #state = :state, earlier = attempt_count, round_at = :now, "
                        "next_attempt_at = :now, due_shard = :shard, due_at = :due_at, "
                        "expires_at = :expires_at, begun_by = :begun_by"
                    ),
                    ConditionExpression=condition,
                    ExpressionAttributeNames={"#status": "status", "#state": "state"},
                    ExpressionAttributeValues=values,
                    ReturnValues="UPDATED_NEW",
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
                begun: Mapping[str, Any] = response["Attributes"]
        except ConditionFailedError as error:
            # Unless this write itself began the round, and its response was missed.
            if error.item is None or error.item.get("begun_by") != values[":begun_by"]:
                return None
            begun = error.item
        if "earlier" in begun:
            earlier = int(begun["earlier"]["N"])
        else:
            # No attempt was made in the round before, so it is as it was: moto then does not return it.
            earlier = self.get(delivery.store_hash, delivery.hook_id, delivery.id).earlier
        return AttemptTask(
            delivery_id=delivery.id,
            store_hash=delivery.store_hash,
            hook_id=delivery.hook_id,
            client_id=delivery.client_id,
            attempt=earlier + 1,
        )

    def bring_forward(self, delivery: Delivery, now: float) -> bool:
        """Make a waiting delivery's next attempt due now. The caller sends its task. One call.

        :return: False if it has changed since it was read.
        """
        try:
            with store_errors():
                self._dynamodb.update_item(
                    TableName=self._table,
                    Key=item_key(delivery.store_hash, delivery.hook_id, delivery.id),
                    UpdateExpression="SET next_attempt_at = :now, due_at = :due_at REMOVE reserved",
                    ConditionExpression="#status = :status AND attempt_count = :count",
                    ExpressionAttributeNames={"#status": "status"},
                    ExpressionAttributeValues={
                        ":now": number_value(now),
                        ":due_at": due_at_if_lost(now),
                        ":status": {"S": delivery.status.value},
                        ":count": {"N": str(delivery.attempt_count)},
                    },
                )
        except ConditionFailedError:
            return False
        return True

    def _item(self, delivery: Delivery) -> Item:
        return to_item(delivery, expires_at=self._expires_at(delivery.next_attempt_at))

    def _expires_at(self, next_attempt_at: float | None = None) -> int:
        return int(max(self._clock(), next_attempt_at or 0) + self._retention_seconds)


def _just_before(delivery_id: str) -> str:
    """The greatest id below this one, of all that there can be: ids end in a hexadecimal digit."""
    return delivery_id[:-1] + chr(ord(delivery_id[-1]) - 1) + "~"
