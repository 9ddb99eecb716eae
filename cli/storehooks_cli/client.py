"""storehooks client: the apps of a store, and the secrets that sign their deliveries."""

import time
from collections import Counter
from typing import TYPE_CHECKING, Annotated

import typer

from storehooks.api.provisioning_output import portal_link_to_json
from storehooks.api.v2 import iso_utc
from storehooks.domain.client import check_name
from storehooks.domain.errors import ClientNotFoundError, SecretOverlapError
from storehooks.domain.portal_link import MAX_SECONDS, MIN_SECONDS
from storehooks_cli.client_secret import secret_fields
from storehooks_cli.options import (
    ClientId,
    Json,
    StackOptions,
    StoreHash,
    client_id_option,
    duration,
    parser,
    to_type,
    unfolded,
)
from storehooks_cli.output import fail, failures_said, print_fields, print_json, print_table, say
from storehooks_cli.remove_command import Yes, remove
from storehooks_cli.times import local_time

if TYPE_CHECKING:
    from storehooks.domain.client import Client

app = typer.Typer(
    no_args_is_help=True,
    help="Clients, the apps of a store: list and make them, rotate their secrets, remove them.",
)

_HOUR_SECONDS = 60 * 60
_MAX_OVERLAP_HOURS = 30 * 24


def _link_duration(text: str) -> int:
    """How many seconds a portal link works, as the parser of an option."""
    seconds = duration(text)
    if not MIN_SECONDS <= seconds <= MAX_SECONDS:
        raise typer.BadParameter(f"{text!r} is out of range; accepted: 1m to 7d")
    return seconds


@app.command("list")
@unfolded
def list_clients(
    deployment: StackOptions,
    store_hash: StoreHash,
    as_json: Json = False,
) -> None:
    """List a store's clients, the oldest first, with the number of their tokens. No secret is shown."""
    stack = deployment.find()
    with failures_said():
        access = stack.access()
        clients = access.list_clients(store_hash)
        tokens = Counter(token.client_id for token in access.list_tokens(store_hash))
    if as_json:
        print_json([_as_json(client, tokens[client.client_id]) for client in clients])
    else:
        rows = [
            [
                client.client_id,
                client.name or "",
                local_time(iso_utc(client.created_at)),
                str(tokens[client.client_id]),
                f"until {local_time(iso_utc(until))}" if (until := client.previous_secret_until) else "no",
            ]
            for client in clients
        ]
        print_table(["CLIENT", "NAME", "CREATED", "TOKENS", "FORMER SECRET SIGNS"], rows)


@app.command("create")
@unfolded
def create_client(
    deployment: StackOptions,
    store_hash: StoreHash,
    client_id: Annotated[str | None, client_id_option("The client's id; a random one if left out.")] = None,
    name: Annotated[
        str | None,
        typer.Option(parser=parser(check_name), metavar="TEXT", help="What people call it."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Make a client, an app of a store, and show the secret that signs its deliveries.

    A client that exists keeps its secret and gets the name. A new one has no token: token create makes one.
    """
    stack = deployment.find()
    with failures_said():
        put = stack.access().create_client(store_hash, client_id, name)
    client = put.client
    if as_json:
        print_json(
            {
                "store_hash": client.store_hash,
                "client_id": client.client_id,
                "name": client.name,
                "client_secret": put.secret,
                "is_new": put.is_new,
            }
        )
        return
    print_fields(
        {
            "store_hash": client.store_hash,
            "client_id": client.client_id,
            "name": client.name or "",
            **secret_fields(put.secret),
        }
    )
    words = ["--store-hash", store_hash, *deployment.words, "--client-id", client.client_id]
    did = "the client is new" if put.is_new else "the client existed"
    say(f"{did}; a token for it: {to_type('token', 'create', *words)}")


@app.command("rotate-secret")
@unfolded
def rotate_secret(
    deployment: StackOptions,
    store_hash: StoreHash,
    client_id: ClientId,
    overlap_hours: Annotated[
        int,
        typer.Option(
            min=0,
            max=_MAX_OVERLAP_HOURS,
            help="For how long the former secret signs as well; 0 ends it at once.",
        ),
    ] = 24,
    force: Annotated[
        bool,
        typer.Option("--force", help="Also while two secrets sign; the older one then signs no more."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Give a client a new secret to sign its deliveries. It is shown now.

    During the overlap each delivery carries a signature by either secret, and a receiver that
    knows one of them accepts it.
    """
    stack = deployment.find()
    with failures_said():
        try:
            new = stack.access().rotate_secret(
                store_hash, client_id, overlap_seconds=overlap_hours * _HOUR_SECONDS, force=force
            )
        except ClientNotFoundError:
            fail(f"the store {store_hash} has no client {client_id}")
        except SecretOverlapError as error:
            fail(
                f"the secret was rotated before, and the former one signs until {iso_utc(error.until)};"
                " --force ends that one now, and nothing was changed yet"
            )
    shown = {
        "store_hash": new.store_hash,
        "client_id": new.client_id,
        "client_secret": new.client_secret,
    }
    until = None if new.previous_secret_until is None else iso_utc(new.previous_secret_until)
    if as_json:
        print_json({**shown, "previous_secret_until": until})
    else:
        former = f"signs until {until}" if until else "signs no more"
        print_fields({**shown, **secret_fields(new.client_secret), "former secret": former})


@app.command("portal-link")
@unfolded
def make_portal_link(
    deployment: StackOptions,
    store_hash: StoreHash,
    client_id: ClientId,
    expires_in: Annotated[
        int,
        typer.Option(
            parser=_link_duration,
            metavar="DURATION",
            help="How long the link works, from 1m to 7d.",
        ),
    ] = "1h",  # type: ignore[assignment] # parsed
    read_only: Annotated[
        bool,
        typer.Option(
            "--read-only/--no-read-only",
            help="Whether the console that it opens can only show things, without the values of headers.",
        ),
    ] = True,
    as_json: Json = False,
) -> None:
    """Make a link that opens the console signed in as the client. It is shown now and never again.

    Who has the link is signed in, until it ends or its token is revoked: `token list` has it.
    """
    stack = deployment.find()
    expires_at = int(time.time()) + expires_in
    with failures_said():
        try:
            new = stack.access().create_portal_link(
                store_hash, client_id, expires_at=expires_at, read_only=read_only
            )
        except ClientNotFoundError:
            fail(f"the store {store_hash} has no client {client_id}")
    shown = portal_link_to_json(stack.api_url, new, expires_at)["data"]
    if as_json:
        print_json(shown)
    else:
        print_fields({"url": shown["url"], "expires_at": shown["expires_at"]})


@app.command("remove")
@unfolded
def remove_client(
    deployment: StackOptions,
    store_hash: StoreHash,
    client_id: ClientId,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Remove a client of a store: its secrets, tokens, hooks and their delivery log.

    It may be stopped and begun again.
    """
    remove(deployment.find(), store_hash, client_id, is_sure=yes, as_json=as_json)


def _as_json(client: "Client", tokens: int) -> dict[str, object]:
    until = client.previous_secret_until
    return {
        "store_hash": client.store_hash,
        "client_id": client.client_id,
        "name": client.name,
        "created_at": iso_utc(client.created_at),
        "tokens": tokens,
        "previous_secret_until": None if until is None else iso_utc(until),
    }
