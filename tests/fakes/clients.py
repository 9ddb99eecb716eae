"""What is known of clients, in memory, and how they are written to."""

from collections.abc import Callable, Iterator, Sequence

from storehooks.domain.deactivation_mail import Mail
from storehooks.domain.email_address import first_named
from tests.fakes.memory import Memory, Secrets, atomic


class ClientSecrets:
    """As :class:`storehooks.adapters.access.ClientSecrets`."""

    def __init__(self, memory: Memory, clock: Callable[[], float]) -> None:
        self._memory = memory
        self._clock = clock

    def valid_now(self, store_hash: str, client_id: str) -> tuple[str, ...]:
        secrets = self._memory.secrets.get((store_hash, client_id))
        return () if secrets is None else valid(secrets, self._clock())


def valid(secrets: Secrets, now: float) -> tuple[str, ...]:
    """Those that sign now, the newest first."""
    return (secrets.secret, secrets.previous) if secrets.previous_until > now else (secrets.secret,)


class NotificationEmails:
    """As :class:`storehooks.adapters.notification_emails.NotificationEmails`."""

    def __init__(self, memory: Memory, clock: Callable[[], float]) -> None:
        self._memory = memory
        self._clock = clock

    def get(self, store_hash: str, client_id: str) -> tuple[str, ...]:
        return self._memory.emails.get((store_hash, client_id), ())

    @atomic
    def put(self, store_hash: str, client_id: str, emails: Sequence[str]) -> None:
        client, known = (store_hash, client_id), self._memory.emails_first_named
        known[client] = first_named(known.get(client, {}), emails, int(self._clock()))
        self._memory.emails[client] = tuple(emails)

    @atomic
    def remove(self, store_hash: str, client_id: str) -> None:
        self._memory.emails.pop((store_hash, client_id), None)
        self._memory.emails_first_named.pop((store_hash, client_id), None)


class Clients:
    """As :class:`storehooks.adapters.clients.Clients`, as far as flows need it."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    def remove(self, store_hash: str, client_id: str) -> None:
        self._memory.secrets.pop((store_hash, client_id), None)


class AccessTokens:
    """As :class:`storehooks.adapters.access_tokens.AccessTokens`, as far as flows need it."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    def delete_all(self, store_hash: str, client_id: str) -> Iterator[int]:
        while self._memory.tokens.get((store_hash, client_id)):
            self._memory.tokens[store_hash, client_id].pop()
            yield 1


class Mailer:
    """Keeps what was sent."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    def send(self, addresses: Sequence[str], mail: Mail) -> str:
        self._memory.mails.append((tuple(addresses), mail))
        return f"mail-{len(self._memory.mails)}"
