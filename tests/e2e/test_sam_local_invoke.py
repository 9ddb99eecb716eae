"""`sam local invoke` on the local stack, as far as it comes without Docker.

SAM's own code says what a function's container would get. The function gets exactly that in AWS's runtime
interface emulator, which is what runs in that container, beside what the container's image has.
"""

import json
import os
import subprocess
from pathlib import Path

import pytest

from storehooks_cli.local.deployment import _architecture
from storehooks_cli.runtime import emulator, http, running
from tests.e2e.conftest import copied, operator_environment
from tests.e2e.local_run import ROOT, LocalRun
from tests.optional import runs_the_emulator
from tests.template_file import logical_id

pytestmark = [pytest.mark.toolchain, runs_the_emulator]

FUNCTIONS = sorted(path.parent.name for path in ROOT.glob("functions/*/app.py"))


def of_function(event: Path) -> str:
    """The function that an event file is for: its name begins with the function's."""
    return max((name for name in FUNCTIONS if event.stem.startswith(name)), key=len)


EVENTS = {
    name: [event for event in sorted(ROOT.glob("events/*.json")) if of_function(event) == name]
    for name in FUNCTIONS
}


@pytest.fixture(scope="module")
def local(stopped_stack, tmp_path_factory):
    """A local stack of these tests' own: the event files change and delete what is there."""
    with LocalRun(copied(stopped_stack, tmp_path_factory.mktemp("sam") / "data")) as run:
        run.ready()
        yield run


def sam_env(data_dir: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [ROOT / ".venv/bin/storehooks", "sam-env", "--data-dir", data_dir, *options],
        env=operator_environment(),
        capture_output=True,
        text=True,
        check=False,
    )


def by_sam(data_dir: Path, env_vars: Path, **parameters: str) -> dict:
    """What SAM would give the containers, when asked in a shell without an AWS account."""
    asked = subprocess.run(
        [
            ROOT / ".venv-sam/bin/python",
            ROOT / "tests/e2e/sam_functions.py",
            data_dir / "build/.aws-sam/build/template.yaml",
            env_vars,
            json.dumps({"Architecture": _architecture()} | parameters),
        ],
        env=operator_environment()
        | {"AWS_SHARED_CREDENTIALS_FILE": str(data_dir / "credentials"), "AWS_CONFIG_FILE": os.devnull},
        capture_output=True,
        text=True,
        check=False,
    )
    assert asked.returncode == 0, asked.stderr
    return json.loads(asked.stdout)


@pytest.fixture(scope="module")
def containers(local, tmp_path_factory) -> dict:
    env_vars = tmp_path_factory.mktemp("sam") / "env.json"
    printed = sam_env(local.data_dir, "--host", "127.0.0.1")
    assert printed.returncode == 0, printed.stderr
    env_vars.write_text(printed.stdout)
    return by_sam(local.data_dir, env_vars)


def responses(container: dict, events: list[Path]) -> list:
    environment = container["environment"] | {
        # Of the container's image.
        "LAMBDA_TASK_ROOT": container["code"],
        "PYTHONPATH": os.pathsep.join(f"{layer}/python" for layer in container["layers"]),
        "PATH": os.environ["PATH"],
        "LANG": "C.UTF-8",
    }
    with running(emulator(), Path(container["code"]), environment) as url:
        return [
            http().post(url, data=event.read_bytes(), timeout=container["timeout"]).json() for event in events
        ]


def is_response(response: dict | None) -> bool:
    """Whether a function says what it found, and neither failed nor could not reach its AWS."""
    if response is None or "batchItemFailures" in response:
        return not (response or {}).get("batchItemFailures")
    if "statusCode" in response:
        return response["statusCode"] < 500
    return "errorType" not in response or response["errorMessage"] == "Unauthorized"


@pytest.mark.parametrize("function", FUNCTIONS)
def test_each_event_file_is_responded_to_on_the_local_stack(containers, function):
    events = EVENTS[function]
    assert events
    for event, response in zip(events, responses(containers[logical_id(function)], events), strict=True):
        assert is_response(response), (event.name, response)


def test_the_command_names_this_machine_as_a_container_knows_it(local):
    port = local.stack_file["endpoint_url"].rpartition(":")[2]
    variables = json.loads(sam_env(local.data_dir).stdout)["Parameters"]
    assert variables["AWS_ENDPOINT_URL"] == f"http://host.docker.internal:{port}"


def test_a_host_that_the_local_aws_does_not_take_is_refused_with_what_to_do(local):
    printed = sam_env(local.data_dir, "--host", "172.17.0.1")
    assert printed.returncode == 1
    assert printed.stdout == ""
    assert "make run ALLOWED_HOSTS=172.17.0.1" in printed.stderr


def test_without_a_running_stack_the_command_says_so(tmp_path):
    printed = sam_env(tmp_path)
    assert printed.returncode == 1
    assert printed.stdout == ""
    assert "no local stack runs" in printed.stderr


def test_without_the_file_a_function_looks_for_aws_itself(local, tmp_path):
    """SAM makes an empty value of what it cannot resolve, which is none to botocore."""
    env_vars = tmp_path / "env.json"
    env_vars.write_text('{"Parameters": {}}')
    for container in by_sam(local.data_dir, env_vars).values():
        assert container["environment"]["AWS_ENDPOINT_URL"] == ""
