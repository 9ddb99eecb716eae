"""The circuits of hooks, in the delivery log."""

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from storehooks.adapters.delivery_log.keys import (
    CIRCUIT_ID,
    DAY_SECONDS,
    item_key,
)
from storehooks.adapters.dynamodb import (
    ConditionFailedError,
    Item,
    reads_item,
    store_errors,
)
from storehooks.domain.circuit import PROBE_SECONDS, Circuit

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class Circuits:
    """The circuits of all hooks. A hook that always succeeds has no item.

    Every method may raise :class:`storehooks.domain.errors.StoreBusyError` and
    :class:`storehooks.domain.errors.StoreFailedError`.

    :param retention_days: how long a circuit is kept after its last change.
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

    def get(self, store_hash: str, hook_id: int) -> Circuit:
        """A hook's circuit. One call."""
        with store_errors():
            response = self._dynamodb.get_item(
                TableName=self._table, Key=item_key(store_hash, hook_id, CIRCUIT_ID), ConsistentRead=True
            )
        return to_circuit(response["Item"]) if "Item" in response else Circuit()

    def count_failures(self, store_hash: str, hook_id: int, number: int) -> None:
        """Add to a hook's failures in a row. One call."""
        self._update(
            store_hash,
            hook_id,
            "ADD failures :number SET expires_at = :expires_at",
            {":number": {"N": str(number)}},
        )

    def count_success(self, store_hash: str, hook_id: int, failures: int) -> None:
        """Note that an attempt succeeded after failures. One call.

        :param failures: the number of failures after it.
        """
        now = {"N": f"{self._clock():.3f}"}
        self._update(
            store_hash,
            hook_id,
            "SET failures = :number, succeeded_at = :now, expires_at = :expires_at",
            {":number": {"N": str(failures)}, ":now": now},
        )

    def claim_probe(self, store_hash: str, hook_id: int) -> bool:
        """Whether the caller may probe a tripped circuit now. One call."""
        now = self._clock()
        try:
            self._update(
                store_hash,
                hook_id,
                "SET probed_at = :now, expires_at = :expires_at",
                {":now": {"N": f"{now:.3f}"}, ":before": {"N": f"{now - PROBE_SECONDS:.3f}"}},
                condition="attribute_not_exists(probed_at) OR probed_at <= :before",
            )
        except ConditionFailedError:
            return False
        return True

    def _update(
        self, store_hash: str, hook_id: int, update: str, values: Item, condition: str | None = None
    ) -> None:
        expires_at = int(self._clock() + self._retention_seconds)
        conditional: dict[str, Any] = {} if condition is None else {"ConditionExpression": condition}
        with store_errors():
            self._dynamodb.update_item(
                TableName=self._table,
                Key=item_key(store_hash, hook_id, CIRCUIT_ID),
                UpdateExpression=update,
                ExpressionAttributeValues=values | {":expires_at": {"N": str(expires_at)}},
                **conditional,
            )


@reads_item
def to_circuit(item: Mapping[str, Any]) -> Circuit:
    """The circuit in an item."""

    def number(name: str) -> float:
        return float(item[name]["N"]) if name in item else 0.0

    return Circuit(
        failures=int(number("failures")), succeeded_at=number("succeeded_at"), probed_at=number("probed_at")
    )
