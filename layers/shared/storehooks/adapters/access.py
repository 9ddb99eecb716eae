"""Clients and access tokens in DynamoDB.

Two tables, so that what reads tokens (the authorizer) has no right to secrets, and what
reads secrets (deliveries) none to tokens. Of a token only its SHA-256 is stored.
"""

import secrets
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from storehooks.adapters.aws import dynamodb_client
from storehooks.adapters.dynamodb import ConditionFailedError, store_errors
from storehooks.domain.errors import UnauthenticatedError
from storehooks.domain.identity import (
    Caller,
    check_client_id,
    check_oauth_scope,
    check_store_hash,
    token_digest,
)

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_TOKEN_BYTES = 32


class TokensTable:
    """What the authorizer needs: whom an access token stands for."""

    def __init__(self, table: str, dynamodb: "DynamoDBClient | None" = None) -> None:
        self._table = table
        self._dynamodb = dynamodb or dynamodb_client()

    def caller(self, access_token: str) -> Caller:
        """Whom the token stands for, as of now. One call.

        :raises UnauthenticatedError: when it is unknown or revoked.
        """
        with store_errors():
            answer = self._dynamodb.get_item(
                TableName=self._table,
                Key={"token_sha256": {"S": token_digest(access_token)}},
                ConsistentRead=True,
            )
        if "Item" not in answer:
            raise UnauthenticatedError
        item = answer["Item"]
        return Caller(item["store_hash"]["S"], item["client_id"]["S"], frozenset(item["oauth_scopes"]["SS"]))


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token as it is shown once, with the secret that signs its client's deliveries."""

    store_hash: str
    client_id: str
    client_secret: str = field(repr=False)
    access_token: str = field(repr=False)
    oauth_scopes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TokenRecord:
    """What is known of a token afterwards. ``created_at`` is in seconds since 1970."""

    token_sha256: str
    store_hash: str
    client_id: str
    oauth_scopes: tuple[str, ...]
    created_at: int


class AccessTables:
    """What the owner of a deployment does with clients and tokens."""

    def __init__(
        self,
        tokens_table: str,
        clients_table: str,
        dynamodb: "DynamoDBClient | None" = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._tokens = tokens_table
        self._clients = clients_table
        self._dynamodb = dynamodb or dynamodb_client()
        self._clock = clock

    def create_token(
        self, store_hash: str, client_id: str | None = None, oauth_scopes: Iterable[str] = ("default",)
    ) -> NewToken:
        """Make a token, and its client unless there is one.

        Further tokens of a client share its hooks and its secret.

        :raises storehooks.domain.errors.InvalidValueError: for a malformed argument.
        """
        check_store_hash(store_hash)
        client_id = secrets.token_hex(16) if client_id is None else check_client_id(client_id)
        scopes = tuple(sorted({check_oauth_scope(scope) for scope in oauth_scopes}))
        now = str(int(self._clock()))
        with store_errors():
            client = self._dynamodb.update_item(
                TableName=self._clients,
                Key={"store_hash": {"S": store_hash}, "client_id": {"S": client_id}},
                UpdateExpression=(
                    "SET client_secret = if_not_exists(client_secret, :secret), "
                    "created_at = if_not_exists(created_at, :now)"
                ),
                ExpressionAttributeValues={
                    ":secret": {"S": secrets.token_hex(_TOKEN_BYTES)},
                    ":now": {"N": now},
                },
                ReturnValues="ALL_NEW",
            )
        # Letters and digits alone: a token is pasted into shells and headers.
        access_token = secrets.token_hex(_TOKEN_BYTES)
        with store_errors():
            self._dynamodb.put_item(
                TableName=self._tokens,
                Item={
                    "token_sha256": {"S": token_digest(access_token)},
                    "store_hash": {"S": store_hash},
                    "client_id": {"S": client_id},
                    "oauth_scopes": {"SS": list(scopes)},
                    "created_at": {"N": now},
                },
            )
        return NewToken(
            store_hash, client_id, client["Attributes"]["client_secret"]["S"], access_token, scopes
        )

    def list_tokens(self, store_hash: str) -> list[TokenRecord]:
        """The tokens of a store, the oldest first."""
        check_store_hash(store_hash)
        with store_errors():
            pages = self._dynamodb.get_paginator("query").paginate(
                TableName=self._tokens,
                IndexName="by_store",
                KeyConditionExpression="store_hash = :store",
                ExpressionAttributeValues={":store": {"S": store_hash}},
            )
            items = [item for page in pages for item in page["Items"]]
        return sorted(map(_to_record, items), key=lambda record: (record.created_at, record.token_sha256))

    def revoke_token(self, store_hash: str, token_sha256: str) -> None:
        """Make a store's token worth nothing. The gateway may remember it for the cache's time.

        :raises UnauthenticatedError: when the store has no such token.
        """
        try:
            with store_errors():
                self._dynamodb.delete_item(
                    TableName=self._tokens,
                    Key={"token_sha256": {"S": token_sha256}},
                    ConditionExpression="store_hash = :store",
                    ExpressionAttributeValues={":store": {"S": store_hash}},
                )
        except ConditionFailedError:
            raise UnauthenticatedError from None


def _to_record(item: dict[str, Any]) -> TokenRecord:
    return TokenRecord(
        token_sha256=item["token_sha256"]["S"],
        store_hash=item["store_hash"]["S"],
        client_id=item["client_id"]["S"],
        oauth_scopes=tuple(sorted(item["oauth_scopes"]["SS"])),
        created_at=int(item["created_at"]["N"]),
    )
