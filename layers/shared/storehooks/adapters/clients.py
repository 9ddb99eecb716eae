"""The clients of all stores in DynamoDB, for their management.

:mod:`storehooks.adapters.access` describes the items. A client that the admin API created also has a
    ``name``.
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
# A transaction that creates a token checks its client: a write at that moment is refused, and tried again.
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
        """Create a client unless it exists, and set its name. One call.

        Of several calls at once, one creates it.

        :param name: None keeps the present name.
        :param secret: the secret of a new client; random by default.
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
        # A write that is retried because its response was missed finds its own secret.
        return PutClient(_to_client(item, now), found, is_new=found == new)

    def page(self, store_hash: str, *, after: str | None, limit: int) -> tuple[list[Client], str | None]:
        """A page of a store's clients by id. Their secrets are not read. One call.

        :param after: the page begins after this id; None for the first page.
        :return: the clients, and the id after which there are more, None if there are none.
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
            # An IAM policy limits the role to these attributes, so that it cannot read secrets.
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
        """Give a client a new secret. The former one signs too for a while. One call.

        :param force: rotate even during an overlap; then the oldest secret stops signing.
        :raises ClientNotFoundError: if the store has no such client.
        :raises SecretOverlapError: during an overlap; nothing was changed.
        """
        now = int(self._clock())
        new, until = secrets.token_hex(_SECRET_BYTES), now + overlap_seconds if overlap_seconds else None
        update = "SET client_secret = :new REMOVE previous_secret, previous_secret_until"
        # If this write took effect twice, the replaced secret would stop signing at once.
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
            # Otherwise this write took effect, and its response was missed.
            if error.item["client_secret"]["S"] != new:
                raise SecretOverlapError(overlap_until(error.item)) from None
        return NewSecret(store_hash, client_id, new, until)

    def remove(self, store_hash: str, client_id: str) -> None:
        """Remove a client with its secrets. Without them nothing is signed or sent. One call."""
        key = client_key(store_hash, client_id)
        self._written(lambda: self._dynamodb.delete_item(TableName=self._table, Key=key))

    def _written[T](self, write: Callable[[], T]) -> T:
        """Write a client's item, with retries while a transaction holds it.

        :raises StoreBusyError: if transactions hold it again and again.
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
