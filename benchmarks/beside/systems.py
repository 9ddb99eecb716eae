"""The three systems as the measures use them: publish, what runs, and what a hard kill hits."""

import json
import os
import signal
import subprocess
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, Literal

import psutil
import requests
from tests.e2e.local_run import LocalRun, started_in

from benchmarks.alone import ROOT
from benchmarks.beside import servers
from benchmarks.local_stack import Store

PYTHON = ROOT / ".venv-peers/bin/python"
WORKERS = 8
"""Processes that deliver, for each of the two packages: four for each core of a small machine."""
_SECRET = "bench-secret-5f0c3f6d2ba84d0f8b6f3b1c2f0e9a77"  # noqa: S105 - signs to nobody but the measure's receiver
_STOP_SECONDS = 30

type Hook = Literal["healthy", "hanging"]


class NotPublishedError(Exception):
    """The system was killed before it had confirmed the events.

    ``is_committed`` says whether the application's transaction was committed all the same.
    """

    def __init__(self, *, is_committed: bool = False) -> None:
        super().__init__()
        self.is_committed = is_committed


class System(ABC):
    """One of those that are compared, running, with a healthy hook and one that hangs."""

    @abstractmethod
    def publish(self, hook: Hook, numbers: Sequence[int]) -> None:
        """Publish an event for each number; return when the system has confirmed all.

        :raises NotPublishedError: when it has not.
        """

    @abstractmethod
    def processes(self) -> list[psutil.Process]:
        """All that work for it."""

    def senders(self) -> list[psutil.Process]:
        """Those of them that are its own, without the databases; all where nothing is told apart."""
        return self.processes()

    @abstractmethod
    def kill(self) -> None:
        """Kill at once all that a crash of the machines would stop."""

    @abstractmethod
    def recover(self) -> None:
        """Start what was killed again, on the data that is left."""


def core_seconds(processes: Iterable[psutil.Process]) -> float:
    """What they and their ended children have taken of the processor."""
    total = 0.0
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            total += sum(process.cpu_times()[:4])  # user, system, and both of its ended children
    return total


class LocalStack(System):
    """storehooks on the local stack: the functions that are deployed, over an emulator of AWS."""

    def __init__(self, run: LocalRun, url: str) -> None:
        self._run = run
        self._store = Store(run.data_dir)
        self._store.hook("store/order/*", f"{url}/healthy")
        self._store.hook("store/customer/*", f"{url}/hanging")

    def publish(self, hook: Hook, numbers: Sequence[int]) -> None:
        scope = "store/order/created" if hook == "healthy" else "store/customer/created"
        events = [
            {"scope": scope, "data": {"type": "order", "id": 250, "number": number}} for number in numbers
        ]
        try:
            self._store.call("POST", "events", json=events)
        except requests.RequestException as error:
            raise NotPublishedError from error

    def processes(self) -> list[psutil.Process]:
        return list({psutil.Process(self._run.pid), *started_in(self._run.data_dir)})

    def senders(self) -> list[psutil.Process]:
        return [process for process in self.processes() if _is_function(process)]

    def kill(self) -> None:
        """Kill the functions: AWS keeps queues and tables; its emulator has them in its memory."""
        _kill(self.senders())

    def recover(self) -> None:
        """Nothing: the emulator starts functions when there is work, as AWS does."""


def _is_function(process: psutil.Process) -> bool:
    with suppress(psutil.Error):
        return any(part.endswith("_worker.py") for part in process.cmdline())
    return False


