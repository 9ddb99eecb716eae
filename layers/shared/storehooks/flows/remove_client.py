"""Removes a client of a store, with its tokens, hooks, notification emails and secrets.

The order makes it safe to stop anywhere and to begin again. First the tokens, so that no request follows.
Then the hooks, so that no event matches them and waiting deliveries are cancelled. Then the client with its
secrets; until then it is listed. From then on no token can be made, so the last step deletes tokens made
meanwhile. Items of the delivery log expire by their retention.
"""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from storehooks.domain.errors import StoreBusyError
from storehooks.domain.identity import Caller

if TYPE_CHECKING:
    from storehooks.flows.ports import AccessTokens, Clients, HooksOfRemoved, NotificationEmails

MAX_SECONDS = 20
"""Maximum seconds of a request: the gateway waits 29 s for it."""


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
        """Remove a client, or the rest of one whose removal was broken off.

        :raises StoreBusyError: if a table is busy, or the removal takes too long; the next call goes on.
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
        # Hooks and tokens made since the first look, or so shortly before that the index did not have them.
        yield from self._access_tokens.delete_all(*of_client)
