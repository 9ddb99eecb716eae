"""A stack of an earlier release is updated in place: nothing that holds data is replaced or removed.

CloudFormation replaces a resource, by a new and empty one, when a property changes that cannot be
changed; which those are stands in its resource types' own schemas, which cfn-lint brings.
"""

import copy
import json
import tarfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

from tests.template_file import parsed, template

type Template = dict[str, Any]

ARCHIVES = Path(__file__).parents[1] / "upgrade"
RELEASES = sorted(path.name.removesuffix(".tar.xz") for path in ARCHIVES.glob("*.tar.xz"))
# Data, messages and logs; and what others know by its name or address.
KEPT_TYPES = (
    "AWS::DynamoDB::Table",
    "AWS::KMS::Key",
    "AWS::SQS::Queue",
    "AWS::Logs::LogGroup",
    "AWS::Events::EventBus",
    "AWS::ApiGateway::DomainName",
    "AWS::Serverless::Api",
)
# Not in the schemas: the stage's name is in the API's address, and a table's local indexes are made with it.
ALSO_FIXED = {"AWS::Serverless::Api": {"StageName"}, "AWS::DynamoDB::Table": {"LocalSecondaryIndexes"}}


@cache
def earlier(release: str) -> Template:
    """The template of a release."""
    with tarfile.open(ARCHIVES / f"{release}.tar.xz") as archive:
        file = archive.extractfile("template.yaml")
        assert file
        return parsed(file.read().decode())


def fixed_properties(kind: str) -> set[str]:
    """What cannot be changed in a resource of that type."""
    fixed = ALSO_FIXED.get(kind, set())
    if kind.startswith("AWS::Serverless::"):  # of the transform's making
        return fixed
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", kind).schema
    pointers = schema.get("createOnlyProperties", []) + schema.get("conditionalCreateOnlyProperties", [])
    return fixed | {pointer.removeprefix("/properties/") for pointer in pointers}


def harm(before: Template, after: Template) -> Iterator[str]:
    """What an update of the one to the other would replace, remove or leave unprotected."""
    for name, old in before["Resources"].items():
        if old["Type"] not in KEPT_TYPES:
            continue
        new = after["Resources"].get(name)
        if new is None or new["Type"] != old["Type"] or new.get("Condition") != old.get("Condition"):
            yield f"{name} is removed"
            continue
        for policy in ("DeletionPolicy", "UpdateReplacePolicy"):
            if new.get(policy) != old.get(policy):
                yield f"{name} has another {policy}"
        for fixed in fixed_properties(old["Type"]):
            if new["Properties"].get(fixed) != old["Properties"].get(fixed):
                yield f"{name} is replaced for its {fixed}"


def tables(which: Template) -> dict[str, dict[str, Any]]:
    found = which["Resources"].items()
    return {name: one["Properties"] for name, one in found if one["Type"] == "AWS::DynamoDB::Table"}


def key_types(table: dict[str, Any]) -> dict[str, str]:
    return {one["AttributeName"]: one["AttributeType"] for one in table["AttributeDefinitions"]}


def indexes(table: dict[str, Any]) -> dict[str, Any]:
    return {index["IndexName"]: index for index in table.get("GlobalSecondaryIndexes", [])}


@pytest.mark.parametrize("release", RELEASES)
def test_an_update_replaces_and_removes_nothing_that_holds_data(release):
    assert list(harm(earlier(release), template())) == []


@pytest.mark.parametrize("release", RELEASES)
def test_a_table_keeps_the_types_of_its_keys_and_changes_one_index_at_most(release):
    """DynamoDB makes or deletes one index in an update, and changes none."""
    for name, old in tables(earlier(release)).items():
        new = tables(template())[name]
        for key, kind in key_types(new).items():
            assert kind == key_types(old).get(key, kind)
        assert len(indexes(old).keys() ^ indexes(new).keys()) <= 1
        for index in indexes(old).keys() & indexes(new).keys():
            assert indexes(old)[index] == indexes(new)[index]


@pytest.mark.parametrize("release", RELEASES)
def test_a_deployment_takes_the_parameters_it_took_and_tells_what_it_told(release):
    old, new = earlier(release), template()
    assert old["Parameters"].keys() <= new["Parameters"].keys()
    for name, parameter in new["Parameters"].items():
        assert "Default" in parameter, f"{name} would have to be given"
    for name, parameter in old["Parameters"].items():
        assert set(parameter.get("AllowedValues", [])) <= set(
            new["Parameters"][name].get("AllowedValues", [])
        )
    assert old["Outputs"].keys() <= new["Outputs"].keys()
    assert old["Parameters"]["StageName"] == new["Parameters"]["StageName"]


@pytest.mark.parametrize(
    ("path", "value", "found"),
    [
        ("HooksTable/Properties/TableName", "hooks", "HooksTable is replaced for its TableName"),
        ("HooksTable/Properties/KeySchema", [], "HooksTable is replaced for its KeySchema"),
        ("EventsQueue/Properties/QueueName", "events", "EventsQueue is replaced for its QueueName"),
        ("DeliveriesQueue/Properties/FifoQueue", True, "DeliveriesQueue is replaced for its FifoQueue"),
        ("EventBus/Properties/Name", "bus", "EventBus is replaced for its Name"),
        ("Api/Properties/StageName", "next", "Api is replaced for its StageName"),
        ("ClientsTable/DeletionPolicy", "Delete", "ClientsTable has another DeletionPolicy"),
        ("TablesKey/UpdateReplacePolicy", "Delete", "TablesKey has another UpdateReplacePolicy"),
        ("DeliveriesTable/Condition", "SendsEmail", "DeliveriesTable is removed"),
        ("TokensTable/Type", "AWS::DynamoDB::GlobalTable", "TokensTable is removed"),
    ],
)
def test_a_change_that_would_lose_something_is_found(path, value, found):
    after = copy.deepcopy(template())
    *parents, last = path.split("/")
    node = after["Resources"]
    for parent in parents:
        node = node[parent]
    node[last] = value
    assert list(harm(template(), after)) == [found]


def test_a_resource_with_another_logical_name_is_found():
    after = json.loads(json.dumps(template()).replace('"EventsDeadLetters"', '"EventsLeftOver"'))
    assert "EventsDeadLetters is removed" in list(harm(template(), after))
