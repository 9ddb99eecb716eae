"""storehooks listen: a store's deliveries on this machine, while it runs.

A stack in AWS cannot reach this machine: its deliveries are pulled, see :mod:`storehooks_cli.pulling`. On the
local stack each run has a client of its own, known by its id, with one hook. Both are removed when the run
ends. If a run is killed, the next one for the store removes its client: nobody responds at the hook's
destination any more.
"""

import hmac
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import NOT_FOUND
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

import typer

from storehooks.domain.errors import TransientError
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
from storehooks_cli.local.running import data_folder, endpoint_of, is_running, running_stack
from storehooks_cli.options import (
    Json,
    StackOptions,
    complete_hook_scope,
    http_url,
    parser,
    to_type,
    unfolded,
)
from storehooks_cli.output import fail, failures_said, json_text, print_line, say
from storehooks_cli.receiver import RECEIVER_PATH, Intake, Received, Receiver
from storehooks_cli.served_hook import serve_again
from storehooks_cli.stopping import exit_on_signals, stops_deferred

if TYPE_CHECKING:
    from storehooks.domain.client import Client
    from storehooks_cli.access import NewToken
    from storehooks_cli.api_client import Api

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
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Print each delivery's whole payload below its line.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Print a store's deliveries as they come, with their signatures verified, until Ctrl-C.

    Each delivery is one line, with the event's data. A hook is created for this, and removed at the end. On
    the local stack it has a client of its own, which is removed too; with --url and --token it is the
    token's client. If the hook is deactivated, paused or removed meanwhile, the command says so and activates
    it again.
    """
    if not api_options.local:
        _listen_by_pulling(api_options, scope, secret, forward, verbose=verbose, as_json=as_json)
        return
    exit_on_signals()
    store_hash, data_dir = api_options.store_hash, api_options.data_dir
    clients = _Clients(api_options.deployment, store_hash)
    # Being stopped is how it ends.
    with suppress(SystemExit), Receiver(port, forward) as receiver, failures_said():
        clients.remove_those_left()
        if api_options.client_id is None:
            registered = clients.with_client(
                _secret_of(data_folder(data_dir), store_hash), scope, receiver
            )
        else:
            registered = clients.with_hook(api_options.client_id, scope, receiver)
        with registered as hook:
            say(
                f"listening for {scope} of the store {store_hash} on {receiver.url}, "
                f"signed with {library_secret(hook.secret)}; Ctrl-C ends it"
            )
            for delivery in receiver.deliveries(hook.watch):
                _print(delivery, verbose=verbose, as_json=as_json)


def _listen_by_pulling(
    options: ApiOptions,
    scope: str,
    secret: str | None,
    forward: str | None,
    *,
    verbose: bool,
    as_json: bool,
) -> None:
    from storehooks_cli.pulling import Pulling

    if options.url is None:
        raise typer.BadParameter("listen needs --local, or the API of a deployed stack: --url and --token")
    with suppress(SystemExit), connected(options) as api:
        pulling = Pulling(api, scope, Intake(secret, forward))
        if secret is None:
            say("without --secret, signatures are not checked")
        with pulling.hook():
            say(f"pulling {scope} of the store {options.store_hash} from {options.url}; Ctrl-C ends it")
            for delivery in pulling.deliveries():
                _print(delivery, verbose=verbose, as_json=as_json)


def _secret_of(folder: Path, store_hash: str) -> str:
    """The secret of the client that listens to a store: the same in each run."""
    path = folder / "listen-key"
    if not path.exists():
        write_whole(path, secrets.token_hex(32))
    return hmac.digest(path.read_bytes(), store_hash.encode(), "sha256").hex()


def _print(delivery: Received, *, verbose: bool, as_json: bool) -> None:
    if as_json:
        typer.echo(json_text(delivery.as_json))
        return
    print_line(delivery.parts)
    if verbose:
        typer.echo(delivery.payload_text)


class _Clients:
    """The clients that runs of this command have made in a store of the local stack."""

    def __init__(self, deployment: StackOptions, store_hash: str) -> None:
        self._deployment = deployment
        self._store_hash = store_hash
        self._words = ["--store-hash", store_hash, *deployment.words]
        self.connect()

    def connect(self) -> None:
        """Reach the stack as it runs now."""
        self._endpoint = endpoint_of(running_stack(self._deployment.data_dir))
        self._stack = self._deployment.find()
        self._access = self._stack.access()
        self._hooks = self._stack.hooks()

    def connect_again(self) -> None:
        """Reach the stack if it was started again.

        A stack that was killed still says that it runs. One that was started again has another access key.
        """
        data_dir = self._deployment.data_dir
        if is_running(data_dir) and endpoint_of(running_stack(data_dir)) != self._endpoint:
            self.connect()

    @contextmanager
    def with_hook(self, client_id: str, scope: str, receiver: Receiver) -> Iterator["_Hook"]:
        """Make the receiver a hook of an app's own client. The hook is removed at the end."""
        self.need(client_id)
        with self.api(client_id) as (api, token):
            secret = token.client_secret
            receiver.start(secret)
            hook = _Hook(self, client_id, secret, scope, receiver.url, is_own=False)
            hook.register(api)
        try:
            yield hook
        finally:
            try:
                if self._has(client_id):
                    with self.api(client_id) as (api, _):
                        hook.remove(api)
            except BaseException:
                remove = to_type("hook", "delete", hook.id, *self._words_of(client_id))
                say(f"hook {hook.id} is still there; when the local stack runs, this removes it: {remove}")
                raise

    @contextmanager
    def with_client(self, secret: str, scope: str, receiver: Receiver) -> Iterator["_Hook"]:
        """Make a client with this secret, whose hook is the receiver. Both are removed at the end."""
        if all(is_listener(one.client_id) for one in self._access.list_clients(self._store_hash)):
            stores = to_type("store", "list", *self._deployment.words)
            say(f"the store {self._store_hash} has no client; the stores that have one: {stores}")
        client_id = LISTENER + secrets.token_hex(10)
        try:
            self._access.create_client(self._store_hash, client_id, secret=secret)
            with self.api(client_id) as (api, _):
                receiver.start(secret)
                hook = _Hook(self, client_id, secret, scope, receiver.url, is_own=True)
                hook.register(api)
            yield hook
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

    def need(self, client_id: str) -> None:
        """End the command with a message if the store has no such client."""
        if not self._has(client_id):
            clients = to_type("client", "list", *self._words)
            fail(f"the store {self._store_hash} has no client {client_id}; those that it has: {clients}")

    def restore(self, client_id: str, secret: str) -> None:
        """Make a run's own client again if it was removed."""
        self._access.create_client(self._store_hash, client_id, secret=secret)

    def gets_deliveries(self, client_id: str, hook_id: int) -> bool:
        """Whether a hook of this client is there, active and not paused. One call.

        A hook of another client has the id if the stack was killed, and gave the id once more.

        :raises storehooks.domain.errors.TransientError: when the stack does not respond.
        """
        hook = self._hooks.find(self._store_hash, hook_id)
        return hook is not None and hook.client_id == client_id and hook.is_active and not hook.is_paused

    @contextmanager
    def api(self, client_id: str) -> Iterator["tuple[Api, NewToken]"]:
        """The API, with a token of the client for a moment."""
        from storehooks_cli.api_client import Api

        url = self._stack.api_url
        with temporary_token(self._access, self._store_hash, client_id) as token:
            api = Api(url, self._store_hash, token.access_token, self._words_of(client_id))
            with api_failures_told(api, url):
                yield api, token

    def _words_of(self, client_id: str) -> list[str]:
        """The options that name the store's client in the stack, as they are typed."""
        return [*self._words, "--client-id", client_id]

    def _has(self, client_id: str) -> bool:
        return client_id in {one.client_id for one in self._access.list_clients(self._store_hash)}

    def _is_left(self, client: "Client") -> bool:
        with self.api(client.client_id) as (api, _):
            destinations = [hook["destination"] for hook in api.hooks()]
        if not destinations:
            return client.created_at < time.time() - _YOUNG_SECONDS
        return all(_is_ours(destination) and not _responds(destination) for destination in destinations)

    def _remove(self, client_id: str) -> None:
        self._stack.removal(self._store_hash, client_id).remove(lambda _: None)


