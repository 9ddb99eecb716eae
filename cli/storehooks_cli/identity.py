"""What the command checks of a client's id and of OAuth scopes before it makes a token."""

import re

from storehooks.domain.errors import InvalidValueError
from storehooks.domain.identity import DEFAULT_OAUTH_SCOPE, EVENTS_OAUTH_SCOPE

OAUTH_SCOPES = (DEFAULT_OAUTH_SCOPE, EVENTS_OAUTH_SCOPE)

_CLIENT_ID = re.compile(r"[0-9a-f]{32}", re.ASCII)


def check_client_id(text: str) -> str:
    """The client id as it is, or :class:`InvalidValueError`."""
    if not _CLIENT_ID.fullmatch(text):
        raise InvalidValueError("is no client id", "32 hexadecimal digits in lower case", given=text)
    return text


def check_oauth_scope(text: str) -> str:
    """The OAuth scope as it is, or :class:`InvalidValueError`."""
    if text not in OAUTH_SCOPES:
        raise InvalidValueError("is no OAuth scope", " or ".join(OAUTH_SCOPES), given=text)
    return text
