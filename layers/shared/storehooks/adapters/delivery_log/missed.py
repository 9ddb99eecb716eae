"""The events that a client's hooks missed, in the delivery log.

The index ``by_state`` has the undelivered deliveries of each hook by status, without payloads. The payloads
of a page are read from the table.
"""

import heapq
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import batched, chain
from typing import TYPE_CHECKING

from storehooks.adapters.delivery_log.keys import (
    is_expired,
    status_partition,
)
from storehooks.adapters.dynamodb import (
    Item,
    query_pages,
    read_batch,
)
from storehooks.domain.delivery import Status, id_time

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

MAX_EVENTS = 1000
"""A list has only the newest deliveries, at most this many."""

_STATUSES = (Status.RETRYING, Status.EXHAUSTED, Status.HELD)
_AT_ONCE = 16
_MAX_READ = 100
_TRIES = 6


@dataclass(frozen=True, slots=True)
class MissedPage:
    """The payloads of some events, the newest first, and how many the whole list has."""

    payloads: tuple[str, ...]
    total: int


@dataclass(frozen=True, slots=True, order=True)
class _Found:
    """A delivery in the index. Its id sorts by when its event was accepted."""

    id: str
    event_id: str
    hook: str

    @property
    def event(self) -> tuple[str, str]:
        """What is the same for the deliveries of one event, to however many hooks."""
        return id_time(self.id), self.event_id


class MissedEvents:
    """Lists what is being retried, exhausted or held.

    May raise :class:`storehooks.domain.errors.StoreBusyError` and
    :class:`storehooks.domain.errors.StoreFailedError`.
    """

    def __init__(
        self,
        table: str,
        dynamodb: "DynamoDBClient",
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._table = table
        self._dynamodb = dynamodb
        self._clock = clock
        self._sleep = sleep

    def page(
        self, store_hash: str, hook_ids: Sequence[int], *, between: tuple[str, str], skip: int, limit: int
    ) -> MissedPage:
        """A page of the events that these hooks missed.

        Three calls for each hook, more only if hundreds of deliveries have many attempts; and one for each
        hundred events of the page. An event that several hooks missed is listed once.

        :param between: the first and the last id that a delivery may have.
        """
        first, last = between
        if first > last or not hook_ids:
            return MissedPage((), 0)
        partitions = [
            status_partition(store_hash, hook_id, status) for hook_id in hook_ids for status in _STATUSES
        ]
        with ThreadPoolExecutor(_AT_ONCE) as threads:
            found = threads.map(lambda partition: self._newest(partition, first, last), partitions)
            newest = heapq.nlargest(MAX_EVENTS, chain.from_iterable(found))
        events: dict[tuple[str, str], _Found] = {}
        for one in newest:
            events.setdefault(one.event, one)
        payloads = self._payloads(list(events.values())[skip : skip + limit])
        return MissedPage(tuple(payloads), len(events))

    def _newest(self, partition: str, first: str, last: str) -> list[_Found]:
        pages = query_pages(
            self._dynamodb,
            TableName=self._table,
            IndexName="by_state",
            KeyConditionExpression="#state = :partition AND id BETWEEN :first AND :last",
            ProjectionExpression="id, event_id, #hook, expires_at",
            ExpressionAttributeNames={"#state": "state", "#hook": "hook"},
            ExpressionAttributeValues={
                ":partition": {"S": partition},
                ":first": {"S": first},
                ":last": {"S": last},
            },
            ScanIndexForward=False,
            Limit=MAX_EVENTS,
        )
        found: list[_Found] = []
        for items in pages:
            found += [
                _Found(item["id"]["S"], item["event_id"]["S"], item["hook"]["S"])
                for item in items
                if not is_expired(item, self._clock())
            ]
            if len(found) >= MAX_EVENTS:
                break
        return found

    def _payloads(self, events: Sequence[_Found]) -> Iterator[str]:
        """The payloads of the deliveries that still exist, in order."""
        for some in batched(events, _MAX_READ, strict=False):
            payloads = self._read([{"hook": {"S": one.hook}, "id": {"S": one.id}} for one in some])
            yield from (payloads[one.id] for one in some if one.id in payloads)

    def _read(self, keys: list[Item]) -> dict[str, str]:
        requests = {self._table: {"Keys": keys, "ProjectionExpression": "id, payload"}}
        found = read_batch(self._dynamodb, requests, tries=_TRIES, sleep=self._sleep)
        return {item["id"]["S"]: item["payload"]["S"] for item in found[self._table]}
