"""What the code's structure promises: which way imports point, and what a function loads."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.template_file import environment, logical_id

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "layers" / "shared" / "storehooks"
FUNCTIONS = sorted(path.parent.name for path in ROOT.glob("functions/*/app.py"))

# From each part of the package, the parts it may import.
ALLOWED = {
    "domain": {"domain", "__version__"},
    "api": {"api", "domain"},
    "adapters": {"adapters", "domain"},
    "flows": {"flows", "api", "adapters", "domain"},
    "settings.py": set(),
}
AWS = {"boto3", "botocore", "aws_lambda_powertools"}


def imported(path: Path) -> set[str]:
    """The full names of all modules that a file imports."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


@pytest.mark.parametrize(
    "path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE))
)
def test_imports_point_one_way(path):
    part = path.relative_to(PACKAGE).parts[0]
    for name in imported(path):
        top, _, rest = name.partition(".")
        if top == "storehooks":
            assert rest.split(".")[0] in ALLOWED[part], name
        if part == "domain":
            assert top not in AWS, f"the domain knows no AWS: {name}"


def test_only_adapters_see_aws_errors():
    for path in PACKAGE.rglob("*.py"):
        if "adapters" not in path.parts:
            assert not any(name.startswith("botocore") for name in imported(path)), path


@pytest.fixture(scope="module")
def loaded():
    """The modules in memory after each function's cold start."""
    surroundings = {"PATH": os.environ["PATH"], "AWS_REGION": "us-east-1"}
    script = "import app, json, sys; print(json.dumps(sorted(sys.modules)))"

    def start(function: str) -> set[str]:
        answer = subprocess.run(
            [sys.executable, "-c", script],
            cwd=ROOT / "functions" / function,
            env=surroundings | environment(logical_id(function)),
            capture_output=True,
            check=True,
        )
        return set(json.loads(answer.stdout))

    return {function: start(function) for function in FUNCTIONS}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_loads_nothing_it_can_do_without(function, loaded):
    heavy = {"boto3", "idna", "aws_xray_sdk", "requests", "storehooks.api.answers"}
    if function not in {
        "create_hook",
        "update_hook",
        "update_admin",
        "publish_events",
        "match_events",
        "recover_deliveries",
    }:
        heavy.add("pydantic")
    if function not in {"deliver", "ping_hook"}:
        heavy.add("pycurl")
    if function not in {"match_events", "deliver", "retry_due"}:
        heavy.add("storehooks.flows.meter")
    if function in {"create_hook", "get_hook", "list_hooks", "update_hook", "delete_hook"}:
        heavy |= {"storehooks.domain.delivery", "storehooks.domain.recovery"}
    assert not heavy & loaded[function]


@pytest.mark.parametrize("function", sorted(set(FUNCTIONS) - {"console"}))
def test_a_function_without_its_settings_fails_at_its_start_and_names_one(function):
    answer = subprocess.run(
        [sys.executable, "-c", "import app"],
        cwd=ROOT / "functions" / function,
        env={"PATH": os.environ["PATH"], "AWS_REGION": "us-east-1"},
        capture_output=True,
        check=False,
    )
    assert answer.returncode != 0
    assert b"MissingSettingError: the environment variable " in answer.stderr
