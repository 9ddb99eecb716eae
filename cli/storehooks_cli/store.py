"""storehooks store: the end of a store."""

import typer

from storehooks_cli.options import Json, StackOptions, StoreHash, unfolded
from storehooks_cli.remove_command import Yes, remove

app = typer.Typer(no_args_is_help=True, help="Stores: remove one.")


@app.command("remove")
@unfolded
def remove_store(
    deployment: StackOptions, store_hash: StoreHash, yes: Yes = False, as_json: Json = False
) -> None:
    """Remove a store: its clients and their secrets, tokens, hooks and their delivery log.

    It may be stopped and begun again. Ids of hooks are not given out again, should the store come back.
    """
    remove(deployment.find(), store_hash, None, is_sure=yes, as_json=as_json)
