"""What first deployments that failed have left: stacks, retained tables and their keys.

CloudFormation retains tables and key of a creation that it rolls back too, and a stack that it has
rolled back cannot be updated. Only what has never held data is deleted: each table of a stack whose
creation never completed has to be empty, and never written to.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

import boto3

from storehooks_cli.stack import CREATION_FAILED, described

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.type_defs import StackEventTypeDef, StackTypeDef

_TABLE, _KEY = "AWS::DynamoDB::Table", "AWS::KMS::Key"
RETAINED_TYPES = frozenset({_TABLE, _KEY})
"""The types of the template's resources that are retained."""

KEY_DELETION_DAYS = 7  # the fewest that KMS accepts
DESCRIPTION = "storehooks - "
"""How the description of this template's stacks begins, in any release."""

_DELETED: Literal["DELETE_COMPLETE"] = "DELETE_COMPLETE"
_STACK = "AWS::CloudFormation::Stack"


@dataclass(frozen=True, slots=True)
class FailedStack:
    """A stack whose creation never completed, with the tables and keys of it that still exist."""

    stack_id: str
    status: str
    created_at: datetime
    tables: tuple[str, ...]
    keys: tuple[str, ...]

    @property
    def is_deleted(self) -> bool:
        """Whether the stack itself is deleted, and only retained resources are left."""
        return self.status == _DELETED


