"""The deliveries of a hook by status and time, the oldest first, for recoveries."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from storehooks.adapters.delivery_log.items import LISTED, LISTED_NAMES, summary_from_item
from storehooks.adapters.delivery_log.keys import (
    DAY_SECONDS,
    hook_partition,
    number_value,
    status_partition,
)
from storehooks.adapters.dynamodb import (
    Item,
    store_errors,
)
from storehooks.domain.delivery import DeliverySummary, Status, ids_between
from storehooks.domain.recovery import Recovery

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_AFTER_ANY = "~"  # greater than all that follows in an id


@dataclass(frozen=True, slots=True)
class _Source:
    """A place to query deliveries: an index by status, or the hook's partition."""

    partition: str
    index: str | None
    statuses: tuple[Status, ...]
    held: tuple[float, float] | None = None
    """Select only deliveries held at the first time or later, which expire at the second or later."""

    @property
    def query(self) -> dict[str, Any]:
        """What a query for them has in common, whatever it selects and from which id on."""
        names = {"#partition": "hook" if self.index is None else "state"}
        values: Item = {":partition": {"S": self.partition}}
        conditions = ["expires_at > :now"]
        if self.held is not None:
            # Deliveries that came since then were held since then, even if DeliveryRetentionDays has changed.
            conditions.append("(created_at >= :held_since OR expires_at >= :held_until)")
            values |= {":held_since": number_value(self.held[0]), ":held_until": number_value(self.held[1])}
        if self.index is None:
            placeholders = {f":s{number}": {"S": status.value} for number, status in enumerate(self.statuses)}
            conditions.append(f"#status IN ({', '.join(placeholders)})")
            names["#status"] = "status"
            values |= placeholders
        return {
            "KeyConditionExpression": "#partition = :partition AND id BETWEEN :first AND :last",
            "FilterExpression": " AND ".join(conditions),
            "ExpressionAttributeNames": names,
            "ExpressionAttributeValues": values,
            **({"ConsistentRead": True} if self.index is None else {"IndexName": self.index}),
        }


class Selections:
    """Selects deliveries of the log, without their payloads.

    Every method may raise :class:`storehooks.domain.errors.StoreBusyError` and
    :class:`storehooks.domain.errors.StoreFailedError`.

    :param retention_days: how long a delivery is kept after its last change.
    """

    def __init__(
        self,
        table: str,
        *,
        retention_days: int,
        dynamodb: "DynamoDBClient",
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._table = table
        self._retention_seconds = retention_days * DAY_SECONDS
        self._dynamodb = dynamodb
        self._clock = clock

    def count(
        self,
        store_hash: str,
        hook_id: int,
        statuses: tuple[Status, ...],
        between: tuple[float, float],
        *,
        held_since: float | None = None,
        within_seconds: float,
    ) -> tuple[int, bool]:
        """The number of deliveries with one of these statuses; and whether all were counted in time.

        One call per megabyte, of the index or, if ``delivered`` is among the statuses, of all that
        the hook has.

        :param between: when their events were accepted.
        :param held_since: only those that were held at this time or later.
        """
        first, last = ids_between(*map(_milliseconds, between))
        started, total = time.monotonic(), 0
        for source in self._sources(store_hash, hook_id, statuses, held_since):
            for number in self._counts(source, first, last):
                total += number
                if time.monotonic() - started > within_seconds:
                    return total, False
        return total, True

    def _counts(self, source: _Source, first: str, last: str) -> Iterator[int]:
        query = source.query
        query["ExpressionAttributeValues"] |= self._range(first, last)
        start: dict[str, Any] = {}
        while True:
            with store_errors():
                response = self._dynamodb.query(TableName=self._table, Select="COUNT", **query, **start)
            yield response["Count"]
            if "LastEvaluatedKey" not in response:
                return
            start = {"ExclusiveStartKey": response["LastEvaluatedKey"]}

    def pending(self, store_hash: str, hook_id: int, limit: int) -> int:
        """The approximate number of a hook's pending deliveries, at most ``limit``.

        One call per megabyte; many attempts may make several.
        """
        (source,) = self._sources(store_hash, hook_id, (Status.PENDING,))
        total = 0
        for number in self._counts(source, *ids_between(0, _milliseconds(self._clock()))):
            total += number
            if total >= limit:
                break
        return total

    def next_of(self, recovery: Recovery, limit: int) -> tuple[list[DeliverySummary], str | None]:
        """The next deliveries of a recovery, without payloads; and the id up to which they are all.

        One call for each of its statuses, or one altogether if ``delivered`` is among them. None
        instead of an id: these are the last.
        """
        first, last = ids_between(_milliseconds(recovery.since), _milliseconds(recovery.until))
        if recovery.position:
            first = recovery.position + _AFTER_ANY
        if first > last:
            return [], None
        found: list[DeliverySummary] = []
        reached: list[str] = []
        for source in self._sources(
            recovery.store_hash, recovery.hook_id, recovery.statuses, recovery.held_since
        ):
            items, got_to = self._oldest(source, first, last, limit)
            found += map(summary_from_item, items)
            reached += [] if got_to is None else [got_to]
        up_to = min(reached, default=None)
        found = sorted((one for one in found if up_to is None or one.id <= up_to), key=lambda one: one.id)
        if len(found) > limit:
            return found[:limit], found[limit - 1].id
        return found, up_to

    def _oldest(self, source: _Source, first: str, last: str, limit: int) -> tuple[list[Item], str | None]:
        """One query, and the id that it got to, if that was not the end."""
        query = source.query
        query["ExpressionAttributeNames"] |= LISTED_NAMES
        query["ExpressionAttributeValues"] |= self._range(first, last)
        with store_errors():
            response = self._dynamodb.query(
                TableName=self._table, ProjectionExpression=LISTED, Limit=limit, **query
            )
        got_to = response.get("LastEvaluatedKey")
        return response["Items"], None if got_to is None else got_to["id"]["S"]

    def _sources(
        self, store_hash: str, hook_id: int, statuses: tuple[Status, ...], held_since: float | None = None
    ) -> list[_Source]:
        held = None if held_since is None else (held_since, held_since + self._retention_seconds)
        if Status.DELIVERED in statuses:  # which is in no index
            return [_Source(hook_partition(store_hash, hook_id), None, statuses, held)]
        return [
            _Source(status_partition(store_hash, hook_id, status), "by_state", (status,), held)
            for status in statuses
        ]

    def _range(self, first: str, last: str) -> Item:
        return {":first": {"S": first}, ":last": {"S": last}, ":now": number_value(self._clock())}


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)
