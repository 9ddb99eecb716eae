"""How a command reaches the API of a store: where it is, and with which token."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from storehooks.domain.errors import TransientError, UnauthenticatedError
from storehooks.domain.identity import (
    DEFAULT_OAUTH_SCOPE,
    READ_OAUTH_SCOPE,
    token_digest,
)
from storehooks_cli.local.running import running_stack
from storehooks_cli.options import (
    DEFAULT_DATA_DIR,
    DEFAULT_STACK_NAME,
    PANEL,
    DataDir,
    Local,
    StackName,
    StackOptions,
    StoreHash,
    client_id_option,
    to_type,
)
from storehooks_cli.output import fail, failures_said, say
from storehooks_cli.stopping import exit_on_signals

if TYPE_CHECKING:
    from storehooks_cli.access import AccessTables, NewToken
    from storehooks_cli.api_client import Api, ApiError

TOKEN_SECONDS = 60 * 60
"""After how many seconds a token that a command makes for itself expires, if nothing revokes it."""

LISTENER = b"listen".hex()
"""How the ids of the clients begin that `storehooks listen` makes: "listen" in ASCII."""


@dataclass(frozen=True, slots=True)
class ApiOptions:
    """The options of a command that calls the API of a store."""

    store_hash: StoreHash
    url: Annotated[
        str | None,
        typer.Option(
            envvar="STOREHOOKS_URL",
            metavar="URL",
            help="Where the API is, if you have a token and no AWS credentials; /stores/... follows.",
            rich_help_panel=PANEL,
        ),
    ] = None
    token: Annotated[
        str | None,
        typer.Option(
            envvar="STOREHOOKS_TOKEN",
            metavar="TOKEN",
            help="An access token; one for this command alone is made if left out.",
            rich_help_panel=PANEL,
        ),
    ] = None
    client_id: Annotated[
        str | None, client_id_option("Whose token is made, if the store has several clients.", PANEL)
    ] = None
    local: Local = False
    data_dir: DataDir = DEFAULT_DATA_DIR
    stack_name: StackName = DEFAULT_STACK_NAME

    @property
    def deployment(self) -> StackOptions:
        """Those of the options that say which deployment it is, where no URL does."""
        return StackOptions(self.local, self.data_dir, self.stack_name)

    @property
    def words(self) -> list[str]:
        """The options that name the store, its API and the client, as they are typed."""
        words = ["--store-hash", self.store_hash]
        if self.local or self.url is None:
            client = [] if self.client_id is None else ["--client-id", self.client_id]
            return [*words, *self.deployment.words, *client]
        return words if self.url == os.environ.get("STOREHOOKS_URL") else [*words, "--url", self.url]


@contextmanager
def connected(options: ApiOptions) -> Iterator["Api"]:
    """The API as the options name it. What fails in it ends the command with a message."""
    from storehooks_cli.api_client import Api

    with _way(options) as (url, token):
        api = Api(url, options.store_hash, token, options.words)
        with api_failures_told(api, url):
            yield api


@contextmanager
def api_failures_told(api: "Api", url: str) -> Iterator[None]:
    """End the command with the API's reasons, and with the command that helps."""
    from storehooks_cli.api_client import ApiError, ApiUnreachableError

    try:
        yield
    except ApiError as error:
        fail(*_told(error, api, url))
    except ApiUnreachableError as error:
        fail(f"the API at {url} does not respond: {error}")


@contextmanager
def temporary_token(access: "AccessTables", store_hash: str, client_id: str) -> Iterator["NewToken"]:
    """A token of a client, revoked in the end.

    :raises storehooks.domain.errors.TransientError: when it cannot be made.
    """
    new = access.create_token(store_hash, client_id, expires_at=int(time.time()) + TOKEN_SECONDS)
    try:
        yield new
    finally:
        try:
            with suppress(UnauthenticatedError):  # it has gone already
                access.revoke_token(store_hash, token_digest(new.access_token))
        except TransientError:
            say("the token that was made for this command could not be revoked; it ends within an hour")


def hook_named(hook_id: int) -> str:
    """A hook, as a message says that there is none."""
    return f"hook {hook_id}"


