"""Hooks in DynamoDB.

Five kinds of items share the table, keyed by ``store_hash`` and ``id``:

- a hook, under its store's hash and its own id;
- a store's counter, id 0, see :mod:`storehooks.adapters.hook_ids`;
- the list of a client's hooks, see :mod:`storehooks.adapters.hook_lists`;
- a guard, under ``guard#store#client#scope`` and id 0: which destinations and filters the
  client has hooks for, each as an attribute ``d_<digest>`` with the hook's id, and their ``number``.
  A hook, its guard and its client's list change in one transaction, which is what keeps hooks
  unique and few under concurrent requests;
- a client's notification emails, see :mod:`storehooks.adapters.notification_emails`.
"""

import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import batched, groupby
from typing import TYPE_CHECKING, Any

from storehooks.adapters.dynamodb import (
    ConditionFailedError,
    Item,
    TransactionCancelledError,
    query_pages,
    read_batch,
    reads_item,
    store_errors,
)
from storehooks.adapters.hook_ids import HookIds
from storehooks.adapters.hook_lists import HookLists
from storehooks.domain.destination import from_stored, to_stored
from storehooks.domain.errors import (
    CallerError,
    DuplicateHookError,
    HookNotFoundError,
    StoreBusyError,
    StoreFailedError,
    TooManyHooksError,
)
from storehooks.domain.event_filter import EventFilter
from storehooks.domain.hook import (
    ALL_HOOKS,
    DEFAULT_QUOTAS,
    MAX_HOOKS_PER_SCOPE,
    Hook,
    HookFilter,
    HookPage,
    HookQuotas,
    changed,
    hook_digest,
)
from storehooks.domain.identity import Caller
from storehooks.domain.rate import stored_rate

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import PutTypeDef, TransactWriteItemTypeDef, UpdateTypeDef


_GUARD_ID = "0"
# Requests that change the same hook or guard at the same moment conflict: each loser tries again.
_TRIES = 12
_MAX_PAUSE_SECONDS = 0.5
_READ_AT_ONCE = 100
"""Hooks that one call reads."""
_READ_TRIES = 8
_MAX_TRANSACT_WRITES = 100
# A hook that is created, its client's list and its guard.
_LIST_REFUSED = ["None", "ConditionalCheckFailed", "None"]
_THROTTLED = {"ProvisionedThroughputExceeded", "ThrottlingError"}


