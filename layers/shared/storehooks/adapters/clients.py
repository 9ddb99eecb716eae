"""The clients of all stores in DynamoDB, for whoever manages them.

What stands in a client's item, and who else reads it, is in :mod:`storehooks.adapters.access`. A client that
the admin API has made also has a ``name``.
"""

import random
import secrets
import time
from collections.abc import Callable, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any

from storehooks.adapters.access import client_key, overlap_until
from storehooks.adapters.dynamodb import (
    ConditionFailedError,
    Item,
    ItemHeldError,
    query_pages,
    store_errors,
)
from storehooks.domain.client import Client, NewSecret, PutClient
from storehooks.domain.errors import ClientNotFoundError, SecretOverlapError, StoreBusyError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_SECRET_BYTES = 32
# A transaction that makes a token looks at its client: a write at that moment is refused, and tried again.
_TRIES = 8
_MAX_PAUSE_SECONDS = 0.5


class Clients:
    """The clients of all stores.

    Every method may raise :class:`storehooks.domain.errors.StoreBusyError` and
    :class:`storehooks.domain.errors.StoreFailedError`.
    """

    def __init__(
        self,
        table: str,
        dynamodb: "DynamoDBClient",
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._table = table
        self._dynamodb = dynamodb
        self._clock = clock
        self._sleep = sleep

    def put(
        self, store_hash: str, client_id: str, name: str | None = None, *, secret: str | None = None
    ) -> PutClient:
        """Make a client unless there is one, and give it this name. One call.

        Of several at once, one has made it.

        :param name: None leaves the name as it is.
        :param secret: of a new one; a random one if left out.
        """
        new, now = secret or secrets.token_hex(_SECRET_BYTES), int(self._clock())
        update = (
            "SET client_secret = if_not_exists(client_secret, :secret),"
            " created_at = if_not_exists(created_at, :now)"
        )
        given: dict[str, Any] = {}
        values: Item = {":secret": {"S": new}, ":now": {"N": str(now)}}
        if name is not None:
            update += ", #name = :name"
            given["ExpressionAttributeNames"] = {"#name": "name"}
            values[":name"] = {"S": name}
        response = self._written(
            lambda: self._dynamodb.update_item(
                TableName=self._table,
                Key=client_key(store_hash, client_id),
                UpdateExpression=update,
                ExpressionAttributeValues=values,
                ReturnValues="ALL_NEW",
                **given,
            )
        )
        item = response["Attributes"]
        found = item["client_secret"]["S"]
        # A write that is repeated because its response was lost finds its own secret.
        return PutClient(_to_client(item, now), found, is_new=found == new)

    def page(self, store_hash: str, *, after: str | None, limit: int) -> tuple[list[Client], str | None]:
        """Some clients of a store by id. Their secrets are not read. One call.

        :param after: the id before the first of them; None for the first ones of all.
        :return: also the id after which there are more, None if there are none.
        """
        condition, values = "store_hash = :store", {":store": {"S": store_hash}}
        if after is not None:
            condition += " AND client_id > :after"
            values[":after"] = {"S": after}
        pages = query_pages(
            self._dynamodb,
            TableName=self._table,
            ConsistentRead=True,
            KeyConditionExpression=condition,
            ExpressionAttributeValues=values,
            # A role may be held to them, so that it reads no secret.
            Select="SPECIFIC_ATTRIBUTES",
            ProjectionExpression="store_hash, client_id, #name, created_at, previous_secret_until",
            ExpressionAttributeNames={"#name": "name"},
            Limit=limit + 1,
        )
        items = list(islice((item for page in pages for item in page), limit + 1))
        now = self._clock()
        clients = [_to_client(item, now) for item in items[:limit]]
        return clients, clients[-1].client_id if len(items) > limit else None

    def rotate_secret(
        self, store_hash: str, client_id: str, *, overlap_seconds: int, force: bool = False
    ) -> NewSecret:
        """Give a client a new secret, beside which the one it had signs for a while. One call.

        :param force: also while an overlap runs, whose older secret then signs no more.
        :raises ClientNotFoundError: when the store has no such client.
        :raises SecretOverlapError: when an overlap runs; nothing was changed.
        """
        now = int(self._clock())
        new, until = secrets.token_hex(_SECRET_BYTES), now + overlap_seconds if overlap_seconds else None
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
            self._written(
                lambda: self._dynamodb.update_item(
                    TableName=self._table,
                    Key=client_key(store_hash, client_id),
                    UpdateExpression=update,
                    ConditionExpression=condition,
                    ExpressionAttributeValues=values,
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
            )
        except ConditionFailedError as error:
            if error.item is None:
                raise ClientNotFoundError from None
            # Else this very write took effect, and its answer was lost.
            if error.item["client_secret"]["S"] != new:
                raise SecretOverlapError(overlap_until(error.item)) from None
        return NewSecret(store_hash, client_id, new, until)

    def remove(self, store_hash: str, client_id: str) -> None:
        """Remove a client with its secrets, without which nothing is signed, and so sent. One call."""
        key = client_key(store_hash, client_id)
        self._written(lambda: self._dynamodb.delete_item(TableName=self._table, Key=key))

    def _written[T](self, write: Callable[[], T]) -> T:
        """Do a write of a client's item, again while a transaction holds the item.

        :raises StoreBusyError: when one holds it again and again.
        """
        for tries in range(1, _TRIES + 1):
            try:
                with store_errors():
                    return write()
            except ItemHeldError:
                self._sleep(random.uniform(0, min(0.02 * 2**tries, _MAX_PAUSE_SECONDS)))  # noqa: S311 - jitter
        raise StoreBusyError


def _to_client(item: Mapping[str, Any], now: float) -> Client:
    return Client(
        store_hash=item["store_hash"]["S"],
        client_id=item["client_id"]["S"],
        name=item["name"]["S"] if "name" in item else None,
        created_at=int(item["created_at"]["N"]),
        previous_secret_until=until if (until := overlap_until(item)) > now else None,
    )
