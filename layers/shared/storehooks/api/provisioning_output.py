"""Clients and tokens as the admin API shows them. Times are ISO 8601 in UTC, as the command shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storehooks.api.v2 import iso_utc
from storehooks.domain.portal_link import portal_url

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from storehooks.api.response_types import (
        ClientAnswer,
        ClientsAnswer,
        ListedToken,
        NewClientAnswer,
        NewSecretAnswer,
        NewTokenAnswer,
        PortalLinkAnswer,
        ProvisionedClient,
        TokensAnswer,
    )
    from storehooks.domain.client import Client, IssuedToken, NewSecret, PutClient, Token


def client_to_json(client: Client) -> ProvisionedClient:
    """A client without its secret."""
    return {
        "store_hash": client.store_hash,
        "client_id": client.client_id,
        "name": client.name,
        "created_at": iso_utc(client.created_at),
        "previous_secret_until": _time(client.previous_secret_until),
    }


def put_client_to_json(put: PutClient) -> NewClientAnswer | ClientAnswer:
    """A new client with its secret, or an existing one without."""
    shown = client_to_json(put.client)
    return {"data": {**shown, "client_secret": put.secret}} if put.is_new else {"data": shown}


def clients_to_json(
    clients: Sequence[Client], hook_counts: Mapping[str, int], next_cursor: str | None
) -> ClientsAnswer:
    """A page of clients, each with its number of hooks."""
    return {
        "data": [
            {**client_to_json(client), "hook_count": hook_counts[client.client_id]} for client in clients
        ],
        "next_cursor": next_cursor,
    }


def new_secret_to_json(new: NewSecret) -> NewSecretAnswer:
    """A new secret, which is shown only once."""
    return {
        "data": {
            "store_hash": new.store_hash,
            "client_id": new.client_id,
            "client_secret": new.client_secret,
            "previous_secret_until": _time(new.previous_secret_until),
        }
    }


def new_token_to_json(new: IssuedToken) -> NewTokenAnswer:
    """A new token, which is shown only once."""
    return {"data": {**_token_to_json(new.token), "access_token": new.access_token}}


def portal_link_to_json(api_url: str, new: IssuedToken, expires_at: int) -> PortalLinkAnswer:
    """A new portal link, which is shown only once.

    :param api_url: the URL of the API that serves the console.
    """
    url = portal_url(api_url, new.token.store_hash, new.access_token)
    return {"data": {"url": url, "expires_at": iso_utc(expires_at)}}


def tokens_to_json(tokens: Sequence[Token], next_cursor: str | None) -> TokensAnswer:
    """A page of tokens, without their texts."""
    return {"data": [_token_to_json(token) for token in tokens], "next_cursor": next_cursor}


def _token_to_json(token: Token) -> ListedToken:
    shown: ListedToken = {
        "id": token.id,
        "oauth_scopes": list(token.oauth_scopes),
        "created_at": iso_utc(token.created_at),
        "expires_at": _time(token.expires_at),
    }
    if token.is_portal_link:
        shown["is_portal_link"] = True
    return shown


def _time(seconds: int | None) -> str | None:
    return None if seconds is None else iso_utc(seconds)
