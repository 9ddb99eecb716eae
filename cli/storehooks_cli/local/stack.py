"""Starting the local stack, keeping it up, and stopping it."""

import asyncio
import contextlib
import json
import os
import shlex
import shutil
import socket
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import typer
from botocore.exceptions import BotoCoreError, ClientError

from storehooks.domain.errors import TransientError
from storehooks_cli.access import NewToken
from storehooks_cli.client_secret import library_secret
from storehooks_cli.local.certificates import server_context
from storehooks_cli.local.demo import demo_token
from storehooks_cli.local.deployment import SAM, STACK_NAME, Deployment, Outputs
from storehooks_cli.local.emulator import PYTHON, Emulator
from storehooks_cli.local.endpoint import Endpoint
from storehooks_cli.local.environment import REGION, forget_callers_aws
from storehooks_cli.local.errors import LocalError
from storehooks_cli.local.files import write_whole
from storehooks_cli.local.folders import DataFolder
from storehooks_cli.local.front import Front
from storehooks_cli.local.guard import accepted_hosts
from storehooks_cli.local.lock import exclusive
from storehooks_cli.local.ports import LOOPBACK, listen
from storehooks_cli.local.processes import end_orphans
from storehooks_cli.local.state import State
from storehooks_cli.local.stopping import StopRequest
from storehooks_cli.options import DEFAULT_STACK_NAME, DEMO_STORE, deployment_words

# A machine that is very busy may need more time than the first request has.
_FIRST_TRIES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The options of `storehooks local`."""

    port: int
    tls_port: int
    data_dir: Path
    allow_private_destinations: str
    retry_schedule: str
    delivery_timeout_seconds: int
    allowed_hosts: frozenset[str]

    @property
    def parameters(self) -> dict[str, str]:
        """Those of the template's parameters that it decides."""
        return {
            "AllowPrivateDestinations": self.allow_private_destinations,
            "RetrySchedule": self.retry_schedule,
            "DeliveryTimeoutSeconds": str(self.delivery_timeout_seconds),
        }


def run(settings: Settings) -> None:
    """Run the stack until a signal asks to stop it.

    :raises LocalError: when it cannot be started, or ends by itself.
    """
    stop = StopRequest()
    forget_callers_aws()
    _check_tools()
    folder = DataFolder.open(settings.data_dir)
    with exclusive(folder), contextlib.suppress(asyncio.CancelledError):
        asyncio.run(_Stack(settings, folder).run(stop))


def _check_tools() -> None:
    for program in (PYTHON, SAM):
        if not program.exists():
            raise LocalError(f"{program} is missing: run `make install`")
    if shutil.which("make") is None:
        raise LocalError("`make` is missing, with which SAM builds the layer")


