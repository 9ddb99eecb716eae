"""The notification emails of clients.

The hooks' table has an item for each client under ``admin#store#client`` and id 0. It also has the times at
which the client first named each address that counts for its limit
(:func:`storehooks.domain.email_address.first_named`).
"""

import random
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from storehooks.adapters.dynamodb import ConditionFailedError, store_errors
from storehooks.domain.email_address import first_named
from storehooks.domain.errors import StoreBusyError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_ID = "0"
_TRIES = 8
_MAX_PAUSE_SECONDS = 0.5


class NotificationEmails:
    """The e-mail addresses that clients have named.

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

    def get(self, store_hash: str, client_id: str) -> tuple[str, ...]:
        """The addresses of a client of a store. One call."""
        return _emails(self._item(store_hash, client_id))

    def put(self, store_hash: str, client_id: str, emails: Sequence[str]) -> None:
        """Replace a client's addresses. Two calls.

        :raises storehooks.domain.errors.TooManyAddressesError: if too many of them are new to the client.
        """
        for tries in range(1, _TRIES + 1):
            old = self._item(store_hash, client_id)
            new = addresses_key(store_hash, client_id) | {
                "emails": {"L": [{"S": email} for email in emails]},
                "first_named": {"M": _first_named(old, emails, int(self._clock()))},
                "version": {"N": str(_version(old) + 1)},
            }
            try:
                self._replace(old, new)
            except ConditionFailedError:
                self._sleep(random.uniform(0, min(0.02 * 2**tries, _MAX_PAUSE_SECONDS)))  # noqa: S311 - jitter
            else:
                return
        raise StoreBusyError

    def remove(self, store_hash: str, client_id: str) -> None:
        """Remove all addresses of a client and their history. One call."""
        with store_errors():
            self._dynamodb.delete_item(TableName=self._table, Key=addresses_key(store_hash, client_id))

    def _item(self, store_hash: str, client_id: str) -> Mapping[str, Any]:
        with store_errors():
            response = self._dynamodb.get_item(
                TableName=self._table, Key=addresses_key(store_hash, client_id), ConsistentRead=True
            )
        return response.get("Item", {})

    def _replace(self, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
        condition: dict[str, Any] = {"ConditionExpression": "attribute_not_exists(version)"}
        if "version" in old:
            condition = {
                "ConditionExpression": "version = :version",
                "ExpressionAttributeValues": {":version": old["version"]},
            }
        with store_errors():
            self._dynamodb.put_item(TableName=self._table, Item=new, **condition)


def _emails(item: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(email["S"] for email in item["emails"]["L"]) if item else ()


def _version(item: Mapping[str, Any]) -> int:
    return int(item["version"]["N"]) if "version" in item else 0


def _first_named(item: Mapping[str, Any], emails: Sequence[str], now: int) -> dict[str, Any]:
    # Earlier releases did not note when an address was named.
    before = {email.lower(): 0 for email in _emails(item)} | {
        email: int(at["N"]) for email, at in item.get("first_named", {"M": {}})["M"].items()
    }
    return {email: {"N": str(at)} for email, at in first_named(before, emails, now).items()}


def addresses_key(store_hash: str, client_id: str) -> dict[str, Any]:
    """The key of a client's item."""
    return {"store_hash": {"S": f"admin#{store_hash}#{client_id}"}, "id": {"N": _ID}}
