"""An account with a healthy stack, over moto; what moto has not is played by a stand-in."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import boto3
import botocore.client
from botocore.exceptions import ClientError
from moto import mock_aws

from storehooks_cli.doctor.check import Subject
from storehooks_cli.stack import Stack
from tests.template_file import resources, table_definition, template

REGION = "us-east-1"
DOMAIN = "hooks.example.com"
LAYER = "arn:aws:lambda:us-east-1:1:layer:SharedLayer:1"
RUNTIME = "arn:aws:lambda:us-east-1::runtime:0123456789abcdef"
SENDER = "storehooks@store.example"
# One for all tests: it reads the descriptions of the services.
SESSION = boto3.Session("testing", "testing", region_name=REGION)
# Of rights, where they are not named as boto3 names the service.
PREFIXES = {"sesv2": "ses"}


class Lambda:
    """The part of Lambda that moto has not; all is well in it."""

    def __init__(self) -> None:
        self.recursive_loop = dict.fromkeys(("storehooks-deliver", "storehooks-match_events"), "Allow")
        self.update_on = "FunctionUpdate"
        self.available = 1000
        self.layers = [LAYER]
        self.compatible = ["arm64", "x86_64"]
        self.mapping = "Enabled"

    def call(self, operation, given):
        name = given.get("FunctionName", "")
        return {
            "GetFunctionRecursionConfig": {"RecursiveLoop": self.recursive_loop.get(name)},
            "GetAccountSettings": {"AccountLimit": {"UnreservedConcurrentExecutions": self.available}},
            "GetRuntimeManagementConfig": {"UpdateRuntimeOn": self.update_on},
            "GetFunctionConfiguration": {
                "FunctionName": name,
                "Runtime": "python3.13",
                "RuntimeVersionConfig": {"RuntimeVersionArn": RUNTIME},
                "Architectures": ["arm64"],
                "Layers": [{"Arn": self.layers[-1 if name.endswith("deliver") else 0]}],
            },
            "GetLayerVersionByArn": {"CompatibleArchitectures": self.compatible},
            "GetEventSourceMapping": {"State": self.mapping},
        }[operation]


class Account:
    """An account with a stack in which all is well."""

    def __init__(self) -> None:
        self.session = SESSION
        self.parameters = {name: str(one["Default"]) for name, one in template()["Parameters"].items()}
        self.parameters |= {"EmailSender": SENDER, "DomainName": DOMAIN}
        self.lambda_ = Lambda()
        self.status = "CREATE_COMPLETE"
        self.outputs = {"ApiId": "a1", "StageName": "live", "ApiUrl": f"https://{DOMAIN}"}
        self.outputs["OperationsTopicArn"] = "arn:aws:sns:us-east-1:1:storehooks-operations"
        self._resources: dict[str, tuple[str, str]] = {}
        self._make_tables()
        self._make_queues()
        self._make_notices()
        self._make_log("1.30.0")
        self._add("AWS::Lambda::Function", "DeliverFunction", "storehooks-deliver")
        self._add("AWS::Lambda::Function", "MatchEventsFunction", "storehooks-match_events")
        self._add("AWS::Lambda::EventSourceMapping", "DeliverFunctionQueue", "1-2-3")

    def client(self, service: str):
        return self.session.client(service)

    def subject(self, local_url: str | None = None) -> Subject:
        parameters = self.outputs, self.parameters, self.status, local_url
        subject = Subject(Stack("storehooks", self.session, None, None, *parameters), ["--local"])
        subject.__dict__["_resources"] = self._resources
        return subject

    def physical(self, logical_id: str) -> str:
        return self._resources[logical_id][1]

    def forget(self, logical_id: str) -> None:
        del self._resources[logical_id]

    def _add(self, kind: str, logical_id: str, physical: str) -> None:
        self._resources[logical_id] = (kind, physical)

    def _make_tables(self) -> None:
        dynamodb = self.client("dynamodb")
        self.key = self.client("kms").create_key()["KeyMetadata"]["Arn"]
        encrypted = {"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": self.key}
        for name, properties in resources("AWS::DynamoDB::Table").items():
            dynamodb.create_table(
                **table_definition(name), DeletionProtectionEnabled=True, SSESpecification=encrypted
            )
            dynamodb.update_continuous_backups(
                TableName=name, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
            )
            if ttl := properties.get("TimeToLiveSpecification"):
                dynamodb.update_time_to_live(TableName=name, TimeToLiveSpecification=ttl)
            self.outputs[name] = name

    def _make_queues(self) -> None:
        for name in resources("AWS::SQS::Queue"):
            url = self.client("sqs").create_queue(QueueName=name)["QueueUrl"]
            self._add("AWS::SQS::Queue", name, url)
            self.outputs[f"{name}Url"] = url
        self.outputs["NotifyOwnersFunctionName"] = "storehooks-notify_owners"
        events = self.client("events")
        events.create_event_bus(Name="storehooks")
        self.outputs["EventBusName"] = "storehooks"
        events.put_rule(Name="rule", EventBusName="storehooks", EventPattern='{"source": ["a"]}')
        self._add("AWS::Events::Rule", "EventsRule", "storehooks|rule")
        events.put_rule(Name="each-minute", ScheduleExpression="rate(1 minute)")
        self._add("AWS::Events::Rule", "RetryDueFunctionEachMinute", "each-minute")
        target = {"Id": "1", "Arn": "arn:aws:sqs:us-east-1:1:EventsQueue"}
        events.put_targets(Rule="rule", EventBusName="storehooks", Targets=[target])
        events.put_targets(Rule="each-minute", Targets=[target])

    def _make_notices(self) -> None:
        for name in resources("AWS::CloudWatch::Alarm"):
            self.client("cloudwatch").put_metric_alarm(
                AlarmName=f"storehooks-{name}",
                AlarmDescription=f"It is late. See docs/runbook.md#{name.lower()}",
                Namespace="AWS/SQS",
                MetricName="M",
                Period=60,
                EvaluationPeriods=1,
                Threshold=1,
                Statistic="Sum",
                ComparisonOperator="GreaterThanThreshold",
            )
            self._add("AWS::CloudWatch::Alarm", name, f"storehooks-{name}")
        self.client("sesv2").create_email_identity(EmailIdentity=SENDER)

    def _make_log(self, botocore_version: str) -> None:
        logs = self.client("logs")
        logs.create_log_group(logGroupName="/retry_due")
        self._add("AWS::Logs::LogGroup", "RetryDueLogGroup", "/retry_due")
        self.swept(botocore_version)

    def swept(self, botocore_version: str, seconds_ago: float = 10, is_whole: bool = True) -> None:
        """A sweep's line, as if it were the only one."""
        logs = self.client("logs")
        if logs.describe_log_streams(logGroupName="/retry_due")["logStreams"]:
            logs.delete_log_stream(logGroupName="/retry_due", logStreamName="1")
        logs.create_log_stream(logGroupName="/retry_due", logStreamName="1")
        at = datetime.now(UTC) - timedelta(seconds=seconds_ago)
        line = json.dumps(
            {
                "level": "INFO",
                "message": "swept",
                "timestamp": at.isoformat(sep=" "),
                "sent": 3,
                "is_whole": is_whole,
                "botocore": botocore_version,
            }
        )
        logs.put_log_events(
            logGroupName="/retry_due",
            logStreamName="1",
            logEvents=[{"timestamp": int(at.timestamp() * 1000), "message": line}],
        )


