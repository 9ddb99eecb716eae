"""The recoveries of hooks, in the delivery log."""

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from storehooks.adapters.delivery_log.keys import (
    DAY_SECONDS,
    hook_of,
    is_expired,
    item_key,
    number_value,
)
from storehooks.adapters.dynamodb import (
    ConditionFailedError,
    Item,
    reads_item,
    store_errors,
)
from storehooks.domain.delivery import Status
from storehooks.domain.errors import RecoveryNotFoundError
from storehooks.domain.recovery import Recovery, RecoveryStatus

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class Recoveries:
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
        dynamodb: "DynamoDBClient",
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._table = table
        self._retention_seconds = retention_days * DAY_SECONDS
        self._dynamodb = dynamodb
        self._clock = clock

    def get(self, store_hash: str, hook_id: int, recovery_id: str) -> Recovery:
        """A recovery. One call.

        :raises RecoveryNotFoundError: if there is none, or it has expired.
        """
        with store_errors():
            response = self._dynamodb.get_item(
                TableName=self._table, Key=item_key(store_hash, hook_id, recovery_id), ConsistentRead=True
            )
        if "Item" not in response or is_expired(response["Item"], self._clock()):
            raise RecoveryNotFoundError
        return _from_item(response["Item"])

    def create(self, recovery: Recovery) -> None:
        """Save a new recovery. One call."""
        with store_errors():
            self._dynamodb.put_item(TableName=self._table, Item=self._item(recovery))

    def save(self, recovery: Recovery, *, over: Recovery) -> bool:
        """Save a recovery after a step. One call.

        :return: False if that step was done elsewhere; then nothing was written.
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
            # Equal: this write took effect, and its response was missed.
            return error.item is not None and _from_item(error.item) == recovery
        return True

    def _item(self, recovery: Recovery) -> Item:
        is_waiting = recovery.status is RecoveryStatus.WAITING
        item: Item = {
            **item_key(recovery.store_hash, recovery.hook_id, recovery.id),
            "client_id": {"S": recovery.client_id},
            "since": number_value(recovery.since),
            "until": number_value(recovery.until),
            "statuses": {"L": [{"S": status.value} for status in recovery.statuses]},
            "created_at": number_value(recovery.created_at),
            "updated_at": number_value(recovery.updated_at),
            "progressed_at": number_value(recovery.progressed_at),
            # Releases without resumptions run a waiting recovery.
            "recovery_state": {"S": (RecoveryStatus.RUNNING if is_waiting else recovery.status).value},
            "found": number_value(recovery.count),
            "is_count_exact": {"BOOL": recovery.is_count_exact},
            "recovered": number_value(recovery.recovered),
            "position": {"S": recovery.position},
            "step": number_value(recovery.step),
            "expires_at": number_value(int(self._clock() + self._retention_seconds)),
        }
        if recovery.reason is not None:
            item["reason"] = {"S": recovery.reason}
        for name in ("finished_at", "held_since", "pass_at"):
            if (at := getattr(recovery, name)) is not None:
                item[name] = number_value(at)
        if is_waiting:
            item["is_waiting"] = {"BOOL": True}
        return item


@reads_item
def _from_item(item: Mapping[str, Any]) -> Recovery:
    store_hash, hook_id = hook_of(item)

    def time_of(name: str) -> float | None:
        return float(item[name]["N"]) if name in item else None

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
        status=RecoveryStatus.WAITING
        if "is_waiting" in item
        else RecoveryStatus(item["recovery_state"]["S"]),
        reason=item["reason"]["S"] if "reason" in item else None,
        count=int(item["found"]["N"]),
        is_count_exact=item["is_count_exact"]["BOOL"],
        recovered=int(item["recovered"]["N"]),
        finished_at=time_of("finished_at"),
        position=item["position"]["S"],
        step=int(item["step"]["N"]),
        held_since=time_of("held_since"),
        pass_at=time_of("pass_at"),
    )