class HooksTable:
    """The hooks of all stores.

    Every method may raise :class:`StoreBusyError` and
    :class:`storehooks.domain.errors.StoreFailedError`. Nothing is written in part.
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
        self._ids = HookIds(table, dynamodb, clock)
        self._lists = HookLists(table, dynamodb, clock, sleep)

    def get(self, caller: Caller, hook_id: int) -> Hook:
        """A hook of the caller. One call.

        :raises HookNotFoundError: if there is none, or it is another client's.
        """
        hook = self.find(caller.store_hash, hook_id)
        if hook is None or hook.client_id != caller.client_id:
            raise HookNotFoundError(hook_id)
        return hook

    def find(self, store_hash: str, hook_id: int) -> Hook | None:
        """A hook of any client, for storehooks itself; None if there is none. One call."""
        with store_errors():
            response = self._dynamodb.get_item(
                TableName=self._table, Key=hook_key(store_hash, hook_id), ConsistentRead=True
            )
        return to_hook(response["Item"]) if "Item" in response else None

    def page(
        self,
        caller: Caller,
        *,
        skip: int,
        limit: int,
        only: HookFilter = ALL_HOOKS,
        is_counted: bool = False,
    ) -> HookPage:
        """The caller's hooks by id, from the one after ``skip`` on. A call, and one for each hundred hooks.

        :param is_counted: with the total, for which all of them are read.
        """
        hooks: list[Hook] = []
        total = 0
        for items in self._own_items(caller):
            found = [hook for hook in map(to_hook, items) if only.has(hook)]
            start = max(0, skip - total)
            total += len(found)
            hooks += found[start : start + limit - len(hooks)]
            if len(hooks) == limit and not is_counted:
                break
        return HookPage(tuple(hooks), total if is_counted else None)

    def all(self, caller: Caller) -> list[Hook]:
        """All of the caller's hooks by id. A call, and one for each hundred that it has."""
        return [to_hook(item) for items in self._own_items(caller) for item in items]

    def ids(self, caller: Caller) -> list[int]:
        """The ids of all of the caller's hooks. A call, and one for each hundred that it has."""
        return [int(item["id"]["N"]) for items in self._own_items(caller, "id") for item in items]

    def create(
        self,
        caller: Caller,
        *,
        scope: str,
        destination: str,
        headers: Mapping[str, str] | None = None,
        is_active: bool = False,
        filter: EventFilter | None = None,  # noqa: A002 - the field's name
        max_per_second: float | None = None,
        is_paused: bool = False,
        quotas: HookQuotas = DEFAULT_QUOTAS,
    ) -> Hook:
        """Create a hook of the caller. Two calls.

        :raises DuplicateHookError: if the client has one for this scope, destination and filter.
        :raises TooManyHooksError: if it has the maximum number for this scope.
        :raises HookQuotaError: if the client or the store has the maximum number.
        """
        now = int(self._clock())
        hook_id, unlisted = self._ids.next(caller.store_hash, quotas.per_store)
        hook = Hook(
            id=hook_id,
            store_hash=caller.store_hash,
            client_id=caller.client_id,
            scope=scope,
            destination=destination,
            headers=headers,
            is_active=is_active,
            filter=filter,
            max_per_second=max_per_second,
            paused_at=now if is_paused else None,
            created_at=now,
            updated_at=now,
        )

        def create_once() -> Hook:
            nonlocal unlisted
            adding = self._lists.adding(hook, unlisted, quotas.per_client)
            try:
                return self._transact(hook, [self._put(hook, over=None), adding, self._guard_adding(hook)])
            except _ListRefusedError:
                unlisted = self._lists.check_room(caller, quotas.per_client)
                raise

        try:
            return self._retried(create_once)
        except (CallerError, _RacesLostError):
            self._ids.give_back(caller.store_hash)
            raise

    def update(self, caller: Caller, hook_id: int, changes: Mapping[str, Any]) -> Hook:
        """Change some fields of a hook of the caller, and return it whole. Two calls.

        :param changes: as for :func:`storehooks.domain.hook.changed`.
        :raises HookNotFoundError: as for :meth:`get`.
        :raises DuplicateHookError: as for :meth:`create`; the hook stays as it was.
        :raises TooManyHooksError: likewise.
        """
        return self._retried(lambda: self._update_once(self.get(caller, hook_id), changes))

    def change(self, hook: Hook, changes: Mapping[str, Any]) -> Hook | None:
        """Change some fields of a hook that was read, and return it whole. One call.

        :return: None if it has changed since it was read; then nothing was written.
        :raises DuplicateHookError: as for :meth:`update`.
        :raises TooManyHooksError: likewise.
        """
        try:
            return self._update_once(hook, changes)
        except _LostRaceError:
            return None

    def delete(self, caller: Caller, hook_id: int) -> Hook:
        """Delete a hook of the caller, and return it. Three calls.

        :raises HookNotFoundError: as for :meth:`get`.
        """
        hook = self._retried(lambda: self._delete_once(self.get(caller, hook_id)))
        self._ids.give_back(caller.store_hash)
        return hook

    def numbers(self, store_hash: str, client_ids: Sequence[str]) -> dict[str, int]:
        """The number of hooks of each of these clients of a store.

        One call for each hundred clients, and more if a client's list of hooks is not up to date.
        """
        return self._lists.numbers(store_hash, client_ids)

    def delete_all(self, caller: Caller) -> Iterator[int]:
        """Delete all of the caller's hooks, with everything about them in this table except their ids.

        Each transaction deletes several hooks. If the call is stopped, the next one goes on. A call, one for
        each hundred hooks, and two for each transaction.

        :return: the number of hooks deleted, for each transaction.
        """
        for tries in range(1, _TRIES + 1):
            ids = self._lists.ids(caller)
            hooks = [to_hook(item) for items in self._items(caller.store_hash, ids) for item in items]
            try:
                for some in _in_transactions(hooks):
                    self._transact(some[0], self._deleting(some))
                    self._ids.give_back(caller.store_hash, len(some))
                    yield len(some)
                self._lists.remove(caller, set(ids) - {hook.id for hook in hooks})
            except (_LostRaceError, ConditionFailedError):
                self._pause(tries)
            else:
                return
        raise StoreBusyError

    def subscribers(self, store_hash: str, scope: str) -> list[Hook]:
        """The hooks of all the store's clients with exactly this scope, by id.

        They are active, or failures deactivated them. One call per megabyte; changes of the last moment may
        be missing.
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
        """Deactivate a hook because its deliveries fail. One call.

        :return: False if it has changed since it was read; then nothing was written.
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
        new = changed(old, changes, int(self._clock()))
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
        return self._transact(
            hook, [self._delete(hook), self._lists.removing(hook), self._guard_removing(hook)]
        )

    def _deleting(self, hooks: Sequence[Hook]) -> "list[TransactWriteItemTypeDef]":
        """Delete hooks of a client. They must be all that their guards name."""
        guards = {key["store_hash"]["S"]: key for key in map(guard_key, hooks)}.values()
        of_guards: list[TransactWriteItemTypeDef] = [
            {"Delete": {"TableName": self._table, "Key": key}} for key in guards
        ]
        return [*map(self._delete, hooks), *of_guards, self._lists.removing(*hooks)]

    def _delete(self, hook: Hook) -> "TransactWriteItemTypeDef":
        return {
            "Delete": {
                "TableName": self._table,
                "Key": hook_key(hook.store_hash, hook.id),
                "ConditionExpression": "version = :version",
                "ExpressionAttributeValues": {":version": {"N": str(hook.version)}},
            }
        }

    def _own_items(self, caller: Caller, attributes: str | None = None) -> Iterator[list[Item]]:
        """The items of the caller's hooks by id, a hundred to a call."""
        return self._items(caller.store_hash, self._lists.ids(caller), attributes)

    def _items(
        self, store_hash: str, hook_ids: Sequence[int], attributes: str | None = None
    ) -> Iterator[list[Item]]:
        wanted = {} if attributes is None else {"ProjectionExpression": attributes}
        for ids in batched(hook_ids, _READ_AT_ONCE, strict=False):
            keys = [hook_key(store_hash, hook_id) for hook_id in ids]
            requests = {self._table: {"Keys": keys, "ConsistentRead": True, **wanted}}
            found = read_batch(self._dynamodb, requests, tries=_READ_TRIES, sleep=self._sleep)
            yield sorted(found[self._table], key=lambda item: int(item["id"]["N"]))

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
        """Do all writes or none. The hook's own write comes first, its new guard's last."""
        try:
            with store_errors():
                # botocore adds a request token, so a retry after a missed response is idempotent.
                self._dynamodb.transact_write_items(TransactItems=writes)
        except TransactionCancelledError as error:
            raise _why_cancelled(error, hook) from error
        return hook

    def _retried(self, attempt: Callable[[], Hook]) -> Hook:
        for tries in range(1, _TRIES):
            try:
                return attempt()
            except _LostRaceError:
                self._pause(tries)
        try:
            return attempt()
        except _LostRaceError:
            raise _RacesLostError from None

    def _pause(self, tries: int) -> None:
        self._sleep(random.uniform(0, min(0.02 * 2**tries, _MAX_PAUSE_SECONDS)))  # noqa: S311 - jitter


