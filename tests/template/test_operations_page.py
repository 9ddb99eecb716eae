"""docs/operations.md: what it has one deploy can be deployed."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.template_file import parsed, resources, template

pytestmark = pytest.mark.toolchain

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "operations.md").read_text()


@pytest.fixture(scope="module")
def addition() -> dict[str, Any]:
    """What the page has one add to the template for a fixed address."""
    (snippet,) = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    return parsed(snippet)


def merged(one: Any, other: Any) -> Any:
    if isinstance(one, dict) and isinstance(other, dict):
        return one | {name: merged(one.get(name), value) for name, value in other.items()}
    return other


def lint(path: Path) -> str:
    return subprocess.run(
        [Path(sys.executable).with_name("cfn-lint"), path], capture_output=True, text=True, check=False
    ).stdout


def test_cfn_lint_finds_nothing_in_the_network():
    assert lint(ROOT / "docs" / "static-egress.yaml") == ""


def test_cfn_lint_finds_nothing_in_the_template_with_a_network(addition, tmp_path):
    """And so in the template alone, where `make lint` looks as well."""
    (tmp_path / "template.json").write_text(json.dumps(merged(template(), addition)))
    assert lint(tmp_path / "template.json") == ""


def test_whatever_sends_is_put_into_the_network(addition):
    """It is known by having a time for its requests."""
    sending = {
        name
        for name, function in resources("AWS::Serverless::Function").items()
        if "DELIVERY_TIMEOUT_SECONDS" in function.get("Environment", {}).get("Variables", {})
    }
    assert sending == {name for name in addition["Resources"] if name.endswith("Function")}
    roles = {name.removesuffix("Function") + "Role" for name in sending}
    assert roles == addition["Resources"].keys() - sending


def test_the_addition_and_the_networks_outputs_fit(addition):
    network = parsed((ROOT / "docs" / "static-egress.yaml").read_text())
    assert {"EgressAddress", "SubnetIds", "SecurityGroupId"} == network["Outputs"].keys()
    assert {"EgressSubnetIds", "EgressSecurityGroupId"} == addition["Parameters"].keys()
