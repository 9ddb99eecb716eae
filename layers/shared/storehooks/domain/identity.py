"""Stores, clients and what an access token stands for."""

import hashlib
import re
from dataclasses import dataclass

from storehooks.domain.errors import InvalidValueError

# Letters and digits alone: a store hash becomes part of an access policy, where `*`
# and `?` are wildcards and `/` separates.
_STORE_HASH = re.compile(r"[A-Za-z0-9]{1,64}", re.ASCII)
# Ours have 32 hexadecimal digits. With a store's hash it has to fit into the group of a message.
_CLIENT_ID = re.compile(r"[A-Za-z0-9]{1,63}", re.ASCII)
_NEW_CLIENT_ID = re.compile(r"[0-9a-f]{32}", re.ASCII)
_TOKEN_ID = re.compile(r"[0-9a-f]{64}", re.ASCII)

DEFAULT_OAUTH_SCOPE = "default"
"""Lets a token manage its client's hooks."""
EVENTS_OAUTH_SCOPE = "events"
"""Lets a token publish its store's events."""
READ_OAUTH_SCOPE = "read"
"""Lets a token see its client's hooks and deliveries, without the values of the hooks' headers."""
ADMIN_OAUTH_SCOPE = "admin"
"""What an admin token may do, and no client's token: manage the clients of all stores, and their tokens."""
OAUTH_SCOPES = (DEFAULT_OAUTH_SCOPE, EVENTS_OAUTH_SCOPE, READ_OAUTH_SCOPE)
"""What a client's token may do."""

ADMIN_STORE = "#admin"
"""Stands in an admin token for the store. It is no store's hash, so that releases that know no admin tokens
open nothing to one."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Whom a request comes from: a client of a store, with the rights of its token."""

    store_hash: str
    client_id: str
    oauth_scopes: frozenset[str]

    @property
    def is_admin(self) -> bool:
        """Whether it is an admin token that calls, whose id is in place of a client's."""
        return self.store_hash == ADMIN_STORE and self.oauth_scopes == {ADMIN_OAUTH_SCOPE}

    def has(self, oauth_scope: str) -> bool:
        """Whether its token has an OAuth scope; ``default`` has ``read`` in it."""
        return oauth_scope in self.oauth_scopes or (
            oauth_scope == READ_OAUTH_SCOPE and DEFAULT_OAUTH_SCOPE in self.oauth_scopes
        )

    @property
    def sees_header_values(self) -> bool:
        """Whether it may see the values of its hooks' headers, which may be credentials."""
        return self.has(DEFAULT_OAUTH_SCOPE)


def is_store_hash(text: str) -> bool:
    """Whether this can be a store's hash: 1 to 64 ASCII letters and digits."""
    return _STORE_HASH.fullmatch(text) is not None


def is_client_id(text: str) -> bool:
    """Whether this can be a client's id: 1 to 63 ASCII letters and digits."""
    return _CLIENT_ID.fullmatch(text) is not None


def check_store_hash(text: str) -> str:
    """The store hash as it is, or :class:`InvalidValueError`."""
    if not is_store_hash(text):
        raise InvalidValueError("is no store hash", "1 to 64 letters and digits", given=text)
    return text


def check_client_id(text: str) -> str:
    """The id of a client that may be made, as it is, or :class:`InvalidValueError`."""
    if not _NEW_CLIENT_ID.fullmatch(text):
        raise InvalidValueError("is no client id", "32 hexadecimal digits in lower case", given=text)
    return text


def check_token_id(text: str) -> str:
    """A token's id, its :func:`token_digest`, as it is; or :class:`InvalidValueError`."""
    if not _TOKEN_ID.fullmatch(text):
        raise InvalidValueError("is no token's id", "64 hexadecimal digits in lower case", given=text)
    return text


def check_oauth_scope(text: str) -> str:
    """The OAuth scope of a client's token as it is, or :class:`InvalidValueError`."""
    if text not in OAUTH_SCOPES:
        raise InvalidValueError("is no OAuth scope", " or ".join(OAUTH_SCOPES), given=text)
    return text


def token_digest(access_token: str) -> str:
    """The SHA-256 of an access token in hex: all of it that is ever stored."""
    return hashlib.sha256(access_token.encode(errors="surrogatepass")).hexdigest()
