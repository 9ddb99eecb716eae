"""Recoveries in DynamoDB, and the deliveries that they are about, the oldest first.

A recovery is an item in its hook's partition of the deliveries table.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from storehooks.adapters.aws import dynamodb_client
from storehooks.adapters.deliveries_table import LISTED, LISTED_NAMES
from storehooks.adapters.delivery_items import (
    Item,
    delivery_key,
    hook_of,
    hook_partition,
    number_value,
    state_of,
    summary_from_item,
)
from storehooks.adapters.dynamodb import ConditionFailedError, reads_item, store_errors
from storehooks.domain.delivery import DeliverySummary, Status, ids_between
from storehooks.domain.errors import RecoveryNotFoundError
from storehooks.domain.recovery import Recovery, State

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_DAY_SECONDS = 24 * 60 * 60
_AFTER_ANY = "~"  # greater than all that follows in an id


@dataclass(frozen=True, slots=True)
class _Source:
    """Where deliveries are to be found: in an index by their status, or among all of the hook's."""

    partition: str
    index: str | None
    statuses: tuple[Status, ...]

    @property
    def query(self) -> dict[str, Any]:
        """What a query for them has in common, whatever it selects and from which id on."""
        names = {"#partition": "hook" if self.index is None else "state"}
        values: Item = {":partition": {"S": self.partition}}
        conditions = ["expires_at > :now"]
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


