"""`make deploy` as for AWS, into the local one: the whole template, with every optional part."""

import json
import re
import subprocess
from pathlib import Path

import boto3
import pytest
from botocore.exceptions import ClientError, WaiterError

from tests.template_file import template

pytestmark = pytest.mark.toolchain

ROOT = Path(__file__).parents[2]
STACK_NAME = "deployed"
CERTIFICATE = "arn:aws:acm:us-east-1:000000000000:certificate/11111111-2222-3333-4444-555555555555"
PUBLISHERS = ["111122223333", "444455556666"]
OPERATOR = "operator@example.com"
FEW_AT_ONCE = (
    "MaximumConcurrency=2 ThrottlingBurstLimit=20"  # the local AWS allows more, by the machine's memory
)


@pytest.fixture(scope="module")
def environment(stack):
    """An operator's shell: credentials, a region, and where AWS is."""
    return stack.environment | {
        "AWS_ENDPOINT_URL": stack.endpoint_url,
        "AWS_ACCESS_KEY_ID": stack.run.endpoint.access_key_id,
        "AWS_SECRET_ACCESS_KEY": "operator",
        "AWS_DEFAULT_REGION": "us-east-1",
    }


def deploy(environment, stack_name: str, parameters: str, *more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", "deploy", f"STACK_NAME={stack_name}", f"PARAMETERS={parameters}", *more],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.fixture(scope="module")
def outputs(stack, environment):
    """The outputs of the deployed stack."""
    parameters = (
        f"DomainName=hooks.example.com CertificateArn={CERTIFICATE} LogRetentionDays=90 "
        f"BusPublisherAccounts={','.join(PUBLISHERS)} OperationsEmail={OPERATOR} {FEW_AT_ONCE}"
    )
    response = deploy(environment, STACK_NAME, parameters)
    assert response.returncode == 0, response.stdout + response.stderr
    cloudformation = boto3.client(
        "cloudformation",
        endpoint_url=stack.endpoint_url,
        region_name="us-east-1",
        aws_access_key_id=stack.run.endpoint.access_key_id,
        aws_secret_access_key="operator",
    )
    (described,) = cloudformation.describe_stacks(StackName=STACK_NAME)["Stacks"]
    return {output["OutputKey"]: output["OutputValue"] for output in described["Outputs"]}


def test_the_outputs_name_what_an_operator_needs(outputs):
    assert outputs["ApiUrl"] == "https://hooks.example.com"
    assert outputs["CustomDomainTarget"]
    assert {"HooksTable", "TokensTable", "ClientsTable", "ApiId", "StageName"} <= set(outputs)


def test_the_token_command_works_on_a_deployed_stack(stack, environment, outputs):
    response = subprocess.run(
        [stack.command, "token", "create", "--stack-name", STACK_NAME, "--store-hash", "5ueh97", "--json"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert response.returncode == 0, response.stderr
    assert json.loads(response.stdout)["store_hash"] == "5ueh97"


def test_the_accounts_that_are_named_may_publish_and_without_names_no_other(stack, outputs):
    events = stack.run.aws("events")
    policy = json.loads(events.describe_event_bus(Name=outputs["EventBusName"])["Policy"])
    (statement,) = policy["Statement"]
    assert statement["Principal"] == {"AWS": PUBLISHERS}
    assert (statement["Action"], statement["Resource"]) == ("events:PutEvents", outputs["EventBusArn"])
    assert "Policy" not in events.describe_event_bus(Name=stack.run.outputs["EventBusName"])


def test_the_operator_that_is_named_is_subscribed_and_without_a_name_nobody(stack, outputs):
    def subscribed(topic: str) -> list[tuple[str, str]]:
        found = stack.run.aws("sns").list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
        return [(one["Protocol"], one["Endpoint"]) for one in found]

    assert subscribed(outputs["OperationsTopicArn"]) == [("email", OPERATOR)]
    assert ("email", OPERATOR) not in subscribed(stack.run.outputs["OperationsTopicArn"])


# ---------------------------------------------------------------- what is checked first


def test_parameters_that_the_account_cannot_carry_are_not_deployed(environment):
    refused = deploy(environment, "too-large", "MaximumConcurrency=1000")
    assert refused.returncode != 0
    assert "may use 2202 concurrent Lambda executions" in refused.stderr
    assert "sam build" not in refused.stdout


def test_a_name_that_is_too_long_is_not_deployed_not_even_with_force(environment):
    refused = deploy(environment, "a" * 41, "", "FORCE=1")
    assert refused.returncode != 0
    assert "at most 40 are accepted" in refused.stderr
    assert "sam build" not in refused.stdout


@pytest.fixture
def failed(stack):
    """A stack whose first deployment failed, after the resources that are retained were made."""
    retained = {
        name: resource
        for name, resource in template()["Resources"].items()
        if resource.get("DeletionPolicy") == "Retain"
    }
    fails = {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "SecureString", "Value": "x"}}
    body = {
        "Description": template()["Description"],
        "Parameters": {"DeletionProtection": template()["Parameters"]["DeletionProtection"]},
        "Resources": retained | {"Fails": fails | {"DependsOn": list(retained)}},
    }
    cloudformation = stack.run.aws("cloudformation")
    cloudformation.create_stack(StackName="failed", TemplateBody=json.dumps(body))
    with pytest.raises(WaiterError):
        cloudformation.get_waiter("stack_create_complete").wait(StackName="failed", WaiterConfig={"Delay": 1})
    (described,) = cloudformation.describe_stacks(StackName="failed")["Stacks"]
    assert described["StackStatus"] == "ROLLBACK_COMPLETE"
    return described["StackId"]


def test_what_a_failed_first_deployment_left_is_deleted_by_the_command_that_the_next_names(
    stack, environment, failed
):
    def tables() -> list[str]:
        listed = stack.run.aws("dynamodb").list_tables()["TableNames"]
        return [table for table in listed if table.startswith("failed-")]

    assert len(tables()) == 5, "retained, and protected from deletion"
    again = deploy(environment, "failed", FEW_AT_ONCE)
    assert again.returncode != 0
    command = ".venv/bin/storehooks stack remove-failed --stack-name failed"
    assert command in again.stderr

    removed = subprocess.run(
        [*command.split(), "--yes"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert removed.returncode == 0, removed.stderr
    assert failed in removed.stderr
    assert tables() == []
    (key,) = re.findall(r"the key (\S+) for deletion in 7 days", removed.stdout)
    assert stack.run.aws("kms").describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "PendingDeletion"
    with pytest.raises(ClientError, match="does not exist"):
        stack.run.aws("cloudformation").describe_stacks(StackName="failed")


def test_the_stack_that_works_is_no_failed_deployment(environment, outputs):
    refused = subprocess.run(
        [".venv/bin/storehooks", "stack", "remove-failed", "--stack-name", STACK_NAME, "--yes"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert refused.returncode == 1
    assert f"{STACK_NAME} is CREATE_COMPLETE" in refused.stderr
