"""Leases in DynamoDB: a pool never has more than its limit, however many requests come at once.

The table of event ids has an item for each pool, with its leases as a set of texts (``leases``). One write
takes a lease if the pool has room. If not, a second write drops leases that have ended, on the condition that
the set has not changed since it was read. The item expires two weeks after its last change.

The keys begin with a ``#``, as those of :mod:`storehooks.adapters.claims` do.
"""

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from storehooks.adapters.dynamodb import ConditionFailedError, store_errors
from storehooks.domain.errors import StoreBusyError
from storehooks.domain.lease import LEASE_SECONDS, Lease, LeasePool

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_KEPT_SECONDS = 14 * 24 * 60 * 60
_TRIES = 4


class Leases:
    """The leases of all clients.

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

    def take(self, pool: LeasePool, holder: str, is_over: Callable[[Lease], bool]) -> Lease | None:
        """Take a lease for a holder that has none; None if the pool is full.

        One call while the pool has room. Otherwise one more, if ``is_over`` says that one of its leases has
        ended.
        """
        lease = Lease(holder, int(self._clock()) + LEASE_SECONDS)
        found: set[str] = set()
        kept: set[str] = set()
        for _ in range(_TRIES):
            try:
                if len(found) < pool.limit:
                    self._add(pool, lease)
                else:
                    self._replace(pool, found, kept | {_to_text(lease)})
            except ConditionFailedError as error:
                found = set((error.item or {}).get("leases", {"SS": []})["SS"])
                if _to_text(lease) in found:  # its write took effect, and the response was missed
                    return lease
                kept = {text for text in found if not is_over(_from_text(text))}
                if len(kept) >= pool.limit:
                    return None
            else:
                return lease
        raise StoreBusyError

    def release(self, pool: LeasePool, lease: Lease) -> None:
        """Release a lease; nothing happens if it has ended. One call."""
        self._update(pool, "DELETE leases :lease", {":lease": {"SS": [_to_text(lease)]}})

    def _add(self, pool: LeasePool, lease: Lease) -> None:
        self._update(
            pool,
            "ADD leases :lease",
            {":lease": {"SS": [_to_text(lease)]}, ":limit": {"N": str(pool.limit)}},
            ConditionExpression="attribute_not_exists(leases) OR size(leases) < :limit",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )

    def _replace(self, pool: LeasePool, found: set[str], new: set[str]) -> None:
        self._update(
            pool,
            "SET leases = :new",
            {":new": {"SS": sorted(new)}, ":found": {"SS": sorted(found)}},
            ConditionExpression="leases = :found",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )

    def _update(self, pool: LeasePool, change: str, values: Mapping[str, Any], **condition: Any) -> None:
        expires_at = {"N": str(int(self._clock()) + _KEPT_SECONDS)}
        setting = ", expires_at = :end" if change.startswith("SET") else " SET expires_at = :end"
        with store_errors():
            self._dynamodb.update_item(
                TableName=self._table,
                Key={"event_key": {"S": lease_key(pool)}},
                UpdateExpression=change + setting,
                ExpressionAttributeValues={**values, ":end": expires_at},
                **condition,
            )


def lease_key(pool: LeasePool) -> str:
    """The ``event_key`` of a pool's item."""
    return f"#leases#{pool.kind}#{pool.store_hash}#{pool.client_id}"


def _to_text(lease: Lease) -> str:
    return f"{lease.ends_at}#{lease.holder}"


def _from_text(text: str) -> Lease:
    ends_at, _, holder = text.partition("#")
    return Lease(holder, int(ends_at))
