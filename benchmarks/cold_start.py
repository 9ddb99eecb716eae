"""Cold starts of the functions on hooks and of ``deliver``, beside a bare boto3 handler.

Both make the same calls and run in AWS's runtime interface emulator, with the layer as it is built
and what Lambda's Python has besides; DynamoDB is a stub at a socket. A figure is the core time of the
runtime's process, from its start to the response of the first invocation.
"""

import importlib.util
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import psutil

from benchmarks import deployment
from benchmarks.measure import Measure, paired, print_measures, ratio
from benchmarks.stub import dynamodb_stub
from storehooks_cli.local.endpoint import credentials
from storehooks_cli.local.environment import NO_AWS_ACCOUNT, REGION
from storehooks_cli.runtime import emulator, http, running

ROOT = Path(__file__).parents[1]
FUNCTIONS = ("create_hook", "get_hook", "list_hooks", "update_hook", "delete_hook")
READING_A_BODY = {"create_hook", "update_hook"}
MAX_TIMES_THE_BARE_HANDLER = 1.05
MAX_TIMES_WITH_PYDANTIC = 1.1
ROUNDS = 15
# Of this environment, what Lambda's python3.13 has beside the standard library. The last three are
# the runtime's client with what it imports.
RUNTIME = ("boto3", "botocore", "dateutil", "jmespath", "s3transfer", "six", "urllib3",
           "awslambdaric", "simplejson", "snapshot_restore_py")  # fmt: skip
RUNTIME_BINARIES = ("runtime_client",)

_IMPORTED = re.compile(r"(?m)^import time:\s+(\d+) \|\s+\d+ \|\s+(\S+)$")
_STANDARD = "standard library"
_NAMES = {
    "app": "the client and the handler",
    "storehooks": "storehooks",
    "pydantic": "pydantic",
    "aws_lambda_powertools": "Powertools",
    "boto3": "boto3",
    "botocore": "botocore",
    "": _STANDARD,
}
# What they bring with them is theirs.
_BELONGS = {
    "pydantic_core": "pydantic",
    "annotated_types": "pydantic",
    "typing_extensions": "pydantic",
    "typing_inspection": "pydantic",
    "s3transfer": "boto3",
    **dict.fromkeys(("urllib3", "dateutil", "jmespath", "six"), "botocore"),
}


def _whose(module: str) -> str:
    top = module.partition(".")[0]
    return _NAMES.get(_BELONGS.get(top, top), _STANDARD)


@dataclass(frozen=True, slots=True)
class Built:
    """The layer, the runtime's packages, and the environment of functions."""

    layer: Path
    runtime: Path
    environment: Mapping[str, str]

    @classmethod
    def build(cls, folder: Path, endpoint_url: str) -> "Built":
        """The layer by its own Makefile, as `sam build` calls it, for this machine."""
        layer, runtime = folder / "layer", folder / "runtime"
        subprocess.run(
            ["make", "--silent", "build-SharedLayer"],  # noqa: S607
            cwd=ROOT / "layers/shared",
            env={
                **{name: value for name, value in os.environ.items() if not name.startswith("MAKE")},
                "ARTIFACTS_DIR": str(layer),
                "LAYER_PLATFORM": "local",
            },
            stdout=sys.stderr,
            check=True,
        )
        runtime.mkdir()
        for name in (*RUNTIME, *RUNTIME_BINARIES):
            spec = importlib.util.find_spec(name)
            assert spec is not None
            assert spec.origin is not None
            origin = Path(spec.origin)
            source = origin.parent if origin.name == "__init__.py" else origin
            (runtime / source.name).symlink_to(source)
        return cls(layer / "python", runtime, settings(endpoint_url))

    def _environment(self, folder: Path) -> dict[str, str]:
        path = os.pathsep.join(map(str, (folder, self.layer, self.runtime)))
        return {**self.environment, "PYTHONPATH": path, "LAMBDA_TASK_ROOT": str(folder)}

    def import_ms(self, folder: Path) -> dict[str, float]:
        """Milliseconds of a function's imports, by the top name of what is imported.

        What its module does itself, such as making the client, is under ``app``.
        """
        response = subprocess.run(
            [sys.executable, "-S", "-X", "importtime", "-c", "import app"],
            env=self._environment(folder),
            capture_output=True,
            text=True,
            check=True,
        )
        taken: Counter[str] = Counter()
        for microseconds, module in _IMPORTED.findall(response.stderr):
            taken[_whose(module)] += int(microseconds)
        return {name: taken[name] / 1000 for name in _NAMES.values()}

    def cold_start_ms(self, folder: Path, handler: str, event: bytes) -> float:
        """Milliseconds of a core for init and first invocation; the function's code is in this folder."""
        # -S: nothing of this environment but what is on the path above.
        command = (sys.executable, "-S", "-m", "awslambdaric", handler)
        with running(emulator(), folder, self._environment(folder), command) as url:
            _wait_for(url)
            returned = http().post(url, data=event, timeout=60).json()
            took = _core_ms_of_the_runtime()
        assert returned == {"batchItemFailures": []} or returned["statusCode"] in {200, 201}, returned
        return took


