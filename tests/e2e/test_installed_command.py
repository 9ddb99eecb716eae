"""The wheel, apart from the repository: works on deployed stacks, and says what needs the repository."""

import importlib.metadata
import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from storehooks import __version__
from tests.e2e.local_run import ROOT

pytestmark = pytest.mark.toolchain

PIP = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check")
# Modules that need more than the dependencies: the local stack's, and those for one who changes the code.
OF_THE_REPOSITORY = r"storehooks_cli\.(local\.\w+|openapi\..*|runtime)$"
IMPORT_ALL = """
import importlib, json, pkgutil, storehooks, storehooks_cli
missing = {}
for package in (storehooks, storehooks_cli):
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if not module.name.endswith("__main__"):
            try:
                importlib.import_module(module.name)
            except ModuleNotFoundError as error:
                missing[module.name] = error.name
print(json.dumps(missing))
"""


class Installed:
    """A storehooks that has nothing but its wheel and its dependencies, in a folder elsewhere."""

    def __init__(self, site: Path, folder: Path) -> None:
        self._site = site
        self._folder = folder

    def python(self, *arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run Python without this environment's packages."""
        return subprocess.run(
            [sys.executable, "-S", *arguments],
            cwd=self._folder,
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(self._folder),
                "PYTHONPATH": str(self._site),
                **environment,
            },
            capture_output=True,
            text=True,
            check=False,
        )

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run the command."""
        return self.python(self._site / "bin" / "storehooks", *arguments, **environment)


def distributions(names: list[str]) -> dict[str, importlib.metadata.Distribution]:
    """These and what they depend on, by name."""
    found: dict[str, importlib.metadata.Distribution] = {}
    while names:
        name = re.sub(r"[-_.]+", "-", names.pop()).lower()
        if name not in found:
            found[name] = importlib.metadata.distribution(name)
            needed = map(Requirement, found[name].requires or [])
            names += [one.name for one in needed if one.marker is None or one.marker.evaluate({"extra": ""})]
    return found


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Installed:
    """Without a network: setuptools and the dependencies are those of this environment."""
    source, site, elsewhere = (tmp_path_factory.mktemp(name) for name in ("source", "site", "elsewhere"))
    # Elsewhere, for setuptools writes into the folder that it builds from.
    parts = (
        "cli",
        "layers",
        "docs",
        "requirements",
        "template.yaml",
        "pyproject.toml",
        "README.md",
        "LICENSE",
    )
    subprocess.run(["cp", "-R", *(ROOT / part for part in parts), source], check=True)
    alone = ("--no-deps", "--no-index")
    subprocess.run([*PIP, "wheel", *alone, "--no-build-isolation", "--wheel-dir", source, source], check=True)
    (wheel,) = source.glob("*.whl")
    subprocess.run([*PIP, "install", *alone, "--target", site, wheel], check=True)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for distribution in distributions([Requirement(one).name for one in project["dependencies"]]).values():
        for top in {file.parts[0] for file in distribution.files or []} - {"..", "__pycache__"}:
            if not (site / top).exists():
                (site / top).symlink_to(Path(str(distribution.locate_file(top))))
    return Installed(site, elsewhere)


def test_its_version_is_the_packages(installed):
    assert installed.run("--version").stdout == f"storehooks {__version__}\n"


def test_every_module_that_needs_no_repository_has_what_it_imports(installed):
    ended = installed.python("-c", IMPORT_ALL)
    assert ended.returncode == 0, ended.stderr
    missing = json.loads(ended.stdout)
    assert missing, "the environment of the tests is not meant to be seen"
    assert [name for name in missing if not re.match(OF_THE_REPOSITORY, name)] == []


def test_the_files_of_the_repository_that_it_reads_are_in_it(installed):
    shown = installed.python(
        "-c",
        "from storehooks_cli import data_files, template\n"
        "assert template.read_template()['Resources']\n"
        "assert 'botocore==' in data_files.NEWEST_BOTOCORE.read_text()\n"
        "print(data_files.HOOKS_SCHEMA.read_text())",
    )
    assert json.loads(shown.stdout) == json.loads((ROOT / "docs" / "hooks.schema.json").read_text())


@pytest.mark.parametrize(
    ("arguments", "instead"),
    [
        (["local"], "make run"),
        (["invoke", "get_hook", "--event", "events/get_hook.json"], "make invoke"),
        (["sam-env"], ".venv/bin/storehooks sam-env"),
    ],
)
def test_what_needs_the_repository_says_so(installed, arguments, instead):
    ended = installed.run(*arguments)
    assert ended.returncode == 1
    assert ended.stderr == (
        f"storehooks: storehooks {arguments[0]} needs the repository, where this storehooks is not;"
        f" in a clone of it: {instead}\n"
    )


def test_it_works_on_a_stack_by_aws_and_on_its_api_by_the_address(installed, stack):
    """By AWS as on a deployed stack: the name alone, with the endpoint of the local AWS."""
    of_aws = {
        "AWS_ENDPOINT_URL": stack.endpoint_url,
        "AWS_SHARED_CREDENTIALS_FILE": str(stack.data_dir / "credentials"),
        "AWS_DEFAULT_REGION": "us-east-1",
        "STOREHOOKS_STORE_HASH": "whee1",
    }
    made = installed.run("token", "create", "--json", **of_aws)
    assert made.returncode == 0, made.stderr
    of_the_api = {
        "STOREHOOKS_URL": stack.base_url,
        "STOREHOOKS_TOKEN": json.loads(made.stdout)["access_token"],
        "STOREHOOKS_STORE_HASH": "whee1",
    }
    hook = ("--scope", "store/order/*", "--destination", "http://127.0.0.1:9/")
    created = installed.run("hook", "create", *hook, "--json", **of_the_api)
    assert created.returncode == 0, created.stderr
    exported = installed.run("hook", "export", **of_the_api).stdout
    first_line, *file = exported.splitlines()
    assert first_line.endswith("hooks.schema.json")
    assert "- scope: store/order/*" in file
    sent = installed.run("event", "send", "store/order/created", **of_aws)
    assert sent.returncode == 0, sent.stderr
    removed = installed.run("store", "remove", "--yes", **of_aws)
    assert removed.returncode == 0, removed.stderr
    assert json.loads(installed.run("client", "list", "--json", **of_aws).stdout) == []
