"""The policies for who deploys: what CloudFormation's handlers need for this template, and no more.

What a handler needs stands in the schema of its resource type (``handlers.*.permissions``,
https://docs.aws.amazon.com/cloudformation-cli/latest/userguide/resource-type-schema.html), which cfn-lint
brings. It names what any property could need; what no resource here has is left out, by the property.
"""

import json
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

from tests.iam_policies import DEPLOYING, FOLDER, POLICIES, actions, grants, is_granted, resource_types
from tests.template_file import resources, template

ROOT = Path(__file__).parents[2]
MAX_CHARACTERS = 6144  # of a managed policy; IAM does not count white space
MAX_ROLE_NAME = 64  # of IAM
SUFFIX = "-123456789012"  # what CloudFormation puts behind the name of a resource that has none

# What the SAM transform makes of its types, as a test below holds against the transform.
OF_SAM = {
    "AWS::Serverless::Api": ("RestApi", "Deployment", "Stage"),
    "AWS::Serverless::Function": ("Function",),
    "AWS::Serverless::LayerVersion": ("LayerVersion",),
}
OF_AN_EVENT = {
    "Api": ("AWS::Lambda::Permission",),
    "SQS": ("AWS::Lambda::EventSourceMapping",),
    "Schedule": ("AWS::Events::Rule", "AWS::Lambda::Permission"),
}
# Set by no resource here: a handler needs these actions for the property alone.
BY_PROPERTY = {
    "AWS::ApiGateway::RestApi": {
        "Policy": {"apigateway:UpdateRestApiPolicy"},
        "BodyS3Location": {"s3:GetObject"},
    },
    "AWS::DynamoDB::Table": {
        "ContributorInsightsSpecification": {
            "dynamodb:UpdateContributorInsights",
            "iam:CreateServiceLinkedRole",
        },
        "ImportSourceSpecification": {
            *(
                "dynamodb:DescribeImport",
                "dynamodb:ImportTable",
                "logs:PutLogEvents",
                "logs:PutRetentionPolicy",
            ),
            *("logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogGroups"),
            *("logs:DescribeLogStreams", "s3:GetObject", "s3:GetObjectMetadata", "s3:ListBucket"),
        },
        "KinesisStreamSpecification": {
            *("dynamodb:DisableKinesisStreamingDestination", "dynamodb:EnableKinesisStreamingDestination"),
            *("dynamodb:UpdateKinesisStreamingDestination", "kinesis:DescribeStream", "kinesis:PutRecords"),
        },
        "ResourcePolicy": {"dynamodb:DeleteResourcePolicy", "dynamodb:PutResourcePolicy"},
    },
    "AWS::Events::EventBus": {
        "KmsKeyIdentifier": {
            *("kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey"),
            *("kms:GenerateDataKeyWithoutPlaintext", "kms:ReEncrypt", "kms:ReEncryptFrom", "kms:ReEncryptTo"),
        },
    },
    "AWS::Events::Rule": {"RoleArn": {"iam:PassRole"}},
    "AWS::IAM::Role": {
        "ManagedPolicyArns": {"iam:AttachRolePolicy", "iam:DetachRolePolicy"},
        "PermissionsBoundary": {"iam:DeleteRolePermissionsBoundary", "iam:PutRolePermissionsBoundary"},
    },
    "AWS::KMS::Key": {"Enabled": {"kms:DisableKey", "kms:EnableKey"}},
    "AWS::Lambda::EventSourceMapping": {
        "KmsKeyArn": {"kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey"},
    },
    "AWS::Lambda::Function": {
        "CapacityProviderConfig": {"lambda:PassCapacityProvider"},
        "CodeSigningConfigArn": {
            *("lambda:DeleteFunctionCodeSigningConfig", "lambda:GetCodeSigningConfig"),
            "lambda:PutFunctionCodeSigningConfig",
        },
        "FileSystemConfigs": {"elasticfilesystem:DescribeMountTargets", "s3files:ListMountTargets"},
        "FunctionScalingConfig": {"lambda:PutFunctionScalingConfig"},
        "KmsKeyArn": {
            *("kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey"),
        },
        "PublishToLatestPublished": {"lambda:PublishVersion"},
        "ReservedConcurrentExecutions": {
            *("lambda:DeleteFunctionConcurrency", "lambda:PutFunctionConcurrency"),
        },
        "VpcConfig": {
            *("ec2:DescribeNetworkInterfaces", "ec2:DescribeSecurityGroups", "ec2:DescribeSubnets"),
            "ec2:DescribeVpcs",
        },
    },
    "AWS::Logs::LogGroup": {
        "BearerTokenAuthenticationEnabled": {"logs:PutBearerTokenAuthentication"},
        "DataProtectionPolicy": {
            *("firehose:TagDeliveryStream", "logs:CreateLogDelivery", "logs:PutDataProtectionPolicy"),
            "s3:REST.PUT.OBJECT",
        },
        "DeletionProtectionEnabled": {"logs:PutLogGroupDeletionProtection"},
        "FieldIndexPolicies": {"logs:DeleteIndexPolicy", "logs:PutIndexPolicy"},
        "KmsKeyId": {"logs:AssociateKmsKey", "logs:DisassociateKmsKey"},
        "ResourcePolicyDocument": {"logs:DeleteResourcePolicy", "logs:PutResourcePolicy"},
    },
    "AWS::SNS::Subscription": {"SubscriptionRoleArn": {"iam:GetRole", "iam:PassRole"}},
    "AWS::SNS::Topic": {
        "DataProtectionPolicy": {"sns:PutDataProtectionPolicy"},
        "DeliveryStatusLogging": {"iam:GetRole", "iam:PassRole"},
    },
}
# Not by a property.
OTHERWISE = {
    "AWS::DynamoDB::Table": {
        "who may use a table may use its key, by the key's own policy": {
            *("kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:Encrypt"),
        },
        "no table is a replica of another": {
            *(
                f"dynamodb:{name}"
                for name in ("AssociateTableReplica", "CreateTableReplica", "BatchWriteItem")
            ),
            *(f"dynamodb:{name}Item" for name in ("Delete", "Get", "Put", "Update")),
            *("dynamodb:Query", "dynamodb:Scan"),
        },
        "the key is named by its id, and never changes": {"kms:ListAliases", "kms:RevokeGrant"},
    },
    "AWS::Lambda::Function": {"AWS documents no such action": {"lambda:AssociateRuntimeAlias"}},
    "AWS::ApiGateway::RestApi": {"API Gateway gets no role from its stack": {"iam:PassRole"}},
}
# What deploying needs beside the handlers.
CALLED_BY = {
    "sam deploy, in .venv-sam": {
        *(f"cloudformation:{name}" for name in ("CreateChangeSet", "DescribeChangeSet", "ExecuteChangeSet")),
        *("cloudformation:DescribeStackEvents", "cloudformation:GetTemplateSummary"),
        "cloudformation:TagResource",
        *("s3:GetObject", "s3:GetObjectVersion", "s3:ListBucket", "s3:PutObject"),
    },
    "make deploy's checks": {"cloudformation:DescribeStacks", "lambda:GetAccountSettings"},
    "what commands advise after a failed update or deletion": {
        *(
            "cloudformation:ContinueUpdateRollback",
            "cloudformation:DeleteStack",
            "cloudformation:RollbackStack",
        ),
    },
    "API Gateway, for its service-linked role": {"iam:CreateServiceLinkedRole"},
    "the bucket of SAM": {
        *(
            f"s3:{verb}{name}"
            for verb in ("Get", "Put")
            for name in ("BucketPolicy", "BucketPublicAccessBlock")
        ),
        *(f"s3:{verb}{name}" for verb in ("Get", "Put") for name in ("BucketTagging", "BucketVersioning")),
        *("s3:GetEncryptionConfiguration", "s3:PutEncryptionConfiguration", "s3:CreateBucket"),
        *("s3:ListTagsForResource", "s3:TagResource"),
    },
}
# Their resources have ids that nobody chooses, so that no ARN can be bounded by the stack's name.
BY_CLOUDFORMATION_ALONE = ("apigateway:", "kms:", "lambda:")
# For "*" although there are resource types: alarms are found by a prefix, and results by a query's id.
READ_ANYWHERE = {"cloudwatch:DescribeAlarms", "logs:GetQueryResults"}


