"""The due index: the attempts that the retry sweep sends to the queue, and their times."""

import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import batched
from typing import TYPE_CHECKING, Any

from storehooks.adapters.delivery_log.keys import (
    DUE_SHARDS,
    hook_of,
    item_key,
    mark_key,
    number_value,
)
from storehooks.adapters.dynamodb import (
    ConditionFailedError,
    Item,
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
_AT_ONCE = 20  # two calls of the queue
_MAX_OF_PAGE = 200  # this many are delayed by five minutes if the sweep stops before it has sent them
_MINUTE_SECONDS = 60
_THOUSANDTH = 0.001  # what times are kept to


class DueIndex:
    """The due attempts of all stores.

    A retry without a message is in the index at its time. The sweep takes a page of them with one write,
    which moves the mark of their shard past them. Five minutes later it looks at each again, in case its
    message is missing. Those it claims one by one, like attempts that are late, were released, or have a
    message: it moves the entry to the time of the next look.

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
        self._taken_until: dict[str, float] = {}
        """By shard, the mark that this process has set. Entries before it were taken."""

    def take_due(self, until: float) -> Iterator[DueBatch]:
        """Claim attempts that are due up to a time, and yield them in batches.

        A claim lasts five minutes or more. So only one of two sweeps at once gets an attempt, and a sweep
        that stops before sending an attempt only delays it. Failures are yielded too, and stay due.
        """
        # Begin with another shard each time, because a sweep may not reach the last.
        first = int(self._clock() // _MINUTE_SECONDS)
        with ThreadPoolExecutor(_AT_ONCE) as threads:
            for number in range(first, first + DUE_SHARDS):
                shard = str(number % DUE_SHARDS)
                try:
                    for page, end in self._pages(shard, until):
                        yield from self._take(threads, shard, page, end, until)
                except TransientError as error:
                    yield DueBatch([], [DueFailure(error, {"shard": int(shard)})])

    def _pages(self, shard: str, until: float) -> Iterator[tuple[list[Item], float]]:
        """The entries of a shard up to a time, and before which time those of a page are all there are."""
        start: dict[str, Any] = {}
        left: list[Item] = []
        while True:
            with store_errors():
                response = self._dynamodb.query(
                    TableName=self._table,
                    IndexName="by_due",
                    KeyConditionExpression="due_shard = :shard AND due_at <= :until",
                    ExpressionAttributeValues={":shard": {"S": shard}, ":until": {"N": f"{until:.3f}"}},
                    Limit=_MAX_OF_PAGE,
                    **start,
                )
            items: list[Item] = left + response["Items"]
            if "LastEvaluatedKey" not in response:
                yield items, until + _THOUSANDTH
                return
            end = max((_number(item, "due_at") for item in items), default=0.0)
            yield [item for item in items if _number(item, "due_at") < end], end
            left = [item for item in items if _number(item, "due_at") == end]
            start = {"ExclusiveStartKey": response["LastEvaluatedKey"]}

    def _take(
        self, threads: Executor, shard: str, items: Sequence[Item], end: float, until: float
    ) -> Iterator[DueBatch]:
        due: list[_Due] = []
        for item in items:
            try:
                due.append(_read_due(item))
            except CorruptItemError as error:  # the other ones are still due
                yield DueBatch([], [DueFailure(error, {"delivery_id": item["id"]["S"]})])
        taken_until = self._taken_until.get(shard, 0.0)
        if any(one.is_at_its_time and one.due_at >= taken_until for one in due):
            taken_until = self._move_mark(shard, end)
        ours = [one for one in due if one.is_at_its_time and one.due_at >= taken_until]
        on_time_from = self._clock() - _MINUTE_SECONDS
        on_time = [one for one in ours if one.due_at >= on_time_from]
        late = [one for one in ours if one.due_at < on_time_from]
        again = [
            one
            for one in due
            if not one.is_at_its_time or (one.due_at < taken_until and one.due_at + SAFETY_SECONDS <= until)
        ]
        for some in batched(on_time, _AT_ONCE, strict=False):
            yield DueBatch([one.as_due for one in some], [])
        for some in batched(late, _AT_ONCE, strict=False):
            claims = list(threads.map(self._claim, some))
            # Those that cannot be claimed are sent too: they are ours, and are only looked at again too soon.
            yield _batch(some, claims, are_ours=True)
        for some in batched(again, _AT_ONCE, strict=False):
            yield _batch(some, list(threads.map(self._claim, some)), are_ours=False)

    def _move_mark(self, shard: str, end: float) -> float:
        """Take the entries of a shard before a time. Return since when they were not taken. One call."""
        mark_id = uuid.uuid4().hex
        try:
            with store_errors():
                response = self._dynamodb.update_item(
                    TableName=self._table,
                    Key=mark_key(shard),
                    UpdateExpression=(
                        "SET taken_since = if_not_exists(taken_until, :never), "
                        "taken_until = :end, taken_by = :by"
                    ),
                    ConditionExpression="attribute_not_exists(taken_until) OR taken_until < :end",
                    ExpressionAttributeValues={
                        ":never": {"N": "0"},
                        ":end": number_value(end),
                        ":by": {"S": mark_id},
                    },
                    ReturnValues="ALL_NEW",
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
            mark: Mapping[str, Any] = response["Attributes"]
        except ConditionFailedError as error:
            # Another sweep has taken all of it; or this write took effect, and its response was missed.
            if error.item is None or error.item["taken_by"]["S"] != mark_id:
                return end
            mark = error.item
        self._taken_until[shard] = end
        return _number(mark, "taken_since")

    def _claim(self, one: "_Due") -> bool | TransientError:
        """Claim a delivery: move its next look. Return whether that was done here, or the error. One call."""
        later = claimed_until(one.next_attempt_at, self._clock())
        try:
            return self._move_due(one.task, seen=number_value(one.due_at), to=later)
        except TransientError as error:
            return error

    def release(self, task: AttemptTask, next_attempt_at: float) -> None:
        """Make a claimed attempt due again, because it could not be sent. One call."""
        later = claimed_until(next_attempt_at, self._clock())
        self._move_due(task, seen=later, to=due_again(next_attempt_at), at_most=True)

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
            # Already moved: this write took effect, and its response was missed.
            return error.item is not None and error.item.get("due_at") == to
        return True


@dataclass(frozen=True, slots=True)
class _Due:
    """An entry of the index: a delivery's next attempt, its time, and when the sweep has to look at it."""

    task: AttemptTask
    next_attempt_at: float
    due_at: float

    @property
    def as_due(self) -> tuple[AttemptTask, float]:
        """The attempt, and its time."""
        return self.task, self.next_attempt_at

    @property
    def is_at_its_time(self) -> bool:
        """Whether it stands where the attempt was planned: no message brought it, and nobody moved it."""
        return self.due_at == self.next_attempt_at


def _batch(due: Sequence[_Due], claims: Sequence[bool | TransientError], *, are_ours: bool) -> DueBatch:
    """What was claimed of these, and what failed."""
    batch = DueBatch([], [])
    for one, claim in zip(due, claims, strict=True):
        if isinstance(claim, TransientError):
            batch.failures.append(DueFailure(claim, one.task.log_keys))
        if claim is True or (are_ours and claim is not False):
            batch.due.append(one.as_due)
    return batch


@reads_item
def _read_due(item: Mapping[str, Any]) -> _Due:
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
    return _Due(task, _number(item, "next_attempt_at"), _number(item, "due_at"))


def _number(item: Mapping[str, Any], name: str) -> float:
    return float(item[name]["N"])


def due_again(next_attempt_at: float) -> Item:
    """When the sweep has to look at a delivery that was given back: a moment before its time.

    There it is found by itself, although all that is at its time was taken.
    """
    return number_value(next_attempt_at - _THOUSANDTH)


def claimed_until(next_attempt_at: float, now: float) -> Item:
    """When a claim ends, and a sweep looks at the delivery again.

    The longer the delivery is overdue, the longer is the claim, up to an hour. So a queue without a consumer
    does not fill with repeats, and an attempt that is left to the sweep waits an hour at most.
    """
    overdue = max(0.0, now - next_attempt_at)
    return number_value(next_attempt_at + overdue + min(max(SAFETY_SECONDS, overdue), _MAX_CLAIM_SECONDS))
