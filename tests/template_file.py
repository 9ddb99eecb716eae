"""template.yaml as plain data: an intrinsic function is a dictionary with its long name."""

from collections.abc import Mapping
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


def deployed(**parameters: str) -> dict[str, Any]:
    """The resources that are there with these parameters, and the others' defaults, with each choice made."""
    given = {name: str(one["Default"]) for name, one in template()["Parameters"].items()} | parameters
    resources = template()["Resources"].items()
    return {
        name: _chosen(resource, given)
        for name, resource in resources
        if "Condition" not in resource or _holds({"Condition": resource["Condition"]}, given)
    }


_NOTHING = {"Ref": "AWS::NoValue"}


def _chosen(part: Any, given: Mapping[str, str]) -> Any:
    """A part of the template with the side of each `Fn::If` that counts."""
    match part:
        case {"Fn::If": [condition, yes, no]}:
            return _chosen(yes if _holds({"Condition": condition}, given) else no, given)
        case dict():
            chosen = {name: _chosen(one, given) for name, one in part.items()}
            return {name: one for name, one in chosen.items() if one != _NOTHING}
        case list():
            return [one for one in (_chosen(one, given) for one in part) if one != _NOTHING]
    return part


def _holds(condition: Any, given: Mapping[str, str]) -> bool:
    match condition:
        case {"Condition": name}:
            return _holds(template()["Conditions"][name], given)
        case {"Fn::Not": [one]}:
            return not _holds(one, given)
        case {"Fn::Equals": [one, other]}:
            return _value(one, given) == _value(other, given)
    raise ValueError(f"a condition of another kind: {condition}")


def _value(of: Any, given: Mapping[str, str]) -> str:
    match of:
        case {"Ref": name}:
            return given[name]
        case {"Fn::Select": [index, {"Ref": name}]}:
            return given[name].split(",")[int(index)]
        case str():
            return of
    raise ValueError(f"a value of another kind: {of}")


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


def tracing_of(function: str) -> str:
    """`Active` where X-Ray records a function's invocations, `PassThrough` where it does not by itself."""
    shared = template()["Globals"]["Function"]["Tracing"]
    tracing: str = resources("AWS::Serverless::Function")[function].get("Tracing", shared)
    return tracing


def parameter(name: str) -> str:
    """A parameter's value in a deployment that sets none, but for what is off unless it is set."""
    return {"EmailSender": EMAIL_SENDER}.get(name) or str(template()["Parameters"][name]["Default"])


def logical_id(folder: str) -> str:
    """The function that a folder of functions/ holds."""
    return folder.title().replace("_", "") + "Function"
