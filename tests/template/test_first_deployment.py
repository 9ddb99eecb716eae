"""docs/first-deployment.md: what it says of the template, its first event, and its function for clocks."""

import importlib.util
import json
import os
import re
import subprocess
import time
import zipfile
from pathlib import Path

from storehooks.api.event_input import NewEvent
from storehooks.api.hook_input import NewHook
from storehooks_cli.concurrency import Parameters, fitting
from tests.template_file import resources, template

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "first-deployment.md").read_text()
BLOCKS = re.findall(r"^```sh\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)

# Stands for curl and aws: keeps its arguments, and responds with a hook where one is registered.
STAND_IN = """#!/bin/sh
printf '%s\\n' "$0" "$@" >> calls
case "$0 $*" in
*/aws*) echo https://api.example.com/live ;;
*destination*) echo '{"id": 7, "scope": "store/order/*"}' ;;
esac
"""


def test_the_first_event_is_published_for_the_hook_that_was_registered(tmp_path):
    for command in ("curl", "aws", "sleep"):
        (tmp_path / command).write_text(STAND_IN)
        (tmp_path / command).chmod(0o755)
    variables, requests = [block for block in BLOCKS if "RECEIVER" in block]
    script = f"{variables}{requests}".replace(".venv/bin/python", str(ROOT / ".venv/bin/python"))
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    subprocess.run(["bash", "-euc", script], cwd=tmp_path, env=environment, check=True)
    calls = (tmp_path / "calls").read_text().splitlines()
    bodies = [json.loads(line) for line in calls if line.startswith("{")]
    hook, event = NewHook.model_validate(bodies[0]), NewEvent.model_validate(bodies[1])
    assert (hook.destination, hook.is_active) == ("https://app.example.com/orders", True)
    assert event.scope.startswith(hook.scope.removesuffix("*"))
    assert [line.partition("/v2/")[2] for line in calls if line.startswith("https:")] == [
        "hooks",
        "events",
        "hooks/7/deliveries",
    ]
    assert calls.count("X-Auth-Token: the-access-token") == 3


def test_the_function_that_returns_the_clocks_is_one(tmp_path):
    lines = [line for line in PAGE.splitlines() if line.startswith(("printf ", ".venv/bin/python "))]
    script = "\n".join(lines).replace(".venv/bin/python", str(ROOT / ".venv/bin/python"))
    subprocess.run(["sh", "-ec", script], cwd=tmp_path, check=True)
    assert zipfile.ZipFile(tmp_path / "clocks.zip").namelist() == ["clocks.py"]
    spec = importlib.util.spec_from_file_location("clocks", tmp_path / "clocks.py")
    assert spec is not None
    assert spec.loader is not None
    clocks = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(clocks)
    before = time.monotonic(), time.time()
    seen = clocks.handler({}, None)
    assert (seen["monotonic"] >= before[0], seen["time"] >= before[1]) == (True, True)


def test_the_files_that_the_clocks_need_are_deleted():
    (block,) = [block for block in BLOCKS if "clocks.py" in block]
    (deleted,) = re.findall(r"^rm (.*)$", block, re.MULTILINE)
    assert set(deleted.split()) == set(re.findall(r"\b\w+\.(?:py|zip|json)\b", block))


def test_the_trial_fits_an_account_with_ten_concurrent_executions():
    defaults = {name: str(one.get("Default")) for name, one in template()["Parameters"].items()}
    assert f"add `{fitting(10, Parameters.of(defaults))}` to `PARAMETERS`" in " ".join(PAGE.split())


def test_it_says_how_many_concurrent_executions_the_defaults_need():
    defaults = {name: str(one.get("Default")) for name, one in template()["Parameters"].items()}
    needed = Parameters.of(defaults).needed
    assert set(re.findall(r"(?:need|less than) (\d+)", PAGE)) == {str(needed)}


def test_the_resources_that_it_names_are_there():
    assert "ConsoleRole" in resources("AWS::IAM::Role")
    assert {"trial-deliver", "storehooks-deliver"} <= set(
        re.findall(r"\b(?:trial|storehooks)-deliver\b", PAGE)
    )
    assert resources("AWS::Serverless::Function")["DeliverFunction"]["RecursiveLoop"] == "Allow"
