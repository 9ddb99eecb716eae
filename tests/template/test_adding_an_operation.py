"""The worked example of CONTRIBUTING.md: its patch applies, and what it adds passes the tests."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.toolchain

ROOT = Path(__file__).parents[2]
PATCH = ROOT / "docs" / "examples" / "add-an-operation.patch"
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text()
EXAMPLE = CONTRIBUTING.partition("### A worked example")[2]
# Each step of the example is missed by one of these, if it is forgotten.
TESTS = [
    "tests/template/test_template.py",
    "tests/template/test_operations.py",
    "tests/template/test_openapi.py",
    "tests/template/test_policies.py",
    "tests/template/test_architecture.py",
    "tests/template/test_documentation.py::test_every_route_is_in_the_table_of_its_version",
    "tests/unit/test_structure.py",
    "tests/integration/test_authorizer.py::test_a_route_is_open_to_the_oauth_scope_that_its_description_names",
    "tests/integration/test_calls.py::test_each_operation_makes_the_fewest_calls",
    "tests/integration/test_rights.py::test_an_operation_may_do_what_it_does",
    "tests/integration/test_count_hooks.py",
]


def run(folder: Path, *command: str | Path) -> None:
    """Run a command in the copy, with its packages and no other's."""
    packages = [folder / "layers" / "shared", folder / "cli", folder]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, packages))}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]


@pytest.fixture
def copy(tmp_path):
    """What this repository tracks, as it is in the work tree now."""
    folder = tmp_path / "repository"
    folder.mkdir()
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    pack = ["tar", "--create", "--null", "--files-from=-"]
    packed = subprocess.run(pack, cwd=ROOT, input=listed, capture_output=True, check=True).stdout
    subprocess.run(["tar", "--extract"], cwd=folder, input=packed, check=True)
    subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
    return folder


def test_an_operation_is_added_as_the_page_says(copy):
    """If the patch applies no more: CONTRIBUTING.md says how to make it anew."""
    run(copy, "git", "apply", "-C1", PATCH)
    run(copy, sys.executable, "-m", "storehooks_cli.openapi")
    run(copy, sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "not toolchain", *TESTS)


def test_the_page_names_every_file_of_the_patch():
    changed = set(re.findall(r"^\+\+\+ b/(.*)$", PATCH.read_text(), re.MULTILINE))
    named = set(re.findall(r"`([\w/.-]+\.(?:py|json|yaml|md))`", EXAMPLE.partition("\n## ")[0]))
    assert changed <= named


def test_what_the_page_shows_of_the_patch_is_in_it():
    added = "\n".join(
        line[1:] for line in PATCH.read_text().splitlines() if line.startswith("+") and line[:3] != "+++"
    )
    shown = re.findall(
        r"^```(?:python|yaml)\n(.*?)^```$", EXAMPLE.partition("\n## ")[0], re.DOTALL | re.MULTILINE
    )
    assert shown
    for block in shown:
        for line in filter(None, map(str.strip, block.splitlines())):
            assert line in added, line
