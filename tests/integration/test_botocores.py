"""What storehooks reaches into of botocore, with the oldest and the newest that a function can meet."""

import re
import subprocess

import pytest

from tests.integration.conftest import ROOT

pytestmark = pytest.mark.toolchain


@pytest.mark.parametrize("age", ["oldest", "newest"])
def test_what_is_reached_into_asks_and_returns_what_a_plain_client_does(age):
    """`make test` installs both; without them this fails, since nothing else holds it."""
    pinned = (ROOT / f"requirements/botocore-{age}.txt").read_text()
    (version,) = re.findall(r"(?m)^botocore==(\S+)", pinned)
    gone_through = subprocess.run(
        [ROOT / f".venv-botocore-{age}/bin/python", ROOT / "tests/integration/reached_into.py"],
        env={"PYTHONPATH": str(ROOT / "layers/shared")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert gone_through.returncode == 0, gone_through.stderr
    assert gone_through.stdout.splitlines()[-1] == version


def test_both_environments_hold_what_the_layer_pins_beside_botocore():
    layer = (ROOT / "layers/shared/requirements.txt").read_text()
    for age in ("oldest", "newest"):
        pinned = (ROOT / f"requirements/botocore-{age}.txt").read_text()
        assert set(re.findall(r"(?m)^\S+==\S+", layer)) <= set(re.findall(r"(?m)^\S+==\S+", pinned))
