"""The lists of each client's hook ids, which enforce quotas and avoid reading all hooks of a store.

In the hooks' table, an item for each client under ``hooks#store#client`` and id 0. It changes in one
transaction with the hooks that it names in ``hook_ids``.

Earlier releases keep no lists, but they give out ids as this one does. The store's counter has how many ids
were given out without a list (see :mod:`storehooks.adapters.hook_ids`), and a list has how many there were
when it was made, ``unlisted``. If the two differ, an earlier release has created hooks since: before the
upgrade, or during a rollback. Then the list is made again, from all of the store's hooks. What an
earlier release has deleted stays in a list until then. It is not found and so not shown; and it counts
until the client has used up its quota, when the list is made again too.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import batched
from typing import TYPE_CHECKING, Any

from storehooks.adapters.dynamodb import (
    ConditionFailedError,
    Item,
    query_pages,
    read_batch,
    store_errors,
)
from storehooks.adapters.hook_ids import RECOUNT_SECONDS, counter_key, number_of, unlisted_of
from storehooks.domain.errors import HookQuotaError
from storehooks.domain.hook import Hook
from storehooks.domain.identity import Caller

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef


_SETTLE_SECONDS = 60
"""A function of an earlier release that has taken an id writes its hook before, or never."""
_TRIES = 4
_READ_AT_ONCE = 99
"""Lists that one call reads, beside the counter."""


@dataclass(frozen=True, slots=True)
class _HookList:
    """A client's list as it was read, and ``unlisted``, what it has to name to be right."""

    item: Item
    unlisted: int
    now: int

    @property
    def ids(self) -> list[int]:
        return sorted(map(int, self.item.get("hook_ids", {"NS": []})["NS"]))

    @property
    def is_of_all(self) -> bool:
        """Whether no earlier release has given out an id since it was made."""
        return number_of(self.item, "unlisted") == self.unlisted

    @property
    def is_settled(self) -> bool:
        """Whether it does not have to be made again because an earlier release may have been at work."""
        return number_of(self.item, "make_again_at", self.now + 1) > self.now

    @property
    def is_counted(self) -> bool:
        """Whether it was made from the hooks themselves so lately that this is not done again."""
        return "counted_at" in self.item and (
            0 <= self.now - number_of(self.item, "counted_at") < RECOUNT_SECONDS
        )


