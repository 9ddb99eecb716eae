"""What the code's structure promises: which way imports point, and what a function needs at its start."""

import ast
import runpy
from pathlib import Path

import pytest

from storehooks.settings import MissingSettingError
from tests.template_file import environment, logical_id

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "layers" / "shared" / "storehooks"
FUNCTIONS = sorted(path.parent.name for path in ROOT.glob("functions/*/app.py"))

# From each part of the package, the parts it may import.
ALLOWED = {
    "domain": {"domain", "__version__"},
    "api": {"api", "domain"},
    "adapters": {"adapters", "domain"},
    "flows": {"flows", "api", "adapters", "domain"},
    "settings.py": set(),
}
AWS = {"boto3", "botocore", "aws_lambda_powertools"}


def imported(path: Path) -> set[str]:
    """The full names of all modules that a file imports."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


@pytest.mark.parametrize(
    "path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE))
)
def test_imports_point_one_way(path):
    part = path.relative_to(PACKAGE).parts[0]
    for name in imported(path):
        top, _, rest = name.partition(".")
        if top == "storehooks":
            assert rest.split(".")[0] in ALLOWED[part], name
        if part == "domain":
            assert top not in AWS, f"the domain knows no AWS: {name}"


def test_only_adapters_see_aws_errors():
    for path in PACKAGE.rglob("*.py"):
        if "adapters" not in path.parts:
            assert not any(name.startswith("botocore") for name in imported(path)), path


@pytest.mark.parametrize("function", sorted(set(FUNCTIONS) - {"console"}))
def test_a_function_without_its_settings_fails_at_its_start_and_names_one(function, monkeypatch):
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    for name in environment(logical_id(function)):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(MissingSettingError, match="|".join(environment(logical_id(function)))):
        runpy.run_path(str(ROOT / "functions" / function / "app.py"))
