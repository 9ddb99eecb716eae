"""Removing a client of a store, with what it was given and what it has made.

In an order that leaves nothing half removed that matters, wherever it stops, and that can be begun again:
first the tokens, so that nothing new comes; the hooks, so that no event is for them, and what waits for them
is cancelled; and the client with its secrets, until when it is listed. No token is made any more then: last
go those that were made meanwhile. The delivery log ends by its retention.
"""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from storehooks.domain.errors import StoreBusyError
from storehooks.domain.identity import Caller

if TYPE_CHECKING:
    from storehooks.flows.ports import AccessTokens, Clients, HooksOfRemoved, NotificationEmails

MAX_SECONDS = 20
"""A request goes on for so long at most: the gateway waits 29 s for it."""


class ClientRemover:
    """Removes clients.

    :param clock: seconds since 1970.
    """

    def __init__(
        self,
        *,
        clients: "Clients",
        access_tokens: "AccessTokens",
        hooks: "HooksOfRemoved",
        notification_emails: "NotificationEmails",
        clock: Callable[[], float],
    ) -> None:
        self._clients = clients
        self._access_tokens = access_tokens
        self._hooks = hooks
        self._notification_emails = notification_emails
        self._clock = clock

    def remove(self, store_hash: str, client_id: str) -> None:
        """Remove a client, or what is left of one that was removed before.

        :raises StoreBusyError: also when it takes too long; then the next call goes on.
        """
        until = self._clock() + MAX_SECONDS
        for _ in self._steps(Caller(store_hash, client_id, frozenset())):
            if self._clock() >= until:
                raise StoreBusyError

    def _steps(self, caller: Caller) -> Iterator[int]:
        of_client = caller.store_hash, caller.client_id
        yield from self._access_tokens.delete_all(*of_client)
        yield from self._hooks.delete_all(caller)
        self._notification_emails.remove(*of_client)
        self._clients.remove(*of_client)
        # Those that were made since the first look, or just before it and not found yet.
        yield from self._access_tokens.delete_all(*of_client)
