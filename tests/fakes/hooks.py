"""The hooks of all stores, in memory."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from storehooks.domain.errors import DuplicateHookError, HookNotFoundError, TooManyHooksError
from storehooks.domain.event_filter import EventFilter
from storehooks.domain.hook import (
    ALL_HOOKS,
    MAX_HOOKS_PER_SCOPE,
    Hook,
    HookFilter,
    HookPage,
    changed,
    hook_digest,
)
from storehooks.domain.identity import Caller
from tests.fakes.memory import Memory, atomic


class Hooks:
    """As :class:`storehooks.adapters.hooks_table.HooksTable`."""

    def __init__(self, memory: Memory, clock: Callable[[], float]) -> None:
        self._memory = memory
        self._clock = clock

    def get(self, caller: Caller, hook_id: int) -> Hook:
        hook = self.find(caller.store_hash, hook_id)
        if hook is None or hook.client_id != caller.client_id:
            raise HookNotFoundError(hook_id)
        return hook

    def find(self, store_hash: str, hook_id: int) -> Hook | None:
        return self._memory.hooks.get((store_hash, hook_id))

    def page(
        self,
        caller: Caller,
        *,
        skip: int,
        limit: int,
        only: HookFilter = ALL_HOOKS,
        is_counted: bool = False,
    ) -> HookPage:
        found = [
            hook
            for hook in self._of(caller)
            if only.is_active in {None, hook.is_active}
            and only.scope in {None, hook.scope}
            and only.destination in {None, hook.destination}
        ]
        return HookPage(tuple(found[skip : skip + limit]), len(found) if is_counted else None)

    def all(self, caller: Caller) -> list[Hook]:
        return self._of(caller)

    def ids(self, caller: Caller) -> list[int]:
        return [hook.id for hook in self._of(caller)]

    @atomic
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
    ) -> Hook:
        now, last_ids = int(self._clock()), self._memory.last_hook_ids
        last_ids[caller.store_hash] = last_ids.get(caller.store_hash, 0) + 1
        hook = Hook(
            id=last_ids[caller.store_hash],
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
        self._check_place(hook)
        return self._keep(hook)

    @atomic
    def update(self, caller: Caller, hook_id: int, changes: Mapping[str, Any]) -> Hook:
        new = changed(self.get(caller, hook_id), changes, int(self._clock()))
        self._check_place(new)
        return self._keep(new)

    @atomic
    def change(self, hook: Hook, changes: Mapping[str, Any]) -> Hook | None:
        known = self.find(hook.store_hash, hook.id)
        if known is None or known.version != hook.version:
            return None
        new = changed(hook, changes, int(self._clock()))
        self._check_place(new)
        return self._keep(new)

    @atomic
    def delete(self, caller: Caller, hook_id: int) -> Hook:
        hook = self.get(caller, hook_id)
        return self._memory.hooks.pop((hook.store_hash, hook.id))

    def delete_all(self, caller: Caller) -> Iterator[int]:
        for hook in self._of(caller):
            self._memory.hooks.pop((hook.store_hash, hook.id), None)
            yield 1

    def numbers(self, store_hash: str, client_ids: Sequence[str]) -> dict[str, int]:
        return {one: len(self._of(Caller(store_hash, one, frozenset()))) for one in client_ids}

    def subscribers(self, store_hash: str, scope: str) -> list[Hook]:
        return [
            hook
            for hook in self._sorted()
            if (hook.store_hash, hook.scope) == (store_hash, scope) and hook.status != "inactive"
        ]

    @atomic
    def deactivate(self, hook: Hook, reason: str) -> bool:
        known = self.find(hook.store_hash, hook.id)
        if known is None or known.version != hook.version:
            return False
        now = max(int(self._clock()), hook.updated_at)
        self._keep(
            replace(
                hook,
                is_active=False,
                deactivated_at=now,
                deactivation_reason=reason,
                updated_at=now,
                version=hook.version + 1,
            )
        )
        return True

    def _check_place(self, hook: Hook) -> None:
        """Of one client, at most ten hooks of a scope, each with another destination or filter."""
        others = [
            one
            for one in self._sorted()
            if (one.store_hash, one.client_id, one.scope) == (hook.store_hash, hook.client_id, hook.scope)
            and one.id != hook.id
        ]
        for one in others:
            if hook_digest(one) == hook_digest(hook):
                raise DuplicateHookError(one.id)
        if len(others) >= MAX_HOOKS_PER_SCOPE:
            raise TooManyHooksError(hook.scope, MAX_HOOKS_PER_SCOPE)

    def _keep(self, hook: Hook) -> Hook:
        self._memory.hooks[hook.store_hash, hook.id] = hook
        return hook

    def _of(self, caller: Caller) -> list[Hook]:
        mine = (caller.store_hash, caller.client_id)
        return [hook for hook in self._sorted() if (hook.store_hash, hook.client_id) == mine]

    def _sorted(self) -> list[Hook]:
        with self._memory.lock:
            return [self._memory.hooks[key] for key in sorted(self._memory.hooks)]