class _Stack:
    def __init__(self, settings: Settings, folder: DataFolder) -> None:
        self._settings = settings
        self._folder = folder
        self._state = State(folder)
        self._base_url = f"http://{LOOPBACK}:{settings.port}"
        self._tls_base_url = f"https://localhost:{settings.tls_port}"
        self._started = time.monotonic()

    async def run(self, stop: StopRequest) -> None:
        stop.cancels_current_task()
        for listener in self._listeners():
            listener.close()  # only to know before building whether it will be possible
        self._recover()
        async with self._emulator() as emulator:
            outputs = await self._deploy(emulator)
            token = await asyncio.to_thread(demo_token, self._state, emulator.endpoint, outputs)
            async with Front(
                f"{emulator.endpoint.url}/_aws/execute-api/{outputs.api_id}/{outputs.stage_name}",
                credentials=emulator.endpoint.headers,
                allowed_hosts=self._settings.allowed_hosts,
            ) as front:
                plain, tls = self._listeners()
                await front.listen(plain)
                await front.listen(tls, server_context(self._folder, self._settings.allowed_hosts))
                await self._first_response(token.access_token)
                with self._stack_files(emulator.endpoint):
                    self._announce(token)
                    try:
                        await emulator.died()
                    except asyncio.CancelledError:
                        self._say("stopping")
                        raise
            raise LocalError(f"the local AWS ended by itself: see {emulator.log}")

    def _listeners(self) -> tuple[socket.socket, socket.socket]:
        return listen(self._settings.port, "PORT"), listen(self._settings.tls_port, "TLS_PORT")

    def _recover(self) -> None:
        """Tidy up after a run that was killed."""
        self._folder.forget_stack()
        if news := self._state.recover(saved_by_orphan=end_orphans(self._folder)):
            self._say(news)
        shutil.rmtree(self._folder.scratch, ignore_errors=True)
        self._folder.scratch.mkdir()

    @contextlib.asynccontextmanager
    async def _emulator(self) -> AsyncIterator[Emulator]:
        self._say("starting the local AWS")
        self._state.begin()
        emulator = Emulator(self._folder, self._settings.allowed_hosts)
        try:
            async with emulator:
                yield emulator
        except (BotoCoreError, ClientError, TransientError) as error:
            raise LocalError(f"the local AWS fails ({error!r}): see {emulator.log}") from error
        finally:
            if emulator.saved:
                self._state.end()
            else:
                self._say(
                    "the local AWS has ended without saving; the next start goes back to the last clean stop"
                )
            # Last: each process of a function had a copy of the layer, and to delete those takes seconds.
            shutil.rmtree(self._folder.scratch, ignore_errors=True)

    async def _deploy(self, emulator: Emulator) -> Outputs:
        deployment = Deployment(self._folder, self._state, emulator.endpoint, self._settings.parameters)
        if not deployment.is_current():
            self._say("building")
            await deployment.build()
            self._say("deploying")
            await deployment.deploy()
        return await asyncio.to_thread(deployment.outputs)

    async def _first_response(self, token: str) -> None:
        """Wait until the API responds to a real request."""
        self._say("waiting for the first response")
        hooks_url = f"{self._base_url}/stores/{DEMO_STORE}/v2/hooks"
        async with aiohttp.ClientSession(headers={"X-Auth-Token": token}) as client:
            for _ in range(_FIRST_TRIES):
                async with client.get(hooks_url) as response:
                    if response.status == 200:
                        return
                    seen = f"{response.status} {await response.text()}"
                await asyncio.sleep(1)
        raise LocalError(f"the API responds {seen}: see {self._folder.logs}")

    @contextlib.contextmanager
    def _stack_files(self, endpoint: Endpoint) -> Iterator[None]:
        """Say how to reach the stack, to other commands of ours and to any SDK."""
        stack = {
            "endpoint_url": endpoint.url,
            "access_key_id": endpoint.access_key_id,
            "hosts": sorted(accepted_hosts(self._settings.allowed_hosts)),
            "region": REGION,
            "stack_name": STACK_NAME,
            "base_url": self._base_url,
            "tls_base_url": self._tls_base_url,
            "pid": os.getpid(),
        }
        lines = [f"{name.lower()} = {value}" for name, value in endpoint.credentials.items()]
        write_whole(self._folder.credentials, "\n".join(["[default]", *lines, ""]))
        write_whole(self._folder.stack_file, json.dumps(stack, indent=2))
        try:
            yield
        finally:
            self._folder.forget_stack()

    def _announce(self, demo: NewToken) -> None:
        token = demo.access_token
        typer.echo(f"storehooks ready on {self._base_url} and {self._tls_base_url}")
        typer.echo(f"store: {demo.store_hash}")
        typer.echo(f"client: {demo.client_id}")
        typer.echo(f"its secret: {library_secret(demo.client_secret)}")
        typer.echo(f"demo token for store {demo.store_hash}: {token}")
        typer.echo(f"console: {self._base_url}/console")
        typer.echo(f"curl -H 'X-Auth-Token: {token}' {self._base_url}/stores/{demo.store_hash}/v2/hooks")
        typer.echo(f"https clients trust {self._folder.ca_certificate}; Ctrl-C stops and keeps everything")
        typer.echo(f"listen: {self._to_type('listen')}")
        typer.echo(f"publish an event: {self._to_type('event', 'send', 'store/order/created')}")

    def _to_type(self, *words: str) -> str:
        """A command on this stack, as it is typed in the repository."""
        options = deployment_words(
            local=True, data_dir=self._settings.data_dir, stack_name=DEFAULT_STACK_NAME
        )
        return shlex.join([".venv/bin/storehooks", *words, *options])

    def _say(self, text: str) -> None:
        typer.echo(f"{time.monotonic() - self._started:5.1f} s  {text}")