class DjangoPackage(System):
    """One of the two packages: an application that publishes, processes that deliver, and databases."""

    def __init__(self, name: str, folder: Path) -> None:
        self._folder = folder
        self._has_broker = name == "django-webhook2"
        self._ports = {"POSTGRES_PORT": servers.free_port(), "REDIS_PORT": servers.free_port()}
        self._environment = {
            **os.environ,
            **{port: str(number) for port, number in self._ports.items()},
            "DJANGO_SETTINGS_MODULE": "benchmarks.beside.project.settings",
            "PEER": name,
            "PYTHONPATH": str(ROOT),
            "SECRET": _SECRET,
        }
        self._started: list[subprocess.Popen[Any]] = []

    def start(self, *url: str) -> None:
        """Start all, and register the two hooks if a receiver's URL is given."""
        self._started.append(servers.postgres(self._folder, self._ports["POSTGRES_PORT"]))
        if self._has_broker:
            self._started.append(servers.redis(self._folder, self._ports["REDIS_PORT"]))
        self._application = self._python(
            "benchmarks.beside.project.publisher", *url, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert self._said() == "ready", (self._folder / "log").read_text()[-2000:]
        if self._has_broker:
            self._python(
                "celery", "--app", "benchmarks.beside.project.celery_app", "worker", "--queues", "celery",
                "--concurrency", str(WORKERS), "--loglevel", "ERROR",
            )  # fmt: skip
        else:
            for _ in range(WORKERS):
                self._python("django", "deliver_events")

    def _python(self, module: str, *arguments: str, **pipes: int) -> "subprocess.Popen[str]":
        log = (self._folder / "log").open("ab")
        with log:
            process: subprocess.Popen[str] = subprocess.Popen(  # type: ignore[call-overload]  # noqa: S603
                [PYTHON, "-m", module, *arguments],
                cwd=ROOT,
                env=self._environment,
                text=True,
                stderr=log,
                **{"stdout": log, **pipes},
            )
        self._started.append(process)
        return process

    def _said(self) -> str:
        """The application's next line; nothing once it has ended."""
        assert self._application.stdout is not None
        line: str = self._application.stdout.readline()
        return line.strip()

    def publish(self, hook: Hook, numbers: Sequence[int]) -> None:
        assert self._application.stdin is not None
        try:
            line = json.dumps({"hook": hook, "numbers": list(numbers)})
            print(line, file=self._application.stdin, flush=True)
        except OSError as error:
            raise NotPublishedError from error
        is_committed = self._said() == "committed"
        if not is_committed or self._said() != "published":
            raise NotPublishedError(is_committed=is_committed)

    def processes(self) -> list[psutil.Process]:
        found = set()
        for started in self._started:
            with suppress(psutil.NoSuchProcess):
                process = psutil.Process(started.pid)
                found |= {process, *process.children(recursive=True)}
        return list(found)

    def kill(self) -> None:
        """Kill the application, what delivers, PostgreSQL and Redis."""
        _kill(self.processes())
        for process in self._started:
            process.wait()
        self._started.clear()

    def recover(self) -> None:
        self.start()

    def close(self) -> None:
        """Stop what was started: what delivers first, then the databases."""
        for process in reversed(self._started):
            process.send_signal(signal.SIGINT)
        _, alive = psutil.wait_procs(self.processes(), timeout=_STOP_SECONDS)
        _kill(alive)
        for process in self._started:
            process.wait()


def _kill(processes: Sequence[psutil.Process]) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(processes, timeout=_STOP_SECONDS)


@contextmanager
def running(name: str, url: str) -> Iterator[System]:
    """Start a system in a temporary folder, and stop it afterwards.

    :param url: where the receiver listens.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="storehooks-peers-")))
        if name == "storehooks":
            run = stack.enter_context(LocalRun(folder / "data"))
            run.ready()
            yield LocalStack(run, url)
        else:
            package = DjangoPackage(name, folder)
            stack.callback(package.close)
            package.start(url)
            yield package


def versions() -> Mapping[str, str]:
    """Of what the two packages are made of.

    :raises servers.MissingError: when a program is not installed.
    """
    if not PYTHON.exists():
        raise servers.MissingError(f"{PYTHON} is missing: `make peers` installs it")
    names = ("django-outbound-webhooks", "django-domain-events", "django-webhook2", "django", "celery")
    asked = f"import importlib.metadata as m, json; print(json.dumps({{n: m.version(n) for n in {names!r}}}))"
    said = subprocess.run([PYTHON, "-c", asked], capture_output=True, text=True, check=True)  # noqa: S603
    found: dict[str, str] = json.loads(said.stdout)
    found["PostgreSQL"] = servers.version("postgres", servers.POSTGRES).split()[2]
    found["Redis"] = servers.version(servers.REDIS, servers.REDIS).split("v=")[1].split()[0]
    return found
