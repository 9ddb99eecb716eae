"""The clients that docs/api-v3.md names are those that are tested, in the versions that are pinned."""

import json
import re

from tests.documented_commands import ROOT

PAGE = (ROOT / "docs/api-v3.md").read_text()
# The official client, which the README's own commands use, is in the environment of the command line.
OFFICIAL = "bigcommerce"


def pinned(name):
    text = (ROOT / f"requirements/{name}.txt").read_text()
    return dict(re.findall(r"(?m)^([\w.-]+)==([^\s;]+)", text))


def test_the_table_names_each_client_that_is_tested_in_the_version_that_is_pinned():
    rows = re.findall(r"(?m)^\| (PyPI|npm) `([^`]+)`.*? \| (\S+) \|", PAGE)
    clients = pinned("clients")
    wanted = [
        line
        for line in (ROOT / "requirements/clients.in").read_text().splitlines()
        if not line.startswith("#")
    ]
    node = json.loads((ROOT / "tests/e2e/node/package.json").read_text())["dependencies"]
    assert {(registry, name): version for registry, name, version in rows} == {
        ("PyPI", OFFICIAL): pinned("dev")[OFFICIAL],
        **{("PyPI", name): clients[name] for name in wanted},
        **{("npm", name): version for name, version in node.items()},
    }


def test_the_page_names_the_variables_and_options_that_the_tests_use():
    tests = {
        name: "".join((ROOT / "tests/e2e" / path).read_text() for path in paths)
        for name, paths in {
            "bigcommerce": ["test_client_library.py"],
            "bigc": ["test_python_clients.py"],
            "bigcommerce-cli": ["test_python_clients.py"],
            "node-bigcommerce": ["node/app.cjs"],
            "@space48/bigcommerce-api": ["node/app.cjs"],
            "bigcommerce-api-client": ["node/app.cjs", "test_node_clients.py"],
        }.items()
    }
    for _, name, way in re.findall(r"(?m)^\| (PyPI|npm) `([^`]+)`.* \| (.*) \|$", PAGE):
        named = [re.split(r" ?=", code)[0] for code in re.findall(r"`([^`]+)`", way)]
        assert named
        for code in named:
            assert code in tests[name], f"{name}: {code}"
