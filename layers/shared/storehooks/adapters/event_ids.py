"""Which event ids publishers gave in the last day, in DynamoDB.

Keyed by ``event_key``, a store's hash and the id. Each names the publication that brought
it, and that publication may go on: its message can come again after a failure.
"""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from storehooks.adapters.dynamodb import ConditionFailedError, store_errors
from storehooks.domain.event import Event

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

KEPT_SECONDS = 24 * 60 * 60


class EventIdsTable:
    """The event ids that publishers gave."""

    def __init__(
        self,
        table: str,
        dynamodb: "DynamoDBClient",
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._table = table
        self._dynamodb = dynamodb
        self._clock = clock

    def is_new(self, event: Event) -> bool:
        """Whether no other publication brought this id within the last day; it is remembered. One call."""
        now = int(self._clock())
        try:
            with store_errors():
                self._dynamodb.put_item(
                    TableName=self._table,
                    Item={
                        "event_key": {"S": f"{event.store_hash}#{event.id}"},
                        "publication": {"S": event.publication},
                        "expires_at": {"N": str(now + KEPT_SECONDS)},
                    },
                    # DynamoDB takes its time with deleting what has expired.
                    ConditionExpression=(
                        "attribute_not_exists(event_key) OR publication = :this OR expires_at <= :now"
                    ),
                    ExpressionAttributeValues={":this": {"S": event.publication}, ":now": {"N": str(now)}},
                )
        except ConditionFailedError:
            return False
        return True