@cache
def expanded() -> dict[str, list[dict[str, Any]]]:
    """The properties of all resources, by their types, as far as the template says them itself."""
    found: dict[str, list[dict[str, Any]]] = {}
    shared = template()["Globals"]["Function"]
    for resource in template()["Resources"].values():
        kind, properties = resource["Type"], resource["Properties"]
        service = "ApiGateway" if kind.endswith("::Api") else "Lambda"
        for made in OF_SAM.get(kind, ()):
            given = shared | properties if made == "Function" else properties
            found.setdefault(f"AWS::{service}::{made}", []).append(given)
        if kind not in OF_SAM:
            found.setdefault(kind, []).append(properties)
            continue
        for event in properties.get("Events", {}).values():
            for made in OF_AN_EVENT[event["Type"]]:
                found.setdefault(made, []).append(event["Properties"])
        if "EventInvokeConfig" in properties:
            found.setdefault("AWS::Lambda::EventInvokeConfig", []).append(properties["EventInvokeConfig"])
    return found


def schema(kind: str) -> dict[str, Any]:
    described: dict[str, Any] = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", kind).schema
    return described


def is_retained(kind: str) -> bool:
    """Whether no deployment deletes resources of that type."""
    policies = [one.get("DeletionPolicy") for one in template()["Resources"].values() if one["Type"] == kind]
    return bool(policies) and set(policies) == {"Retain"}


