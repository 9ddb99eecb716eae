"""docs/architecture.md names files and types that are there."""

import ast
import re
from pathlib import Path

import pytest

from tests.template_file import resources, table_definition

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


MAP, TABLES = (
    PAGE.partition(f"## {title}\n")[2].partition("\n## ")[0]
    for title in ("A map of the package", "Tables, keys and indexes")
)


def test_the_map_has_every_module_in_its_layer():
    named: dict[str, set[str]] = {}
    layer = ""
    for line in MAP.splitlines():
        if line.startswith("| ") and not line.startswith("| Layer"):
            _, first, modules, *_ = map(str.strip, line.split("|"))
            layer = first.strip("`") or layer
            found = re.findall(r"`([\w/]+?)(?:\.py|/)`", modules)
            assert not named.get(layer, set()) & set(found), "twice"
            named.setdefault(layer, set()).update(found)
    for name in ("api", "domain", "adapters"):
        modules = {path.stem for path in (PACKAGE / name).iterdir() if path.suffix in {"", ".py"}}
        modules -= {"__init__", "__pycache__"}
        assert named[name] == modules
    assert {"settings", "composition"} == named[""]


def test_the_tables_have_the_keys_and_the_indexes_of_the_template():
    indexes = re.findall(r"^\| `(\w+)` of `(\w+)` \| `(\w+)`.*? \+ `(\w+)`", TABLES, re.MULTILINE)
    keys = dict(re.findall(r"^\| `(\w+)` \| (`.*?) \|", TABLES, re.MULTILINE))
    assert keys.keys() == resources("AWS::DynamoDB::Table").keys()
    deployed = set()
    for table, key in keys.items():
        definition = table_definition(table)
        attributes = [one["AttributeName"] for one in definition["KeySchema"]]
        assert re.findall(r"`(\w+)`", key) == attributes
        for index in definition.get("GlobalSecondaryIndexes", []):
            named = [one["AttributeName"] for one in index["KeySchema"]]
            deployed.add((index["IndexName"], table, *named))
    assert set(indexes) == deployed


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
