"""The event ids that publishers used in the last day, in DynamoDB.

An item names the publication that used an id. That publication may go on: its message can come again after a
failure.

Ids belong to their publisher. The first publisher of an id in a store has the item ``store_hash#id``, which
0.2.0 and earlier used for all publishers. So an id that was used before an upgrade or a rollback is known
after it, and one call is enough. Another publisher of the same id finds that item, and creates one of its
own, whose key begins with a ``#``, unlike any store hash. The first item must exist as long as the other one
counts. So its ``expires_at`` is moved, and its ``free_at`` says when its own publisher may use the id again.
"""

import hashlib
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from storehooks.adapters.dynamodb import ConditionFailedError, store_errors
from storehooks.domain.errors import StoreBusyError
from storehooks.domain.event import Event, IdUse

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

KEPT_SECONDS = 24 * 60 * 60
_TRIES = 3

type _Item = Mapping[str, Any]


class EventIdsTable:
    """Stores the event ids that publishers used.

    May raise :class:`storehooks.domain.errors.StoreBusyError` and
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

    def remember(self, event: Event) -> IdUse:
        """Say whether an event's id was used before; a new id is stored.

        One call; three while another publisher of the store uses the same id.
        """
        for _ in range(_TRIES):
            now = int(self._clock())
            first = self._put(f"{event.store_hash}#{event.id}", event, now)
            if first is None or not _is_of_another(first, event):
                return _use(first, event)
            if self._keep_until(first, now + KEPT_SECONDS):
                return _use(self._put(_own_key(event), event, now), event)
        raise StoreBusyError

    def _put(self, key: str, event: Event, now: int) -> _Item | None:
        """Store an id under a key. Return the present item if another publication has the key."""
        until = {"N": str(now + KEPT_SECONDS)}
        item = {
            "event_key": {"S": key},
            "publication": {"S": event.publication},
            "expires_at": until,
        }
        # DynamoDB takes its time with deleting what has expired.
        condition = "attribute_not_exists(event_key) OR publication = :this OR expires_at <= :now"
        values = {":this": {"S": event.publication}, ":now": {"N": str(now)}}
        if event.publisher is not None:
            item |= {
                "publisher": {"S": event.publisher},
                "content": {"S": event.content_digest},
                "free_at": until,
            }
            condition += " OR (publisher = :publisher AND free_at <= :now)"
            values[":publisher"] = {"S": event.publisher}
        try:
            with store_errors():
                self._dynamodb.put_item(
                    TableName=self._table,
                    Item=item,
                    ConditionExpression=condition,
                    ExpressionAttributeValues=values,
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
        except ConditionFailedError as error:
            if error.item is None:
                raise StoreBusyError from error
            return error.item
        return None

    def _keep_until(self, first: _Item, until: int) -> bool:
        """Keep an item at least until a time. Return False if it has changed since it was read."""
        if int(first["expires_at"]["N"]) >= until:
            return True
        try:
            with store_errors():
                self._dynamodb.put_item(
                    TableName=self._table,
                    Item={**first, "expires_at": {"N": str(until)}},
                    ConditionExpression="publication = :publication AND expires_at = :expires_at",
                    ExpressionAttributeValues={
                        ":publication": first["publication"],
                        ":expires_at": first["expires_at"],
                    },
                )
        except ConditionFailedError:
            return False
        return True


def _own_key(event: Event) -> str:
    """A key that no other publisher has, and no claim (``claims.py``)."""
    publisher = hashlib.sha256(str(event.publisher).encode()).hexdigest()
    return f"#event#{event.store_hash}#{publisher}#{event.id}"


def _is_of_another(item: _Item, event: Event) -> bool:
    """Whether another publisher used the id; False if one of the two publishers is unknown."""
    return "publisher" in item and event.publisher not in {None, item["publisher"]["S"]}


def _use(found: _Item | None, event: Event) -> IdUse:
    """Compare an event with an item of the same publisher."""
    if found is None:
        return IdUse.NEW
    is_known = "content" in found and event.publisher is not None
    return IdUse.CONFLICT if is_known and found["content"]["S"] != event.content_digest else IdUse.REPEAT