def of_handlers(kind: str) -> set[str]:
    """What creating, reading, updating, tagging and deleting a resource of that type may need."""
    described = schema(kind)
    needed = {
        permission
        for name, handler in described["handlers"].items()
        if name != "list" and not (name == "delete" and is_retained(kind))
        for permission in handler["permissions"]
    }
    return needed | set(described.get("tagging", {}).get("permissions", ()))


def left_out(kind: str) -> set[str]:
    reasons = BY_PROPERTY.get(kind, {}) | OTHERWISE.get(kind, {})
    return {action for of_one in reasons.values() for action in of_one}


def needed(kind: str) -> set[str]:
    return of_handlers(kind) - left_out(kind)


@pytest.mark.parametrize("kind", sorted(expanded()))
def test_what_the_handlers_of_a_resource_type_need_is_granted(kind):
    assert needed(kind) - actions(*DEPLOYING) == set()


@pytest.mark.parametrize("kind", BY_PROPERTY)
def test_what_is_left_out_is_for_properties_that_no_resource_has(kind):
    for name, of_one in BY_PROPERTY[kind].items():
        assert name in schema(kind)["properties"], name
        assert all(name not in properties for properties in expanded()[kind]), name
        assert of_one <= of_handlers(kind), name


@pytest.mark.parametrize("kind", OTHERWISE)
def test_what_is_left_out_for_another_reason_is_in_a_handler(kind):
    for reason, of_one in OTHERWISE[kind].items():
        assert of_one <= of_handlers(kind), reason
    assert resource_types("lambda:AssociateRuntimeAlias") is None


def test_the_tables_key_lets_whoever_may_use_a_table_use_it():
    (statement,) = [
        one
        for one in resources("AWS::KMS::Key")["TablesKey"]["KeyPolicy"]["Statement"]
        if one["Principal"] == {"AWS": "*"}
    ]
    (of_the_key,) = [of for reason, of in OTHERWISE["AWS::DynamoDB::Table"].items() if "policy" in reason]
    assert of_the_key <= set(statement["Action"])


def test_nothing_is_granted_that_deploying_does_not_need():
    of_all = {action for kind in expanded() for action in needed(kind)}
    called = {action for of_one in CALLED_BY.values() for action in of_one}
    assert actions(*DEPLOYING) - of_all - called == set()
    assert called <= actions(*DEPLOYING)


def test_roles_are_for_functions_of_the_stack_alone():
    (passing,) = [one for one in grants(*DEPLOYING) if one.action == "iam:PassRole"]
    assert passing.resources == ("arn:aws:iam::*:role/storehooks-*",)
    assert json.loads(passing.condition) == {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}}
    principals = [
        statement["Principal"]
        for role in resources("AWS::IAM::Role").values()
        for statement in role["AssumeRolePolicyDocument"]["Statement"]
    ]
    assert all(principal == {"Service": "lambda.amazonaws.com"} for principal in principals)


def test_what_is_retained_may_not_be_deleted_by_who_deploys():
    kept = {"dynamodb:DeleteTable", "kms:ScheduleKeyDeletion"}
    assert actions(*DEPLOYING) & kept == set()
    assert kept <= actions("removing")


@pytest.mark.parametrize("policy", POLICIES)
def test_a_policy_fits_a_managed_policy(policy):
    assert len(json.dumps(POLICIES[policy], separators=(",", ":"))) <= MAX_CHARACTERS


@pytest.mark.parametrize("policy", POLICIES)
def test_a_policys_actions_exist_and_none_stands_twice(policy):
    assert [one.action for one in grants(policy) if resource_types(one.action) is None] == []
    pairs = [(one.action, resource) for one in grants(policy) for resource in one.resources]
    assert len(pairs) == len(set(pairs))


@pytest.mark.parametrize("policy", POLICIES)
def test_resources_are_the_stacks_where_aws_can_bound_them(policy):
    for one in grants(policy):
        for resource in one.resources:
            if resource == "*":
                assert resource_types(one.action) == [] or one.action in READ_ANYWHERE, one
            elif "storehooks" not in resource:
                is_sams = "aws-sam-cli-managed-default" in resource or "transform/Serverless" in resource
                is_the_layers = ":layer:SharedLayer" in resource
                is_read = policy != "removing" and one.action.rpartition(":")[2].startswith(
                    ("Get", "Describe", "GET")
                )
                is_bounded = any(name in one.condition for name in ("aws:CalledVia", "iam:AWSServiceName"))
                is_to_remove = policy == "removing" and one.action in {
                    *("dynamodb:DescribeTable", "kms:DescribeKey", "kms:ScheduleKeyDeletion"),
                }
                assert is_sams or is_the_layers or is_read or is_bounded or is_to_remove, one


