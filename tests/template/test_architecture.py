"""docs/architecture.md names files and types that are there."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "layers" / "shared" / "storehooks"
LOG = PACKAGE / "adapters" / "delivery_log"
PAGE = (ROOT / "docs" / "architecture.md").read_text()
# Requests of the API, and events.
FIRST_PICTURES = "".join(re.findall(r"^```mermaid\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)[:2])
PICTURE = PAGE.partition("## The way of one event")[2].split("```")[1]


@pytest.mark.parametrize(
    "path", sorted(set(re.findall(r"\b(?:api|adapters|domain|flows)/(?:\w+/)*\w+\.py", PAGE)))
)
def test_a_file_of_the_page_is_there(path):
    assert (PACKAGE / path).is_file()


@pytest.mark.parametrize("path", sorted(set(re.findall(r"tests/[\w/]+\.py", PAGE))))
def test_a_test_that_the_page_names_is_there(path):
    assert (ROOT / path).is_file()


def test_every_function_is_in_one_of_the_first_two_pictures():
    functions = {path.parent.name for path in ROOT.glob("functions/*/app.py")}
    assert functions <= set(re.findall(r"\w+", FIRST_PICTURES))


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


def test_the_delivery_logs_table_of_who_owns_what_names_every_module_and_classes_that_are_there():
    docstring = ast.get_docstring(ast.parse((LOG / "__init__.py").read_text()))
    assert docstring is not None
    modules = {path.stem for path in LOG.glob("*.py")} - {"__init__"}
    assert set(re.findall(r":(?:mod|class):`\.(\w+)", docstring)) == modules
    for module, name in re.findall(r":class:`\.(\w+)\.(\w+)`", docstring):
        assert f"\nclass {name}:" in (LOG / f"{module}.py").read_text()


def test_every_flow_is_on_the_page_and_those_that_an_event_goes_through_are_in_the_picture():
    flows = {f"flows/{path.name}" for path in (PACKAGE / "flows").glob("*.py")} - {"flows/__init__.py"}
    assert set(re.findall(r"flows/\w+\.py", PAGE)) == flows
    in_picture = set(re.findall(r"flows/(\w+)\.py", PICTURE))
    assert in_picture == {"match", "deliver", "outcome", "sweep"}
