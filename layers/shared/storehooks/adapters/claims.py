"""What is to be done once: claim it, do it, confirm it.

A claim expires after 45 s unless it is confirmed. So a process that ends, or a call that fails, between
claim and confirmation suppresses nothing for longer. What was done and could not be confirmed may be
done again.

Claims are in the table of event ids. Their keys begin with a ``#``, which no store's hash does: no
publisher's event id is one of them.
"""

import time
import uuid
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from storehooks.adapters.dynamodb import ConditionFailedError, store_errors

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

CLAIM_SECONDS = 45
"""Longer than a function takes to do what it claimed, and over before its task comes again."""
_MAX_REMEMBERED = 10_000


class Claims:
    """Claims of what is to be done once, and what was done.

    Every method may raise :class:`storehooks.domain.errors.StoreBusyError` and
    :class:`storehooks.domain.errors.StoreFailedError`.
    """

    def __init__(
        self,
        table: str,
        dynamodb: "DynamoDBClient",
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._table = table
        self._dynamodb = dynamodb
        self._clock = clock
        # Until when the table refuses each key, as far as this process knows; it never refuses for less.
        self._refused_until: dict[str, int] = {}

    def claim(self, what: str) -> bool:
        """Whether the caller is to do this now: it was not done, and nobody else has claimed it.

        One call; none while this process knows that the table refuses.
        """
        key, now = _key(what), int(self._clock())
        if self._refused_until.get(key, now) > now:
            return False
        # Its own id distinguishes this very write from another's.
        claim = _item(key, now + CLAIM_SECONDS) | {"claimed_by": {"S": uuid.uuid4().hex}}
        try:
            with store_errors():
                self._dynamodb.put_item(
                    TableName=self._table,
                    Item=claim,
                    ConditionExpression="attribute_not_exists(event_key) OR expires_at <= :now",
                    ExpressionAttributeValues={":now": {"N": str(now)}},
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
        except ConditionFailedError as error:
            if error.item is None:
                return False
            self._remember(error.item)
            return error.item == claim  # then its write took effect, and the response was lost
        self._remember(claim)
        return True

    def confirm(self, what: str, *, for_seconds: int) -> None:
        """Note that it was done, and is not to be done again for so long. One call."""
        done = _item(_key(what), int(self._clock()) + for_seconds)
        self._remember(done)  # first, because it was done even if the write fails
        with store_errors():
            self._dynamodb.put_item(TableName=self._table, Item=done)

    def _remember(self, item: Mapping[str, Any]) -> None:
        if len(self._refused_until) >= _MAX_REMEMBERED:
            self._refused_until.clear()
        self._refused_until[item["event_key"]["S"]] = int(item["expires_at"]["N"])


def _key(what: str) -> str:
    return f"#told#{what}"  # as earlier releases named it, so that their claims hold


def _item(key: str, until: int) -> dict[str, Any]:
    return {"event_key": {"S": key}, "expires_at": {"N": str(until)}}