@contextmanager
def healthy_account(monkeypatch) -> Iterator[Account]:
    """Until the context is left, boto3 meets this account."""
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        account = Account()
        _answer_for_moto(monkeypatch, account)
        yield account


def _answer_for_moto(monkeypatch, account) -> None:
    """What moto has not, or never finishes; and rights, which it does not ask for."""
    account.certificate = {
        "Status": "ISSUED",
        "Type": "AMAZON_ISSUED",
        "NotAfter": datetime.now(UTC) + timedelta(days=200),
    }
    account.identities = {SENDER: {"VerifiedForSendingStatus": True}}
    account.ses = {"SendingEnabled": True, "ProductionAccessEnabled": True}
    account.mapping = {"basePath": "(none)", "restApiId": "a1", "stage": "live"}
    account.subscribed = [{"Endpoint": "you@example.com", "SubscriptionArn": "arn:aws:sns:us-east-1:1:a"}]
    account.denied = set()
    account.calls = []
    account.played = played = {
        "GetAccount": account.ses,
        "GetDomainName": {"domainNameStatus": "AVAILABLE", "regionalCertificateArn": "arn"},
        "DescribeCertificate": {"Certificate": account.certificate},
        "GetBasePathMappings": {"items": [account.mapping]},
        "ListSubscriptionsByTopic": {"Subscriptions": account.subscribed},
    }
    call = botocore.client.BaseClient._make_api_call

    def responded(client, operation, kwargs):
        account.calls.append((operation, kwargs))
        service = client.meta.service_model.service_name
        # A batch needs the right of its operation alone, but in DynamoDB.
        action = operation.removesuffix("Batch")
        if action in account.denied:
            right = f"{PREFIXES.get(service, service)}:{action}"
            message = f"User: a is not authorized to perform: {right} on resource: *"
            raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": message}}, operation)
        if service == "lambda":
            return account.lambda_.call(operation, kwargs)
        if operation in played:
            return played[operation]
        found = call(client, operation, kwargs)
        if operation == "GetEmailIdentity":
            return found | account.identities[kwargs["EmailIdentity"]]
        return found

    monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", responded)
