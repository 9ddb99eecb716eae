"""Portal links: a link opens the console signed in as a client, for a limited time."""

from storehooks.domain.identity import DEFAULT_OAUTH_SCOPE, READ_OAUTH_SCOPE

MIN_SECONDS = 60
MAX_SECONDS = 7 * 24 * 60 * 60
"""Maximum lifetime of a link: a week, because it passes through mailboxes and browser histories."""


def oauth_scopes_of_link(*, read_only: bool) -> tuple[str, ...]:
    """The OAuth scopes of a link's token."""
    return (READ_OAUTH_SCOPE if read_only else DEFAULT_OAUTH_SCOPE,)


def portal_url(api_url: str, store_hash: str, access_token: str) -> str:
    """The link. The token is in the fragment, which browsers do not send and the console removes.

    :param api_url: the API's URL, to which ``/console`` is added.
    """
    return f"{api_url}/console#/stores/{store_hash}/hooks?token={access_token}"
