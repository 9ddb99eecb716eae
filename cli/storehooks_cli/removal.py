"""Removing a client, or a store with all of its clients.

The order leaves nothing half removed that matters, wherever it stops, and the removal can be
begun again. First the tokens, so that nothing new comes; the hooks, so that no event is for
them; the clients with their secrets, without which what is still on the queues is neither
sent nor logged; and last the log, hook by hook. Which hooks there were is known from the
store's counter of ids alone, which stays: no id is ever given again.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from storehooks.domain.client import Token
from storehooks.domain.hook import Hook
from storehooks_cli.access import AccessTables
from storehooks_cli.hook_logs import HookLogs
from storehooks_cli.store_hooks import StoreHooks

type Tell = Callable[[int], None]
"""Is called again and again with the number of deliveries that were counted or removed so far."""


@dataclass(frozen=True, slots=True)
class Contents:
    """How much a store or a client has."""

    clients: int = 0
    tokens: int = 0
    hooks: int = 0
    deliveries: int = 0

    def __bool__(self) -> bool:
        return self != Contents()


class Removal:
    """What belongs to a store, or to one of its clients, and its removal.

    Not removed: the store's counter of ids; the event ids that were published, which are
    forgotten after a day; and which notifications were sent, and which pings, recoveries and requests
    for figures were under way, for two weeks at most.

    :param client_id: None for the whole store.
    """

    def __init__(
        self,
        store_hash: str,
        client_id: str | None,
        *,
        access: AccessTables,
        hooks: StoreHooks,
        logs: HookLogs,
    ) -> None:
        self._store_hash = store_hash
        self._client_id = client_id
        self._access = access
        self._hooks = hooks
        self._logs = logs

    def contents(self, tell: Tell) -> Contents:
        """What there is now. Nothing is changed."""
        last_id, deliveries = self._hooks.last_id(self._store_hash), 0
        counted = self._logs.count(self._store_hash, self._past_hooks(last_id), self._client_id)
        for more in counted:
            deliveries += more
            tell(deliveries)
        return Contents(
            clients=len(self._clients()),
            tokens=len(self._tokens()),
            hooks=sum(len(hooks) for hooks in self._own_hooks()),
            deliveries=deliveries,
        )

    def remove(self, tell: Tell) -> Contents:
        """Remove it all. Begun again after it was stopped, it goes on.

        :return: what went.
        """
        clients = self._clients()
        tokens = self._remove_tokens()
        hooks = self._remove_hooks()
        self._hooks.remove_of_clients(self._store_hash, clients)
        self._access.remove_clients(self._store_hash, clients)
        self._logs.remove_days(self._store_hash, clients)
        deliveries = self._remove_log(tell)
        # What came with requests that the gateway let through meanwhile.
        tokens |= self._remove_tokens()
        hooks += self._remove_hooks()
        self._hooks.remove_of_clients(self._store_hash, clients)
        return Contents(len(clients), len(tokens), hooks, deliveries)

    def _clients(self) -> list[str]:
        clients = [client.client_id for client in self._access.list_clients(self._store_hash)]
        return [client_id for client_id in clients if self._is_meant(client_id)]

    def _tokens(self) -> list[Token]:
        tokens = self._access.list_tokens(self._store_hash)
        return [token for token in tokens if self._is_meant(token.client_id)]

    def _own_hooks(self) -> Iterator[list[Hook]]:
        for hooks in self._hooks.pages(self._store_hash):
            yield [hook for hook in hooks if self._is_meant(hook.client_id)]

    def _is_meant(self, client_id: str) -> bool:
        return self._client_id in {None, client_id}

    def _past_hooks(self, last_id: int) -> Iterator[int]:
        """The ids of all hooks that there ever were, but for those that another client has now."""
        others = {
            hook.id
            for hooks in self._hooks.pages(self._store_hash)
            for hook in hooks
            if not self._is_meant(hook.client_id)
        }
        return (hook_id for hook_id in range(1, last_id + 1) if hook_id not in others)

    def _remove_tokens(self) -> set[str]:
        tokens = self._tokens()
        self._access.remove_tokens(tokens)
        return {token.id for token in tokens}

    def _remove_hooks(self) -> int:
        number = 0
        for hooks in self._own_hooks():
            self._hooks.remove(hooks)
            number += len(hooks)
        return number

    def _remove_log(self, tell: Tell) -> int:
        last_id, removed = self._hooks.last_id(self._store_hash), 0
        for more in self._logs.remove(self._store_hash, self._past_hooks(last_id), self._client_id):
            removed += more
            tell(removed)
        return removed
