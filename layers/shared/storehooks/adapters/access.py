"""Clients and access tokens in DynamoDB.

Two tables, so that what reads tokens (the authorizer) has no right to secrets, and what
reads secrets (deliveries) none to tokens. Of a token only its SHA-256 is stored.

A client's item holds ``client_secret``; once that was rotated, also ``previous_secret``, which
signs beside it until ``previous_secret_until``.
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
    """What the authorizer needs: whom an access token stands for."""

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
        """Whom the token stands for, as of now. One call.

        :raises UnauthenticatedError: when it is unknown or revoked, or its time is over.
        """
        with store_errors():
            response = self._dynamodb.get_item(
                TableName=self._table,
                Key={"token_sha256": {"S": token_digest(access_token)}},
                ConsistentRead=True,
            )
        item = response.get("Item")
        # DynamoDB takes its time with deleting what has expired.
        if item is None or ("expires_at" in item and int(item["expires_at"]["N"]) <= self._clock()):
            raise UnauthenticatedError
        return Caller(item["store_hash"]["S"], item["client_id"]["S"], frozenset(item["oauth_scopes"]["SS"]))


class ClientSecrets:
    """What an operation needs that sends a client something signed, now and then."""

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
        """The secrets that sign now, the newest first; none of a client that was removed. One call."""
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
    """Until when a client's previous secret signs; 0 if there is none."""
    return int(item["previous_secret_until"]["N"]) if "previous_secret_until" in item else 0
