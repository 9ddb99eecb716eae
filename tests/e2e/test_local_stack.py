"""`make run` from start to stop, and after stops that were none."""

import io
import json
import os
import shutil
import signal
import subprocess
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
import requests

from storehooks_cli.client_secret import library_secret
from storehooks_cli.local.processes import EMULATOR
from tests.e2e.command_line import RunningCommand, storehooks
from tests.e2e.conftest import operator_environment
from tests.e2e.local_run import ROOT, LocalRun, free_ports, kill_all, started_in

pytestmark = pytest.mark.toolchain

LATER_START_SECONDS = 15

SLOW = """
import time
def handler(event, context):
    print("begun")
    time.sleep(12)
"""

CHANGE = """
import storehooks
unchanged = handler
def handler(event, context):
    answer = unchanged(event, context)
    return answer | {"headers": answer["headers"] | storehooks.CHANGED}
"""


def emulators_of(data_dir: Path) -> list[psutil.Process]:
    return [process for process in started_in(data_dir) if process.cmdline()[-1].endswith(EMULATOR)]


def test_it_says_what_to_try_and_that_works(stack):
    ready, store, client, secret, _, console, curl, authority, listen, publish = stack.run.lines[-10:]
    assert ready.startswith("storehooks ready")
    assert stack.base_url in ready
    assert stack.tls_base_url in ready
    assert store == f"store: {stack.store_hash}"
    shown = json.loads(
        storehooks(stack, "client", "create", "--client-id", client.removeprefix("client: "), "--json").stdout
    )
    assert not shown["is_new"]
    assert secret == f"its secret: {library_secret(shown['client_secret'])}"
    assert listen == f"listen: .venv/bin/storehooks listen --local --data-dir {stack.data_dir}"
    assert console == f"console: {stack.base_url}/console"
    assert str(stack.ca_path) in authority
    pasted = subprocess.run(["sh", "-c", f"{curl} -sS --fail-with-body"], capture_output=True, check=True)
    assert pasted.stdout.startswith(b"[")
    command = publish.removeprefix("publish an event: ")
    pasted = subprocess.run(["sh", "-c", command], cwd=ROOT, capture_output=True, check=True)
    assert b"store/order/created" in pasted.stdout


def test_the_secrets_in_the_data_folder_are_the_owners_alone(stack):
    for name in ("stack.json", "credentials", "ca-key.pem", "state"):
        assert (stack.data_dir / name).stat().st_mode & 0o077 == 0, name


def test_everything_listens_on_the_loopback_alone(stack):
    run = psutil.Process(stack.run.pid)
    listening = [
        connection.laddr.ip
        for process in [run, *started_in(stack.data_dir)]
        for connection in process.net_connections()
        if connection.status == psutil.CONN_LISTEN
    ]
    assert len(listening) >= 3
    assert set(listening) == {"127.0.0.1"}


def test_a_second_stack_in_the_same_folder_is_refused(stack):
    with LocalRun(stack.data_dir) as second:
        assert second.wait_refused() != 0
    assert f"process {stack.run.pid}" in second.output
    assert "Traceback" not in second.output
    assert stack.run.request("GET").status_code == 200


@pytest.mark.parametrize("variable", ["PORT", "TLS_PORT"])
def test_a_port_in_use_is_named_before_anything_is_built(stack, tmp_path, variable):
    free, _ = free_ports()
    ports = (stack.run.port, free) if variable == "PORT" else (free, stack.run.tls_port)
    with LocalRun(tmp_path, ports=ports) as second:
        assert second.wait_refused() != 0
    assert f"make run {variable}=" in second.output
    assert "Traceback" not in second.output
    assert "building" not in second.output


@pytest.mark.parametrize(
    ("variable", "value", "accepted"),
    [
        ("RETRY_SCHEDULE", "60,0", "from 1 to 999999"),
        ("DELIVERY_TIMEOUT_SECONDS", "21", "less than or equal to 20"),
        ("ALLOWED_HOSTS", "hooks.test:3000", "names and addresses without ports"),
    ],
)
def test_a_bad_parameter_is_refused_with_what_is_accepted(tmp_path, variable, value, accepted):
    with LocalRun(tmp_path, **{variable: value}) as run:
        assert run.wait_refused() != 0
    assert accepted in run.output
    assert "building" not in run.output


def test_a_stop_keeps_everything_and_a_later_start_is_fast(data_dir):
    with LocalRun(data_dir) as run:
        assert run.ready() < LATER_START_SECONDS
        assert run.hooks() == ["first"]
        token, authority = run.token, (data_dir / "ca.pem").read_bytes()
        key = run.endpoint.access_key_id
        run.create_hook("second")
        with being_answered(run):
            run.signal_group(signal.SIGINT)
            run.signal_group(signal.SIGINT)
            run.wait_ended()
        assert "Traceback" not in run.output
        assert "Error" not in run.output
    with LocalRun(data_dir) as run:
        assert run.ready() < LATER_START_SECONDS
        assert run.token == token
        assert run.endpoint.access_key_id != key
        assert (data_dir / "ca.pem").read_bytes() == authority
        assert run.hooks() == ["first", "second"]
        assert "building" not in run.output
        assert "killed" not in run.output
        assert run.stop() == 0


