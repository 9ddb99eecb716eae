"""What `storehooks store remove` and `storehooks client remove` have in common."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from storehooks_cli.output import fail, failures_said, print_fields, print_json, progress

if TYPE_CHECKING:
    from storehooks_cli.removal import Contents
    from storehooks_cli.stack import Stack

Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


def remove(stack: "Stack", store_hash: str, client_id: str | None, *, is_sure: bool, as_json: bool) -> None:
    """Show what a store or one of its clients has, ask, remove it, and say what went."""
    name = f"the store {store_hash}" if client_id is None else f"the client {client_id} of {store_hash}"
    with failures_said():
        removal = stack.removal(store_hash, client_id)
        with progress("counting deliveries") as tell:
            contents = removal.contents(tell)
        if not contents:
            fail(f"{name} has nothing that could be removed")
        if not is_sure:
            typer.echo(f"{name} has {_told(contents)}", err=True)
            typer.confirm("Remove all of it, for good?", abort=True, err=True)
        with progress("removing deliveries", contents.deliveries) as tell:
            removed = removal.remove(tell)
    if as_json:
        print_json(asdict(removed))
    else:
        print_fields({f"removed {kind}": str(number) for kind, number in asdict(removed).items()})
    typer.echo(
        "The gateway remembers a token for AuthorizerCacheSeconds, and what was on its way to a destination"
        " is logged when it is over: do this again in a few minutes, should anything have come meanwhile.",
        err=True,
    )


def _told(contents: "Contents") -> str:
    """Such as: 1 client, 2 tokens, 0 hooks, 10 deliveries."""
    return ", ".join(
        f"{number:,} {kind if number != 1 else _SINGULAR[kind]}" for kind, number in asdict(contents).items()
    )


_SINGULAR = {"clients": "client", "tokens": "token", "hooks": "hook", "deliveries": "delivery"}