class FailedStacks:
    """The failed first deployments of one stack name, in the session's account and region."""

    def __init__(self, stack_name: str, session: boto3.Session) -> None:
        self._name = stack_name
        self._cloudformation = session.client("cloudformation")
        self._dynamodb = session.client("dynamodb")
        self._cloudwatch = session.client("cloudwatch")
        self._kms = session.client("kms")

    def current_status(self) -> str | None:
        """The status of the stack that has the name now, None without one."""
        stack = self._described(self._name)
        return stack["StackStatus"] if stack else None

    def find(self) -> list[FailedStack]:
        """Those that have left something.

        Of deleted stacks CloudFormation remembers those of the last 90 days.
        """
        current = self._described(self._name)
        pages = self._cloudformation.get_paginator("list_stacks").paginate(StackStatusFilter=[_DELETED])
        named = [
            self._described(one["StackId"])
            for page in pages
            for one in page["StackSummaries"]
            if one["StackName"] == self._name
        ]
        failed = [stack for stack in (current, *named) if stack and self._is_failed(stack)]
        # Retained resources can be imported into a new stack.
        in_use = set() if current is None or current in failed else {*self._retained(current["StackId"])}
        found = [self._with_resources(stack, in_use) for stack in failed]
        return [one for one in found if one.tables or one.keys or not one.is_deleted]

    def refusals(self, stacks: list[FailedStack]) -> list[str]:
        """Why these must not be deleted, a sentence each; empty if they may."""
        tables = {table for stack in stacks for table in stack.tables}
        return [
            *(reason for stack in stacks if not stack.is_deleted for reason in self._of_stack(stack)),
            *(reason for table in sorted(tables) for reason in self._of_table(table)),
            *(reason for stack in stacks for key in stack.keys for reason in self._of_key(key, tables)),
        ]

    def delete(self, stack: FailedStack, report: Callable[[str], None]) -> None:
        """Delete one: its tables, its keys and then the stack, so that a second run finds what is left.

        You can stop it and run it again. Waits for each step, up to 20 minutes for the stack.

        :param report: called with each thing that is done.
        """
        for table in stack.tables:
            if (self._table(table) or {}).get("DeletionProtectionEnabled"):
                self._dynamodb.update_table(TableName=table, DeletionProtectionEnabled=False)
        for table in stack.tables:
            self._wait("table_exists", table)  # until its update is over
            self._dynamodb.delete_table(TableName=table)
        for table in stack.tables:
            self._wait("table_not_exists", table)
            report(f"deleted the table {table}")
        for key in stack.keys:
            self._kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=KEY_DELETION_DAYS)
            report(f"scheduled the key {key} for deletion in {KEY_DELETION_DAYS} days")
        if not stack.is_deleted:
            self._cloudformation.delete_stack(StackName=stack.stack_id)
            waiter = self._cloudformation.get_waiter("stack_delete_complete")
            waiter.wait(StackName=stack.stack_id, WaiterConfig={"Delay": 5, "MaxAttempts": 240})
            report(f"deleted the stack {stack.stack_id}")

    # ------------------------------------------------------------ finding

    def _described(self, name_or_id: str) -> "StackTypeDef | None":
        return described(self._cloudformation, name_or_id)

    def _is_failed(self, stack: "StackTypeDef") -> bool:
        if not stack.get("Description", "").startswith(DESCRIPTION):
            return False
        status = stack["StackStatus"]
        if status in (_DELETED, "DELETE_FAILED"):
            return self._never_completed(stack["StackId"])
        return status in CREATION_FAILED

    def _never_completed(self, stack_id: str) -> bool:
        """Whether its events, which are kept for 90 days, begin with its creation and know of no success."""
        statuses = {
            event["ResourceStatus"]
            for event in self._events(stack_id)
            if event["ResourceType"] == _STACK and event["PhysicalResourceId"] == stack_id
        }
        others = ("CREATE_COMPLETE", "UPDATE", "IMPORT")
        return "CREATE_IN_PROGRESS" in statuses and not any(status.startswith(others) for status in statuses)

    def _events(self, stack_id: str) -> "Iterator[StackEventTypeDef]":
        for page in self._cloudformation.get_paginator("describe_stack_events").paginate(StackName=stack_id):
            yield from page["StackEvents"]

    def _with_resources(self, stack: "StackTypeDef", in_use: set[str]) -> FailedStack:
        retained = {
            name: kind for name, kind in self._retained(stack["StackId"]).items() if name not in in_use
        }
        return FailedStack(
            stack["StackId"],
            stack["StackStatus"],
            stack["CreationTime"],
            tuple(name for name, kind in retained.items() if kind == _TABLE and self._table(name)),
            tuple(name for name, kind in retained.items() if kind == _KEY and self._key(name)),
        )

    def _retained(self, stack_id: str) -> dict[str, str]:
        """The tables and keys that a stack has made, by name, each with its type.

        By its resources, and by its events, which still have those that a roll back has retained.
        """
        pages = self._cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack_id)
        resources = [one for page in pages for one in page["StackResourceSummaries"]]
        return {
            one["PhysicalResourceId"]: one["ResourceType"]
            for one in (*resources, *self._events(stack_id))
            if one["ResourceType"] in RETAINED_TYPES and one.get("PhysicalResourceId")
        }

    def _table(self, name: str) -> dict[str, Any] | None:
        """A table, None if it is gone or being deleted."""
        try:
            table: Any = self._dynamodb.describe_table(TableName=name)["Table"]
        except self._dynamodb.exceptions.ResourceNotFoundException:
            return None
        return None if table["TableStatus"] == "DELETING" else table

    def _key(self, name: str) -> dict[str, Any] | None:
        """A key, None if it is gone or going to be deleted."""
        try:
            key: dict[str, Any] = self._kms.describe_key(KeyId=name)["KeyMetadata"]
        except self._kms.exceptions.NotFoundException:
            return None
        return None if key["KeyState"] == "PendingDeletion" else key

    # ------------------------------------------------------------ refusing

    def _of_stack(self, stack: FailedStack) -> Iterator[str]:
        described = self._described(stack.stack_id)
        if described and described.get("EnableTerminationProtection"):
            yield f"the stack {stack.stack_id} has termination protection"

    def _of_table(self, name: str) -> Iterator[str]:
        table = self._table(name)
        if table is None:
            return
        if table["TableStatus"] != "ACTIVE":
            yield f"the table {name} is {table['TableStatus']}; try again when it is ACTIVE"
        elif self._dynamodb.scan(TableName=name, Limit=1, ConsistentRead=True)["Items"]:
            yield f"the table {name} is not empty"
        elif self._written(name, table["CreationDateTime"]):
            yield f"the table {name} is empty, and has been written to"

    def _written(self, table: str, created_at: datetime) -> bool:
        statistics = self._cloudwatch.get_metric_statistics(
            Namespace="AWS/DynamoDB",
            MetricName="ConsumedWriteCapacityUnits",
            Dimensions=[{"Name": "TableName", "Value": table}],
            StartTime=created_at - timedelta(hours=1),
            EndTime=datetime.now(UTC),
            Period=24 * 60 * 60,
            Statistics=["Sum"],
        )
        return any(point["Sum"] for point in statistics["Datapoints"])

    def _of_key(self, name: str, deleted_too: set[str]) -> Iterator[str]:
        key = self._key(name)
        if key is None:
            return
        for page in self._dynamodb.get_paginator("list_tables").paginate():
            for table_name in set(page["TableNames"]) - deleted_too:
                table = self._table(table_name)
                if table and table.get("SSEDescription", {}).get("KMSMasterKeyArn") == key["Arn"]:
                    yield f"the key {name} encrypts the table {table_name} too"

    def _wait(self, state: Any, table: str) -> None:
        self._dynamodb.get_waiter(state).wait(TableName=table, WaiterConfig={"Delay": 2, "MaxAttempts": 150})
