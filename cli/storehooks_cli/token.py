"""storehooks token: who may call the API."""

import time
from typing import TYPE_CHECKING, Annotated

import typer

from storehooks.api.v2 import iso_utc
from storehooks.domain.errors import TokenNotFoundError
from storehooks.domain.identity import (
    DEFAULT_OAUTH_SCOPE,
    OAUTH_SCOPES,
    check_oauth_scope,
    token_digest,
)
from storehooks_cli.client_secret import secret_fields
from storehooks_cli.options import (
    ExpiresIn,
    Json,
    StackOptions,
    StoreHash,
    client_id_option,
    parser,
    to_type,
    unfolded,
)
from storehooks_cli.output import fail, failures_said, print_fields, print_json, print_table, say
from storehooks_cli.times import local_time

if TYPE_CHECKING:
    from storehooks.domain.client import Token
    from storehooks_cli.access import AccessTables

app = typer.Typer(no_args_is_help=True, help="Access tokens: make, list and revoke them.")


@app.command("create")
@unfolded
def create_token(
    deployment: StackOptions,
    store_hash: StoreHash,
    client_id: Annotated[str | None, client_id_option("The token's client; a new one if left out.")] = None,
    scope: Annotated[
        list[str] | None,
        typer.Option(
            parser=parser(check_oauth_scope),
            metavar="SCOPE",
            help=f"An OAuth scope ({', '.join(OAUTH_SCOPES)}); may be repeated.",
        ),
    ] = None,
    expires_in: ExpiresIn = None,
    as_json: Json = False,
) -> None:
    """Make an access token. It is shown now and never again.

    A further token of the same client shares its hooks and the secret that signs its deliveries.
    The API refuses a token within AuthorizerCacheSeconds (60) of its end.
    """
    stack = deployment.find()
    with failures_said():
        new = stack.access().create_token(
            store_hash,
            client_id,
            scope or [DEFAULT_OAUTH_SCOPE],
            expires_at=None if expires_in is None else int(time.time()) + expires_in,
        )
    shown = {
        "store_hash": new.store_hash,
        "client_id": new.client_id,
        "client_secret": new.client_secret,
        "access_token": new.access_token,
        "scopes": list(new.oauth_scopes),
        "expires_at": None if new.expires_at is None else iso_utc(new.expires_at),
    }
    if as_json:
        print_json(shown)
    else:
        print_fields(
            {
                "store_hash": new.store_hash,
                "client_id": new.client_id,
                **secret_fields(new.client_secret),
                "access_token": new.access_token,
                "scopes": " ".join(new.oauth_scopes),
                "expires_at": _end(new.expires_at),
            }
        )
        say("the access token is shown only now")
        if client_id is None:
            listing = to_type("client", "list", "--store-hash", store_hash, *deployment.words)
            say(f"the client is new; --client-id makes a token for one that exists: {listing}")


@app.command("list")
@unfolded
def list_tokens(
    deployment: StackOptions,
    store_hash: StoreHash,
    client_id: Annotated[str | None, client_id_option("Only this client's.")] = None,
    as_json: Json = False,
) -> None:
    """List a store's tokens, the oldest first. Only their SHA-256 is known."""
    stack = deployment.find()
    with failures_said():
        records = _tokens(stack.access(), store_hash, client_id)
    if as_json:
        print_json([_as_json(record) for record in records])
    else:
        rows = [
            [
                record.id,
                record.client_id,
                " ".join(record.oauth_scopes),
                local_time(iso_utc(record.created_at)),
                _end(record.expires_at),
                "yes" if record.is_portal_link else "no",
            ]
            for record in records
        ]
        print_table(["TOKEN SHA-256", "CLIENT", "SCOPES", "CREATED", "EXPIRES", "PORTAL LINK"], rows)


@app.command("revoke")
@unfolded
def revoke_tokens(
    deployment: StackOptions,
    store_hash: StoreHash,
    token: Annotated[
        str | None,
        typer.Argument(help="The token, or its SHA-256 as `token list` shows it.", show_default=False),
    ] = None,
    client_id: Annotated[str | None, client_id_option("Revoke all of this client's tokens.")] = None,
    as_json: Json = False,
) -> None:
    """Revoke one token, or all of a client's. The API refuses it within AuthorizerCacheSeconds (60).

    A client's tokens are found as `token list` shows them, where one made this very second may lack.
    """
    if (token is None) == (client_id is None):
        raise typer.BadParameter(
            "name either the token or, with --client-id, the client whose tokens are to go"
        )
    access = deployment.find().access()
    with failures_said():
        if token is not None:
            digests = [token_digest(token), token]
        else:
            digests = [record.id for record in _tokens(access, store_hash, client_id)]
        revoked = [digest for digest in digests if _revoked(access, store_hash, digest)]
    if not revoked:
        fail(f"the store {store_hash} has no such token")
    if as_json:
        print_json(revoked)
    else:
        print_table(["REVOKED TOKEN SHA-256"], [[digest] for digest in revoked])


def _tokens(access: "AccessTables", store_hash: str, client_id: str | None) -> "list[Token]":
    """A store's tokens, or only one client's."""
    return [record for record in access.list_tokens(store_hash) if client_id in {None, record.client_id}]


def _revoked(access: "AccessTables", store_hash: str, token_sha256: str) -> bool:
    try:
        access.revoke_token(store_hash, token_sha256)
    except TokenNotFoundError:
        return False
    return True


def _end(expires_at: int | None) -> str:
    return "never" if expires_at is None else local_time(iso_utc(expires_at))


def _as_json(record: "Token") -> dict[str, object]:
    return {
        "token_sha256": record.id,
        "store_hash": record.store_hash,
        "client_id": record.client_id,
        "scopes": list(record.oauth_scopes),
        "created_at": iso_utc(record.created_at),
        "expires_at": None if record.expires_at is None else iso_utc(record.expires_at),
        "is_portal_link": record.is_portal_link,
    }
