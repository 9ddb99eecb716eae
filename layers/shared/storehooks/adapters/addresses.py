"""Whom to write to about a client's hooks.

In the hooks' table, an item for each client under ``admin#store#client`` and id 0.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from storehooks.adapters.dynamodb import store_errors

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_ID = "0"


class Addresses:
    """The e-mail addresses that clients have named.

    Every method may raise :class:`storehooks.domain.errors.StoreBusyError` and
    :class:`storehooks.domain.errors.StoreFailedError`.
    """

    def __init__(self, table: str, dynamodb: "DynamoDBClient") -> None:
        self._table = table
        self._dynamodb = dynamodb

    def get(self, store_hash: str, client_id: str) -> tuple[str, ...]:
        """The addresses of a client of a store. One call."""
        with store_errors():
            answer = self._dynamodb.get_item(
                TableName=self._table, Key=addresses_key(store_hash, client_id), ConsistentRead=True
            )
        emails = answer["Item"]["emails"]["L"] if "Item" in answer else []
        return tuple(email["S"] for email in emails)

    def put(self, store_hash: str, client_id: str, emails: Sequence[str]) -> None:
        """Have these instead of the earlier ones. One call."""
        with store_errors():
            self._dynamodb.put_item(
                TableName=self._table,
                Item=addresses_key(store_hash, client_id)
                | {"emails": {"L": [{"S": email} for email in emails]}},
            )


def addresses_key(store_hash: str, client_id: str) -> dict[str, Any]:
    """The key of a client's item."""
    return {"store_hash": {"S": f"admin#{store_hash}#{client_id}"}, "id": {"N": _ID}}
