"""storehooks listen: a store's deliveries on this machine, while it runs.

A stack elsewhere cannot reach this machine: there they are pulled, see :mod:`storehooks_cli.pulling`. Of the
local stack, each run is a client of its own, whose id tells that, with one hook. Both go when it ends. What
a run that was killed has left is found by that id, and by nobody answering at the hook's
destination; the next run for the store removes it.
"""

import hmac
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import typer

from storehooks.domain.scope import check_scope
from storehooks_cli.client_secret import library_secret
from storehooks_cli.connection import (
    LISTENER,
    ApiOptions,
    api_failures_told,
    connected,
    hook_named,
    is_listener,
    temporary_token,
)
from storehooks_cli.local.files import write_whole
from storehooks_cli.local.ports import LOOPBACK
from storehooks_cli.local.running import data_folder
from storehooks_cli.options import (
    Json,
    StackOptions,
    complete_hook_scope,
    http_url,
    parser,
    unfolded,
)
from storehooks_cli.output import fail, failures_said, json_text, say
from storehooks_cli.receiver import RECEIVER_PATH, Intake, Received, Receiver
from storehooks_cli.stopping import exit_on_signals

if TYPE_CHECKING:
    from storehooks.domain.client import Client
    from storehooks_cli.access import NewToken
    from storehooks_cli.api_client import Api
    from storehooks_cli.stack import Stack

_PROBE_SECONDS = 2
# A client without a hook may be one that another run is about to give a hook.
_YOUNG_SECONDS = 60


