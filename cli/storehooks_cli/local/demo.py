"""A store to try things with: its client, and a token."""

import json
from pathlib import Path

from storehooks.adapters.access import TokensTable
from storehooks.domain.errors import UnauthenticatedError
from storehooks.domain.identity import DEFAULT_OAUTH_SCOPE, EVENTS_OAUTH_SCOPE, Caller, token_digest
from storehooks_cli.access import AccessTables, NewToken
from storehooks_cli.local.aws import CONFIG, session
from storehooks_cli.local.deployment import Outputs
from storehooks_cli.local.endpoint import Endpoint
from storehooks_cli.local.files import write_whole
from storehooks_cli.local.state import State
from storehooks_cli.options import DEMO_STORE

OAUTH_SCOPES = (DEFAULT_OAUTH_SCOPE, EVENTS_OAUTH_SCOPE)
"""Which together may do all that a store's token may."""


def demo_token(state: State, endpoint: Endpoint, outputs: Outputs) -> NewToken:
    """The demo store's access token, which may do everything, with its client and that one's secret.

    It is made once, and kept with the state. A token that was revoked or lacks an OAuth scope, as those of
    earlier versions do, is replaced: in the latter case by one of the same client.
    """
    file: Path = state.path / "demo-token.json"
    dynamodb = session(endpoint).client("dynamodb", endpoint_url=endpoint.url, config=CONFIG)
    old: str = json.loads(file.read_text())["access_token"] if file.exists() else ""
    caller = _caller(TokensTable(outputs.tokens_table, dynamodb), old)
    access = AccessTables(outputs.tokens_table, outputs.clients_table, dynamodb)
    if caller and caller.oauth_scopes >= set(OAUTH_SCOPES):
        secret = access.create_client(DEMO_STORE, caller.client_id).secret
        return NewToken(DEMO_STORE, caller.client_id, secret, old, OAUTH_SCOPES, None)
    new = access.create_token(DEMO_STORE, caller.client_id if caller else None, OAUTH_SCOPES)
    write_whole(file, json.dumps({"store_hash": DEMO_STORE, "access_token": new.access_token}))
    if caller:
        access.revoke_token(DEMO_STORE, token_digest(old))
    return new


def _caller(tokens: TokensTable, access_token: str) -> Caller | None:
    """Whom the token stands for; None if for nobody."""
    try:
        return tokens.caller(access_token)
    except UnauthenticatedError:
        return None
