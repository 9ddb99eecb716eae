"""docs/architecture.md names files and types that are there."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "layers" / "shared" / "storehooks"
PAGE = (ROOT / "docs" / "architecture.md").read_text()
PICTURE = PAGE.split("```")[1]


@pytest.mark.parametrize("path", sorted(set(re.findall(r"\b(?:api|adapters|domain|flows)/\w+\.py", PAGE))))
def test_a_file_of_the_page_is_there(path):
    assert (PACKAGE / path).is_file()


@pytest.mark.parametrize("path", sorted(set(re.findall(r"tests/[\w/]+\.py", PAGE))))
def test_a_test_that_the_page_names_is_there(path):
    assert (ROOT / path).is_file()


def test_the_types_in_the_picture_are_classes_of_the_package():
    classes = {
        node.name
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef)
    }
    named = set(re.findall(r"\b(?:an? )?([A-Z][a-z]+(?:[A-Z][a-z]+)*)\b", PICTURE)) - {"Path"}
    assert {"ReceivedTask", "TaskMessage", "Known", "Outcome", "Defer", "Send", "End"} <= named
    assert named <= classes


def test_every_flow_that_an_event_goes_through_is_in_the_picture():
    flows = {f"flows/{path.name}" for path in (PACKAGE / "flows").glob("*.py")}
    others = {
        "__init__",
        "invocation",
        "meter",
        "notify",
        "ping",
        "recover",
        "redeliver",
        "removal",
        "unexpected",
    }
    assert set(re.findall(r"flows/\w+\.py", PICTURE)) == flows - {f"flows/{name}.py" for name in others}
