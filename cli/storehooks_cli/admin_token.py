"""storehooks admin-token: who may call the admin API."""

import time
from typing import Annotated

import typer

from storehooks.api.v2 import iso_utc
from storehooks.domain.errors import TokenNotFoundError
from storehooks.domain.identity import token_digest
from storehooks_cli.options import ExpiresIn, Json, StackOptions, unfolded
from storehooks_cli.output import fail, failures_said, print_fields, print_json, print_table, say
from storehooks_cli.times import local_time

app = typer.Typer(
    no_args_is_help=True,
    help="Admin tokens, by which a platform makes clients and tokens: make, list, revoke them.",
)


@app.command("create")
@unfolded
def create_admin_token(deployment: StackOptions, expires_in: ExpiresIn = None, as_json: Json = False) -> None:
    """Make an admin token. It is shown now and never again.

    It opens the admin API for all stores, and nothing else. Keep it where your backend keeps its secrets.
    """
    stack = deployment.find()
    with failures_said():
        issued = stack.access().create_admin_token(
            expires_at=None if expires_in is None else int(time.time()) + expires_in
        )
    shown, end = {"id": issued.token.id, "access_token": issued.access_token}, issued.token.expires_at
    if as_json:
        print_json({**shown, "expires_at": None if end is None else iso_utc(end)})
    else:
        print_fields({**shown, "expires_at": _end(end)})
        say("the admin token is shown only now")


@app.command("list")
@unfolded
def list_admin_tokens(deployment: StackOptions, as_json: Json = False) -> None:
    """List the admin tokens, the oldest first. Only their SHA-256 is known, which is their id."""
    stack = deployment.find()
    with failures_said():
        tokens = stack.access().list_admin_tokens()
    if as_json:
        print_json(
            [
                {
                    "id": token.id,
                    "created_at": iso_utc(token.created_at),
                    "expires_at": None if token.expires_at is None else iso_utc(token.expires_at),
                }
                for token in tokens
            ]
        )
    else:
        rows = [[token.id, local_time(iso_utc(token.created_at)), _end(token.expires_at)] for token in tokens]
        print_table(["ID", "CREATED", "EXPIRES"], rows)


@app.command("revoke")
@unfolded
def revoke_admin_token(
    deployment: StackOptions,
    token: Annotated[str, typer.Argument(help="The admin token, or its id.", show_default=False)],
    as_json: Json = False,
) -> None:
    """Revoke an admin token. The API refuses it within AuthorizerCacheSeconds (60).

    Clients and tokens that were made with it stay.
    """
    access = deployment.find().access()
    with failures_said():
        for token_id in (token_digest(token), token):
            try:
                access.revoke_admin_token(token_id)
            except TokenNotFoundError:
                continue
            break
        else:
            fail("there is no such admin token")
    if as_json:
        print_json({"id": token_id})
    else:
        print_fields({"revoked": token_id})


def _end(expires_at: int | None) -> str:
    return "never" if expires_at is None else local_time(iso_utc(expires_at))