@contextmanager
def being_answered(run: LocalRun):
    """A request is with a function that takes longer than a stop may take."""
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("app.py", SLOW)
    run.aws("lambda").update_function_code(FunctionName="storehooks-get_hook", ZipFile=code.getvalue())
    with ThreadPoolExecutor(1) as client:
        request = client.submit(run.request, "GET", "/1")
        time.sleep(1)
        assert not request.done()
        yield
    assert isinstance(request.exception(), requests.ConnectionError)


def test_after_any_kill_the_next_start_recovers_and_listening_goes_on(data_dir):
    stack = SimpleNamespace(
        command=ROOT / ".venv/bin/storehooks", data_dir=data_dir, environment=operator_environment()
    )
    of_store = ("--store-hash", "l1sten")
    with ExitStack() as until_the_end:
        with LocalRun(data_dir) as run:
            run.ready()
            run.create_hook("saved-by-the-orphan")
            listening = until_the_end.enter_context(RunningCommand(stack, "listen", *of_store))
            assert "no client" in listening.said()
            assert "listening" in listening.said()
            kill_all([psutil.Process(run.pid)])
            with LocalRun(data_dir) as next_run:
                next_run.ready()
                assert "has saved everything" in next_run.output
                assert next_run.hooks() == ["first", "saved-by-the-orphan"]
                next_run.create_hook("lost")
                listening.wait_for("the local stack responds again")
                kill_all([psutil.Process(next_run.pid), *started_in(data_dir)])
                listening.wait_for("the local stack does not respond; when it runs again, listening goes on")
                for file in (data_dir / "state/services").glob("*.json"):
                    file.write_bytes(file.read_bytes()[:100])
        run = until_the_end.enter_context(LocalRun(data_dir))
        run.ready()
        assert "hooks and tokens made after it are missing" in run.output
        assert run.hooks() == ["first", "saved-by-the-orphan"]
        listening.wait_for("the local stack responds again")
        storehooks(stack, "event", "send", "store/order/created", *of_store)
        assert "signature valid" in listening.line()
        kill_all(emulators_of(data_dir))
        assert run.wait_ended() != 0
        assert "ended by itself" in run.output
        assert str(data_dir / "logs/ministack.log") in run.output
        assert "Traceback" not in run.output


def test_parameters_are_those_of_the_deployment(data_dir):
    """And with ALLOW_PRIVATE_DESTINATIONS=false private destinations are refused as in AWS."""
    private = {"scope": "store/order/*", "destination": "http://127.0.0.1:8000/hook"}
    variables = {
        "ALLOW_PRIVATE_DESTINATIONS": "false",
        "RETRY_SCHEDULE": "1,2,4",
        "DELIVERY_TIMEOUT_SECONDS": "3",
    }
    with LocalRun(data_dir, **variables) as run:
        run.ready()
        assert run.request("POST", json=private).status_code == 400
        deliver = run.aws("lambda").get_function_configuration(FunctionName="storehooks-deliver")
        assert variables.items() <= deliver["Environment"]["Variables"].items()
        assert run.hooks() == ["first"]
        assert run.stop() == 0


def test_a_first_start_that_was_killed_is_made_again(new_data_dir):
    with LocalRun(new_data_dir) as run:
        run.wait_for("building")
        kill_all([psutil.Process(run.pid), *started_in(new_data_dir)])
    with LocalRun(new_data_dir) as run:
        run.wait_for("starting from nothing")
        run.wait_for("building")
        run.signal_group(signal.SIGTERM)
        run.wait_ended()
        assert "Traceback" not in run.output


@pytest.fixture
def project(tmp_path) -> Path:
    """A copy of the project, to be changed; with the same tools."""
    copy = tmp_path / "project"
    tracked = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    for name in tracked.stdout.splitlines():
        target = copy / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, target, follow_symlinks=False)
    for tools in (".venv", ".venv-aws", ".venv-sam"):
        (copy / tools).symlink_to(ROOT / tools)
    return copy


def test_a_change_is_deployed_in_place(data_dir, project):
    """In a function and in the layer; and a deployment that is interrupted does no harm."""

    def start() -> LocalRun:
        own_code = f"{project / 'cli'}{os.pathsep}{project / 'layers/shared'}"
        return LocalRun(data_dir, root=project, PYTHONPATH=own_code)

    with (project / "layers/shared/storehooks/__init__.py").open("a") as layer:
        layer.write('\nCHANGED = {"X-Changed": "yes"}\n')
    with (project / "functions/list_hooks/app.py").open("a") as function:
        function.write(CHANGE)
    with start() as run:
        run.wait_for("deploying")
        run.signal_group(signal.SIGTERM)
        run.wait_ended()
        assert "Traceback" not in run.output
    with start() as run:
        run.ready()
        assert "deploying" in run.output
        assert "killed" not in run.output
        assert run.request("GET").headers["X-Changed"] == "yes"
        assert run.hooks() == ["first"]
        assert run.stop() == 0
