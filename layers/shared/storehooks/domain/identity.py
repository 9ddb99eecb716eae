"""Stores, clients, and the caller that an access token identifies."""

import hashlib
import re
from dataclasses import dataclass

from storehooks.domain.errors import InvalidValueError

# Letters and digits only: a store hash becomes part of an access policy, where `*` and `?` are wildcards
# and `/` separates.
_STORE_HASH = re.compile(r"[A-Za-z0-9]{1,64}", re.ASCII)
# Ours have 32 hexadecimal digits. A store hash and a client id must fit into a message's group together.
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
"""Lets an admin token manage the clients of all stores and their tokens. No client's token has it."""
OAUTH_SCOPES = (DEFAULT_OAUTH_SCOPE, EVENTS_OAUTH_SCOPE, READ_OAUTH_SCOPE)
"""The OAuth scopes that a client's token may have."""

ADMIN_STORE = "#admin"
"""Stored in place of a store hash with an admin token. It cannot be one, so earlier releases, which do not
know admin tokens, give such a token no access."""


@dataclass(frozen=True, slots=True)
class Caller:
    """The sender of a request: a client of a store, with the OAuth scopes of its token."""

    store_hash: str
    client_id: str
    oauth_scopes: frozenset[str]

    @property
    def is_admin(self) -> bool:
        """Whether the request has an admin token. Then the token's id is in place of a client's id."""
        return self.store_hash == ADMIN_STORE and self.oauth_scopes == {ADMIN_OAUTH_SCOPE}

    def has(self, oauth_scope: str) -> bool:
        """Whether its token has an OAuth scope; ``default`` includes ``read``."""
        return oauth_scope in self.oauth_scopes or (
            oauth_scope == READ_OAUTH_SCOPE and DEFAULT_OAUTH_SCOPE in self.oauth_scopes
        )

    @property
    def sees_header_values(self) -> bool:
        """Whether it may see the values of its hooks' headers, which may be credentials."""
        return self.has(DEFAULT_OAUTH_SCOPE)


def is_store_hash(text: str) -> bool:
    """Whether a text has the form of a store hash: 1 to 64 ASCII letters and digits."""
    return _STORE_HASH.fullmatch(text) is not None


def is_client_id(text: str) -> bool:
    """Whether a text has the form of a client id: 1 to 63 ASCII letters and digits."""
    return _CLIENT_ID.fullmatch(text) is not None


def check_store_hash(text: str) -> str:
    """Check a store hash, and return it unchanged.

    :raises InvalidValueError: if it has another form.
    """
    if not is_store_hash(text):
        raise InvalidValueError("is not a store hash", "1 to 64 letters and digits", given=text)
    return text


def check_client_id(text: str) -> str:
    """Check the id of a client to be created, and return it unchanged.

    :raises InvalidValueError: if it has another form.
    """
    if not _NEW_CLIENT_ID.fullmatch(text):
        raise InvalidValueError("is not a client id", "32 hexadecimal digits in lower case", given=text)
    return text


def check_token_id(text: str) -> str:
    """Check a token's id, its :func:`token_digest`, and return it unchanged.

    :raises InvalidValueError: if it has another form.
    """
    if not _TOKEN_ID.fullmatch(text):
        raise InvalidValueError("is not a token's id", "64 hexadecimal digits in lower case", given=text)
    return text


def check_oauth_scope(text: str) -> str:
    """Check an OAuth scope for a client's token, and return it unchanged.

    :raises InvalidValueError: if no client's token may have it.
    """
    if text not in OAUTH_SCOPES:
        raise InvalidValueError("is not an OAuth scope", " or ".join(OAUTH_SCOPES), given=text)
    return text


def token_digest(access_token: str) -> str:
    """The SHA-256 of an access token in hex. Nothing else of the token is stored."""
    return hashlib.sha256(access_token.encode(errors="surrogatepass")).hexdigest()
