"""The ranges that `pip install .` asks for: the pins that the tests run with are within them."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
DEPENDENCIES = [Requirement(one) for one in PROJECT["dependencies"]]
PINS = dict(re.findall(r"^([\w.-]+)==(\S+)", (ROOT / "requirements" / "dev.txt").read_text(), re.MULTILINE))


@pytest.mark.parametrize("dependency", DEPENDENCIES, ids=lambda one: one.name)
def test_the_tests_run_with_a_version_in_the_range(dependency):
    assert dependency.specifier.contains(PINS[dependency.name])


def test_what_the_layer_has_is_among_the_dependencies():
    """The command has the layer's package, so it needs what that imports."""
    wanted = (ROOT / "layers" / "shared" / "requirements.in").read_text().splitlines()
    names = {line for line in wanted if not line.startswith("#")}
    assert names <= {one.name for one in DEPENDENCIES}
