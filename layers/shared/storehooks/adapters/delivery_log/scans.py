"""All deliveries of a hook, the newest first, to count figures and to find those of an event.

No index has ``delivered`` deliveries, so this reads the hook's partition, and whole items are billed.
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any

from storehooks.adapters import attempt_records
from storehooks.adapters.delivery_log.deliveries import DeliveryPage
from storehooks.adapters.delivery_log.items import LISTED, LISTED_NAMES, summary_from_item
from storehooks.adapters.delivery_log.keys import (
    DELIVERY_PREFIX,
    hook_partition,
    is_expired,
    number_value,
    status_partition,
)
from storehooks.adapters.dynamodb import query_pages, reads_item, store_errors
from storehooks.domain.delivery import WAITING, DeliverySummary, Status, accepted_at, ids_between
from storehooks.domain.exact_json import Number, dumps, loads
from storehooks.domain.hook_stats import ScannedDelivery, ScannedPage

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_OLDEST = 100
_MAX_PAGES_OVER_THEIR_TIME = 50
_MAX_PAGES = 8
_STATUSES = {status.value: status for status in Status}


class Scans:
    """Reads all deliveries of a hook in some time, without payloads.

    Every method may raise :class:`storehooks.domain.errors.StoreBusyError` and
    :class:`storehooks.domain.errors.StoreFailedError`.
    """

    def __init__(
        self, table: str, *, dynamodb: "DynamoDBClient", clock: Callable[[], float] = time.time
    ) -> None:
        self._table = table
        self._dynamodb = dynamodb
        self._clock = clock

    def newest(self, store_hash: str, hook_id: int, since: int, until: int) -> Iterator[ScannedPage]:
        """The deliveries accepted from ``since`` up to, but without, ``until``.

        Each page is one call and a megabyte of the table; the caller bounds their number. Reads are
        eventually consistent, at half the price: changes of the last second may be missing.
        """
        first, last = ids_between(since * 1000, until * 1000 - 1)
        query: dict[str, Any] = {
            "TableName": self._table,
            "KeyConditionExpression": "#hook = :partition AND id BETWEEN :first AND :last",
            "ProjectionExpression": "id, #status, attempts, expires_at",
            "ExpressionAttributeNames": {"#hook": "hook", "#status": "status"},
            "ExpressionAttributeValues": {
                ":partition": {"S": hook_partition(store_hash, hook_id)},
                ":first": {"S": first},
                ":last": {"S": last},
            },
            "ScanIndexForward": False,
        }
        while True:
            with store_errors():
                response = self._dynamodb.query(**query)
            now = self._clock()
            found = [_scanned(item) for item in response["Items"] if not is_expired(item, now)]
            if "LastEvaluatedKey" not in response:
                yield ScannedPage(found, None)
                return
            yield ScannedPage(found, accepted_at(response["LastEvaluatedKey"]["id"]["S"]))
            query["ExclusiveStartKey"] = response["LastEvaluatedKey"]

    def find(
        self,
        store_hash: str,
        hook_id: int,
        text: str,
        *,
        status: Status | None,
        limit: int,
        before: str | None,
    ) -> DeliveryPage:
        """The deliveries of events that have this text as their id, or as the ``id`` of their data.

        At most eight calls, of a megabyte each: the page may have fewer than ``limit``, or none, and an id to
        go on from.

        :param before: only those that come after this id in the list.
        """
        conditions = ["event_id = :text", "begins_with(event_id, :hashed)"]
        conditions += ["contains(payload, :number)", "contains(payload, :string)"]
        values = {
            ":partition": hook_partition(store_hash, hook_id),
            ":first": DELIVERY_PREFIX,
            ":last": f"{DELIVERY_PREFIX}~" if before is None else before,
            ":text": text,
            ":hashed": f"{text} ",
            ":number": f'"id":{text}',
            ":string": f'"id":{dumps(text)}',
        }
        of_status = ""
        if status is not None:
            of_status, values[":status"] = "#status = :status AND ", status.value
        query: dict[str, Any] = {
            "TableName": self._table,
            "ConsistentRead": True,
            "KeyConditionExpression": "#hook = :partition AND id BETWEEN :first AND :last",
            "FilterExpression": f"{of_status}({' OR '.join(conditions)})",
            "ProjectionExpression": f"{LISTED}, payload",
            "ExpressionAttributeNames": LISTED_NAMES,
            "ExpressionAttributeValues": {name: {"S": value} for name, value in values.items()},
            "ScanIndexForward": False,
        }
        found: list[DeliverySummary] = []
        for _ in range(_MAX_PAGES):
            with store_errors():
                response = self._dynamodb.query(**query)
            now = self._clock()
            found += [
                summary
                for item in response["Items"]
                # BETWEEN includes both ends, and the last delivery of the page before is not wanted again.
                if not is_expired(item, now) and item["id"]["S"] != before
                if text in _ids_of(summary := summary_from_item(item), item)
            ]
            if len(found) > limit:
                return DeliveryPage(tuple(found[:limit]), found[limit - 1].id)
            if "LastEvaluatedKey" not in response:
                return DeliveryPage(tuple(found), None)
            query["ExclusiveStartKey"] = response["LastEvaluatedKey"]
        return DeliveryPage(tuple(found), query["ExclusiveStartKey"]["id"]["S"])

    def oldest_waiting_at(self, store_hash: str, hook_id: int) -> float | None:
        """When the event of the oldest delivery that waits for an attempt was accepted; None if none waits.

        Two calls, unless many have expired and are not deleted yet: then up to a hundred, and perhaps None.
        """
        found = (self._oldest_at(status_partition(store_hash, hook_id, status)) for status in sorted(WAITING))
        return min((at for at in found if at is not None), default=None)

    def _oldest_at(self, partition: str) -> float | None:
        pages = query_pages(
            self._dynamodb,
            TableName=self._table,
            IndexName="by_state",
            KeyConditionExpression="#state = :partition",
            FilterExpression="expires_at > :now",
            ProjectionExpression="created_at",
            ExpressionAttributeNames={"#state": "state"},
            ExpressionAttributeValues={":partition": {"S": partition}, ":now": number_value(self._clock())},
            Limit=_OLDEST,
        )
        some = islice(pages, _MAX_PAGES_OVER_THEIR_TIME)
        return next((float(items[0]["created_at"]["N"]) for items in some if items), None)


@reads_item
def _scanned(item: Mapping[str, Any]) -> ScannedDelivery:
    records = json.loads(item["attempts"]["S"])
    return ScannedDelivery(
        item["id"]["S"], _STATUSES[item["status"]["S"]], tuple(map(attempt_records.result_in, records))
    )


def _ids_of(delivery: DeliverySummary, item: Mapping[str, Any]) -> set[str]:
    """The ids of its event, and of what that is about. The query lets longer ones through."""
    data = loads(item["payload"]["S"])["data"]
    match data.get("id") if isinstance(data, dict) else None:
        case str(data_id):
            return {delivery.event_id, data_id}
        case int(data_id) if not isinstance(data_id, bool):
            return {delivery.event_id, str(data_id)}
        case Number(literal=data_id):
            return {delivery.event_id, data_id}
    return {delivery.event_id}
