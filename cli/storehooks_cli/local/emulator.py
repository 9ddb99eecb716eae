"""ministack, which plays AWS."""

import asyncio
import secrets
import signal
from collections.abc import Collection
from pathlib import Path
from types import TracebackType
from typing import Self

import aiohttp

from storehooks_cli.local.endpoint import Endpoint
from storehooks_cli.local.environment import emulator_environment
from storehooks_cli.local.errors import LocalError
from storehooks_cli.local.files import write_whole
from storehooks_cli.local.folders import PROJECT, DataFolder
from storehooks_cli.local.ports import LOOPBACK, free_port
from storehooks_cli.local.processes import EMULATOR, SAVING_SECONDS, kill_functions, kill_leftovers

PYTHON = PROJECT / ".venv-aws/bin/python"
_PROGRAM = Path(__file__).with_name(EMULATOR)
_START_SECONDS = 60


class Emulator:
    """A running ministack. Leaving the context stops it and all that it started.

    :param allowed_hosts: by which a request may address it, besides its own.
    """

    endpoint: Endpoint

    def __init__(self, folder: DataFolder, allowed_hosts: Collection[str]) -> None:
        self._folder = folder
        self._allowed_hosts = allowed_hosts
        self.log = folder.logs / "ministack.log"
        self._process: asyncio.subprocess.Process | None = None
        self.saved = True
        """Whether the state folder is whole; valid while it does not run."""

    async def __aenter__(self) -> Self:
        try:
            await self._start()
        except BaseException:
            await self._stop()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stop()

    async def died(self) -> None:
        """Return when it has ended, which it does not by itself."""
        if self._process:
            await self._process.wait()

    async def _start(self) -> None:
        port = self._port()
        access_key_id = secrets.token_hex(16)
        self.endpoint = Endpoint(f"http://{LOOPBACK}:{port}", access_key_id)
        with self.log.open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                PYTHON,
                "-P",  # what lies beside the program is not for ministack to import
                _PROGRAM,
                env=emulator_environment(self._folder, port, access_key_id, self._allowed_hosts),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # Ctrl-C is for all of a terminal's processes, but this one is to be
                # stopped when its last requests have their responses.
                start_new_session=True,
            )
        try:
            async with asyncio.timeout(_START_SECONDS):
                while not await self._is_healthy():  # noqa: ASYNC110 (another process's state)
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise LocalError(f"the local AWS does not respond: see {self.log}") from None

    def _port(self) -> int:
        """The same at each start if it can be, for it is part of addresses that ministack keeps."""
        file = self._folder.emulator_port
        port = free_port(int(file.read_text()) if file.exists() else 0)
        write_whole(file, str(port))
        return port

    async def _is_healthy(self) -> bool:
        if self._process and self._process.returncode is not None:
            raise LocalError(f"the local AWS did not start: see {self.log}")
        try:
            async with (
                aiohttp.ClientSession(headers=self.endpoint.headers) as client,
                client.get(f"{self.endpoint.url}/_ministack/health") as response,
            ):
                return response.status == 200
        except aiohttp.ClientError:
            return False

    async def _stop(self) -> None:
        if self._process:
            self.saved = await self._ends_cleanly(self._process)
        kill_leftovers(self._folder)

    async def _ends_cleanly(self, process: asyncio.subprocess.Process) -> bool:
        if process.returncode is not None:
            return False
        process.terminate()
        try:
            async with asyncio.timeout(SAVING_SECONDS):
                while process.returncode is None:
                    kill_functions(process.pid)
                    await asyncio.sleep(0.1)
        except TimeoutError:
            process.kill()
            await process.wait()
            return False
        # The signal itself ends it only as long as it has not touched anything.
        return process.returncode in (0, -signal.SIGTERM)