def test_what_cannot_be_bounded_is_changed_by_cloudformation_alone():
    for one in grants(*DEPLOYING):
        is_unbounded = not any("storehooks" in resource for resource in one.resources)
        if (
            is_unbounded
            and one.action.startswith(BY_CLOUDFORMATION_ALONE)
            and ":layer:" not in str(one.resources)
        ):
            assert "aws:CalledVia" in one.condition or one.action == "lambda:GetAccountSettings", one


def test_the_names_that_the_template_gives_are_those_of_the_policies():
    arn = "arn:aws:{}:us-east-1:123456789012:{}"
    for action, service, resource in (
        ("lambda:CreateFunction", "lambda", "function:storehooks-deliver"),
        ("logs:CreateLogGroup", "logs", "log-group:/aws/lambda/storehooks-deliver"),
        ("logs:CreateLogGroup", "logs", "log-group:/aws/lambda/storehooks-deliver:*"),
        ("sns:CreateTopic", "sns", "storehooks-operations"),
        ("events:CreateEventBus", "events", "event-bus/storehooks"),
        ("events:PutRule", "events", f"rule/storehooks/storehooks-EventsRule{SUFFIX}"),
        ("events:PutRule", "events", f"rule/storehooks-RetryDueFunctionEachMinute{SUFFIX}"),
        ("dynamodb:CreateTable", "dynamodb", f"table/storehooks-HooksTable{SUFFIX}"),
        ("sqs:CreateQueue", "sqs", f"storehooks-EventsQueue{SUFFIX}"),
        ("cloudwatch:PutMetricAlarm", "cloudwatch", f"alarm:storehooks-EventsAgeAlarm{SUFFIX}"),
        ("lambda:PublishLayerVersion", "lambda", "layer:SharedLayer"),
        ("lambda:DeleteLayerVersion", "lambda", "layer:SharedLayer:7"),
    ):
        assert is_granted(action, arn.format(service, resource), *DEPLOYING), resource
    assert is_granted("iam:CreateRole", f"arn:aws:iam::1:role/storehooks-DeliverRole{SUFFIX}", *DEPLOYING)
    named = {"AWS::Lambda::Function": "FunctionName", "AWS::Logs::LogGroup": "LogGroupName"}
    for kind, name in (*named.items(), ("AWS::CloudWatch::Dashboard", "DashboardName")):
        assert all("${AWS::StackName}-" in one[name]["Fn::Sub"] for one in expanded()[kind])
    assert [one["Name"] for one in expanded()["AWS::Events::EventBus"]] == [{"Ref": "AWS::StackName"}]
    assert all("LayerName" not in one for one in expanded()["AWS::Lambda::LayerVersion"])


def test_the_page_says_how_long_a_stacks_name_may_be_for_the_policies():
    """CloudFormation cuts the names of roles that would be longer, the stack's name with them."""
    longest = max(map(len, resources("AWS::IAM::Role")))
    assert f"at most {MAX_ROLE_NAME - longest - len(SUFFIX) - len('-')} characters" in (
        ROOT / "docs" / "deploying.md"
    ).read_text().replace("\n", " ")


def test_the_page_names_every_policy():
    page = (ROOT / "docs" / "deploying.md").read_text()
    assert all(f"(iam/{name}.json)" in page for name in POLICIES)
    assert {path.name for path in FOLDER.iterdir()} == {f"{name}.json" for name in POLICIES}


@pytest.mark.toolchain
def test_the_transform_makes_these_types_of_the_template(tmp_path):
    given = json.loads(json.dumps(template()))
    for resource in given["Resources"].values():
        for name in {"CodeUri", "ContentUri"} & resource["Properties"].keys():
            resource["Properties"][name] = "s3://bucket/key"
    (tmp_path / "template.json").write_text(json.dumps(given))
    transform = (
        "import boto3, json, sys\n"
        "from samtranslator.parser.parser import Parser\n"
        "from samtranslator.translator.translator import Translator\n"
        "given = json.load(open(sys.argv[1]))\n"
        "values = {name: one['Default'] for name, one in given['Parameters'].items()}\n"
        "session = boto3.Session(region_name='us-east-1')\n"
        "made = Translator({}, Parser(), boto_session=session).translate(given, values)\n"
        "print(json.dumps(sorted({one['Type'] for one in made['Resources'].values()})))\n"
    )
    ended = subprocess.run(
        [ROOT / ".venv-aws" / "bin" / "python", "-c", transform, tmp_path / "template.json"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(ended.stdout) == sorted(expanded())
