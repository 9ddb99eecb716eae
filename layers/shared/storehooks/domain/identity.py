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

DEFAULT_OAUTH_SCOPE = "default"
"""Lets a token manage its client's hooks."""
EVENTS_OAUTH_SCOPE = "events"
"""Lets a token publish its store's events."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Whom a request comes from: a client of a store, with the rights of its token."""

    store_hash: str
    client_id: str
    oauth_scopes: frozenset[str]


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


def token_digest(access_token: str) -> str:
    """The SHA-256 of an access token in hex: all of it that is ever stored."""
    return hashlib.sha256(access_token.encode(errors="surrogatepass")).hexdigest()
