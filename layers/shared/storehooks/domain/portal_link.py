"""A portal link: it opens the console signed in as a client, for a while."""

from storehooks.domain.identity import DEFAULT_OAUTH_SCOPE, READ_OAUTH_SCOPE

MIN_SECONDS = 60
MAX_SECONDS = 7 * 24 * 60 * 60
"""How long a link may work: a week, as it passes through mailboxes and browsers' histories."""


def oauth_scopes_of_link(*, read_only: bool) -> tuple[str, ...]:
    """What the token of a link may do."""
    return (READ_OAUTH_SCOPE if read_only else DEFAULT_OAUTH_SCOPE,)


def portal_url(api_url: str, store_hash: str, access_token: str) -> str:
    """The link. The token stands in the fragment, which browsers send to nobody and the console takes out.

    :param api_url: where the API is; ``/console`` follows.
    """
    return f"{api_url}/console#/stores/{store_hash}/hooks?token={access_token}"
