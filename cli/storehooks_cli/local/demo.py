"""A store to try things with, and a token for it."""

import json
from pathlib import Path

from storehooks_cli.local.aws import CONFIG, session
from storehooks_cli.local.deployment import Outputs
from storehooks_cli.local.files import write_whole
from storehooks_cli.local.state import State

STORE_HASH = "5ueh97"


def demo_token(state: State, endpoint_url: str, outputs: Outputs) -> str:
    """The demo store's access token: made once, kept with the state that knows it."""
    file: Path = state.path / "demo-token.json"
    if not file.exists():
        from storehooks.adapters.access import AccessTables

        access = AccessTables(
            tokens_table=outputs.tokens_table,
            clients_table=outputs.clients_table,
            dynamodb=session().client("dynamodb", endpoint_url=endpoint_url, config=CONFIG),
        )
        token = access.create_token(store_hash=STORE_HASH, client_id=None, oauth_scopes=("default",))
        write_whole(file, json.dumps({"store_hash": STORE_HASH, "access_token": token.access_token}))
    access_token: str = json.loads(file.read_text())["access_token"]
    return access_token