class HookLists:
    """The lists of all clients.

    Every method may raise :class:`storehooks.domain.errors.StoreBusyError` and
    :class:`storehooks.domain.errors.StoreFailedError`.
    """

    def __init__(
        self,
        table: str,
        dynamodb: "DynamoDBClient",
        clock: Callable[[], float],
        sleep: Callable[[float], None],
    ) -> None:
        self._table = table
        self._dynamodb = dynamodb
        self._clock = clock
        self._sleep = sleep

    def ids(self, caller: Caller) -> list[int]:
        """The ids of the caller's hooks, maybe with some that are gone. One call, unless the list is made."""
        found = self._read(caller)
        return found.ids if found.is_of_all and found.is_settled else self._make(caller, found)

    def check_room(self, caller: Caller, max_hooks: int) -> int:
        """See why a list does not take another hook, and make it again if that may help. One call and more.

        :return: how many ids of the store are unlisted, which the list has to name to be written.
        :raises HookQuotaError: when the client has as many hooks as it may.
        """
        found = self._read(caller)
        if not (found.is_of_all and found.is_settled):
            self._make(caller, found)
        elif len(found.ids) >= max_hooks and (
            found.is_counted or len(self._make(caller, found)) >= max_hooks
        ):
            raise HookQuotaError("max_hooks_per_client", max_hooks)
        return found.unlisted

    def adding(self, hook: Hook, unlisted: int, max_hooks: int) -> "TransactWriteItemTypeDef":
        """Add a hook to its client's list, if that is right and has room."""
        is_of_all = "unlisted = :unlisted"
        if not unlisted:
            is_of_all = f"(attribute_not_exists(unlisted) OR {is_of_all})"
        return {
            "Update": {
                "TableName": self._table,
                "Key": list_key(hook.store_hash, hook.client_id),
                "UpdateExpression": "ADD hook_ids :id, version :one",
                "ConditionExpression": f"{is_of_all}"
                " AND (attribute_not_exists(make_again_at) OR make_again_at > :now)"
                " AND (attribute_not_exists(hook_ids) OR size(hook_ids) < :max)",
                "ExpressionAttributeValues": {
                    ":id": {"NS": [str(hook.id)]},
                    ":one": {"N": "1"},
                    ":unlisted": {"N": str(unlisted)},
                    ":now": {"N": str(int(self._clock()))},
                    ":max": {"N": str(max_hooks)},
                },
            }
        }

    def removing(self, *hooks: Hook) -> "TransactWriteItemTypeDef":
        """Take hooks of a client out of its list."""
        ids = [str(hook.id) for hook in hooks]
        return {
            "Update": {
                "TableName": self._table,
                "Key": list_key(hooks[0].store_hash, hooks[0].client_id),
                "UpdateExpression": "DELETE hook_ids :ids ADD version :one",
                "ExpressionAttributeValues": {":ids": {"NS": ids}, ":one": {"N": "1"}},
            }
        }

    def numbers(self, store_hash: str, client_ids: Sequence[str]) -> dict[str, int]:
        """How many hooks each of these clients has. One call for each hundred of them.

        If a list would have to be made again, the hooks of the store are counted, a megabyte to a call.
        """
        found = list(self._lists_of(store_hash, client_ids))
        if all(one.is_of_all and one.is_settled for one in found):
            return {client_id: len(one.ids) for client_id, one in zip(client_ids, found, strict=True)}
        pages = query_pages(
            self._dynamodb,
            TableName=self._table,
            ConsistentRead=True,
            ProjectionExpression="client_id",
            KeyConditionExpression="store_hash = :store AND id > :zero",
            ExpressionAttributeValues={":store": {"S": store_hash}, ":zero": {"N": "0"}},
        )
        counted = Counter(item["client_id"]["S"] for items in pages for item in items)
        return {client_id: counted[client_id] for client_id in client_ids}

    def remove(self, caller: Caller, gone: set[int]) -> None:
        """Remove the list of a client without hooks. One call.

        :param gone: ids that it may still name, of hooks that an earlier release has deleted.
        :raises ConditionFailedError: when it names other hooks.
        """
        condition: dict[str, Any] = {"ConditionExpression": "attribute_not_exists(hook_ids)"}
        if gone:
            condition = {
                "ConditionExpression": "hook_ids = :gone",
                "ExpressionAttributeValues": {":gone": {"NS": [str(hook_id) for hook_id in sorted(gone)]}},
            }
        with store_errors():
            self._dynamodb.delete_item(
                TableName=self._table, Key=list_key(caller.store_hash, caller.client_id), **condition
            )

    def _read(self, caller: Caller) -> _HookList:
        (found,) = self._lists_of(caller.store_hash, [caller.client_id])
        return found

    def _lists_of(self, store_hash: str, client_ids: Sequence[str]) -> Iterator[_HookList]:
        """The lists of clients of a store, each read together with the store's counter."""
        counter = counter_key(store_hash)
        for some in batched(client_ids, _READ_AT_ONCE, strict=False):
            keys = [list_key(store_hash, client_id) for client_id in some]
            requests = {self._table: {"Keys": [*keys, counter], "ConsistentRead": True}}
            found = read_batch(self._dynamodb, requests, tries=_TRIES, sleep=self._sleep)[self._table]
            items = {item["store_hash"]["S"]: item for item in found}
            unlisted = unlisted_of(items.get(counter["store_hash"]["S"], {}))
            for key in keys:
                yield _HookList(items.get(key["store_hash"]["S"], {}), unlisted, int(self._clock()))

    def _make(self, caller: Caller, old: _HookList) -> list[int]:
        """Make a list from all of the store's hooks. One call per megabyte, and one to keep it.

        Of two that do so at once, or beside a change of a hook, one keeps its list.
        """
        pages = query_pages(
            self._dynamodb,
            TableName=self._table,
            ConsistentRead=True,
            ProjectionExpression="id",
            KeyConditionExpression="store_hash = :store AND id > :zero",
            FilterExpression="client_id = :client",
            ExpressionAttributeValues={
                ":store": {"S": caller.store_hash},
                ":zero": {"N": "0"},
                ":client": {"S": caller.client_id},
            },
        )
        ids = [item["id"]["N"] for items in pages for item in items]
        new: Item = {
            **list_key(caller.store_hash, caller.client_id),
            "version": {"N": str(number_of(old.item, "version") + 1)},
            "unlisted": {"N": str(old.unlisted)},
            "counted_at": {"N": str(old.now)},
        }
        if ids:
            new["hook_ids"] = {"NS": ids}
        if not old.is_of_all:
            new["make_again_at"] = {"N": str(old.now + _SETTLE_SECONDS)}
        elif "make_again_at" in old.item and old.is_settled:
            new["make_again_at"] = old.item["make_again_at"]
        condition: dict[str, Any] = {"ConditionExpression": "attribute_not_exists(version)"}
        if "version" in old.item:
            condition["ConditionExpression"] = "version = :version"
            condition["ExpressionAttributeValues"] = {":version": old.item["version"]}
        try:
            with store_errors():
                self._dynamodb.put_item(TableName=self._table, Item=new, **condition)
        except ConditionFailedError:
            pass  # these ids are what was there all the same
        return [int(hook_id) for hook_id in ids]


def list_key(store_hash: str, client_id: str) -> Item:
    """The key of a client's list."""
    return {"store_hash": {"S": f"hooks#{store_hash}#{client_id}"}, "id": {"N": "0"}}
