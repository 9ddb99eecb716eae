"""The clients and access tokens of a deployment: what their owner does with them.

It is what the admin API does, by the same :mod:`storehooks.adapters.clients` and
:mod:`storehooks.adapters.access_tokens`, and what only a person does besides: admin tokens, and much at once.
"""

import secrets
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from storehooks.adapters.access import client_key
from storehooks.adapters.access_tokens import AccessTokens, TokenIssuer, new_token, token_item
from storehooks.adapters.clients import Clients
from storehooks.adapters.dynamodb import Item, store_errors
from storehooks.domain.client import Client, IssuedToken, NewSecret, PutClient, Token, check_name
from storehooks.domain.errors import InvalidValueError
from storehooks.domain.identity import (
    ADMIN_OAUTH_SCOPE,
    ADMIN_STORE,
    check_client_id,
    check_oauth_scope,
    check_store_hash,
)
from storehooks.domain.portal_link import oauth_scopes_of_link
from storehooks_cli.batch_delete import delete_items

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_AT_ONCE = 250


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
class StoreClients:
    """A store, how many clients it has, and when the oldest was made, in seconds since 1970."""

    store_hash: str
    clients: int
    created_at: int


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
        self._tokens_table = tokens_table
        self._clients_table = clients_table
        self._dynamodb = dynamodb
        self._clock = clock
        self._sleep = sleep
        self._clients = Clients(clients_table, dynamodb, clock, sleep)
        self._tokens = AccessTokens(tokens_table, dynamodb)
        self._issuer = TokenIssuer(tokens_table, clients_table, dynamodb, clock, sleep)

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
        scopes = [check_oauth_scope(scope) for scope in oauth_scopes]
        self._check_end(expires_at)
        put = self._clients.put(store_hash, client_id)
        issued = self._issuer.issue(store_hash, client_id, scopes, expires_at=expires_at)
        return NewToken(
            store_hash, client_id, put.secret, issued.access_token, issued.token.oauth_scopes, expires_at
        )

    def create_client(
        self,
        store_hash: str,
        client_id: str | None = None,
        name: str | None = None,
        *,
        secret: str | None = None,
    ) -> PutClient:
        """Make a client unless there is one, and give it this name.

        :param client_id: a random one if left out.
        :param name: None leaves the name as it is.
        :param secret: of a new client; a random one if left out.
        :raises storehooks.domain.errors.InvalidValueError: for a malformed argument.
        """
        return self._clients.put(
            check_store_hash(store_hash),
            secrets.token_hex(16) if client_id is None else check_client_id(client_id),
            None if name is None else check_name(name),
            secret=secret,
        )

    def create_portal_link(
        self, store_hash: str, client_id: str, *, expires_at: int, read_only: bool
    ) -> IssuedToken:
        """Make the token of a portal link.

        :param expires_at: from when on the link is worth nothing, in seconds since 1970.
        :raises storehooks.domain.errors.ClientNotFoundError: when the store has no such client.
        """
        return self._issuer.issue(
            check_store_hash(store_hash),
            check_client_id(client_id),
            oauth_scopes_of_link(read_only=read_only),
            expires_at=expires_at,
            is_portal_link=True,
        )

    def list_tokens(self, store_hash: str) -> list[Token]:
        """The tokens of a store, the oldest first; what ended a while ago may be among them."""
        return self._tokens_of(check_store_hash(store_hash))

    def revoke_token(self, store_hash: str, token_id: str) -> None:
        """Make a store's token worth nothing. The gateway may remember it for the cache's time.

        :raises storehooks.domain.errors.TokenNotFoundError: when the store has no such token.
        """
        self._tokens.delete(check_store_hash(store_hash), token_id)

    def remove_tokens(self, tokens: Iterable[Token]) -> None:
        """Make these tokens worth nothing; 25 to a call."""
        keys = [{"token_sha256": {"S": token.id}} for token in tokens]
        delete_items(self._dynamodb, self._tokens_table, keys, sleep=self._sleep)

    # ------------------------------------------------------------ admin tokens

    def create_admin_token(self, *, expires_at: int | None = None) -> IssuedToken:
        """Make a token that opens the admin API, and nothing else. One call.

        :param expires_at: from when on the token is worth nothing, in seconds since 1970.
        """
        self._check_end(expires_at)
        issued = new_token(ADMIN_STORE, None, [ADMIN_OAUTH_SCOPE], int(self._clock()), expires_at)
        with store_errors():
            self._dynamodb.put_item(TableName=self._tokens_table, Item=token_item(issued.token))
        return issued

    def list_admin_tokens(self) -> list[Token]:
        """All admin tokens, the oldest first; what ended a while ago may be among them."""
        return self._tokens_of(ADMIN_STORE)

    def revoke_admin_token(self, token_id: str) -> None:
        """Make an admin token worth nothing. The gateway may remember it for the cache's time.

        :raises storehooks.domain.errors.TokenNotFoundError: when there is no such admin token.
        """
        self._tokens.delete(ADMIN_STORE, token_id)

    # ------------------------------------------------------------ clients

    def list_clients(self, store_hash: str) -> list[Client]:
        """The clients of a store, the oldest first. Their secrets are not read."""
        store_hash = check_store_hash(store_hash)
        clients = _whole(lambda after: self._clients.page(store_hash, after=after, limit=_AT_ONCE))
        return sorted(clients, key=lambda client: (client.created_at, client.client_id))

    def list_stores(self, is_temporary: Callable[[str], bool]) -> list[StoreClients]:
        """The stores that have clients, by hash. Reads all clients without their secrets, 1 MB to a call.

        :param is_temporary: whether a client with this id is gone soon. A store without others is left out.
        """
        found: dict[str, dict[str, int]] = {}
        for item in _whole(self._scan_clients):
            times = found.setdefault(item["store_hash"]["S"], {})
            times[item["client_id"]["S"]] = int(item["created_at"]["N"])
        return [
            StoreClients(one, len(times), min(times.values()))
            for one, times in sorted(found.items())
            if not all(map(is_temporary, times))
        ]

    def remove_clients(self, store_hash: str, client_ids: Iterable[str]) -> None:
        """Remove clients with their secrets, without which nothing is signed, and so sent; 25 to a call."""
        keys = [client_key(store_hash, client_id) for client_id in client_ids]
        delete_items(self._dynamodb, self._clients_table, keys, sleep=self._sleep)

    def rotate_secret(
        self, store_hash: str, client_id: str, *, overlap_seconds: int, force: bool = False
    ) -> NewSecret:
        """As :meth:`storehooks.adapters.clients.Clients.rotate_secret`.

        :raises storehooks.domain.errors.InvalidValueError: for a malformed argument.
        """
        return self._clients.rotate_secret(
            check_store_hash(store_hash),
            check_client_id(client_id),
            overlap_seconds=overlap_seconds,
            force=force,
        )

    def _scan_clients(self, after: Item | None) -> tuple[list[Item], Item | None]:
        """A page of all stores' clients, without their secrets, and the key after which the next begins."""
        start: dict[str, Any] = {} if after is None else {"ExclusiveStartKey": after}
        with store_errors():
            response = self._dynamodb.scan(
                TableName=self._clients_table,
                ProjectionExpression="store_hash, client_id, created_at",
                **start,
            )
        return response["Items"], response.get("LastEvaluatedKey")

    def _tokens_of(self, store: str) -> list[Token]:
        tokens = _whole(lambda after: self._tokens.page(store, after=after, limit=_AT_ONCE))
        return sorted(tokens, key=lambda token: (token.created_at, token.id))

    def _check_end(self, expires_at: int | None) -> None:
        if expires_at is not None and expires_at <= int(self._clock()):
            raise InvalidValueError("is over already", "a time to come", given=str(expires_at))


def _whole[T, After](page: Callable[[After | None], tuple[list[T], After | None]]) -> Iterator[T]:
    """All of a list that is read page by page."""
    after: After | None = None
    while True:
        found, after = page(after)
        yield from found
        if after is None:
            return
