"""storehooks stack remove-failed: what a failed first deployment left goes, and never what has held data."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore import xform_name
from botocore.client import BaseClient
from botocore.exceptions import ClientError
from moto import mock_aws
from typer.testing import CliRunner

from storehooks_cli.commands import commands
from storehooks_cli.failed_stacks import DESCRIPTION, RETAINED_TYPES
from storehooks_cli.stack import CREATION_FAILED
from tests.template_file import resources, table_definition, template

pytestmark = pytest.mark.toolchain  # takes long

REGION = "us-east-1"
NAME = "storehooks"
GONE = ([], ["PendingDeletion"], ["DELETE_COMPLETE"])
CHANGES = {"UpdateTable", "DeleteTable", "ScheduleKeyDeletion", "DeleteStack", "PutItem"}


class Stack:
    """A stack as CloudFormation remembers it."""

    def __init__(self, stack_id: str, status: str, resources: dict[str, str]) -> None:
        self.id = stack_id
        self.name = stack_id.split("/")[1]
        self.status = status
        self.resources = resources
        self.description = template()["Description"]
        self.is_protected = False
        self.is_listed = True
        """Whether its retained resources are among its resources, or only in its events."""
        completed = [] if status in CREATION_FAILED else ["CREATE_COMPLETE"]
        self.events = ["REVIEW_IN_PROGRESS", "CREATE_IN_PROGRESS", *completed]

    def described(self):
        return {
            "StackId": self.id,
            "StackName": self.name,
            "StackStatus": self.status,
            "Description": self.description,
            "CreationTime": datetime(2026, 11, 28, 12, tzinfo=UTC),
            "EnableTerminationProtection": self.is_protected,
        }


class CloudFormation:
    """The calls that the command makes. Each list comes in pages of one, and the last of nothing."""

    def __init__(self) -> None:
        self.stacks: dict[str, Stack] = {}

    def call(self, operation, arguments):
        found: Any = getattr(self, f"_{xform_name(operation)}")(arguments)
        if not isinstance(found, tuple):
            return found
        key, values = found
        first = int(arguments.get("NextToken", 0))
        more = {"NextToken": str(first + 1)} if first < len(values) else {}
        return {key: values[first : first + 1], **more}

    def _stack(self, name_or_id: str) -> Stack:
        for stack in self.stacks.values():
            if name_or_id == stack.id or (name_or_id == stack.name and stack.status != "DELETE_COMPLETE"):
                return stack
        error = {"Code": "ValidationError", "Message": f"Stack with id {name_or_id} does not exist"}
        raise ClientError({"Error": error}, "DescribeStacks")

    def _describe_stacks(self, given):
        return {"Stacks": [self._stack(given["StackName"]).described()]}

    def _list_stacks(self, given):
        listed = [one for one in self.stacks.values() if one.status in given["StackStatusFilter"]]
        return "StackSummaries", [one.described() for one in listed]

    def _describe_stack_events(self, given):
        stack = self._stack(given["StackName"])
        of_resources = [
            {"ResourceType": kind, "PhysicalResourceId": name, "ResourceStatus": "CREATE_COMPLETE"}
            for name, kind in ([] if stack.is_listed else stack.resources.items())
        ]
        own = {"ResourceType": "AWS::CloudFormation::Stack", "PhysicalResourceId": stack.id}
        events = [own | {"ResourceStatus": status} for status in stack.events]
        return "StackEvents", [*reversed(events), *of_resources]

    def _list_stack_resources(self, given):
        never_made = {"ResourceType": "AWS::DynamoDB::Table", "ResourceStatus": "CREATE_FAILED"}
        others = {"ResourceType": "AWS::SQS::Queue", "PhysicalResourceId": "a queue"}
        stack = self._stack(given["StackName"])
        kept = [
            {"ResourceType": kind, "PhysicalResourceId": name}
            for name, kind in (stack.resources.items() if stack.is_listed else [])
        ]
        return "StackResourceSummaries", [never_made, others, *kept]

    def _delete_stack(self, given):
        self._stack(given["StackName"]).status = "DELETE_COMPLETE"
        return {}


class World:
    """An account with a stack whose first deployment failed."""

    def __init__(self) -> None:
        self.dynamodb = boto3.client("dynamodb", region_name=REGION)
        self.kms = boto3.client("kms", region_name=REGION)
        self.cloudwatch = boto3.client("cloudwatch", region_name=REGION)
        self.cloudformation = CloudFormation()
        self.changes: list[str] = []
        self._deployed = 0

    def deploy(self, status: str = "ROLLBACK_COMPLETE", *, name: str = NAME) -> Stack:
        """A stack in this status, with the tables and the key of the template."""
        self._deployed += 1
        key = self.kms.create_key()["KeyMetadata"]
        made = {key["KeyId"]: "AWS::KMS::Key"}
        for logical_id in resources("AWS::DynamoDB::Table"):
            table = f"{name}-{logical_id}-{self._deployed}"
            self.dynamodb.create_table(
                **table_definition(logical_id) | {"TableName": table},
                DeletionProtectionEnabled=True,
                SSESpecification={"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": key["Arn"]},
            )
            made[table] = "AWS::DynamoDB::Table"
        stack = Stack(f"arn:aws:cloudformation:{REGION}:1:stack/{name}/{self._deployed}", status, made)
        self.cloudformation.stacks[stack.id] = stack
        return stack

    def tables(self) -> list[str]:
        return self.dynamodb.list_tables()["TableNames"]

    def key_states(self) -> list[str]:
        keys = [one["KeyId"] for one in self.kms.list_keys()["Keys"]]
        return [self.kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] for key in keys]

    def statuses(self) -> list[str]:
        return [stack.status for stack in self.cloudformation.stacks.values()]

    def put(self, table: str) -> None:
        """Put an item into a table."""
        described = self.dynamodb.describe_table(TableName=table)["Table"]
        kinds = {one["AttributeName"]: one["AttributeType"] for one in described["AttributeDefinitions"]}
        keys = [one["AttributeName"] for one in described["KeySchema"]]
        self.dynamodb.put_item(TableName=table, Item={key: {kinds[key]: "1"} for key in keys})


@pytest.fixture
def world(monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "operator")
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    with mock_aws():
        world = World()
        call = BaseClient._make_api_call

        def counted(client, operation, arguments):
            if operation in CHANGES:
                world.changes.append(operation)
            if client.meta.service_model.service_name == "cloudformation":
                return world.cloudformation.call(operation, arguments)
            return call(client, operation, arguments)

        monkeypatch.setattr(BaseClient, "_make_api_call", counted)
        yield world


def remove(*arguments, response=None):
    return CliRunner().invoke(
        commands, ["stack", "remove-failed", "--stack-name", NAME, *arguments], input=response
    )


def refused(world, *arguments) -> str:
    """What it prints when it deletes nothing at all."""
    world.changes.clear()
    result = remove(*arguments, "--yes")
    assert result.exit_code == 1, result.stderr
    assert world.changes == []
    return result.stderr


def test_what_is_retained_is_of_the_types_that_are_deleted_and_described_as_it_looks_for():
    kept = {one["Type"] for one in template()["Resources"].values() if one.get("DeletionPolicy") == "Retain"}
    assert kept == RETAINED_TYPES
    assert template()["Description"].startswith(DESCRIPTION)


@pytest.mark.parametrize("status", sorted(CREATION_FAILED))
def test_tables_key_and_stack_of_a_failed_creation_are_deleted_and_it_can_be_tried_again(world, status):
    world.deploy(status)
    tables = world.tables()
    assert len(tables) == 5
    result = remove("--yes")
    assert result.exit_code == 0, result.stderr
    assert (world.tables(), world.key_states(), world.statuses()) == GONE
    assert all(table in result.stdout for table in tables)
    world.deploy("CREATE_COMPLETE")


def test_a_table_without_deletion_protection_is_deleted_without_an_update(world):
    world.deploy()
    for table in world.tables():
        world.dynamodb.update_table(TableName=table, DeletionProtectionEnabled=False)
    world.changes.clear()
    assert remove("--yes").exit_code == 0
    assert world.changes == ["DeleteTable"] * 5 + ["ScheduleKeyDeletion", "DeleteStack"]


def test_the_key_is_deleted_in_seven_days_and_can_be_had_back_until_then(world):
    world.deploy()
    remove("--yes")
    (key,) = world.kms.list_keys()["Keys"]
    ends = world.kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"]["DeletionDate"]
    assert timedelta(days=6, hours=23) < ends - datetime.now(UTC) < timedelta(days=7, hours=1)


def test_it_shows_what_it_will_delete_and_asks_first(world):
    stack = world.deploy()
    world.changes.clear()
    result = remove(response="n\n")
    assert (result.exit_code, world.changes) == (1, [])
    named = [stack.id, *stack.resources]
    assert all(name in result.stderr for name in named)
    assert remove(response="y\n").exit_code == 0
    assert world.tables() == []


def test_any_table_that_holds_anything_keeps_all_of_it(world):
    world.deploy()
    for name in world.tables():
        world.put(name)
        assert f"the table {name} is not empty" in refused(world)


@pytest.mark.parametrize("age", [timedelta(minutes=10), timedelta(days=3), timedelta(days=60)])
def test_a_table_that_was_written_to_and_emptied_since_keeps_all_of_it(world, age, monkeypatch):
    world.deploy()
    name = world.tables()[-1]
    describe = BaseClient._make_api_call

    def of_that_age(client, operation, arguments):
        response = describe(client, operation, arguments)
        if operation == "DescribeTable":
            response["Table"]["CreationDateTime"] = datetime.now(UTC) - age
        return response

    monkeypatch.setattr(BaseClient, "_make_api_call", of_that_age)
    point = {
        "MetricName": "ConsumedWriteCapacityUnits",
        "Dimensions": [{"Name": "TableName", "Value": name}],
        "Timestamp": datetime.now(UTC) - age / 2,
        "Value": 1.0,
    }
    world.cloudwatch.put_metric_data(Namespace="AWS/DynamoDB", MetricData=[point])
    assert f"the table {name} is empty, and has been written to" in refused(world)


def test_a_key_that_encrypts_another_table_keeps_all_of_it(world):
    stack = world.deploy()
    (key,) = (name for name, kind in stack.resources.items() if kind == "AWS::KMS::Key")
    arn = world.kms.describe_key(KeyId=key)["KeyMetadata"]["Arn"]
    world.dynamodb.create_table(
        TableName="restored",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
        SSESpecification={"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": arn},
    )
    assert f"the key {key} encrypts the table restored too" in refused(world)


def test_a_stack_with_termination_protection_keeps_all_of_it(world):
    stack = world.deploy()
    stack.is_protected = True
    assert f"the stack {stack.id} has termination protection" in refused(world)


def test_a_stack_whose_creation_completed_or_is_not_over_is_refused_with_its_status(world):
    stack = world.deploy("CREATE_COMPLETE")
    for status in (
        *("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "UPDATE_ROLLBACK_FAILED"),
        *("UPDATE_FAILED", "IMPORT_ROLLBACK_COMPLETE", "DELETE_FAILED", "REVIEW_IN_PROGRESS"),
        *("CREATE_IN_PROGRESS", "ROLLBACK_IN_PROGRESS", "DELETE_IN_PROGRESS"),
    ):
        stack.status = status
        assert f"{NAME} is {status}: it is not a storehooks stack whose first deployment failed" in refused(
            world
        )


def test_a_failed_stack_of_another_product_is_refused(world):
    world.deploy().description = "something else"
    assert f"{NAME} is ROLLBACK_COMPLETE: it is not a storehooks stack" in refused(world)


def test_without_a_right_to_look_nothing_is_deleted(world, monkeypatch):
    world.deploy()
    call = BaseClient._make_api_call

    def deny(client, operation, arguments):
        if operation == "GetMetricStatistics":
            error = {
                "Code": "AccessDenied",
                "Message": "not authorized to perform: cloudwatch:GetMetricStatistics",
            }
            raise ClientError({"Error": error}, operation)
        return call(client, operation, arguments)

    monkeypatch.setattr(BaseClient, "_make_api_call", deny)
    assert "cloudwatch:GetMetricStatistics" in refused(world)


# ---------------------------------------------------------------- a stack that is deleted already


def test_what_a_failed_stack_left_that_was_deleted_since_is_deleted(world):
    world.deploy().status = "DELETE_COMPLETE"
    assert len(world.tables()) == 5
    result = remove("--yes")
    assert result.exit_code == 0, result.stderr
    assert (world.tables(), world.key_states()) == ([], ["PendingDeletion"])


def test_what_only_its_events_remember_is_deleted_too(world):
    world.deploy().is_listed = False
    assert remove("--yes").exit_code == 0
    assert (world.tables(), world.key_states(), world.statuses()) == GONE


def test_what_several_tries_left_goes_at_once(world):
    for _ in range(2):
        world.deploy().status = "DELETE_COMPLETE"
    world.deploy()
    assert len(world.tables()) == 15
    assert remove("--yes").exit_code == 0
    assert (world.tables(), world.key_states(), world.statuses()) == (
        [],
        ["PendingDeletion"] * 3,
        ["DELETE_COMPLETE"] * 3,
    )


def test_the_tables_of_a_removed_stack_that_once_worked_stay(world):
    world.deploy("CREATE_COMPLETE").status = "DELETE_COMPLETE"
    world.changes.clear()
    result = remove("--yes")
    assert (result.exit_code, world.changes) == (0, [])
    assert NAME in result.stderr
    assert REGION in result.stderr
    assert len(world.tables()) == 5


def test_the_tables_of_a_removed_stack_stay_whose_creation_nobody_remembers(world):
    """Events are kept for 90 days: without those of the creation it may have completed."""
    stack = world.deploy()
    stack.status, stack.events = "DELETE_COMPLETE", ["DELETE_IN_PROGRESS"]
    world.changes.clear()
    assert (remove("--yes").exit_code, world.changes) == (0, [])


def test_the_stack_that_works_now_is_left_alone_when_an_earlier_trys_tables_go(world):
    earlier = world.deploy()
    earlier.status = "DELETE_COMPLETE"
    working = world.deploy("UPDATE_COMPLETE")
    imported = list(earlier.resources)[-1]
    working.resources[imported] = "AWS::DynamoDB::Table"
    assert remove("--yes").exit_code == 1, "the key encrypts a table that was imported"
    del working.resources[imported]
    assert remove("--yes").exit_code == 0
    assert set(world.tables()) < working.resources.keys()
    assert sorted(world.key_states()) == ["Enabled", "PendingDeletion"]
    assert world.statuses() == ["DELETE_COMPLETE", "UPDATE_COMPLETE"]


def test_another_stacks_tables_are_left_alone(world):
    other = world.deploy("ROLLBACK_COMPLETE", name="another")
    world.deploy()
    remove("--yes")
    assert (len(world.tables()), set(world.tables()) < other.resources.keys()) == (5, True)
    assert other.status == "ROLLBACK_COMPLETE"


# ---------------------------------------------------------------- twice, and half done


def test_a_second_run_has_nothing_to_do(world):
    world.deploy()
    remove("--yes")
    world.changes.clear()
    result = remove("--yes")
    assert (result.exit_code, world.changes) == (0, [])
    assert REGION in result.stderr


@pytest.mark.parametrize("step", [1, 3, 6, 8, 11, 12])  # five tables twice, the key, the stack
def test_a_run_that_stopped_at_any_step_is_completed_by_the_next(world, monkeypatch, step):
    world.deploy()
    world.changes.clear()
    with monkeypatch.context() as patch:
        call = BaseClient._make_api_call

        def fail_at_the_step(client, operation, arguments):
            if operation in CHANGES and len(world.changes) == step - 1:
                raise ClientError({"Error": {"Code": "InternalError", "Message": "it fails"}}, operation)
            return call(client, operation, arguments)

        patch.setattr(BaseClient, "_make_api_call", fail_at_the_step)
        result = remove("--yes")
        assert (result.exit_code, len(world.changes)) == (1, step - 1)
        assert re.match(r"storehooks: AWS failed: .*it fails", result.stderr.splitlines()[-1])
    assert remove("--yes").exit_code == 0
    assert (world.tables(), world.key_states(), world.statuses()) == GONE


def test_a_stack_whose_deletion_failed_is_deleted_if_its_creation_had(world):
    world.deploy().status = "DELETE_FAILED"
    assert remove("--yes").exit_code == 0
    assert (world.tables(), world.key_states(), world.statuses()) == GONE


def test_a_table_that_is_written_to_while_it_asks_keeps_all_of_it(world, monkeypatch):
    world.deploy()
    name = world.tables()[0]

    def confirm(*_given, **_options):
        world.put(name)

    monkeypatch.setattr("typer.confirm", confirm)
    world.changes.clear()
    result = remove()
    assert result.exit_code == 1
    assert name in result.stderr
    assert world.changes == ["PutItem"]
