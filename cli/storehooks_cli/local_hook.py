"""storehooks listen on the local stack: the hook of a run, and the client that it has.

Each run has a client of its own, known by its id, unless the client of an app is named. What a run has
made is removed when it ends. If a run is killed, the next one for the store removes its client: nobody
responds at the hook's destination any more.
"""

import hmac
import secrets
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from http.client import INTERNAL_SERVER_ERROR, NOT_FOUND, TOO_MANY_REQUESTS
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from storehooks.domain.errors import TransientError
from storehooks_cli.connection import LISTENER, api_failures_told, hook_named, is_listener, temporary_token
from storehooks_cli.local.endpoint import Endpoint
from storehooks_cli.local.files import write_whole
from storehooks_cli.local.ports import LOOPBACK
from storehooks_cli.local.running import data_folder, endpoint_of, find_running, running_stack
from storehooks_cli.options import StackOptions, to_type
from storehooks_cli.output import fail, say
from storehooks_cli.receiver import RECEIVER_PATH, Receiver
from storehooks_cli.served_hook import serve_again
from storehooks_cli.stopping import stops_deferred

if TYPE_CHECKING:
    from storehooks.domain.client import Client
    from storehooks_cli.access import NewToken
    from storehooks_cli.api_client import Api
    from storehooks_cli.stack import Stack

_PROBE_SECONDS = 2
# A client without a hook may be one that another run is about to give a hook.
_YOUNG_SECONDS = 60


class LocalStore:
    """A store of the local stack, as a run of `storehooks listen` uses it."""

    def __init__(self, deployment: StackOptions, store_hash: str) -> None:
        self._deployment = deployment
        self._store_hash = store_hash
        self._words = ["--store-hash", store_hash, *deployment.words]
        self._connect(endpoint_of(running_stack(deployment.data_dir)), deployment.find())

    def _connect(self, endpoint: Endpoint, stack: "Stack") -> None:
        self._endpoint = endpoint
        self._stack = stack
        self._access = stack.access()
        self._hooks = stack.hooks()

    def connect_again(self) -> None:
        """Reach the stack if it was started again.

        A stack that was killed still says that it runs. One that was started again has another access key.
        """
        from botocore.exceptions import BotoCoreError, ClientError

        from storehooks_cli.stack import local_stack

        running = find_running(self._deployment.data_dir)
        if running is not None and (endpoint := endpoint_of(running)) != self._endpoint:
            with suppress(BotoCoreError, ClientError):  # it was killed again
                self._connect(endpoint, local_stack(running))

    def hook(
        self, client_id: str | None, scope: str, receiver: Receiver
    ) -> AbstractContextManager["LocalHook"]:
        """Make the receiver a hook of this client, or of a new one for None. At the end it is removed."""
        if client_id is None:
            return self._with_own_client(scope, receiver)
        return self._with_client(client_id, scope, receiver)

    @contextmanager
    def _with_client(self, client_id: str, scope: str, receiver: Receiver) -> Iterator["LocalHook"]:
        self.need_client(client_id)
        hook = self._registered(client_id, scope, receiver, is_own=False)
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
    def _with_own_client(self, scope: str, receiver: Receiver) -> Iterator["LocalHook"]:
        if all(is_listener(one.client_id) for one in self._access.list_clients(self._store_hash)):
            stores = to_type("store", "list", *self._deployment.words)
            say(f"the store {self._store_hash} has no client; the stores that have one: {stores}")
        client_id = LISTENER + secrets.token_hex(10)
        try:
            self.make_client(client_id)
            yield self._registered(client_id, scope, receiver, is_own=True)
        finally:
            try:
                self._remove(client_id)
            except BaseException:
                say("the hook of this run is still there; the next run for the store removes it")
                raise

    def _registered(self, client_id: str, scope: str, receiver: Receiver, *, is_own: bool) -> "LocalHook":
        with self.api(client_id) as (api, token):
            receiver.start(token.client_secret)
            hook = LocalHook(self, client_id, token.client_secret, scope, receiver.url, is_own=is_own)
            hook.register(api)
        return hook

    def remove_those_left(self) -> None:
        """Remove what runs that were killed have left."""
        for client in self._access.list_clients(self._store_hash):
            if is_listener(client.client_id) and self._is_left(client):
                self._remove(client.client_id)
                say(f"removed the client {client.client_id} and its hook, which a killed run had left")

    def need_client(self, client_id: str) -> None:
        """End the command with a message if the store has no such client."""
        if not self._has(client_id):
            clients = to_type("client", "list", *self._words)
            fail(f"the store {self._store_hash} has no client {client_id}; those that it has: {clients}")

    def make_client(self, client_id: str) -> None:
        """Make the client of a run, unless it is there. Its secret is the same in each run."""
        secret = _secret_of(data_folder(self._deployment.data_dir), self._store_hash)
        self._access.create_client(self._store_hash, client_id, secret=secret)

    def gets_deliveries(self, client_id: str, hook_id: int) -> bool:
        """Whether a hook of this client is there, active and not paused. One call.

        After a kill the stack may give the id again, to a hook of another client.

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
        """The options that name the client, as they are typed."""
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


class LocalHook:
    """The hook of a run, which it watches.

    :param is_own: whether the client is the run's own too.
    """

    def __init__(
        self, store: LocalStore, client_id: str, secret: str, scope: str, destination: str, *, is_own: bool
    ) -> None:
        self.id = 0
        self.secret = secret
        self._store = store
        self._client_id = client_id
        self._new = {"scope": scope, "destination": destination, "is_active": True}
        self._is_own = is_own
        self._is_away = False

    def register(self, api: "Api") -> None:
        """Create it."""
        self.id = _create(api, self._new)

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
            if not self._store.gets_deliveries(self._client_id, self.id):
                with stops_deferred():
                    self._serve_again()
        except TransientError:
            self._wait_for_the_stack()
            return
        if self._is_away:
            self._is_away = False
            say("the local stack responds again")

    def _wait_for_the_stack(self) -> None:
        if not self._is_away:
            say("the local stack does not respond; when it runs again, listening goes on")
        self._is_away = True
        self._store.connect_again()

    def _serve_again(self) -> None:
        if self._is_own:
            self._store.make_client(self._client_id)
        else:
            self._store.need_client(self._client_id)
        with self._store.api(self._client_id) as (api, _), _outage_raised():
            self.id = serve_again(api, self.id, self._new)


class _ApiAwayError(TransientError):
    """The API does not respond, or responds 429 or 5xx."""


@contextmanager
def _outage_raised() -> Iterator[None]:
    """Raise :class:`_ApiAwayError` where a repeat may help; other errors of the API stay as they are."""
    from storehooks_cli.api_client import ApiError, ApiUnreachableError

    try:
        yield
    except ApiUnreachableError as error:
        raise _ApiAwayError from error
    except ApiError as error:
        if error.status < INTERNAL_SERVER_ERROR and error.status != TOO_MANY_REQUESTS:
            raise
        raise _ApiAwayError from error


def _secret_of(folder: Path, store_hash: str) -> str:
    """The secret of the clients of runs in a store: the same in each run."""
    path = folder / "listen-key"
    if not path.exists():
        write_whole(path, secrets.token_hex(32))
    return hmac.digest(path.read_bytes(), store_hash.encode(), "sha256").hex()


def _create(api: "Api", new_hook: dict[str, Any]) -> int:
    """Create the hook; its id."""
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
