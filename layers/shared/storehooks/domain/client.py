"""Clients, the apps of a store, and their access tokens. Times are in seconds since 1970."""

import re
from dataclasses import dataclass, field

from storehooks.domain.errors import InvalidValueError

MAX_NAME_LENGTH = 100
NAME_ACCEPTED = f"1 to {MAX_NAME_LENGTH} characters, none of them a control character or a line break"
_NAME = re.compile(rf"[^\u0000-\u001F\u007F-\u009F\u2028\u2029]{{1,{MAX_NAME_LENGTH}}}")
MAX_OVERLAP_HOURS = 7 * 24
MIN_TOKEN_SECONDS = 60
MAX_TOKEN_SECONDS = 10 * 365 * 24 * 60 * 60


@dataclass(frozen=True, slots=True)
class Client:
    """A client, without its secrets.

    ``name`` is None if the command or an earlier release made the client. ``previous_secret_until`` is None
    unless the former secret still signs.
    """

    store_hash: str
    client_id: str
    name: str | None
    created_at: int
    previous_secret_until: int | None


@dataclass(frozen=True, slots=True)
class PutClient:
    """A client that was created or found, and the secret that signs its deliveries."""

    client: Client
    secret: str = field(repr=False)
    is_new: bool


@dataclass(frozen=True, slots=True)
class NewSecret:
    """A client's new secret, which is shown once, and the time until which the former one signs too."""

    store_hash: str
    client_id: str
    client_secret: str = field(repr=False)
    previous_secret_until: int | None


@dataclass(frozen=True, slots=True)
class Token:
    """A token without its text. ``id`` is its SHA-256; ``expires_at`` is None if it never expires.

    ``is_portal_link`` is information for people; it changes no rights.
    """

    id: str
    store_hash: str
    client_id: str
    oauth_scopes: tuple[str, ...]
    created_at: int
    expires_at: int | None
    is_portal_link: bool = False


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A token with its text, which is shown once."""

    token: Token
    access_token: str = field(repr=False)


def check_name(text: str) -> str:
    """Check a client's name, and return it unchanged.

    :raises InvalidValueError: if it breaks a rule.
    """
    if not _NAME.fullmatch(text):
        raise InvalidValueError("is not a name", NAME_ACCEPTED)
    return text
