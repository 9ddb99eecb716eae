"""The clients and access tokens of a deployment: what their owner does with them.

How they are stored, and what the functions read of them, is in :mod:`storehooks.adapters.access`.
"""

import secrets
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from storehooks.adapters.access import client_key, overlap_until
from storehooks.adapters.dynamodb import ConditionFailedError, query_pages, store_errors
from storehooks.domain.errors import CallerError, InvalidValueError, UnauthenticatedError
from storehooks.domain.identity import check_store_hash, token_digest
from storehooks_cli.batch_delete import delete_items
from storehooks_cli.identity import check_client_id, check_oauth_scope

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

type Item = dict[str, Any]

_TOKEN_BYTES = 32


class ClientNotFoundError(CallerError):
    """The store has no such client."""


class SecretOverlapError(CallerError):
    """A client's secret was rotated, and the former one still signs; ``until`` is in seconds since 1970."""

    def __init__(self, until: int) -> None:
        super().__init__(until)
        self.until = until


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token as it is shown once, with the secret that signs its client's deliveries.

    ``expires_at`` is in seconds since 1970, None if the token has no end.
    """

    store_hash: str
    client_id: str
    client_secret: str = field(repr=False)
    access_token: str = field(repr=False)
    oauth_scopes: tuple[str, ...]
    expires_at: int | None


@dataclass(frozen=True, slots=True)
class TokenRecord:
    """What is known of a token afterwards. Times are in seconds since 1970."""

    token_sha256: str
    store_hash: str
    client_id: str
    oauth_scopes: tuple[str, ...]
    created_at: int
    expires_at: int | None


@dataclass(frozen=True, slots=True)
class NewSecret:
    """A client's new secret as it is shown once, and until when the one before it signs too."""

    store_hash: str
    client_id: str
    client_secret: str = field(repr=False)
    previous_secret_until: int | None


@dataclass(frozen=True, slots=True)
class ClientRecord:
    """What may be shown of a client. Times are in seconds since 1970.

    ``previous_secret_until`` is None unless its former secret still signs.
    """

    store_hash: str
    client_id: str
    created_at: int
    previous_secret_until: int | None


