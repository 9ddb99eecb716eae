"""docs/iam/operating.json and removing.json grant what the commands call, no more, no less.

Calls of the command's own code are read from its source, so that each is found, whatever it depends on. Calls
that the layer's adapters make for it are those of commands that run here.
"""

import ast
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import boto3
import botocore.client
import botocore.session
import pytest
import typer
from botocore import xform_name
from typer.testing import CliRunner

from storehooks.domain.errors import DeliveryNotFoundError
from storehooks_cli.commands import commands
from storehooks_cli.options import StackOptions
from storehooks_cli.stack import Stack
from tests.iam_policies import actions
from tests.integration.rights import rights_of
from tests.template_file import resources
from tests.world import World

COMMAND = Path(__file__).parents[2] / "cli" / "storehooks_cli"
STORE = "5ueh97"
# The local stack's, and those for one who deploys or changes the code.
NOT_OPERATING = {"audit", "invoke", "predeploy", "runtime", "sam_env"}
REMOVING = {"failed_stacks"}
# Methods of others that are called as one of boto3's.
OF_OTHERS = {("hook_sync", "invoke"), ("receiver", "verify")}
SERVICES = (
    "acm",
    "apigateway",
    "cloudformation",
    "cloudwatch",
    "dynamodb",
    "events",
    "kms",
    "lambda",
    "logs",
)
PREFIXES = {"sesv2": "ses"}
# Whose right has another name.
RIGHTS_OF_CALLS = {
    "lambda:Invoke": "lambda:InvokeFunction",
    "lambda:GetLayerVersionByArn": "lambda:GetLayerVersion",
    "apigateway:GetBasePathMappings": "apigateway:GET",
    "apigateway:GetDomainName": "apigateway:GET",
}


def action(service: str, operation: str) -> str:
    """The IAM action that a call needs. Only DynamoDB has rights of batches."""
    named = operation if service == "dynamodb" else operation.removesuffix("Batch")
    right = f"{PREFIXES.get(service, service)}:{named}"
    return RIGHTS_OF_CALLS.get(right, right)


@cache
def rights_by_method() -> dict[str, str]:
    """Of each method of a client, the action that it needs."""
    session = botocore.session.get_session()
    return {
        xform_name(operation): action(service, operation)
        for service in (*SERVICES, "sesv2", "sns", "sqs")
        for operation in session.get_service_model(service).operation_names
    }


def called(path: Path) -> Iterator[str]:
    """The actions that a module's own calls need."""
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        name = node.func.attr
        if name == "get_paginator" and isinstance(node.args[0], ast.Constant):
            name = str(node.args[0].value)
        if name in rights_by_method() and (path.stem, name) not in OF_OTHERS:
            yield rights_by_method()[name]


def of_the_code(*stems: str) -> set[str]:
    """The actions that the modules of these names need; without names, those that operate a stack."""
    paths = [*COMMAND.glob("*.py"), *COMMAND.glob("doctor/*.py")]
    wanted = [
        path for path in paths if (path.stem in stems if stems else path.stem not in NOT_OPERATING | REMOVING)
    ]
    return {right for path in wanted for right in called(path)}


class Commands:
    """Runs commands on a stack, and keeps which actions their calls need."""

    def __init__(self, aws, monkeypatch) -> None:
        self.needed: set[str] = set()
        outputs = {name: name for name in resources("AWS::DynamoDB::Table")}
        outputs |= {f"{name}Url": url for name, url in aws.queues.items()} | {"EventBusName": "EventBus"}
        outputs |= {
            "NotifyOwnersFunctionName": "storehooks-notify_owners",
            "ApiUrl": "https://api.example.com",
        }
        session = boto3.Session("testing", "testing", region_name="us-east-1")
        self.stack = Stack("storehooks", session, None, None, outputs)
        monkeypatch.setattr(StackOptions, "find", lambda _self: self.stack)
        call = botocore.client.BaseClient._make_api_call

        def recording(client, operation, kwargs):
            service = client.meta.service_model.service_name
            if service == "dynamodb":
                self.needed |= {right for right, _ in rights_of(aws, operation, kwargs)}
            else:
                self.needed.add(action(service, operation))
            return call(client, operation, kwargs)

        monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", recording)

    def run(self, *arguments: str) -> str:
        ended = CliRunner().invoke(commands, arguments)
        assert ended.exit_code == 0, ended.output
        return ended.stdout


def test_operating_a_stack_needs_what_the_policy_grants(aws, functions, monkeypatch):
    World(aws).hook()
    aws.sqs.send_message(QueueUrl=aws.queues["EventsDeadLetters"], MessageBody="{}")
    stack = Commands(aws, monkeypatch)
    named = ("--store-hash", STORE)
    made = json.loads(stack.run("token", "create", *named, "--json"))
    stack.run("token", "list", *named)
    stack.run("client", "rotate-secret", *named, "--client-id", made["client_id"])
    stack.run("client", "portal-link", *named, "--client-id", made["client_id"])
    stack.run("token", "revoke", made["access_token"], *named)
    admin = json.loads(stack.run("admin-token", "create", "--json"))
    stack.run("admin-token", "list")
    stack.run("admin-token", "revoke", admin["access_token"])
    stack.run("client", "list", *named)
    stack.run("client", "create", *named)
    stack.run("store", "list")
    stack.run("event", "send", "store/order/created", *named)
    stack.run("dlq", "redrive", "--queue", "events")
    with pytest.raises(DeliveryNotFoundError):  # as trace looks for one
        stack.stack.deliveries().get(STORE, 1, "msg_0")
    stack.run("client", "remove", *named, "--client-id", made["client_id"], "--yes")
    stack.run("store", "remove", *named, "--yes")
    assert stack.needed | of_the_code() == actions("operating")


def test_removing_a_failed_deployment_needs_what_the_policy_grants():
    of_waiters = {"cloudformation:DescribeStacks", "dynamodb:DescribeTable"}
    assert of_the_code(*REMOVING) | of_waiters == actions("removing")


def test_every_command_that_works_on_the_stack_itself_is_among_these():
    """The others are clients of the API, and make a token at most, as `token create` does."""
    ran = re.findall(r'stack\.run\("([\w-]+)", "([\w-]+)"', Path(__file__).read_text())
    # The calls of these are in their own code, but for a delivery that trace reads and the doctor's token.
    read_from_the_code = {("dlq", "list"), ("doctor",), ("stack", "remove-failed"), ("trace",)}
    assert set(ran) | read_from_the_code == set(on_the_stack(typer.main.get_command(commands)))


def on_the_stack(group, *path: str) -> Iterator[tuple[str, ...]]:
    """The commands that have a stack's name and no address of an API."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from on_the_stack(command, *path, name)
        else:
            options = {option for parameter in command.params for option in parameter.opts}
            if "--stack-name" in options and "--url" not in options:
                yield (*path, name)


def test_the_modules_that_are_left_out_exist():
    assert all((COMMAND / f"{stem}.py").is_file() for stem in NOT_OPERATING | REMOVING)
