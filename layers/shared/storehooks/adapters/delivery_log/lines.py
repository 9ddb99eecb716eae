"""The lines of hooks with a rate, in the delivery log: the second of the next free place."""

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from storehooks.adapters.delivery_log.keys import DAY_SECONDS, LINE_ID, item_key
from storehooks.adapters.dynamodb import ConditionFailedError, Item, reads_item, store_errors
from storehooks.domain.errors import StoreBusyError
from storehooks.domain.hook import Hook
from storehooks.domain.rate import Line, interval, next_places, places_from, start_of_second

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_TRIES = 8


class Lines:
    """The lines of all hooks with a rate. Other hooks have no item.

    :param retention_days: how long a line is kept after its last place was given.
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

    def reserve(self, hook: Hook, number: int) -> tuple[int, ...] | None:
        """Reserve the next places of a hook that has a rate.

        One call while its line has reservations; two if the line begins anew.

        :return: the calendar second of each place; None if the hook has changed since it was read.
        :raises StoreBusyError: if others reserve at the same time again and again.
        :raises storehooks.domain.errors.StoreFailedError:
        """
        assert hook.max_per_second is not None  # noqa: S101 - checked by the caller
        step = interval(hook.max_per_second)
        for _ in range(_TRIES):
            now = self._clock()
            try:
                response = self._update(
                    hook,
                    "ADD free_at :step SET expires_at = :expires_at",
                    "hook_version = :version AND free_at >= :present",
                    {":step": number * step, ":present": start_of_second(now)},
                )
            except ConditionFailedError as error:
                line = None if error.item is None else to_line(error.item)
            else:
                start = int(response["free_at"]["N"]) - number * step
                return places_from(start, hook.version, hook.max_per_second, number).seconds
            places = next_places(line, hook.version, hook.max_per_second, number, now)
            if places is None:
                return None
            if self._begin(hook, line, places.line):
                return places.seconds
        raise StoreBusyError

    def _begin(self, hook: Hook, seen: Line | None, line: Line) -> bool:
        """Begin a line anew, unless somebody else has done so."""
        condition, values = "attribute_not_exists(id)", {":free_at": line.free_at}
        if seen is not None:
            condition = "hook_version = :seen_version AND free_at = :seen"
            values |= {":seen_version": seen.hook_version, ":seen": seen.free_at}
        try:
            self._update(
                hook,
                "SET free_at = :free_at, hook_version = :version, expires_at = :expires_at",
                condition,
                values,
            )
        except ConditionFailedError:
            return False
        return True

    def _update(self, hook: Hook, update: str, condition: str, values: dict[str, int]) -> Mapping[str, Any]:
        """Update a line, and return it."""
        values |= {":version": hook.version, ":expires_at": int(self._clock() + self._retention_seconds)}
        numbers: Item = {name: {"N": str(value)} for name, value in values.items()}
        with store_errors():
            return self._dynamodb.update_item(
                TableName=self._table,
                Key=item_key(hook.store_hash, hook.id, LINE_ID),
                UpdateExpression=update,
                ConditionExpression=condition,
                ExpressionAttributeValues=numbers,
                ReturnValues="ALL_NEW",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )["Attributes"]


@reads_item
def to_line(item: Mapping[str, Any]) -> Line:
    """The line in an item."""
    return Line(free_at=int(item["free_at"]["N"]), hook_version=int(item["hook_version"]["N"]))