def settings(endpoint_url: str) -> dict[str, str]:
    """The environment of the functions, and where their AWS is."""
    return {
        **deployment.SETTINGS,
        **credentials("test"),
        **NO_AWS_ACCOUNT,
        "AWS_ENDPOINT_URL": endpoint_url,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_LAMBDA_FUNCTION_NAME": "function",
        "MAX_HOOKS_PER_CLIENT": "250",
        "MAX_HOOKS_PER_STORE": "2000",
        "PATH": os.environ["PATH"],
        "LANG": "C.UTF-8",
        "PYTHONDONTWRITEBYTECODE": "1",  # a function cannot write where its code is
    }


def _core_ms_of_the_runtime() -> float:
    """Milliseconds of a core that the emulator's child has had, with all its threads, to the nanosecond."""
    started = psutil.Process().children()
    (runtime,) = next(process for process in started if process.exe() == str(emulator().resolve())).children()
    threads = Path(f"/proc/{runtime.pid}/task").glob("*/schedstat")
    return sum(int(thread.read_text().split()[0]) for thread in threads) / 1e6


def _wait_for(url: str) -> None:
    """Until the emulator listens; it has not started the function then."""
    address = urlsplit(url)
    until = time.monotonic() + 10
    while True:
        try:
            socket.create_connection((address.hostname, address.port or 80)).close()
        except ConnectionRefusedError:
            assert time.monotonic() < until, "the emulator does not listen"
            time.sleep(0.01)
        else:
            return


def measure(rounds: int = ROUNDS) -> list[Measure]:
    measures = []
    with tempfile.TemporaryDirectory(prefix="storehooks-") as name, dynamodb_stub() as endpoint_url:
        folder = Path(name)
        built = Built.build(folder, endpoint_url)
        bare = folder / "bare"
        bare.mkdir()
        shutil.copy(ROOT / "benchmarks/bare/app.py", bare)
        for function in (*FUNCTIONS, "deliver"):
            reach = MAX_TIMES_WITH_PYDANTIC if function in READING_A_BODY else MAX_TIMES_THE_BARE_HANDLER
            code = folder / function
            code.mkdir()
            shutil.copy(ROOT / "functions" / function / "app.py", code)
            event = (ROOT / f"events/{function}.json").read_bytes()
            start = partial(built.cold_start_ms, code, "app.handler", event)
            start_bare = partial(built.cold_start_ms, bare, f"app.{function}", event)
            start(), start_bare()  # what is not in the machine's memory yet is read from its disk
            ours, plain = paired(rounds, start, start_bare)
            measures.append(
                Measure(
                    name=f"Cold start of {function}",
                    value=round(ratio(ours, plain), 3),
                    unit="times the bare handler",
                    reach=reach,
                    compared={function: round(ours.median, 1), "bare boto3": round(plain.median, 1)},
                    compared_unit="ms of a core",
                    detail={"rounds": rounds, "middle_half_ms": [round(value, 1) for value in ours.spread]},
                )
            )
        measures += [_imports(built, folder, name, rounds) for name in ("create_hook", "get_hook", "bare")]
    return measures


def _imports(built: Built, folder: Path, function: str, rounds: int) -> Measure:
    """What each import of a function costs, the fastest of the rounds: the least of what it was disturbed."""
    taken = [built.import_ms(folder / function) for _ in range(rounds)]
    fastest = {name: round(min(one[name] for one in taken), 1) for name in taken[0]}
    return Measure(
        name=f"Imports of {'a bare boto3 handler' if function == 'bare' else function}",
        value=round(sum(fastest.values()), 1),
        unit="ms",
        compared={name: milliseconds for name, milliseconds in fastest.items() if milliseconds},
        compared_unit="ms",
        detail={"rounds": rounds},
    )


if __name__ == "__main__":
    print_measures(measure())
