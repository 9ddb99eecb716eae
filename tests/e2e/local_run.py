"""`make run` as a test sees it: its lines, its API, and what it leaves behind."""

import json
import os
import secrets
import signal
import socket
import subprocess
import threading
import time
from contextlib import suppress
from pathlib import Path

import boto3
import psutil
import requests

from storehooks_cli.local.endpoint import Endpoint
from storehooks_cli.local.environment import MARK

ROOT = Path(__file__).parents[2]
STORE_HASH = "5ueh97"
READY_SECONDS = 240
# Each process of a function had a copy of the layer, which takes a tenth of a second to delete; some
# tests leave up to a hundred.
STOP_SECONDS = 40
# Below those that systems give to connections.
_FIRST_PORT, _NUMBER_OF_PORTS = 20_000, 12_000


def free_ports() -> tuple[int, int]:
    """Two ports that nobody listens on, of those that no connection is given before they are used."""
    found: set[int] = set()
    while len(found) < 2:
        port = _FIRST_PORT + secrets.randbelow(_NUMBER_OF_PORTS)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            found.add(port)
    one, other = found
    return one, other


def started_in(data_dir: Path) -> list[psutil.Process]:
    """What the stack of a data folder has started and still runs."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK) == str(data_dir):
                found.append(process)
        except psutil.Error:
            continue
    return found


def kill_all(processes: list[psutil.Process]) -> None:
    """Kill them so that they cannot do anything about it."""
    for process in processes:
        process.kill()
    psutil.wait_procs(processes, timeout=STOP_SECONDS)


class LocalRun:
    """A `make run` in a session of its own; leaving the context stops it."""

    def __init__(self, data_dir: Path, *, root: Path = ROOT, ports=None, **environment: str) -> None:
        self.data_dir = data_dir
        self.port, self.tls_port = ports or free_ports()
        self.base_url = f"http://127.0.0.1:{self.port}"
        self.tls_base_url = f"https://localhost:{self.tls_port}"
        self.lines: list[str] = []
        self._began = time.monotonic()
        self._make = subprocess.Popen(
            ["make", "run", f"PORT={self.port}", f"TLS_PORT={self.tls_port}", f"DATA_DIR={data_dir}"],
            cwd=root,
            # Not what a `make test` around this passes on to its children.
            env={name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
            | environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._news = threading.Condition()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def __enter__(self):
        return self

    def __exit__(self, *_error) -> None:
        if self._make.poll() is None:
            self.signal_group(signal.SIGTERM)
            try:
                self._make.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.signal_group(signal.SIGKILL)
        self._reader.join()

    def _read(self) -> None:
        with self._make.stdout as lines:
            for line in lines:
                with self._news:
                    self.lines.append(line.rstrip("\n"))
                    self._news.notify_all()
        with self._news:
            self._news.notify_all()

    @property
    def output(self) -> str:
        return "\n".join(self.lines)

    def wait_for(self, text: str) -> float:
        """Wait until this text is printed; how many seconds after the start that was."""
        with self._news:
            self._news.wait_for(
                lambda: text in self.output or not self._reader.is_alive(), timeout=READY_SECONDS
            )
        assert text in self.output, self.output
        return time.monotonic() - self._began

    def ready(self) -> float:
        """Wait until the stack is ready, and its lines are printed; after how many seconds."""
        seconds = self.wait_for("storehooks ready")
        self.wait_for("\npublish an event")
        return seconds

    @property
    def stack_file(self) -> dict[str, str]:
        return json.loads((self.data_dir / "stack.json").read_text())

    @property
    def pid(self) -> int:
        """The process that `make` started."""
        (child,) = psutil.Process(self._make.pid).children()
        return child.pid

    @property
    def token(self) -> str:
        (line,) = [line for line in self.lines if line.startswith("demo token")]
        return line.split()[-1]

    def request(self, method: str, path: str = "", **arguments) -> requests.Response:
        """A request about the demo store's hooks."""
        url = f"{self.base_url}/stores/{STORE_HASH}/v2/hooks{path}"
        return requests.request(method, url, headers={"X-Auth-Token": self.token}, timeout=60, **arguments)

    @property
    def endpoint(self) -> Endpoint:
        """The local AWS; that of earlier releases takes any key."""
        return Endpoint(self.stack_file["endpoint_url"], self.stack_file.get("access_key_id", "test"))

    def aws(self, service: str):
        """A client for the local AWS."""
        return boto3.client(
            service,
            endpoint_url=self.endpoint.url,
            region_name="us-east-1",
            aws_access_key_id=self.endpoint.access_key_id,
            aws_secret_access_key="test",
        )

    @property
    def outputs(self) -> dict[str, str]:
        """The template's outputs."""
        (described,) = self.aws("cloudformation").describe_stacks(StackName="storehooks")["Stacks"]
        return {output["OutputKey"]: output["OutputValue"] for output in described["Outputs"]}

    def create_hook(self, name: str) -> None:
        hook = {"scope": "store/order/created", "destination": f"https://app.example.com/{name}"}
        assert self.request("POST", json=hook).status_code == 201

    def hooks(self) -> list[str]:
        """The names of the demo store's hooks."""
        return [hook["destination"].rpartition("/")[2] for hook in self.request("GET").json()]

    def signal_group(self, number: signal.Signals) -> None:
        """What a terminal does on Ctrl-C: the signal is for all of the session's processes."""
        os.killpg(self._make.pid, number)

    def wait_ended(self) -> int:
        """Wait until it has ended, in time and without leaving anything behind. Its status."""
        status = self._make.wait(STOP_SECONDS)
        self._reader.join(1)
        assert not self._reader.is_alive()
        assert started_in(self.data_dir) == []
        for secret in ("stack.json", "credentials"):
            assert not (self.data_dir / secret).exists()
        return status

    def wait_refused(self) -> int:
        """Wait until it has ended without having started anything. Its status."""
        status = self._make.wait(STOP_SECONDS)
        self._reader.join()
        return status

    def stop(self) -> int:
        """Ask it to stop, and wait until it has. Its status."""
        os.kill(self.pid, signal.SIGTERM)
        return self.wait_ended()
