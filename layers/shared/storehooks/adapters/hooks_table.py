"""Hooks in DynamoDB.

Four kinds of items share the table, keyed by ``store_hash`` and ``id``:

- a hook, under its store's hash and its own id;
- a store's counter, id 0, with the last id given out; ids are never given out again;
- a guard, under ``guard#store#client#scope`` and id 0: which destinations the client has
  hooks for, each as an attribute ``d_<digest>`` with the hook's id, and their ``number``.
  A hook and its guard change in one transaction, which is what keeps hooks unique and few
  under concurrent requests;
- whom to write to about a client's hooks, see :mod:`storehooks.adapters.addresses`.
"""

import random
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from storehooks.adapters.dynamodb import (
    ConditionFailedError,
    TransactionCancelledError,
    query_pages,
    reads_item,
    store_errors,
)
from storehooks.domain.destination import destination_digest
from storehooks.domain.errors import (
    DuplicateHookError,
    HookNotFoundError,
    StoreBusyError,
    StoreFailedError,
    TooManyHooksError,
)
from storehooks.domain.hook import ALL_HOOKS, MAX_HOOKS_PER_SCOPE, Hook, HookFilter, HookPage
from storehooks.domain.identity import Caller

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import PutTypeDef, TransactWriteItemTypeDef, UpdateTypeDef

type Item = dict[str, Any]

_COUNTER_ID = "0"
# Requests that change the same hook or guard at the same moment: each loser tries again.
_TRIES = 12
_LONGEST_PAUSE_SECONDS = 0.5
_THROTTLED = {"ProvisionedThroughputExceeded", "ThrottlingError"}


