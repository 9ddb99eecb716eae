"""The access tokens of all clients in DynamoDB, for their management.

An item has a token's SHA-256, which is its id, and the attributes that :mod:`storehooks.adapters.access`
reads. The item of an admin token has ``#admin`` for the store, and its own id for the client.
"""

import random
import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any

from storehooks.adapters.access import client_key
from storehooks.adapters.dynamodb import (
    ConditionFailedError,
    Item,
    TransactionCancelledError,
    query_pages,
    store_errors,
)
from storehooks.domain.client import IssuedToken, Token
from storehooks.domain.errors import ClientNotFoundError, StoreBusyError, TokenNotFoundError
from storehooks.domain.identity import token_digest

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_TOKEN_BYTES = 32
_INDEX = "by_store"
# Requests for the same client at the same moment conflict: each loser tries again.
_TRIES = 8
_MAX_PAUSE_SECONDS = 0.5
_AT_ONCE = 250


class TokenIssuer:
    """Makes tokens for clients.

    :param clients_table: the table in which the client must exist.
    """

    def __init__(
        self,
        table: str,
        clients_table: str,
        dynamodb: "DynamoDBClient",
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._table = table
        self._clients_table = clients_table
        self._dynamodb = dynamodb
        self._clock = clock
        self._sleep = sleep

    def issue(
        self,
        store_hash: str,
        client_id: str,
        oauth_scopes: Iterable[str],
        *,
        expires_at: int | None = None,
        is_portal_link: bool = False,
    ) -> IssuedToken:
        """Create a token for a client, unless the client is removed at the same moment. One call.

        :param expires_at: when the token expires.
        :raises ClientNotFoundError: if the store has no such client.
        :raises StoreBusyError: if the table is busy, or others change the client again and again.
        :raises storehooks.domain.errors.StoreFailedError:
        """
        now = int(self._clock())
        new = new_token(store_hash, client_id, oauth_scopes, now, expires_at, is_portal_link=is_portal_link)
        for tries in range(1, _TRIES + 1):
            try:
                with store_errors():
                    # botocore adds a request token, so a retry after a missed response is idempotent.
                    self._dynamodb.transact_write_items(
                        TransactItems=[
                            {
                                "ConditionCheck": {
                                    "TableName": self._clients_table,
                                    "Key": client_key(store_hash, client_id),
                                    "ConditionExpression": "attribute_exists(client_secret)",
                                }
                            },
                            {"Put": {"TableName": self._table, "Item": token_item(new.token)}},
                        ]
                    )
            except TransactionCancelledError as error:
                if any(reason.get("Code") == "ConditionalCheckFailed" for reason in error.reasons):
                    raise ClientNotFoundError from None
                self._sleep(random.uniform(0, min(0.02 * 2**tries, _MAX_PAUSE_SECONDS)))  # noqa: S311 - jitter
            else:
                return new
        raise StoreBusyError


class AccessTokens:
    """The existing tokens.

    Every method may raise :class:`storehooks.domain.errors.StoreBusyError` and
    :class:`storehooks.domain.errors.StoreFailedError`.
    """

    def __init__(self, table: str, dynamodb: "DynamoDBClient") -> None:
        self._table = table
        self._dynamodb = dynamodb

    def page(
        self, store_hash: str, *, client_id: str | None = None, after: str | None, limit: int
    ) -> tuple[list[Token], str | None]:
        """A page of a store's tokens by id; recently expired ones may be among them. One call per megabyte.

        Tokens created or deleted a moment ago may not be reflected yet.

        :param client_id: the tokens' client; None for all clients.
        :param after: the page begins after this id; None for the first page.
        :return: the tokens, and the id after which there are more, None if there are none.
        """
        condition, values = "store_hash = :store", {":store": {"S": store_hash}}
        # DynamoDB applies the limit before the filter. So with a filter, each call reads a megabyte.
        only: dict[str, Any] = {"Limit": limit + 1}
        if after is not None:
            condition += " AND token_sha256 > :after"
            values[":after"] = {"S": after}
        if client_id is not None:
            only = {"FilterExpression": "client_id = :client"}
            values[":client"] = {"S": client_id}
        pages = query_pages(
            self._dynamodb,
            TableName=self._table,
            IndexName=_INDEX,
            KeyConditionExpression=condition,
            ExpressionAttributeValues=values,
            **only,
        )
        tokens = [_to_token(item) for item in islice((item for page in pages for item in page), limit + 1)]
        return tokens[:limit], tokens[limit - 1].id if len(tokens) > limit else None

    def delete(self, store_hash: str, token_id: str, *, client_id: str | None = None) -> None:
        """Revoke a store's token. The gateway may accept it until its cache expires. One call.

        :param client_id: the client that the token must belong to; None for any client.
        :raises TokenNotFoundError: if there is no such token.
        """
        condition, values = "store_hash = :store", {":store": {"S": store_hash}}
        if client_id is not None:
            condition += " AND client_id = :client"
            values[":client"] = {"S": client_id}
        try:
            with store_errors():
                self._dynamodb.delete_item(
                    TableName=self._table,
                    Key={"token_sha256": {"S": token_id}},
                    ConditionExpression=condition,
                    ExpressionAttributeValues=values,
                )
        except ConditionFailedError:
            raise TokenNotFoundError from None

    def delete_all(self, store_hash: str, client_id: str) -> Iterator[int]:
        """Revoke all of a client's tokens. One call per megabyte of its store's tokens, and one per token.

        :return: 1 for each token.
        """
        after: str | None = None
        while True:
            tokens, after = self.page(store_hash, client_id=client_id, after=after, limit=_AT_ONCE)
            for token in tokens:
                with store_errors():
                    self._dynamodb.delete_item(TableName=self._table, Key={"token_sha256": {"S": token.id}})
                yield 1
            if after is None:
                return


def new_token(
    store_hash: str,
    client_id: str | None,
    oauth_scopes: Iterable[str],
    now: int,
    expires_at: int | None,
    *,
    is_portal_link: bool = False,
) -> IssuedToken:
    """A new token, not stored yet.

    :param client_id: None for a token of no client, which has its own id instead.
    """
    # Letters and digits only, because tokens are pasted into shells and headers.
    access_token = secrets.token_hex(_TOKEN_BYTES)
    token_id, scopes = token_digest(access_token), tuple(sorted(set(oauth_scopes)))
    token = Token(token_id, store_hash, client_id or token_id, scopes, now, expires_at, is_portal_link)
    return IssuedToken(token, access_token)


def token_item(token: Token) -> Item:
    """A token as an item of the table."""
    item: Item = {
        "token_sha256": {"S": token.id},
        "store_hash": {"S": token.store_hash},
        "client_id": {"S": token.client_id},
        "oauth_scopes": {"SS": list(token.oauth_scopes)},
        "created_at": {"N": str(token.created_at)},
    }
    if token.expires_at is not None:
        item["expires_at"] = {"N": str(token.expires_at)}
    if token.is_portal_link:
        item["is_portal_link"] = {"BOOL": True}
    return item


def _to_token(item: Mapping[str, Any]) -> Token:
    return Token(
        id=item["token_sha256"]["S"],
        store_hash=item["store_hash"]["S"],
        client_id=item["client_id"]["S"],
        oauth_scopes=tuple(sorted(item["oauth_scopes"]["SS"])),
        created_at=int(item["created_at"]["N"]),
        expires_at=int(item["expires_at"]["N"]) if "expires_at" in item else None,
        is_portal_link="is_portal_link" in item,
    )
