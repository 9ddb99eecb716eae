"""What the code's structure promises: which way imports point, and what a function needs at its start."""

import ast
import builtins
import runpy
from collections.abc import Iterator
from pathlib import Path

import pytest

from storehooks.domain import errors
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
    "flows": {"flows", "api", "domain"},
    "settings.py": set(),
    "composition.py": {"adapters", "flows", "domain", "settings"},
}
# The template has the first, and the command; tests compare the others with what we store and send.
NOT_USED_BY_FUNCTIONS = {"BIGCOMMERCE_SCHEDULE", "MAX_ITEM_BYTES"}
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
        assert top != "storehooks_cli", "the command knows the layer, and not the reverse"
        if top == "storehooks":
            assert rest.split(".")[0] in ALLOWED[part], name
        if part == "domain":
            assert top not in AWS, f"the domain knows no AWS: {name}"


def test_only_adapters_see_aws_errors():
    for path in PACKAGE.rglob("*.py"):
        if "adapters" not in path.parts:
            assert not any(name.startswith("botocore") for name in imported(path)), path


def test_every_public_name_of_the_layer_is_used_by_the_layer_or_a_function():
    """What only the command or a test uses belongs to them."""
    defined: set[str] = set()
    used: set[str] = set()
    for path in [*PACKAGE.rglob("*.py"), *ROOT.glob("functions/*/app.py")]:
        tree = ast.parse(path.read_text())
        if path.is_relative_to(PACKAGE):
            defined |= set(public_names(tree.body))
        for node in ast.walk(tree):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                used.add(node.id)
            elif isinstance(node, ast.Attribute):
                used.add(node.attr)
            elif isinstance(node, ast.alias):
                used.add(node.name)
    assert defined - used == NOT_USED_BY_FUNCTIONS


def public_names(body: list[ast.stmt]) -> Iterator[str]:
    """The names that a module defines, and the methods of its public classes."""
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names = [node.name]
        elif isinstance(node, ast.Assign):
            names = [target.id for target in node.targets if isinstance(target, ast.Name)]
        else:
            names = []
        for name in names:
            if not name.startswith("_"):
                yield name
                if isinstance(node, ast.ClassDef):
                    yield from (
                        method.name
                        for method in node.body
                        if isinstance(method, ast.FunctionDef) and not method.name.startswith("_")
                    )


# Where a mistake of ours is caught: to answer 500, to have a message fail alone, to log what was sent before
# breaking off, and to go on with what else is due. And the caller's errors that a flow expects.
CAUGHT = {
    "adapters/delivery_log/due.py": ["CorruptItemError"],
    "adapters/delivery_log/held_watches.py": ["CorruptItemError"],
    "api/operation.py": ["Exception"],
    "flows/deliver.py": ["Exception"],
    "flows/match.py": ["InvalidRequestError"],
    "flows/notify.py": ["InvalidRequestError"],
    "flows/pause.py": ["RecoveryNotFoundError"],
    "flows/pull.py": ["CorruptItemError"],
    "flows/recover.py": ["RecoveryNotFoundError", "RecoveryNotFoundError"],
    "flows/unexpected.py": ["Exception"],
}


def caught(path: Path) -> list[str]:
    """What a file catches that may be a mistake of ours; and, if it is a flow, the caller's errors."""
    names: list[str] = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ExceptHandler):
            kinds = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
            names += ["BaseException" if kind is None else ast.unparse(kind) for kind in kinds]
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("suppress"):
            names += [ast.unparse(argument) for argument in node.args]
    unwanted = (errors.FaultError, errors.CallerError) if path.parent.name == "flows" else errors.FaultError
    kinds = {name: getattr(errors, name, getattr(builtins, name, KeyError)) for name in names}
    return [
        name
        for name in names
        if issubclass(kinds[name], unwanted) or issubclass(errors.StorehooksError, kinds[name])
    ]


@pytest.mark.parametrize(
    "path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE))
)
def test_a_mistake_of_ours_is_caught_in_the_named_places_only(path):
    assert caught(path) == CAUGHT.get(str(path.relative_to(PACKAGE)), [])


@pytest.mark.parametrize("function", sorted(set(FUNCTIONS) - {"console"}))
def test_a_function_without_its_settings_fails_at_its_start_and_names_one(function, monkeypatch):
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", function)
    for name in environment(logical_id(function)):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(MissingSettingError, match="|".join(environment(logical_id(function)))):
        runpy.run_path(str(ROOT / "functions" / function / "app.py"))
