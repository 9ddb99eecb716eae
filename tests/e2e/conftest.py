"""The local stack that the end-to-end tests share, as `make run` starts it."""

import fcntl
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from storehooks_cli.local.deployment import AUTHORIZER_CACHE_SECONDS
from tests.e2e.local_run import ROOT, STORE_HASH, LocalRun, kill_all, started_in
from tests.e2e.logs import everything_logged, secrets_in


@dataclass(frozen=True)
class Stack:
    """A running local stack, and how to reach it."""

    run: LocalRun
    endpoint_url: str
    base_url: str
    tls_base_url: str
    data_dir: Path
    ca_path: Path
    store_hash: str
    token: str
    command: Path
    environment: dict[str, str]
    authorizer_cache_seconds: int


@pytest.fixture(scope="session")
def stopped_stack(tmp_path_factory) -> Path:
    """The data folder of a stack that was started for the first time, given the hook "first", and stopped.

    Building takes longest of all, so it is done once, also where several processes share the
    tests: whoever needs a stack of its own starts one in a copy of this folder, see `copied`.
    """
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    data_dir = shared / "first/data"
    with (shared / "first.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not data_dir.exists():
            unfinished = tmp_path_factory.mktemp("first") / "data"
            with LocalRun(unfinished) as run:
                run.ready()
                run.create_hook("first")
                assert run.stop() == 0
            data_dir.parent.mkdir()
            unfinished.rename(data_dir)
    return data_dir


@pytest.fixture
def new_data_dir(tmp_path):
    """Where a data folder may come. What a failed test leaves running in it is ended."""
    yield tmp_path / "data"
    kill_all(started_in(tmp_path / "data"))


@pytest.fixture
def data_dir(stopped_stack, new_data_dir) -> Path:
    """A data folder with a stack to start."""
    return copied(stopped_stack, new_data_dir)


def copied(stopped_stack: Path, data_dir: Path) -> Path:
    # Without the port of the local AWS: two copies that start at once would both take it.
    shutil.copytree(stopped_stack, data_dir, ignore=shutil.ignore_patterns("emulator-port"))
    return data_dir


@pytest.fixture(scope="session")
def stack(stopped_stack, tmp_path_factory):
    """The running stack that all tests share which do not stop it."""
    data_dir = copied(stopped_stack, tmp_path_factory.mktemp("shared") / "data")
    # The host of BigCommerce, as for clients that speak to no other: see tests/e2e/python/sitecustomize.py.
    with LocalRun(data_dir, ALLOWED_HOSTS="api.bigcommerce.com") as run:
        run.ready()
        stack = Stack(
            run=run,
            endpoint_url=run.stack_file["endpoint_url"],
            base_url=run.base_url,
            tls_base_url=run.tls_base_url,
            data_dir=data_dir,
            ca_path=data_dir / "ca.pem",
            store_hash=STORE_HASH,
            token=run.token,
            command=ROOT / ".venv/bin/storehooks",
            environment=operator_environment(),
            authorizer_cache_seconds=AUTHORIZER_CACHE_SECONDS,
        )
        yield stack
        assert secrets_in(everything_logged(stack), stack) == []
        assert run.stop() == 0


def operator_environment() -> dict[str, str]:
    """The environment of a shell with the project's commands on its PATH and no AWS account."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "MAKE"))}
    return environment | {"PATH": f"{ROOT / '.venv/bin'}{os.pathsep}{environment['PATH']}"}
