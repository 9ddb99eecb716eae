"""The layer, built as for AWS: it fits both processors, and what a function loads of it."""

import functools
import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.template_file import environment, logical_id

pytestmark = pytest.mark.toolchain

ROOT = Path(__file__).parents[2]
FUNCTIONS = sorted(path.parent.name for path in ROOT.glob("functions/*/app.py"))
# What the python3.13 runtime of Lambda has beside the standard library.
RUNTIME = ("boto3", "botocore", "dateutil", "jmespath", "s3transfer", "six", "urllib3")
START = "import app, json, sys; assert callable(app.handler); print(json.dumps(sorted(sys.modules)))"


@pytest.fixture(scope="session")
def layer(tmp_path_factory):
    """The layer's folder, built by its own Makefile as `sam build` calls it."""
    artifacts = tmp_path_factory.mktemp("layer")
    subprocess.run(
        ["make", "--silent", "build-SharedLayer"],
        cwd=ROOT / "layers" / "shared",
        env={**os.environ, "ARTIFACTS_DIR": str(artifacts), "LAYER_PLATFORM": "lambda"},
        check=True,
    )
    return artifacts / "python"


@pytest.fixture(scope="session")
def runtime(tmp_path_factory):
    """The runtime's packages and nothing else of this environment."""
    folder = tmp_path_factory.mktemp("runtime")
    for name in RUNTIME:
        spec = importlib.util.find_spec(name)
        assert spec is not None
        assert spec.origin is not None
        origin = Path(spec.origin)
        source = origin.parent if origin.name == "__init__.py" else origin
        (folder / source.name).symlink_to(source)
    return folder


def test_compiled_modules_are_there_for_both_processors(layer):
    compiled = {path.name for path in layer.rglob("*.cpython-*.so")}
    assert {name.partition(".")[0] for name in compiled} >= {"_pycurl", "_pydantic_core"}
    for name in compiled:
        other = name.replace("x86_64", "aarch64") if "x86_64" in name else name.replace("aarch64", "x86_64")
        assert other != name
        assert other in compiled


def test_the_libraries_of_libcurl_are_there_for_both_processors(layer):
    """Their names carry a hash of their own, so that those of one processor don't replace the other's."""
    machines: dict[str, set[int]] = {}
    for path in layer.joinpath("pycurl.libs").iterdir():
        machine = int.from_bytes(path.read_bytes()[18:20], "little")  # e_machine of the ELF header
        machines.setdefault(path.name.partition("-")[0], set()).add(machine)
    assert "libcurl" in machines
    assert all(both == {62, 183} for both in machines.values()), "x86-64 and AArch64"


def test_bytecode_is_shipped_and_is_not_checked_by_date(layer):
    sources = list(layer.rglob("*.py"))
    for source in sources:
        bytecode = Path(importlib.util.cache_from_source(source))
        assert bytecode.exists(), source
        flags = int.from_bytes(bytecode.read_bytes()[4:8], "little")
        assert flags == 0b01, "checked by hash, and never at import (PEP 552)"


@pytest.fixture(scope="module")
def loaded(layer, runtime):
    """The modules in memory after a function's cold start with the layer and the runtime alone."""

    @functools.cache
    def start(function: str) -> set[str]:
        response = subprocess.run(
            [sys.executable, "-S", "-c", START],
            cwd=ROOT / "functions" / function,
            env={
                "PYTHONPATH": f"{layer}:{runtime}",
                "AWS_REGION": "us-east-1",
                "AWS_LAMBDA_FUNCTION_NAME": function,
            }
            | environment(logical_id(function)),
            capture_output=True,
            text=True,
            check=False,
        )
        assert response.returncode == 0, response.stderr
        return set(json.loads(response.stdout))

    return start


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_starts_with_the_layer_and_the_runtime_alone(loaded, function):
    assert "app" in loaded(function)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_loads_nothing_it_can_do_without(function, loaded):
    heavy = {
        "boto3",
        "idna",
        "aws_xray_sdk",
        "requests",
        "storehooks.api.response_types",
        "storehooks.flows.ports",
    }
    if function not in {
        "create_hook",
        "update_hook",
        "update_admin",
        "publish_events",
        "explain_event",
        "match_events",
        "recover_deliveries",
        "pull_deliveries",
        "put_client",
        "rotate_client_secret",
        "create_token",
        "create_portal_link",
    }:
        heavy.add("pydantic")
    if function not in {"deliver", "ping_hook"}:
        heavy.add("pycurl")
    if function not in {"deliver", "match_events", "pull_deliveries"}:
        heavy.add("orjson")
    if function not in {"match_events", "deliver", "retry_due", "pull_deliveries"}:
        heavy.add("storehooks.flows.meter")
    if function in {"create_hook", "get_hook", "list_hooks", "update_hook", "delete_hook"}:
        heavy |= {"storehooks.domain.delivery", "storehooks.domain.recovery"}
    assert not heavy & loaded(function)


def test_the_layer_is_well_under_lambdas_limit_of_250_mb(layer):
    assert sum(path.stat().st_size for path in layer.rglob("*") if path.is_file()) < 100 * 1024 * 1024