class _LostRaceError(Exception):
    """Another request changed the same items first; nothing was written."""


class _RacesLostError(StoreBusyError):
    """Other requests changed the same items first each time."""


class _ListRefusedError(_LostRaceError):
    """The client's list has no room for another hook, or must be made again."""


def _why_cancelled(error: TransactionCancelledError, hook: Hook) -> Exception:
    codes = [reason.get("Code", "None") for reason in error.reasons] or ["Unknown"]
    if _THROTTLED & set(codes):
        return StoreBusyError()
    if unforeseen := set(codes) - {"None", "ConditionalCheckFailed", "TransactionConflict"}:
        return StoreFailedError(", ".join(sorted(unforeseen)))
    # If the hook's own write failed, the guard was compared with an outdated hook.
    if codes[0] == "None" and codes[-1] == "ConditionalCheckFailed":
        holder = error.reasons[-1].get("Item", {}).get(_digest_attribute(hook))
        if holder is not None:
            return DuplicateHookError(int(holder["N"]))
        return TooManyHooksError(hook.scope, MAX_HOOKS_PER_SCOPE)
    return _ListRefusedError() if codes == _LIST_REFUSED else _LostRaceError()


def _in_transactions(hooks: Iterable[Hook]) -> Iterator[list[Hook]]:
    """Hooks of a client, as many at a time as one transaction deletes with their guards."""
    some: list[Hook] = []
    writes = 1  # the list's
    for _, group in groupby(sorted(hooks, key=lambda hook: hook.scope), key=lambda hook: hook.scope):
        of_scope = list(group)
        if some and writes + len(of_scope) + 1 > _MAX_TRANSACT_WRITES:
            yield some
            some, writes = [], 1
        some += of_scope
        writes += len(of_scope) + 1
    if some:
        yield some


