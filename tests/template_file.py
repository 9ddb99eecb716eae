"""template.yaml as plain data: an intrinsic function is a dictionary with its long name."""

from functools import cache
from pathlib import Path
from typing import Any

import yaml

TEMPLATE = Path(__file__).parents[1] / "template.yaml"
EMAIL_SENDER = "storehooks@store.example"


class _Loader(yaml.SafeLoader):
    """Knows CloudFormation's short tags."""


def _short_tag(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    name = suffix if suffix in {"Ref", "Condition"} else f"Fn::{suffix}"
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
        return {name: value.split(".") if suffix == "GetAtt" else value}
    if isinstance(node, yaml.SequenceNode):
        return {name: loader.construct_sequence(node, deep=True)}
    assert isinstance(node, yaml.MappingNode)
    return {name: loader.construct_mapping(node, deep=True)}


_Loader.add_multi_constructor("!", _short_tag)


def parsed(text: str) -> dict[str, Any]:
    """A template, or a part of one."""
    loaded: dict[str, Any] = yaml.load(text, _Loader)  # noqa: S506 - a SafeLoader
    return loaded


@cache
def template() -> dict[str, Any]:
    """The whole template. Do not change what it returns."""
    return parsed(TEMPLATE.read_text())


def resources(kind: str) -> dict[str, dict[str, Any]]:
    """The properties of all resources of one type, by logical id."""
    found = template()["Resources"].items()
    return {name: resource["Properties"] for name, resource in found if resource["Type"] == kind}


def table_definition(logical_id: str) -> dict[str, Any]:
    """A table's keys and indexes, as ``create_table`` takes them."""
    properties = resources("AWS::DynamoDB::Table")[logical_id]
    wanted = ("AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "BillingMode")
    return {"TableName": logical_id} | {name: properties[name] for name in wanted if name in properties}


def environment(function: str) -> dict[str, str]:
    """A function's variables as a deployment sets them; resources by logical id."""
    variables = own_variables(resources("AWS::Serverless::Function")[function])
    return {
        name: parameter(value["Ref"]) if value["Ref"] in template()["Parameters"] else value["Ref"]
        for name, value in variables.items()
    }


def own_variables(function: dict[str, Any]) -> dict[str, Any]:
    """The variables of a function's own, which one that needs no setting does not have."""
    variables: dict[str, Any] = function.get("Environment", {}).get("Variables", {})
    return variables


def parameter(name: str) -> str:
    """A parameter's value in a deployment that sets none, but for what is off unless it is set."""
    return {"EmailSender": EMAIL_SENDER}.get(name) or str(template()["Parameters"][name]["Default"])


def logical_id(folder: str) -> str:
    """The function that a folder of functions/ holds."""
    return folder.title().replace("_", "") + "Function"
