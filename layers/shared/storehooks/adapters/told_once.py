"""What was told once, in the table of event ids: so that a repeat of the occasion does not tell it again.

Its keys begin with a ``#``, which no store's hash does: no publisher's event id is one of them.
"""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from storehooks.adapters.aws import dynamodb_client
from storehooks.adapters.dynamodb import ConditionFailedError, store_errors

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_TELLING_SECONDS = 45
"""Longer than a function tells, and over before its task comes again."""
_KEPT_SECONDS = 14 * 24 * 60 * 60
"""As long as a dead letter is kept, which may be told again."""


class ToldOnce:
    """Takes turns at telling something, and remembers that it was told.

    Every method may raise :class:`storehooks.domain.errors.StoreBusyError` and
    :class:`storehooks.domain.errors.StoreFailedError`.
    """

    def __init__(
        self,
        table: str,
        dynamodb: "DynamoDBClient | None" = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._table = table
        self._dynamodb = dynamodb or dynamodb_client()
        self._clock = clock

    def claim(self, what: str) -> bool:
        """Whether this is to be told now: nobody did, and nobody else is at it. One call.

        Who ends without having told it does not keep it from being told: a claim lasts 45 s.
        """
        now = int(self._clock())
        try:
            with store_errors():
                self._put(
                    what,
                    until=now + _TELLING_SECONDS,
                    condition={
                        "ConditionExpression": "attribute_not_exists(event_key) OR expires_at <= :now",
                        "ExpressionAttributeValues": {":now": {"N": str(now)}},
                    },
                )
        except ConditionFailedError:
            return False
        return True

    def done(self, what: str) -> None:
        """Remember that it was told. One call."""
        with store_errors():
            self._put(what, until=int(self._clock()) + _KEPT_SECONDS, condition={})

    def _put(self, what: str, *, until: int, condition: dict[str, Any]) -> None:
        item = {"event_key": {"S": f"#told#{what}"}, "expires_at": {"N": str(until)}}
        self._dynamodb.put_item(TableName=self._table, Item=item, **condition)
