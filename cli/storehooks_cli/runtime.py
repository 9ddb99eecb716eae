"""AWS's runtime interface emulator, which runs a function as Lambda does, without a container."""

import platform
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from storehooks_cli.local.folders import PROJECT
from storehooks_cli.local.ports import LOOPBACK, free_port
from storehooks_cli.output import fail

if TYPE_CHECKING:
    import requests

_EMULATORS = PROJECT / ".venv-sam/lib/python3.13/site-packages/samcli/local/rapid"
_PYTHON = PROJECT / ".venv/bin/python"
_CONNECTS = 20

RUNTIME = (str(_PYTHON), "-m", "awslambdaric", "app.handler")
"""How the runtime is started, with the handler that it calls."""


def emulator() -> Path:
    """The emulator for this machine, which `sam` brings."""
    processors = {"x86_64": "x86_64", "aarch64": "arm64"}
    processor = processors.get(platform.machine())
    if sys.platform != "linux" or processor is None:
        fail("AWS's runtime interface emulator needs Linux; with Docker, `sam local invoke` does the same")
    return _EMULATORS / f"aws-lambda-rie-{processor}"


def http() -> "requests.Session":
    """A client for this machine, to which no proxy leads. It waits for what is just starting."""
    import requests
    from requests.adapters import HTTPAdapter
    from urllib3 import Retry

    session = requests.Session()
    session.trust_env = False
    retry = Retry(
        total=None, connect=_CONNECTS, read=False, status=False, other=0, backoff_factor=0.1, backoff_max=0.5
    )
    session.mount("http://", HTTPAdapter(max_retries=retry))
    return session


@contextmanager
def running(
    emulator: Path, folder: Path, environment: Mapping[str, str], runtime: Sequence[str] = RUNTIME
) -> Iterator[str]:
    """The emulator, with the function in this folder; gives the URL that invokes it.

    The runtime starts with the first invocation.
    """
    address, runtime_address = f"{LOOPBACK}:{free_port()}", f"{LOOPBACK}:{free_port()}"
    process = psutil.Popen(
        [
            *(emulator, "--log-level", "error"),
            *("--runtime-interface-emulator-address", address),
            *("--runtime-api-address", runtime_address),
            *runtime,
        ],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr,
    )
    try:
        yield f"http://{address}/2015-03-31/functions/function/invocations"
    finally:
        # The runtime first, which would complain of the emulator's end.
        for part in [*process.children(recursive=True), process]:
            part.kill()
        process.wait()
