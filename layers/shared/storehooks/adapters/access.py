"""Clients and access tokens in DynamoDB.

There are two tables, so that the authorizer, which reads tokens, has no right to secrets, and ``deliver``,
which reads secrets, none to tokens. Only the SHA-256 of a token is stored.

A client's item has ``client_secret``. After a rotation it also has ``previous_secret``, which signs too until
``previous_secret_until``.
"""

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from storehooks.adapters.dynamodb import Item, store_errors
from storehooks.domain.errors import UnauthenticatedError
from storehooks.domain.identity import Caller, token_digest

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class TokensTable:
    """Resolves access tokens, for the authorizer."""

    def __init__(
        self,
        table: str,
        dynamodb: "DynamoDBClient",
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._table = table
        self._dynamodb = dynamodb
        self._clock = clock

    def caller(self, access_token: str) -> Caller:
        """The caller that a token identifies. One call.

        :raises UnauthenticatedError: if it is unknown or revoked, or has expired.
        """
        with store_errors():
            response = self._dynamodb.get_item(
                TableName=self._table,
                Key={"token_sha256": {"S": token_digest(access_token)}},
                ConsistentRead=True,
            )
        item = response.get("Item")
        # DynamoDB deletes expired items late.
        if item is None or ("expires_at" in item and int(item["expires_at"]["N"]) <= self._clock()):
            raise UnauthenticatedError
        return Caller(item["store_hash"]["S"], item["client_id"]["S"], frozenset(item["oauth_scopes"]["SS"]))


class ClientSecrets:
    """Reads clients' secrets, one client at a time, for operations that sign."""

    def __init__(
        self,
        clients_table: str,
        dynamodb: "DynamoDBClient",
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._table = clients_table
        self._dynamodb = dynamodb
        self._clock = clock

    def valid_now(self, store_hash: str, client_id: str) -> tuple[str, ...]:
        """The secrets of a client that sign now, the newest first; none if it was removed. One call."""
        with store_errors():
            response = self._dynamodb.get_item(
                TableName=self._table, Key=client_key(store_hash, client_id), ConsistentRead=True
            )
        return valid_secrets(response["Item"], self._clock()) if "Item" in response else ()


def client_key(store_hash: str, client_id: str) -> Item:
    """The key of a client's item."""
    return {"store_hash": {"S": store_hash}, "client_id": {"S": client_id}}


def valid_secrets(item: Mapping[str, Any], now: float) -> tuple[str, ...]:
    """The secrets of a client's item that sign now, the newest first."""
    if overlap_until(item) > now:
        return item["client_secret"]["S"], item["previous_secret"]["S"]
    return (item["client_secret"]["S"],)


def overlap_until(item: Mapping[str, Any]) -> int:
    """When a client's previous secret stops signing, in seconds since 1970; 0 if there is none."""
    return int(item["previous_secret_until"]["N"]) if "previous_secret_until" in item else 0