class _Hook:
    """The hook of a run, which it watches.

    :param is_own: whether the client is the run's own too.
    """

    def __init__(
        self, clients: _Clients, client_id: str, secret: str, scope: str, destination: str, *, is_own: bool
    ) -> None:
        self.secret = secret
        self._clients = clients
        self._client_id = client_id
        self._new = {"scope": scope, "destination": destination, "is_active": True}
        self._is_own = is_own
        self.id = 0
        self._is_away = False

    def register(self, api: "Api") -> None:
        """Create it."""
        self.id = _register(api, self._new)

    def remove(self, api: "Api") -> None:
        """Delete it, unless somebody has."""
        from storehooks_cli.api_client import ApiError

        try:
            api.delete(f"hooks/{self.id}", hook_named(self.id))
        except ApiError as error:
            if error.status != NOT_FOUND:
                raise

    def watch(self) -> None:
        """Say why it gets no deliveries, if it gets none, and have it get them again."""
        try:
            gets_deliveries = self._clients.gets_deliveries(self._client_id, self.id)
        except TransientError:
            self._wait_for_the_stack()
            return
        if self._is_away:
            self._is_away = False
            say("the local stack responds again")
        if not gets_deliveries:
            with stops_deferred():
                self._serve_again()

    def _wait_for_the_stack(self) -> None:
        if not self._is_away:
            say("the local stack does not respond; when it runs again, listening goes on")
        self._is_away = True
        self._clients.connect_again()

    def _serve_again(self) -> None:
        if self._is_own:
            self._clients.restore(self._client_id, self.secret)
        else:
            self._clients.need(self._client_id)
        with self._clients.api(self._client_id) as (api, _):
            self.id = serve_again(api, self.id, self._new)


def _register(api: "Api", new_hook: dict[str, Any]) -> int:
    """Make the hook; its id."""
    from storehooks_cli.api_client import ApiError

    try:
        hook = api.post("hooks", "", new_hook)
    except ApiError as error:
        if "destination" not in error.fields:
            raise
        fail(
            "this stack admits no destination on this machine; "
            "start it with ALLOW_PRIVATE_DESTINATIONS=true, as `make run` does by default"
        )
    return int(hook["id"])


def _is_ours(destination: str) -> bool:
    parts = urlsplit(destination)
    return parts.hostname == LOOPBACK and parts.path.startswith(RECEIVER_PATH)


def _responds(destination: str) -> bool:
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
