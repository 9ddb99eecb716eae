"""Each release that the docs name is found: by its commit, whose package has its version."""

import re
import subprocess
import tarfile
from pathlib import Path

import pytest

from storehooks import __version__

ROOT = Path(__file__).parents[2]
OPERATIONS_PAGE = (ROOT / "docs" / "operations.md").read_text()
CHANGELOG = (ROOT / "CHANGELOG.md").read_text()
COMMITS = dict(re.findall(r"^\| (\d+\.\d+\.\d+) \| `([0-9a-f]{40})` \|$", OPERATIONS_PAGE, re.MULTILINE))
# The archives of tests/upgrade that are a release's own commit.
ARCHIVES = {"0.1.0": "0.1.0.tar.xz", "0.2.0": "0.2.0-first.tar.xz"}


def git(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)


def test_the_changelog_begins_with_this_version_and_has_every_release():
    headings = re.findall(r"^## (.*)$", CHANGELOG, re.MULTILINE)
    assert headings[0].startswith(f"{__version__} ")
    # This version's own commit is not known before it is made.
    earlier = [heading.split()[0] for heading in headings[1:]]
    assert earlier == [one for one in reversed(COMMITS) if one != __version__]


def test_the_version_stands_in_one_place():
    project = (ROOT / "pyproject.toml").read_text()
    assert 'version = {attr = "storehooks.__version__"}' in project
    assert __version__ not in project


@pytest.mark.parametrize("release", COMMITS)
def test_an_upgrade_is_tried_from_a_releases_own_commit(release):
    with tarfile.open(ROOT / "tests" / "upgrade" / ARCHIVES[release]) as archive:
        assert archive.pax_headers["comment"] == COMMITS[release]


@pytest.mark.parametrize("release", COMMITS)
def test_a_releases_commit_has_its_version(release):
    commit = COMMITS[release]
    if git("cat-file", "-e", f"{commit}^{{commit}}").returncode != 0:
        is_whole = git("rev-parse", "--is-shallow-repository").stdout == "false\n"
        assert not is_whole, f"{commit} is not in the history"
        pytest.skip("the history is not here")
    assert git("merge-base", "--is-ancestor", commit, "HEAD").returncode == 0
    package = git("show", f"{commit}:layers/shared/storehooks/__init__.py").stdout
    assert f'__version__ = "{release}"' in package


def test_what_the_page_checks_out_is_a_release():
    assert re.findall(r"git checkout (\S+)", OPERATIONS_PAGE) == [COMMITS["0.2.0"]]
