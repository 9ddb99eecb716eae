"""`make invoke`: a function in AWS's runtime interface emulator."""

import json
import subprocess

import psutil
import pytest

from tests.e2e.local_run import ROOT
from tests.optional import runs_the_emulator

pytestmark = [pytest.mark.toolchain, runs_the_emulator]


def invoke(stack, function, event=None, data_dir=None):
    arguments = [f"FUNCTION={function}", f"DATA_DIR={data_dir or stack.data_dir}"]
    if event:
        arguments.append(f"EVENT={event}")
    return subprocess.run(
        ["make", "invoke", *arguments],
        cwd=ROOT,
        env=stack.environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_response_is_printed_and_the_log_beside_it(stack):
    response = invoke(stack, "create_hook")
    assert response.returncode == 0, response.stderr
    printed = json.loads(response.stdout)
    assert printed["statusCode"] == 201
    listed = json.loads(invoke(stack, "list_hooks").stdout)
    assert json.loads(printed["body"]) in json.loads(listed["body"])
    (log,) = [json.loads(line) for line in response.stderr.splitlines() if line.startswith("{")]
    assert log["operation"] == "create_hook"
    assert "Traceback" not in response.stderr
    assert not [
        process
        for process in psutil.process_iter(["cmdline"])
        if "awslambdaric" in (process.info["cmdline"] or ())
    ]


def test_a_function_that_fails_is_a_failure(stack, tmp_path):
    event = tmp_path / "event.json"
    event.write_text("[]")
    response = invoke(stack, "authorizer", event)
    assert response.returncode != 0
    assert json.loads(response.stdout)["errorType"]


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (
            {"function": "no_such_function", "event": "events/create_hook.json"},
            "no_such_function",
        ),
        ({"function": "create_hook", "event": "events/none.json"}, "events/none.json"),
        ({"function": "create_hook", "data_dir": "/nowhere"}, "no local stack runs"),
    ],
)
def test_what_is_missing_is_said_in_one_line(stack, arguments, named):
    response = invoke(stack, **arguments)
    assert response.returncode != 0
    assert named in response.stderr.splitlines()[0]
    assert "Traceback" not in response.stderr