class RecoveriesTable:
    """The recoveries of all stores.

    Every method may raise :class:`storehooks.domain.errors.StoreBusyError` and
    :class:`storehooks.domain.errors.StoreFailedError`.

    :param retention_days: how long a recovery is kept after its last change.
    """

    def __init__(
        self,
        table: str,
        *,
        retention_days: int,
        dynamodb: "DynamoDBClient | None" = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._table = table
        self._retention_seconds = retention_days * _DAY_SECONDS
        self._dynamodb = dynamodb or dynamodb_client()
        self._clock = clock

    # ------------------------------------------------------------ recoveries

    def get(self, store_hash: str, hook_id: int, recovery_id: str) -> Recovery:
        """A recovery. One call.

        :raises RecoveryNotFoundError: when there is none, or its time is over.
        """
        with store_errors():
            answer = self._dynamodb.get_item(
                TableName=self._table, Key=delivery_key(store_hash, hook_id, recovery_id), ConsistentRead=True
            )
        if "Item" not in answer or float(answer["Item"]["expires_at"]["N"]) <= self._clock():
            raise RecoveryNotFoundError
        return _from_item(answer["Item"])

    def create(self, recovery: Recovery) -> None:
        """Keep a new recovery. One call."""
        with store_errors():
            self._dynamodb.put_item(TableName=self._table, Item=self._item(recovery))

    def save(self, recovery: Recovery, *, over: Recovery) -> bool:
        """Keep a recovery after a step. One call.

        :return: whether nobody else had done that step; else nothing was written.
        """
        item = self._item(recovery)
        try:
            with store_errors():
                self._dynamodb.put_item(
                    TableName=self._table,
                    Item=item,
                    ConditionExpression="step = :step",
                    ExpressionAttributeValues={":step": number_value(over.step)},
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
        except ConditionFailedError as error:
            # The very same: this very write took effect, and its answer was lost.
            return error.item is not None and _from_item(error.item) == recovery
        return True

    # ------------------------------------------------------------ what they are about

    def count(
        self,
        store_hash: str,
        hook_id: int,
        statuses: tuple[Status, ...],
        between: tuple[float, float],
        *,
        within_seconds: float,
    ) -> tuple[int, bool]:
        """How many deliveries have one of these statuses; and whether that is all, or the time was over.

        One call per megabyte, of the index or, if ``delivered`` is among the statuses, of all that
        the hook has.

        :param between: when their events were accepted.
        """
        first, last = ids_between(*map(_milliseconds, between))
        started, total = time.monotonic(), 0
        for source in _sources(store_hash, hook_id, statuses):
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
                answer = self._dynamodb.query(TableName=self._table, Select="COUNT", **query, **start)
            yield answer["Count"]
            if "LastEvaluatedKey" not in answer:
                return
            start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}

    def pending(self, store_hash: str, hook_id: int, most: int) -> int:
        """About how many of a hook's deliveries are to be sent again, no further than this many.

        One call per megabyte, of which many attempts may make several.
        """
        (source,) = _sources(store_hash, hook_id, (Status.PENDING,))
        total = 0
        for number in self._counts(source, *ids_between(0, _milliseconds(self._clock()))):
            total += number
            if total >= most:
                break
        return total

    def next_of(self, recovery: Recovery, most: int) -> tuple[list[DeliverySummary], str | None]:
        """The next deliveries of a recovery, without payloads; and up to which id those are all.

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
        for source in _sources(recovery.store_hash, recovery.hook_id, recovery.statuses):
            items, got_to = self._oldest(source, first, last, most)
            found += map(summary_from_item, items)
            reached += [] if got_to is None else [got_to]
        up_to = min(reached, default=None)
        found = sorted((one for one in found if up_to is None or one.id <= up_to), key=lambda one: one.id)
        if len(found) > most:
            return found[:most], found[most - 1].id
        return found, up_to

    def _oldest(self, source: _Source, first: str, last: str, most: int) -> tuple[list[Item], str | None]:
        """One query, and the id that it got to, if that was not the end."""
        query = source.query
        query["ExpressionAttributeNames"] |= LISTED_NAMES
        query["ExpressionAttributeValues"] |= self._range(first, last)
        with store_errors():
            answer = self._dynamodb.query(
                TableName=self._table, ProjectionExpression=LISTED, Limit=most, **query
            )
        got_to = answer.get("LastEvaluatedKey")
        return answer["Items"], None if got_to is None else got_to["id"]["S"]

    def _range(self, first: str, last: str) -> Item:
        return {":first": {"S": first}, ":last": {"S": last}, ":now": number_value(self._clock())}

    def _item(self, recovery: Recovery) -> Item:
        item: Item = {
            **delivery_key(recovery.store_hash, recovery.hook_id, recovery.id),
            "client_id": {"S": recovery.client_id},
            "since": number_value(recovery.since),
            "until": number_value(recovery.until),
            "statuses": {"L": [{"S": status.value} for status in recovery.statuses]},
            "created_at": number_value(recovery.created_at),
            "updated_at": number_value(recovery.updated_at),
            "progressed_at": number_value(recovery.progressed_at),
            "recovery_state": {"S": recovery.state.value},
            "found": number_value(recovery.count),
            "is_count_exact": {"BOOL": recovery.is_count_exact},
            "recovered": number_value(recovery.recovered),
            "position": {"S": recovery.position},
            "step": number_value(recovery.step),
            "expires_at": number_value(int(self._clock() + self._retention_seconds)),
        }
        if recovery.reason is not None:
            item["reason"] = {"S": recovery.reason}
        if recovery.finished_at is not None:
            item["finished_at"] = number_value(recovery.finished_at)
        return item


def _sources(store_hash: str, hook_id: int, statuses: tuple[Status, ...]) -> list[_Source]:
    if Status.DELIVERED in statuses:  # which is in no index
        return [_Source(hook_partition(store_hash, hook_id), None, statuses)]
    return [_Source(state_of(store_hash, hook_id, status), "by_state", (status,)) for status in statuses]


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)


@reads_item
def _from_item(item: Mapping[str, Any]) -> Recovery:
    store_hash, hook_id = hook_of(item)
    return Recovery(
        id=item["id"]["S"],
        store_hash=store_hash,
        hook_id=hook_id,
        client_id=item["client_id"]["S"],
        since=float(item["since"]["N"]),
        until=float(item["until"]["N"]),
        statuses=tuple(Status(status["S"]) for status in item["statuses"]["L"]),
        created_at=float(item["created_at"]["N"]),
        updated_at=float(item["updated_at"]["N"]),
        # Recoveries of earlier versions lack it.
        progressed_at=float(item.get("progressed_at", item["updated_at"])["N"]),
        state=State(item["recovery_state"]["S"]),
        reason=item["reason"]["S"] if "reason" in item else None,
        count=int(item["found"]["N"]),
        is_count_exact=item["is_count_exact"]["BOOL"],
        recovered=int(item["recovered"]["N"]),
        finished_at=float(item["finished_at"]["N"]) if "finished_at" in item else None,
        position=item["position"]["S"],
        step=int(item["step"]["N"]),
    )
