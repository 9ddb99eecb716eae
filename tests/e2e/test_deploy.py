"""`make deploy` as for AWS, into the local one: the whole template, with every optional part."""

import json
import subprocess
from pathlib import Path

import boto3
import pytest

ROOT = Path(__file__).parents[2]
STACK_NAME = "deployed"
CERTIFICATE = "arn:aws:acm:us-east-1:000000000000:certificate/11111111-2222-3333-4444-555555555555"
PUBLISHERS = ["111122223333", "444455556666"]
OPERATOR = "operator@example.com"


@pytest.fixture(scope="module")
def environment(stack):
    """An operator's shell: credentials, a region, and where AWS is."""
    return stack.environment | {
        "AWS_ENDPOINT_URL": stack.endpoint_url,
        "AWS_ACCESS_KEY_ID": "operator",
        "AWS_SECRET_ACCESS_KEY": "operator",
        "AWS_DEFAULT_REGION": "us-east-1",
    }


@pytest.fixture(scope="module")
def outputs(stack, environment):
    """The outputs of the deployed stack."""
    parameters = (
        f"DomainName=hooks.example.com CertificateArn={CERTIFICATE} LogRetentionDays=90 "
        f"BusPublisherAccounts={','.join(PUBLISHERS)} OperationsEmail={OPERATOR}"
    )
    answer = subprocess.run(
        ["make", "deploy", f"STACK_NAME={STACK_NAME}", f"PARAMETERS={parameters}"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr
    cloudformation = boto3.client(
        "cloudformation",
        endpoint_url=stack.endpoint_url,
        region_name="us-east-1",
        aws_access_key_id="operator",
        aws_secret_access_key="operator",
    )
    (described,) = cloudformation.describe_stacks(StackName=STACK_NAME)["Stacks"]
    return {output["OutputKey"]: output["OutputValue"] for output in described["Outputs"]}


def test_the_outputs_name_what_an_operator_needs(outputs):
    assert outputs["ApiUrl"] == "https://hooks.example.com"
    assert outputs["CustomDomainTarget"]
    assert {"HooksTable", "TokensTable", "ClientsTable", "ApiId", "StageName"} <= set(outputs)


def test_the_token_command_works_on_a_deployed_stack(stack, environment, outputs):
    answer = subprocess.run(
        [stack.command, "token", "create", "--stack-name", STACK_NAME, "--store-hash", "5ueh97", "--json"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    assert json.loads(answer.stdout)["store_hash"] == "5ueh97"


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
