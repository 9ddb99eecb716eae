"""A function alone in a process, as Lambda has it, with nothing of whoever measures beside it.

``python -m benchmarks.alone deliver`` takes events on its input, a line each, and says for each how
many megabytes the process has had in memory at most, and how much time of a core it took. The first
line it says is of the function's imports.
"""

import importlib.util
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from storehooks.composition import Handler, Parts
from storehooks.settings import Settings

ROOT = Path(__file__).parents[1]
_PEAK = re.compile(r"VmHWM:\s+(\d+) kB")


@dataclass(frozen=True, slots=True)
class Context:
    """What Lambda tells a handler of its invocation, as far as ours read it."""

    aws_request_id: str = "c6af9ac6-7b61-11e6-9a41-93e8deadbeef"


@dataclass(frozen=True, slots=True)
class Said:
    """What the process said of one event. The memory is the most that it had since it began."""

    response: Any
    peak_mb: float
    core_seconds: float


class Alone:
    """The process, from the side of whoever measures."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._input, self._output = process.stdin, process.stdout
        self.imported = self._read()

    def invoke(self, event: Mapping[str, Any]) -> Said:
        """Give it an event and wait until it is done."""
        self._input.write(json.dumps(event) + "\n")
        self._input.flush()
        return self._read()

    def _read(self) -> Said:
        return Said(**json.loads(self._output.readline()))


@contextmanager
def alone(function: str, settings: Mapping[str, str]) -> Iterator[Alone]:
    """The function in a process of its own, with these settings in its environment."""
    with subprocess.Popen(  # noqa: S603
        [sys.executable, "-m", "benchmarks.alone", function],
        cwd=ROOT, env={**os.environ, **settings}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        try:
            yield Alone(process)
        finally:
            process.kill()


def load(function: str, **given: Any) -> Handler:
    """A function's handler after a cold start in this process's environment, with these parts given."""
    spec = importlib.util.spec_from_file_location(function, ROOT / "functions" / function / "app.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    handler: Handler = module.build(Parts(Settings(os.environ), **given))
    return handler


def main() -> None:
    # What the function logs goes nowhere, at about the price of going somewhere.
    said = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)

    def say(response: object, core_seconds: float) -> None:
        print(json.dumps(asdict(Said(response, peak_mb(), core_seconds))), file=said, flush=True)

    handler = load(sys.argv[1])
    say(None, time.process_time())
    for line in sys.stdin:
        event = json.loads(line)
        started = time.process_time()
        response = handler(event, Context())
        say(response, time.process_time() - started)


def peak_mb() -> float:
    """The most megabytes this process has had in memory."""
    found = _PEAK.search(Path("/proc/self/status").read_text())
    assert found is not None, "Linux tells it"
    return round(int(found[1]) / 1024, 1)


if __name__ == "__main__":
    main()
