"""Claims of things that are done once: claim it, do it, confirm it.

A claim expires after 45 s, so a crash between claim and confirmation suppresses nothing for longer. A thing
that was done and could not be confirmed may be done again.

Claims are in the table of event ids. Their keys begin with a ``#``, unlike any store hash, so no publisher's
event id can have the same key.
"""

import time
import uuid
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from storehooks.adapters.dynamodb import ConditionFailedError, store_errors

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

CLAIM_SECONDS = 45
"""Longer than a function takes for a claimed thing, and shorter than the time until its task comes again."""
_MAX_REMEMBERED = 10_000


class Claims:
    """Stores claims and confirmations.

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
        # By key, until when the table refuses a claim, as far as this process knows. It may refuse for
        # longer.
        self._refused_until: dict[str, int] = {}

    def claim(self, what: str) -> bool:
        """Claim a thing. Return whether the caller may do it: it was not done, and nobody else claims it.

        One call; none while this process knows that the table refuses.
        """
        key, now = _key(what), int(self._clock())
        if self._refused_until.get(key, now) > now:
            return False
        # An id distinguishes this write from another's.
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
            return error.item == claim  # its write took effect, and the response was missed
        self._remember(claim)
        return True

    def confirm(self, what: str, *, for_seconds: int) -> None:
        """Note that it was done, and must not be done again for ``for_seconds``. One call."""
        done = _item(_key(what), int(self._clock()) + for_seconds)
        self._remember(done)  # before the write, because it was done even if that fails
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
