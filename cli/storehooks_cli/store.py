"""storehooks store: the stores of a deployment."""

import typer

from storehooks.api.v2 import iso_utc
from storehooks_cli.connection import is_listener
from storehooks_cli.options import Json, StackOptions, StoreHash, unfolded
from storehooks_cli.output import failures_said, print_json, print_table, progress
from storehooks_cli.remove_command import Yes, remove
from storehooks_cli.times import local_time

app = typer.Typer(no_args_is_help=True, help="Stores: list them, and remove one.")


@app.command("list")
@unfolded
def list_stores(deployment: StackOptions, as_json: Json = False) -> None:
    """List the stores that have clients, with the number of their clients. It reads the whole table.

    A store whose only clients belong to a running `listen` is left out.
    """
    stack = deployment.find()
    with failures_said(), progress("reading clients"):
        stores = stack.access().list_stores(is_listener)
    if as_json:
        print_json(
            [
                {"store_hash": one.store_hash, "clients": one.clients, "created_at": iso_utc(one.created_at)}
                for one in stores
            ]
        )
    else:
        print_table(
            ["STORE", "CLIENTS", "CREATED"],
            [[one.store_hash, str(one.clients), local_time(iso_utc(one.created_at))] for one in stores],
        )


@app.command("remove")
@unfolded
def remove_store(
    deployment: StackOptions, store_hash: StoreHash, yes: Yes = False, as_json: Json = False
) -> None:
    """Remove a store: its clients and their secrets, tokens, hooks and their delivery log.

    It may be stopped and begun again. Ids of hooks are not given out again, should the store come back.
    """
    remove(deployment.find(), store_hash, None, is_sure=yes, as_json=as_json)