class HooksTable:
    """The hooks of all stores.

    Every method may raise :class:`StoreBusyError` and
    :class:`storehooks.domain.errors.StoreFailedError`; nothing is ever half written.
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

    def get(self, caller: Caller, hook_id: int) -> Hook:
        """A hook of the caller. One call.

        :raises HookNotFoundError: when there is none, or it is another client's.
        """
        hook = self.find(caller.store_hash, hook_id)
        if hook is None or hook.client_id != caller.client_id:
            raise HookNotFoundError(hook_id)
        return hook

    def find(self, store_hash: str, hook_id: int) -> Hook | None:
        """A hook of whichever client, for storehooks itself. One call."""
        with store_errors():
            answer = self._dynamodb.get_item(
                TableName=self._table, Key=hook_key(store_hash, hook_id), ConsistentRead=True
            )
        return to_hook(answer["Item"]) if "Item" in answer else None

    def page(
        self,
        caller: Caller,
        *,
        skip: int,
        most: int,
        only: HookFilter = ALL_HOOKS,
        is_counted: bool = False,
    ) -> HookPage:
        """The caller's hooks by id, from the one after ``skip`` on. One call per megabyte read.

        :param is_counted: with the total, for which all of the store's hooks are read.
        """
        hooks: list[Hook] = []
        total = 0
        for items in self._item_pages(caller, only):
            start = max(0, skip - total)
            total += len(items)
            hooks += [to_hook(item) for item in items[start : start + most - len(hooks)]]
            if len(hooks) == most and not is_counted:
                break
        return HookPage(tuple(hooks), total if is_counted else None)

    def ids(self, caller: Caller) -> list[int]:
        """The ids of all of the caller's hooks. One call per megabyte read."""
        pages = self._item_pages(caller, ALL_HOOKS, ProjectionExpression="id")
        return [int(item["id"]["N"]) for items in pages for item in items]

    def create(
        self,
        caller: Caller,
        *,
        scope: str,
        destination: str,
        headers: Mapping[str, str] | None = None,
        is_active: bool = False,
    ) -> Hook:
        """Register a hook for the caller. Two calls.

        :raises DuplicateHookError: when the client has one for this scope and destination.
        :raises TooManyHooksError: when it has the most it may for this scope.
        """
        now = int(self._clock())
        hook = Hook(
            id=self._next_id(caller.store_hash),
            store_hash=caller.store_hash,
            client_id=caller.client_id,
            scope=scope,
            destination=destination,
            headers=headers,
            is_active=is_active,
            created_at=now,
            updated_at=now,
        )
        return self._retried(
            lambda: self._transact(hook, [self._put(hook, over=None), self._guard_adding(hook)])
        )

    def update(self, caller: Caller, hook_id: int, changes: Mapping[str, Any]) -> Hook:
        """Change some fields of a hook of the caller, and return it whole. Two calls.

        :param changes: new values by the names of :class:`Hook`'s fields.
        :raises HookNotFoundError: as for :meth:`get`.
        :raises DuplicateHookError: as for :meth:`create`; the hook stays as it was.
        :raises TooManyHooksError: likewise.
        """
        return self._retried(lambda: self._update_once(self.get(caller, hook_id), changes))

    def delete(self, caller: Caller, hook_id: int) -> Hook:
        """Remove a hook of the caller, and return what it was. Two calls.

        :raises HookNotFoundError: as for :meth:`get`.
        """
        return self._retried(lambda: self._delete_once(self.get(caller, hook_id)))

    def subscribers(self, store_hash: str, scope: str) -> list[Hook]:
        """The hooks of all the store's clients that name exactly this scope, in the order of their ids.

        Those that are active, and those that failures have deactivated. One call per megabyte;
        what was changed a moment ago may not show yet.
        """
        pages = query_pages(
            self._dynamodb,
            TableName=self._table,
            IndexName="by_subscription",
            KeyConditionExpression="subscription = :subscription",
            ExpressionAttributeValues={":subscription": {"S": _subscription(store_hash, scope)}},
        )
        return [to_hook(item) for items in pages for item in items]

    def deactivate(self, hook: Hook, reason: str) -> bool:
        """Switch a hook off because its deliveries fail. One call.

        :return: whether it was still as it is given here, and so was switched off.
        """
        now = max(int(self._clock()), hook.updated_at)
        new = replace(
            hook,
            is_active=False,
            deactivated_at=now,
            deactivation_reason=reason,
            updated_at=now,
            version=hook.version + 1,
        )
        try:
            with store_errors():
                self._dynamodb.put_item(**self._put(new, over=hook)["Put"])
        except ConditionFailedError:
            return False
        return True

    def _update_once(self, old: Hook, changes: Mapping[str, Any]) -> Hook:
        # Clocks differ between machines; a hook's time never goes back.
        now = max(int(self._clock()), old.updated_at)
        if "is_active" in changes:
            # Its owner decides anew, either way: what failures had decided is over.
            changes = {**changes, "deactivated_at": None, "deactivation_reason": None}
        new = replace(old, **changes, updated_at=now, version=old.version + 1)
        put = self._put(new, over=old)
        if guard_key(old) != guard_key(new):
            return self._transact(new, [put, self._guard_removing(old), self._guard_adding(new)])
        if _digest_attribute(old) != _digest_attribute(new):
            return self._transact(new, [put, self._guard_swapping(old, new)])
        try:
            with store_errors():
                self._dynamodb.put_item(**put["Put"])
        except ConditionFailedError as error:
            raise _LostRaceError from error
        return new

    def _delete_once(self, hook: Hook) -> Hook:
        delete: TransactWriteItemTypeDef = {
            "Delete": {
                "TableName": self._table,
                "Key": hook_key(hook.store_hash, hook.id),
                "ConditionExpression": "version = :version",
                "ExpressionAttributeValues": {":version": {"N": str(hook.version)}},
            }
        }
        return self._transact(hook, [delete, self._guard_removing(hook)])

    def _next_id(self, store_hash: str) -> int:
        with store_errors():
            answer = self._dynamodb.update_item(
                TableName=self._table,
                Key=counter_key(store_hash),
                UpdateExpression="ADD last_id :one",
                ExpressionAttributeValues={":one": {"N": "1"}},
                ReturnValues="UPDATED_NEW",
            )
        return int(answer["Attributes"]["last_id"]["N"])

    def _item_pages(self, caller: Caller, only: HookFilter, **query: Any) -> Iterator[list[Item]]:
        wanted: Item = {"client_id": {"S": caller.client_id}}
        if only.is_active is not None:
            wanted["is_active"] = {"BOOL": only.is_active}
        if only.scope is not None:
            wanted["scope"] = {"S": only.scope}
        if only.destination is not None:
            wanted["destination"] = {"S": only.destination}
        return query_pages(
            self._dynamodb,
            TableName=self._table,
            ConsistentRead=True,
            KeyConditionExpression="store_hash = :store AND id > :counter",
            FilterExpression=" AND ".join(f"#{name} = :{name}" for name in wanted),
            ExpressionAttributeNames={f"#{name}": name for name in wanted},
            ExpressionAttributeValues={
                ":store": {"S": caller.store_hash},
                ":counter": {"N": _COUNTER_ID},
                **{f":{name}": value for name, value in wanted.items()},
            },
            **query,
        )

    def _put(self, hook: Hook, *, over: Hook | None) -> "TransactWriteItemTypeDef":
        """Write a hook: a new one, or over the version it was made from."""
        put: PutTypeDef = {
            "TableName": self._table,
            "Item": to_item(hook),
            "ConditionExpression": "attribute_not_exists(id)",
        }
        if over is not None:
            put["ConditionExpression"] = "version = :version"
            put["ExpressionAttributeValues"] = {":version": {"N": str(over.version)}}
        return {"Put": put}

    def _guard_adding(self, hook: Hook) -> "TransactWriteItemTypeDef":
        return self._guard_update(
            hook,
            update="SET #new = :id ADD #number :one",
            condition="attribute_not_exists(#new) AND (attribute_not_exists(#number) OR #number < :most)",
            names={"#new": _digest_attribute(hook), "#number": "number"},
            values={":id": hook.id, ":one": 1, ":most": MAX_HOOKS_PER_SCOPE},
        )

    def _guard_removing(self, hook: Hook) -> "TransactWriteItemTypeDef":
        return self._guard_update(
            hook,
            update="REMOVE #old ADD #number :minus_one",
            names={"#old": _digest_attribute(hook), "#number": "number"},
            values={":minus_one": -1},
        )

    def _guard_swapping(self, old: Hook, new: Hook) -> "TransactWriteItemTypeDef":
        return self._guard_update(
            new,
            update="SET #new = :id REMOVE #old",
            condition="attribute_not_exists(#new)",
            names={"#new": _digest_attribute(new), "#old": _digest_attribute(old)},
            values={":id": new.id},
        )

    def _guard_update(
        self,
        hook: Hook,
        *,
        update: str,
        names: dict[str, str],
        values: dict[str, int],
        condition: str | None = None,
    ) -> "TransactWriteItemTypeDef":
        write: UpdateTypeDef = {
            "TableName": self._table,
            "Key": guard_key(hook),
            "UpdateExpression": update,
            "ExpressionAttributeNames": names,
            "ExpressionAttributeValues": {name: {"N": str(value)} for name, value in values.items()},
        }
        if condition is not None:
            write["ConditionExpression"] = condition
            write["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
        return {"Update": write}

    def _transact(self, hook: Hook, writes: "list[TransactWriteItemTypeDef]") -> Hook:
        """Do all of it or nothing; the hook's own write comes first, its new guard's last."""
        try:
            with store_errors():
                # botocore adds a token, with which a repeat of a lost answer does nothing twice.
                self._dynamodb.transact_write_items(TransactItems=writes)
        except TransactionCancelledError as error:
            raise _why_cancelled(error, hook) from error
        return hook

    def _retried(self, attempt: Callable[[], Hook]) -> Hook:
        for tries in range(1, _TRIES):
            try:
                return attempt()
            except _LostRaceError:
                self._sleep(random.uniform(0, min(0.02 * 2**tries, _LONGEST_PAUSE_SECONDS)))  # noqa: S311 - jitter
        try:
            return attempt()
        except _LostRaceError:
            raise StoreBusyError from None


class _LostRaceError(Exception):
    """Another request changed the same items first; nothing was written."""


def _why_cancelled(error: TransactionCancelledError, hook: Hook) -> Exception:
    codes = [reason.get("Code", "None") for reason in error.reasons] or ["Unknown"]
    if _THROTTLED & set(codes):
        return StoreBusyError()
    if unforeseen := set(codes) - {"None", "ConditionalCheckFailed", "TransactionConflict"}:
        return StoreFailedError(", ".join(sorted(unforeseen)))
    # The hook's own write comes first: when that failed, the guard was judged on old news.
    if codes[0] == "None" and codes[-1] == "ConditionalCheckFailed":
        holder = error.reasons[-1].get("Item", {}).get(_digest_attribute(hook))
        if holder is not None:
            return DuplicateHookError(int(holder["N"]))
        return TooManyHooksError(hook.scope, MAX_HOOKS_PER_SCOPE)
    return _LostRaceError()


def hook_key(store_hash: str, hook_id: int) -> Item:
    """The key of a hook's item."""
    return {"store_hash": {"S": store_hash}, "id": {"N": str(hook_id)}}


def counter_key(store_hash: str) -> Item:
    """The key of the item that counts a store's ids."""
    return {"store_hash": {"S": store_hash}, "id": {"N": _COUNTER_ID}}


def guard_key(hook: Hook) -> Item:
    """The key of the guard that a hook is in."""
    partition = f"guard#{hook.store_hash}#{hook.client_id}#{hook.scope}"
    return {"store_hash": {"S": partition}, "id": {"N": _COUNTER_ID}}


def _digest_attribute(hook: Hook) -> str:
    return "d_" + destination_digest(hook.destination)


def to_item(hook: Hook) -> Item:
    """The item of the table that holds a hook."""
    item: Item = {
        **hook_key(hook.store_hash, hook.id),
        "client_id": {"S": hook.client_id},
        "scope": {"S": hook.scope},
        "destination": {"S": hook.destination},
        "is_active": {"BOOL": hook.is_active},
        "created_at": {"N": str(hook.created_at)},
        "updated_at": {"N": str(hook.updated_at)},
        "version": {"N": str(hook.version)},
    }
    if hook.headers is not None:
        item["headers"] = {"M": {name: {"S": value} for name, value in hook.headers.items()}}
    if hook.is_active or hook.is_deactivated:
        # What an event looks hooks up by; absent, the hook is not in that index.
        item["subscription"] = {"S": _subscription(hook.store_hash, hook.scope)}
    if hook.deactivated_at is not None:
        item["deactivated_at"] = {"N": str(hook.deactivated_at)}
        item["deactivation_reason"] = {"S": hook.deactivation_reason or ""}
    return item


def _subscription(store_hash: str, scope: str) -> str:
    return f"{store_hash}#{scope}"


@reads_item
def to_hook(item: Mapping[str, Any]) -> Hook:
    """The hook that an item of the table holds."""
    headers = item.get("headers")
    return Hook(
        id=int(item["id"]["N"]),
        store_hash=item["store_hash"]["S"],
        client_id=item["client_id"]["S"],
        scope=item["scope"]["S"],
        destination=item["destination"]["S"],
        headers=None if headers is None else {name: value["S"] for name, value in headers["M"].items()},
        is_active=item["is_active"]["BOOL"],
        created_at=int(item["created_at"]["N"]),
        updated_at=int(item["updated_at"]["N"]),
        version=int(item["version"]["N"]),
        deactivated_at=int(item["deactivated_at"]["N"]) if "deactivated_at" in item else None,
        deactivation_reason=item["deactivation_reason"]["S"] if "deactivation_reason" in item else None,
    )
