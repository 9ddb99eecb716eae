"""docs/hooks.schema.json is what the models make of it today, and says of a file what hook sync does."""

import json
import re
from pathlib import Path

import jsonschema_rs
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from storehooks_cli.hook_file import FIELDS, InvalidHookFileError, as_yaml, exported, read_hooks
from storehooks_cli.openapi import hooks_file
from tests.made_up_hooks import bodies, shown

SCHEMA = Path(__file__).parents[2] / "docs" / "hooks.schema.json"
VALIDATOR = jsonschema_rs.Draft7Validator(json.loads(SCHEMA.read_text()), validate_formats=True)
HOOK = {"scope": "store/order/*", "destination": "https://app.example.com/orders"}


def test_it_is_up_to_date():
    assert hooks_file.as_json() == SCHEMA.read_text(), "run `make openapi`, and look what has changed"


def test_it_is_a_schema_that_refers_to_itself_alone():
    schema = json.loads(SCHEMA.read_text())
    jsonschema_rs.meta.validate(schema)
    assert schema["definitions"]["Hook"]["properties"].keys() == set(FIELDS)
    assert "components" not in SCHEMA.read_text()


def test_the_file_of_the_page_is_one():
    page = (SCHEMA.parent / "hooks-as-code.md").read_text()
    (text,) = re.findall(r"^```yaml\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    VALIDATOR.validate(yaml.safe_load(text))
    assert len(read_hooks(text, {"ORDERS_KEY": "k"})) == 2
    assert set(FIELDS) <= set(re.findall(r"`(\w+)`", page))


@settings(max_examples=30)
@given(st.lists(bodies(), max_size=2))
def test_what_is_exported_is_as_it_says(made_up):
    file, _ = exported([shown(body) for body in made_up], with_secrets=False)
    VALIDATOR.validate(yaml.safe_load(as_yaml(file)))


@pytest.mark.parametrize(
    "file",
    [
        {},
        {"hooks": {}},
        {"hooks": [], "more": 1},
        {"hooks": [{"scope": "store/*"}]},
        {"hooks": [HOOK | {"scope": "store/x"}]},
        {"hooks": [HOOK | {"destination": "app.example.com"}]},
        {"hooks": [HOOK | {"id": 1}]},
        {"hooks": [HOOK | {"headers": {"A": 5}}]},
        {"hooks": [HOOK | {"headers": {"a b": "c"}}]},
        {"hooks": [HOOK | {"filter": {}}]},
        {"hooks": [HOOK | {"filter": {"a": [{"like": "b"}]}}]},
        {"hooks": [HOOK | {"max_per_second": 0}]},
        {"hooks": [HOOK | {"is_active": "yes"}]},
        {"hooks": [HOOK | {"is_paused": None}]},
    ],
)
def test_what_is_refused_it_refuses_too(file):
    assert not VALIDATOR.is_valid(file)
    with pytest.raises(InvalidHookFileError):
        read_hooks(json.dumps(file), {})