def is_listener(client_id: str) -> bool:
    """Whether `storehooks listen` has made this client."""
    return client_id.startswith(LISTENER)


def _told(error: "ApiError", api: "Api", url: str) -> list[str]:
    match error.status:
        case 401:
            unknown = "the API does not know the token: it is mistyped, revoked or expired"
            return [f"{unknown}; a new one: {_create(api)}"]
        case 403 if not error.fields:
            return [f"{_why_forbidden(api)}; a new one: {_create(api)}"]
        case 404 if error.asked_for:
            missing = f"the token's client has no {error.asked_for} in the store {api.store_hash}"
            has = (
                f"; its hooks: {to_type('hook', 'list', *api.words)}"
                if error.asked_for.startswith("hook ")
                else ""
            )
            return [f"{missing}{has}"]
        case 404:
            return [f"{url} has no such route: is that the API of a storehooks as new as this command?"]
        case 400 | 403 | 409 if error.messages:
            return error.messages
        case _:
            about = "; ".join(error.messages) or f"no reason that can be read; is {url} the right URL?"
            return [f"the API responded {error.status}: {about}"]


def _why_forbidden(api: "Api") -> str:
    """What the token lacks. The gateway's response is the same for another store's token."""
    oauth_scopes = api.oauth_scopes()
    if oauth_scopes is None:
        return (
            f"the token is of another store than {api.store_hash},"
            f" or has neither OAuth scope {DEFAULT_OAUTH_SCOPE} nor {READ_OAUTH_SCOPE}"
        )
    has = f"; it has {' and '.join(oauth_scopes)}" if oauth_scopes else ""
    return f"the token is of the store {api.store_hash}, but lacks the OAuth scope {DEFAULT_OAUTH_SCOPE}{has}"


def _create(api: "Api") -> str:
    """The command that makes a token; whoever has a URL alone has no stack's name to give."""
    words = list(api.words)
    return to_type("token", "create", *(words[: words.index("--url")] if "--url" in words else words))


@contextmanager
def _way(options: ApiOptions) -> Iterator[tuple[str, str]]:
    """Where the API is, and a token for it."""
    if options.token and options.client_id:
        raise typer.BadParameter(
            "--client-id says whose token is made; one is given by --token or STOREHOOKS_TOKEN"
        )
    exit_on_signals()
    if options.url and not options.local:
        if options.token is None:
            raise typer.BadParameter(
                "no token is given, which --url needs: set STOREHOOKS_TOKEN, or give --token;"
                f" a new one: {to_type('token', 'create', '--store-hash', options.store_hash)}"
            )
        yield _checked(options.url), options.token
    elif options.local and options.token:
        yield running_stack(options.data_dir)["base_url"], options.token
    else:
        stack = options.deployment.find()
        if options.token:
            yield stack.api_url, options.token
            return
        access = stack.access()
        client_id = _client(access, options)
        with failures_said(), temporary_token(access, options.store_hash, client_id) as new:
            yield stack.api_url, new.access_token


def _checked(url: str) -> str:
    from storehooks_cli.api_client import base_url_of

    try:
        return base_url_of(url)
    except ValueError as error:
        raise typer.BadParameter(f"--url {error}; accepted: an https URL, /stores/... follows") from None


def _client(access: "AccessTables", options: ApiOptions) -> str:
    """Whose token is to be made; never a new client's, whose hooks nobody could look for."""
    store_hash, wish = options.store_hash, options.client_id
    with failures_said():
        clients = {client.client_id: client.name for client in access.list_clients(store_hash)}
    if wish is not None:
        found = [client for client in clients if client == wish]
    else:
        found = [client for client in clients if not is_listener(client)]
    if not found:
        fail(
            f"the store {store_hash} has no client {wish or 'yet'}; to make one: "
            + to_type("client", "create", *options.words)
        )
    if len(found) > 1:
        named = [f"{client} ({name})" if (name := clients[client]) else client for client in found]
        fail(f"the store {store_hash} has {len(found)} clients; --client-id names one: {', '.join(named)}")
    return found[0]