def hook_key(store_hash: str, hook_id: int) -> Item:
    """The key of a hook's item."""
    return {"store_hash": {"S": store_hash}, "id": {"N": str(hook_id)}}


def guard_key(hook: Hook) -> Item:
    """The key of the guard that a hook is in."""
    partition = f"guard#{hook.store_hash}#{hook.client_id}#{hook.scope}"
    return {"store_hash": {"S": partition}, "id": {"N": _GUARD_ID}}


def _digest_attribute(hook: Hook) -> str:
    return "d_" + hook_digest(hook)


def to_item(hook: Hook) -> Item:
    """A hook as an item of the table."""
    item: Item = {
        **hook_key(hook.store_hash, hook.id),
        "client_id": {"S": hook.client_id},
        "scope": {"S": hook.scope},
        "destination": {"S": to_stored(hook.destination)},
        "is_active": {"BOOL": hook.is_active},
        "created_at": {"N": str(hook.created_at)},
        "updated_at": {"N": str(hook.updated_at)},
        "version": {"N": str(hook.version)},
    }
    if hook.headers is not None:
        item["headers"] = {"M": {name: {"S": value} for name, value in hook.headers.items()}}
    if hook.is_active or hook.is_deactivated:
        # The key of the index by which an event finds hooks. A hook without it is not in the index.
        item["subscription"] = {"S": _subscription(hook.store_hash, hook.scope)}
    if hook.filter is not None:
        item["filter"] = {"S": hook.filter.text}
    if hook.max_per_second is not None:
        item["max_per_second"] = {"N": str(hook.max_per_second)}
    if hook.paused_at is not None:
        item["paused_at"] = {"N": str(hook.paused_at)}
    if hook.resumption is not None:
        item["resumption"] = {"S": hook.resumption}
    if hook.deactivated_at is not None:
        item["deactivated_at"] = {"N": str(hook.deactivated_at)}
        item["deactivation_reason"] = {"S": hook.deactivation_reason or ""}
    return item


def _subscription(store_hash: str, scope: str) -> str:
    return f"{store_hash}#{scope}"


@reads_item
def to_hook(item: Mapping[str, Any]) -> Hook:
    """The hook in an item of the table."""
    headers = item.get("headers")
    return Hook(
        id=int(item["id"]["N"]),
        store_hash=item["store_hash"]["S"],
        client_id=item["client_id"]["S"],
        scope=item["scope"]["S"],
        destination=from_stored(item["destination"]["S"]),
        headers=None if headers is None else {name: value["S"] for name, value in headers["M"].items()},
        is_active=item["is_active"]["BOOL"],
        created_at=int(item["created_at"]["N"]),
        updated_at=int(item["updated_at"]["N"]),
        version=int(item["version"]["N"]),
        deactivated_at=int(item["deactivated_at"]["N"]) if "deactivated_at" in item else None,
        deactivation_reason=item["deactivation_reason"]["S"] if "deactivation_reason" in item else None,
        filter=EventFilter(item["filter"]["S"]) if "filter" in item else None,
        max_per_second=stored_rate(item["max_per_second"]["N"]) if "max_per_second" in item else None,
        paused_at=int(item["paused_at"]["N"]) if "paused_at" in item else None,
        resumption=item["resumption"]["S"] if "resumption" in item else None,
    )