class AccessTables:
    """What the owner of a deployment does with clients and tokens."""

    def __init__(
        self,
        tokens_table: str,
        clients_table: str,
        dynamodb: "DynamoDBClient",
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._sleep = sleep
        self._tokens = tokens_table
        self._clients = clients_table
        self._dynamodb = dynamodb
        self._clock = clock

    # ------------------------------------------------------------ tokens

    def create_token(
        self,
        store_hash: str,
        client_id: str | None = None,
        oauth_scopes: Iterable[str] = ("default",),
        *,
        expires_at: int | None = None,
    ) -> NewToken:
        """Make a token, and its client unless there is one.

        Further tokens of a client share its hooks and its secret.

        :param expires_at: from when on the token is worth nothing, in seconds since 1970.
        :raises storehooks.domain.errors.InvalidValueError: for a malformed argument.
        """
        check_store_hash(store_hash)
        client_id = secrets.token_hex(16) if client_id is None else check_client_id(client_id)
        scopes = tuple(sorted({check_oauth_scope(scope) for scope in oauth_scopes}))
        now = int(self._clock())
        if expires_at is not None and expires_at <= now:
            raise InvalidValueError("is over already", "a time to come", given=str(expires_at))
        with store_errors():
            client = self._dynamodb.update_item(
                TableName=self._clients,
                Key=client_key(store_hash, client_id),
                UpdateExpression=(
                    "SET client_secret = if_not_exists(client_secret, :secret), "
                    "created_at = if_not_exists(created_at, :now)"
                ),
                ExpressionAttributeValues={
                    ":secret": {"S": secrets.token_hex(_TOKEN_BYTES)},
                    ":now": {"N": str(now)},
                },
                ReturnValues="ALL_NEW",
            )
        # Letters and digits alone: a token is pasted into shells and headers.
        access_token = secrets.token_hex(_TOKEN_BYTES)
        item: Item = {
            "token_sha256": {"S": token_digest(access_token)},
            "store_hash": {"S": store_hash},
            "client_id": {"S": client_id},
            "oauth_scopes": {"SS": list(scopes)},
            "created_at": {"N": str(now)},
        }
        if expires_at is not None:
            item["expires_at"] = {"N": str(expires_at)}
        with store_errors():
            self._dynamodb.put_item(TableName=self._tokens, Item=item)
        return NewToken(
            store_hash,
            client_id,
            client["Attributes"]["client_secret"]["S"],
            access_token,
            scopes,
            expires_at,
        )

    def list_tokens(self, store_hash: str) -> list[TokenRecord]:
        """The tokens of a store, the oldest first; what ended a while ago may be among them."""
        check_store_hash(store_hash)
        pages = query_pages(
            self._dynamodb,
            TableName=self._tokens,
            IndexName="by_store",
            KeyConditionExpression="store_hash = :store",
            ExpressionAttributeValues={":store": {"S": store_hash}},
        )
        items = [item for page in pages for item in page]
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

    def remove_tokens(self, records: Iterable[TokenRecord]) -> None:
        """Make these tokens worth nothing; 25 to a call."""
        keys = [{"token_sha256": {"S": record.token_sha256}} for record in records]
        delete_items(self._dynamodb, self._tokens, keys, sleep=self._sleep)

    # ------------------------------------------------------------ clients

    def list_clients(self, store_hash: str) -> list[ClientRecord]:
        """The clients of a store, the oldest first. Their secrets are not read."""
        check_store_hash(store_hash)
        pages = query_pages(
            self._dynamodb,
            TableName=self._clients,
            ConsistentRead=True,
            KeyConditionExpression="store_hash = :store",
            ProjectionExpression="store_hash, client_id, created_at, previous_secret_until",
            ExpressionAttributeValues={":store": {"S": store_hash}},
        )
        now = self._clock()
        clients = [
            ClientRecord(
                store_hash=item["store_hash"]["S"],
                client_id=item["client_id"]["S"],
                created_at=int(item["created_at"]["N"]),
                previous_secret_until=until if (until := overlap_until(item)) > now else None,
            )
            for page in pages
            for item in page
        ]
        return sorted(clients, key=lambda client: (client.created_at, client.client_id))

    def remove_clients(self, store_hash: str, client_ids: Iterable[str]) -> None:
        """Remove clients with their secrets, without which nothing is signed, and so sent; 25 to a call."""
        keys = [client_key(store_hash, client_id) for client_id in client_ids]
        delete_items(self._dynamodb, self._clients, keys, sleep=self._sleep)

    def rotate_secret(
        self, store_hash: str, client_id: str, *, overlap_seconds: int, force: bool = False
    ) -> NewSecret:
        """Give a client a new secret, beside which the one it had signs for a while. One call.

        :param force: also while an overlap runs, whose older secret then signs no more.
        :raises ClientNotFoundError: when the store has no such client.
        :raises SecretOverlapError: when an overlap runs; nothing was changed.
        """
        check_store_hash(store_hash)
        check_client_id(client_id)
        now = int(self._clock())
        new, until = secrets.token_hex(_TOKEN_BYTES), now + overlap_seconds if overlap_seconds else None
        update = "SET client_secret = :new REMOVE previous_secret, previous_secret_until"
        # Were this very write done twice, the secret that it replaced would be gone at once.
        condition = "attribute_exists(client_secret) AND client_secret <> :new"
        values: Item = {":new": {"S": new}}
        if until is not None:
            update = (
                "SET previous_secret = client_secret, previous_secret_until = :until, client_secret = :new"
            )
            values[":until"] = {"N": str(until)}
        if not force:
            condition += " AND (attribute_not_exists(previous_secret_until) OR previous_secret_until <= :now)"
            values[":now"] = {"N": str(now)}
        try:
            with store_errors():
                self._dynamodb.update_item(
                    TableName=self._clients,
                    Key=client_key(store_hash, client_id),
                    UpdateExpression=update,
                    ConditionExpression=condition,
                    ExpressionAttributeValues=values,
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
        except ConditionFailedError as error:
            if error.item is None:
                raise ClientNotFoundError from None
            # Else this very write took effect, and its answer was lost.
            if error.item["client_secret"]["S"] != new:
                raise SecretOverlapError(overlap_until(error.item)) from None
        return NewSecret(store_hash, client_id, new, until)


def _to_record(item: Mapping[str, Any]) -> TokenRecord:
    return TokenRecord(
        token_sha256=item["token_sha256"]["S"],
        store_hash=item["store_hash"]["S"],
        client_id=item["client_id"]["S"],
        oauth_scopes=tuple(sorted(item["oauth_scopes"]["SS"])),
        created_at=int(item["created_at"]["N"]),
        expires_at=int(item["expires_at"]["N"]) if "expires_at" in item else None,
    )