@unfolded
def listen(
    api_options: ApiOptions,
    scope: Annotated[
        str,
        typer.Option(
            parser=parser(check_scope),
            metavar="SCOPE",
            autocompletion=complete_hook_scope,
            help="Which events, such as store/order/*.",
            show_default=True,
        ),
    ] = "store/*",
    forward: Annotated[
        str | None,
        typer.Option(
            parser=http_url,
            metavar="URL",
            help="Where each delivery is sent on to, as it is; its response is the response to storehooks.",
        ),
    ] = None,
    port: Annotated[
        int,
        typer.Option(
            min=0, max=65535, help="Where to listen on this machine, with --local; 0 is any free port."
        ),
    ] = 0,
    secret: Annotated[
        str | None,
        typer.Option(
            envvar="STOREHOOKS_SECRET",
            metavar="SECRET",
            help="The client's secret, to verify what is pulled; without it, signatures are not checked.",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Print a store's deliveries as they come, with their signatures verified, until Ctrl-C.

    A hook is registered for that, and removed at the end: on the local stack by a client of its own, which
    goes as well; with --url and --token by the token's client. With --json each delivery is one line.
    """
    if not api_options.local:
        _listen_by_pulling(api_options, scope, secret, forward, as_json=as_json)
        return
    exit_on_signals()
    store_hash, data_dir = api_options.store_hash, api_options.data_dir
    clients = _Clients(StackOptions(local=True, data_dir=data_dir).find(), store_hash)
    if api_options.client_id is None:
        hook = partial(clients.with_client, _secret_of(data_folder(data_dir), store_hash))
    else:
        hook = partial(clients.with_hook, api_options.client_id)
    # Being stopped is how it ends.
    with suppress(SystemExit), Receiver(port, forward) as receiver, failures_said():
        clients.remove_those_left()
        with hook(scope, receiver) as signing:
            say(
                f"listening for {scope} of the store {store_hash} on {receiver.url}, "
                f"signed with {library_secret(signing)}; Ctrl-C ends it"
            )
            for delivery in receiver.deliveries():
                _print(delivery, as_json=as_json)


def _listen_by_pulling(
    options: ApiOptions, scope: str, secret: str | None, forward: str | None, *, as_json: bool
) -> None:
    from storehooks_cli.pulling import Pulling

    if options.url is None:
        fail("listen needs --local, or the API of a deployed stack: --url and --token")
    with suppress(SystemExit), connected(options) as api:
        pulling = Pulling(api, scope, Intake(secret, forward))
        if secret is None:
            say("without --secret, signatures are not checked")
        with pulling.hook():
            say(f"pulling {scope} of the store {options.store_hash} from {options.url}; Ctrl-C ends it")
            for delivery in pulling.deliveries():
                _print(delivery, as_json=as_json)


def _secret_of(folder: Path, store_hash: str) -> str:
    """The secret of what listens to a store: each run's, so that an app is told it once."""
    path = folder / "listen-key"
    if not path.exists():
        write_whole(path, secrets.token_hex(32))
    return hmac.digest(path.read_bytes(), store_hash.encode(), "sha256").hex()


def _print(delivery: Received, *, as_json: bool) -> None:
    typer.echo(json_text(delivery.as_json) if as_json else delivery.line)


class _Clients:
    """The clients that runs of this command have made in a store."""

    def __init__(self, stack: "Stack", store_hash: str) -> None:
        self._stack = stack
        self._access = stack.access()
        self._url = stack.api_url
        self._store_hash = store_hash

    @contextmanager
    def with_hook(self, client_id: str, scope: str, receiver: "Receiver") -> Iterator[str]:
        """Make the receiver a hook of an app's own client. The hook goes in the end."""
        if client_id not in {client.client_id for client in self._access.list_clients(self._store_hash)}:
            fail(f"the store {self._store_hash} has no client {client_id}")
        with self._api(client_id) as (api, token):
            receiver.start(token.client_secret)
            hook_id = _register(api, scope, receiver.url)
        try:
            yield token.client_secret
        finally:
            with self._api(client_id) as (api, _):
                api.delete(f"hooks/{hook_id}", hook_named(hook_id))

    @contextmanager
    def with_client(self, secret: str, scope: str, receiver: "Receiver") -> Iterator[str]:
        """Make a client with this secret, whose hook is the receiver. Both go in the end."""
        client_id = LISTENER + secrets.token_hex(10)
        try:
            self._access.create_client(self._store_hash, client_id, secret=secret)
            with self._api(client_id) as (api, _):
                receiver.start(secret)
                _register(api, scope, receiver.url)
            yield secret
        finally:
            try:
                self._remove(client_id)
            except BaseException:
                say("the hook of this run is still there; the next run for the store removes it")
                raise

    def remove_those_left(self) -> None:
        """Remove what runs that were killed have left."""
        for client in self._access.list_clients(self._store_hash):
            if is_listener(client.client_id) and self._is_left(client):
                self._remove(client.client_id)
                say(f"removed the client {client.client_id} and its hook, which a killed run had left")

    def _is_left(self, client: "Client") -> bool:
        with self._api(client.client_id) as (api, _):
            destinations = [hook["destination"] for hook in api.hooks()]
        if not destinations:
            return client.created_at < time.time() - _YOUNG_SECONDS
        return all(_is_ours(destination) and not _answers(destination) for destination in destinations)

    def _remove(self, client_id: str) -> None:
        self._stack.removal(self._store_hash, client_id).remove(lambda _: None)

    @contextmanager
    def _api(self, client_id: str) -> Iterator["tuple[Api, NewToken]"]:
        from storehooks_cli.api_client import Api

        with (
            temporary_token(self._access, self._store_hash, client_id) as token,
            api_failures_told(self._store_hash, self._url),
        ):
            yield Api(self._url, self._store_hash, token.access_token), token


def _register(api: "Api", scope: str, destination: str) -> int:
    """Make the hook; its id."""
    from storehooks_cli.api_client import ApiError

    try:
        hook = api.post("hooks", "", {"scope": scope, "destination": destination, "is_active": True})
    except ApiError as error:
        if "destination" not in error.fields:
            raise
        fail(
            "this stack admits no destination on this machine; "
            "start it with ALLOW_PRIVATE_DESTINATIONS=true, as `make run` does unless told otherwise"
        )
    return int(hook["id"])


def _is_ours(destination: str) -> bool:
    parts = urlsplit(destination)
    return parts.hostname == LOOPBACK and parts.path.startswith(RECEIVER_PATH)


def _answers(destination: str) -> bool:
    """Whether the run is alive whose hook this is."""
    import requests

    try:
        with requests.Session() as session:
            session.trust_env = False
            return session.get(destination, timeout=_PROBE_SECONDS).text == urlsplit(destination).path
    except requests.ConnectionError:
        return False
    except requests.RequestException:
        return True  # somebody is there, who is busy
