"""Concurrent executions: what the template lets a stack use, and what the pages say of it."""

import json
import re
from pathlib import Path

import pytest

from storehooks_cli.concurrency import (
    MIN_MAXIMUM_CONCURRENCY,
    MIN_UNRESERVED,
    NAMES,
    Parameters,
    fitting,
    needed,
)
from tests.template_file import resources, template

ROOT = Path(__file__).parents[2]
DEFAULTS = Parameters.of({name: template()["Parameters"][name]["Default"] for name in NAMES})
PAGES = (
    "README.md",
    "docs/deploying.md",
    "docs/operations.md",
    "docs/first-deployment.md",
    "docs/command-line.md",
)


def test_no_function_reserves_concurrency_which_accounts_with_ten_may_not():
    assert "ReservedConcurrentExecutions" not in json.dumps(template())


def test_the_bounds_of_the_parameters_are_the_templates():
    parameters = template()["Parameters"]
    assert parameters["MaximumConcurrency"]["MinValue"] == MIN_MAXIMUM_CONCURRENCY
    assert (
        parameters["ThrottlingBurstLimit"]["MinValue"],
        parameters["ThrottlingRateLimit"]["MinValue"],
    ) == (1, 1)
    assert MIN_UNRESERVED == 7


def test_what_a_stack_needs_counts_every_mapping_at_its_maximum():
    mappings = [
        event
        for function in resources("AWS::Serverless::Function").values()
        for event in function.get("Events", {}).values()
        if event["Type"] == "SQS"
    ]
    assert [event["Properties"]["ScalingConfig"]["MaximumConcurrency"] for event in mappings] == [
        {"Ref": "MaximumConcurrency"}
    ] * len(mappings)
    assert needed(10, 0) - needed(9, 0) == len(mappings)


@pytest.mark.parametrize("page", PAGES)
def test_a_page_says_what_the_defaults_need(page):
    assert str(DEFAULTS.needed) in re.findall(r"\b\d+\b", (ROOT / page).read_text())


def test_the_operations_page_says_what_fits_a_new_account():
    fits = fitting(10, DEFAULTS)
    operations = (ROOT / "docs/operations.md").read_text()
    assert f'make deploy STACK_NAME=storehooks PARAMETERS="{fits}"' in operations
