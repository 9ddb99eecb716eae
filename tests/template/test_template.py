"""What template.yaml deploys, and with which rights."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from storehooks.composition import Parts
from storehooks.domain import deactivation_day, operational_event
from storehooks.domain.hook import DEFAULT_QUOTAS
from storehooks.domain.retry import BIGCOMMERCE_SCHEDULE
from storehooks.settings import Settings
from tests.function_modules import built_by
from tests.template_file import (
    environment,
    logical_id,
    own_variables,
    resources,
    table_definition,
    template,
    tracing_of,
)

CREDENTIALS = {"AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}
ROOT = Path(__file__).parents[2]
FOLDERS = sorted(path.parent.name for path in ROOT.glob("functions/*/app.py"))

ROUTES = {
    "list_hooks": ("get", "/stores/{store_hash}/v2/hooks"),
    "create_hook": ("post", "/stores/{store_hash}/v2/hooks"),
    "get_hook": ("get", "/stores/{store_hash}/v2/hooks/{id}"),
    "update_hook": ("put", "/stores/{store_hash}/v2/hooks/{id}"),
    "delete_hook": ("delete", "/stores/{store_hash}/v2/hooks/{id}"),
    "get_admin": ("get", "/stores/{store_hash}/v3/hooks/admin"),
    "update_admin": ("put", "/stores/{store_hash}/v3/hooks/admin"),
    "list_undelivered_events": ("get", "/stores/{store_hash}/v3/hooks/events"),
    "publish_events": ("post", "/stores/{store_hash}/v2/events"),
    "explain_event": ("post", "/stores/{store_hash}/v2/events/explain"),
    "list_deliveries": ("get", "/stores/{store_hash}/v2/hooks/{id}/deliveries"),
    "get_delivery": ("get", "/stores/{store_hash}/v2/hooks/{id}/deliveries/{delivery_id}"),
    "redeliver": ("post", "/stores/{store_hash}/v2/hooks/{id}/deliveries/{delivery_id}/redeliver"),
    "pull_deliveries": ("post", "/stores/{store_hash}/v2/hooks/{id}/pull"),
    "recover_deliveries": ("post", "/stores/{store_hash}/v2/hooks/{id}/recover"),
    "get_recovery": ("get", "/stores/{store_hash}/v2/hooks/{id}/recoveries/{recovery_id}"),
    "get_hook_stats": ("get", "/stores/{store_hash}/v2/hooks/{id}/stats"),
    "ping_hook": ("post", "/stores/{store_hash}/v2/hooks/{id}/ping"),
    "console": ("get", "/console"),
    "put_client": ("put", "/admin/v1/stores/{store_hash}/clients/{client_id}"),
    "list_clients": ("get", "/admin/v1/stores/{store_hash}/clients"),
    "delete_client": ("delete", "/admin/v1/stores/{store_hash}/clients/{client_id}"),
    "rotate_client_secret": ("post", "/admin/v1/stores/{store_hash}/clients/{client_id}/rotate-secret"),
    "create_token": ("post", "/admin/v1/stores/{store_hash}/clients/{client_id}/tokens"),
    "create_portal_link": ("post", "/admin/v1/stores/{store_hash}/clients/{client_id}/portal-links"),
    "list_tokens": ("get", "/admin/v1/stores/{store_hash}/clients/{client_id}/tokens"),
    "delete_token": ("delete", "/admin/v1/stores/{store_hash}/clients/{client_id}/tokens/{token_id}"),
}
# Where some of them answer as well.
V3_ROUTES = {
    "list_hooks": ("get", "/stores/{store_hash}/v3/hooks"),
    "create_hook": ("post", "/stores/{store_hash}/v3/hooks"),
    "get_hook": ("get", "/stores/{store_hash}/v3/hooks/{id}"),
    "update_hook": ("put", "/stores/{store_hash}/v3/hooks/{id}"),
    "delete_hook": ("delete", "/stores/{store_hash}/v3/hooks/{id}"),
}
# https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html
GATEWAY_STATUSES = {
    "ACCESS_DENIED": 403,
    "API_CONFIGURATION_ERROR": 500,
    "AUTHORIZER_CONFIGURATION_ERROR": 500,
    "AUTHORIZER_FAILURE": 500,
    "BAD_REQUEST_BODY": 400,
    "BAD_REQUEST_PARAMETERS": 400,
    "DEFAULT_4XX": 400,
    "DEFAULT_5XX": 500,
    "EXPIRED_TOKEN": 403,
    "INTEGRATION_FAILURE": 502,
    "INTEGRATION_TIMEOUT": 504,
    "INVALID_API_KEY": 403,
    "INVALID_SIGNATURE": 403,
    "MISSING_AUTHENTICATION_TOKEN": 404,
    "QUOTA_EXCEEDED": 429,
    "REQUEST_TOO_LARGE": 413,
    "RESOURCE_NOT_FOUND": 404,
    "THROTTLED": 429,
    "UNAUTHORIZED": 401,
    "UNSUPPORTED_MEDIA_TYPE": 415,
    "WAF_FILTERED": 403,
}


FUNCTIONS = resources("AWS::Serverless::Function")


def test_every_folder_is_a_function_and_every_function_a_folder():
    assert {logical_id(folder) for folder in FOLDERS} == set(FUNCTIONS)
    for folder in FOLDERS:
        properties = FUNCTIONS[logical_id(folder)]
        assert properties["CodeUri"] == f"functions/{folder}"
        assert properties["FunctionName"] == {"Fn::Sub": "${AWS::StackName}-" + folder}


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_function_has_an_event_file_of_its_name(folder):
    assert json.loads((ROOT / "events" / f"{folder}.json").read_text())


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_functions_rights_are_named_one_by_one(folder):
    """Which it needs: tests/integration/test_rights.py compares them with its calls."""
    log_group = {"Fn::GetAtt": [logical_id(folder).replace("Function", "LogGroup"), "Arn"]}
    role = resources("AWS::IAM::Role")[logical_id(folder).replace("Function", "Role")]
    assert "ManagedPolicyArns" not in role
    (policy,) = role["Policies"]
    own, logs, traces = [], [], []
    for statement in policy["PolicyDocument"]["Statement"]:
        (service,) = {action.partition(":")[0] for action in statement["Action"]}
        {"logs": logs, "xray": traces}.get(service, own).append(statement)
    (writing,) = logs
    assert sorted(writing["Action"]) == ["logs:CreateLogStream", "logs:PutLogEvents"]
    assert writing["Resource"] == log_group
    assert len(traces) == (tracing_of(logical_id(folder)) == "Active")
    for statement in traces:
        assert sorted(statement["Action"]) == ["xray:PutTelemetryRecords", "xray:PutTraceSegments"]
        assert statement["Resource"] == "*"
    assert own or folder == "console", "which serves a page and reads nothing"
    for statement in own:
        assert all(
            re.fullmatch(r"(dynamodb|sqs|events|ses):[A-Za-z]+", action) for action in statement["Action"]
        )
        # tests/template/test_policies.py has what holds SES to one sender instead.
        assert "*" not in json.dumps(statement["Resource"]) or statement["Action"] == ["ses:SendEmail"]


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_function_reads_the_settings_it_is_given_and_no_other(folder, monkeypatch):
    # A process keeps its clients, with the credentials that there were.
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    read = set()

    class Environment(dict):
        def get(self, name, default=None):
            read.add(name)
            return super().get(name, default)

    parts = Parts(Settings(Environment(environment(logical_id(folder)))))
    built_by(folder)(parts)
    if "sender" in vars(parts):
        parts.sender.close()
    assert read == set(own_variables(FUNCTIONS[logical_id(folder)]))


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_functions_log_group_is_its_own_and_is_kept_for_a_while(folder):
    group = resources("AWS::Logs::LogGroup")[logical_id(folder).replace("Function", "LogGroup")]
    assert group["RetentionInDays"] == {"Ref": "LogRetentionDays"}
    name = logical_id(folder).replace("Function", "LogGroup")
    assert FUNCTIONS[logical_id(folder)]["LoggingConfig"] == {"LogGroup": {"Ref": name}}


def test_each_operation_has_its_routes():
    found = set()
    for folder in FOLDERS:
        for event in FUNCTIONS[logical_id(folder)].get("Events", {}).values():
            if event["Type"] != "Api":
                continue
            properties = event["Properties"]
            # Every route has the default authorizer but the page, which everybody may see.
            assert properties.get("Auth") == ({"Authorizer": "NONE"} if folder == "console" else None)
            found.add((folder, (properties["Method"], properties["Path"])))
    assert found == ROUTES.items() | V3_ROUTES.items()


def test_all_functions_share_the_runtime_the_layer_and_tracing():
    shared = template()["Globals"]["Function"]
    assert shared["Runtime"] == "python" + (ROOT / ".python-version").read_text().strip()
    assert shared["Layers"] == [{"Ref": "SharedLayer"}]
    assert shared["Tracing"] == "Active"
    untraced = {name for name in FUNCTIONS if tracing_of(name) != "Active"}
    assert untraced == {"RetryDueFunction"}, "which runs each minute, and each trace is paid for"
    assert shared["Architectures"] == [{"Ref": "Architecture"}]


def test_the_runtime_of_a_function_changes_with_a_deployment_alone():
    assert not resources("AWS::Lambda::Function"), "which have nothing of Globals"
    shared = template()["Globals"]["Function"]
    for function in FUNCTIONS.values():
        assert (shared | function)["RuntimeManagementConfig"] == {"UpdateRuntimeOn": "FunctionUpdate"}


def test_a_deployment_without_an_endpoint_of_its_own_has_no_variable_for_one():
    assert template()["Parameters"]["AwsEndpointUrl"]["Default"] == ""
    assert template()["Conditions"]["HasAwsEndpoint"] == {
        "Fn::Not": [{"Fn::Equals": [{"Ref": "AwsEndpointUrl"}, ""]}]
    }
    variables = template()["Globals"]["Function"]["Environment"]["Variables"]
    assert variables["AWS_ENDPOINT_URL"] == {
        "Fn::If": ["HasAwsEndpoint", {"Ref": "AwsEndpointUrl"}, {"Ref": "AWS::NoValue"}]
    }
    for function in FUNCTIONS.values():
        assert "AWS_ENDPOINT_URL" not in own_variables(function)


def test_the_gateway_answers_every_error_of_its_own_in_the_v2_form():
    responses = resources("AWS::Serverless::Api")["Api"]["GatewayResponses"]
    assert {kind: response["StatusCode"] for kind, response in responses.items()} == GATEWAY_STATUSES
    for response in responses.values():
        (entry,) = json.loads(response["ResponseTemplates"]["application/json"])
        assert entry["status"] == response["StatusCode"]
        assert entry["message"]
        again = {"X-Retry-After": "'1'"} if response["StatusCode"] == 429 else {}
        assert response["ResponseParameters"]["Headers"] == {"Cache-Control": "'no-store'"} | again


def test_the_stage_is_throttled_by_parameters_that_let_bursts_of_100_pass():
    settings, _ = resources("AWS::Serverless::Api")["Api"]["MethodSettings"]
    assert (settings["ResourcePath"], settings["HttpMethod"]) == ("/*", "*")
    assert settings["ThrottlingRateLimit"] == {"Ref": "ThrottlingRateLimit"}
    assert settings["ThrottlingBurstLimit"] == {"Ref": "ThrottlingBurstLimit"}
    assert template()["Parameters"]["ThrottlingBurstLimit"]["Default"] >= 100
    assert template()["Parameters"]["ThrottlingRateLimit"]["Default"] >= 100


def test_pings_are_throttled_well_above_what_clients_may_have_under_way():
    _, settings = resources("AWS::Serverless::Api")["Api"]["MethodSettings"]
    method, path = ROUTES["ping_hook"]
    assert settings == {
        "ResourcePath": "/" + path.replace("/", "~1"),
        "HttpMethod": method.upper(),
        "ThrottlingRateLimit": 50,
        "ThrottlingBurstLimit": {"Ref": "ThrottlingBurstLimit"},
    }


def test_the_quotas_of_hooks_are_those_that_the_code_knows():
    parameters = template()["Parameters"]
    assert parameters["MaxHooksPerClient"]["Default"] == DEFAULT_QUOTAS.per_client
    assert parameters["MaxHooksPerStore"]["Default"] == DEFAULT_QUOTAS.per_store


def test_the_authorizer_is_asked_again_after_the_cache_time():
    auth = resources("AWS::Serverless::Api")["Api"]["Auth"]
    identity = auth["Authorizers"][auth["DefaultAuthorizer"]]["Identity"]
    assert identity == {"Header": "X-Auth-Token", "ReauthorizeEvery": {"Ref": "AuthorizerCacheSeconds"}}
    assert template()["Parameters"]["AuthorizerCacheSeconds"]["Default"] == 60


@pytest.mark.parametrize("table", sorted(resources("AWS::DynamoDB::Table")))
def test_a_table_outlives_the_stack_and_its_mistakes(table):
    whole = template()["Resources"][table]
    assert whole["DeletionPolicy"] == whole["UpdateReplacePolicy"] == "Retain"
    properties = whole["Properties"]
    assert properties["BillingMode"] == "PAY_PER_REQUEST"
    assert properties["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert properties["SSESpecification"]["SSEType"] == "KMS"
    assert properties["SSESpecification"]["KMSMasterKeyId"] == {"Ref": "TablesKey"}
    assert properties["DeletionProtectionEnabled"] == {"Ref": "DeletionProtection"}


def test_the_tables_key_outlives_the_stack_with_them():
    key = template()["Resources"]["TablesKey"]
    assert key["DeletionPolicy"] == key["UpdateReplacePolicy"] == "Retain"
    assert key["Properties"]["EnableKeyRotation"] is True


QUEUES = resources("AWS::SQS::Queue")


@pytest.mark.parametrize("queue", ["EventsQueue", "DeliveriesQueue"])
def test_behind_each_queue_there_are_dead_letters_and_an_alarm(queue):
    dead_letters = queue.replace("Queue", "DeadLetters")
    assert QUEUES[queue]["RedrivePolicy"] == {
        "deadLetterTargetArn": {"Fn::GetAtt": [dead_letters, "Arn"]},
        "maxReceiveCount": 22,
    }
    assert QUEUES[dead_letters]["MessageRetentionPeriod"] == 14 * 24 * 3600, "as long as SQS keeps any"
    alarm = resources("AWS::CloudWatch::Alarm")[f"{dead_letters}Alarm"]
    assert alarm["MetricName"] == "ApproximateNumberOfMessagesVisible"
    assert alarm["Dimensions"] == [
        {"Name": "QueueName", "Value": {"Fn::GetAtt": [dead_letters, "QueueName"]}}
    ]
    assert alarm["ComparisonOperator"] == "GreaterThanOrEqualToThreshold"
    assert alarm["Threshold"] == {"Ref": "DeadLettersAlarmCount"}
    assert template()["Parameters"]["DeadLettersAlarmCount"]["Default"] == 1


@pytest.mark.parametrize(
    ("function", "queue"), [("MatchEventsFunction", "EventsQueue"), ("DeliverFunction", "DeliveriesQueue")]
)
def test_a_message_stays_invisible_for_longer_than_its_function_can_run(function, queue):
    """Otherwise it would be processed twice at once (svix PR 2181)."""
    mapping = FUNCTIONS[function]["Events"]["Queue"]["Properties"]
    assert mapping["Queue"] == {"Fn::GetAtt": [queue, "Arn"]}
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert mapping["ScalingConfig"] == {"MaximumConcurrency": {"Ref": "MaximumConcurrency"}}
    timeout = FUNCTIONS[function].get("Timeout", template()["Globals"]["Function"]["Timeout"])
    assert QUEUES[queue]["VisibilityTimeout"] >= 1.5 * timeout


def test_deliver_may_run_for_two_of_the_longest_attempts():
    longest = template()["Parameters"]["DeliveryTimeoutSeconds"]["MaxValue"]
    assert FUNCTIONS["DeliverFunction"]["Timeout"] >= 2 * longest + 15


def test_metrics_and_logs_name_the_stack():
    variables = template()["Globals"]["Function"]["Environment"]["Variables"]
    assert variables["POWERTOOLS_SERVICE_NAME"] == {"Ref": "AWS::StackName"}


def test_every_event_of_publishers_on_the_bus_goes_to_the_events_queue_or_to_its_dead_letters():
    rule = resources("AWS::Events::Rule")["EventsRule"]
    assert rule["EventBusName"] == {"Ref": "EventBus"}
    assert rule["EventPattern"] == {"source": [{"anything-but": operational_event.SOURCE}]}
    (target,) = rule["Targets"]
    assert target["Arn"] == {"Fn::GetAtt": ["EventsQueue", "Arn"]}
    assert target["DeadLetterConfig"] == {"Arn": {"Fn::GetAtt": ["EventsDeadLetters", "Arn"]}}
    (statement,) = resources("AWS::SQS::QueuePolicy")["EventsQueuePolicy"]["PolicyDocument"]["Statement"]
    assert statement["Condition"] == {"ArnEquals": {"aws:SourceArn": {"Fn::GetAtt": ["EventsRule", "Arn"]}}}
    queues = {"EventsQueue", "EventsDeadLetters"}
    assert sorted(map(json.dumps, statement["Resource"])) == sorted(
        json.dumps({"Fn::GetAtt": [queue, "Arn"]}) for queue in queues
    )


def test_in_an_update_no_event_of_storehooks_own_is_refused_because_it_still_comes_by_the_bus():
    """First deliver sends them to the queue, then the rule leaves them out, then matching refuses them."""
    template_resources = template()["Resources"]
    assert template_resources["EventsRule"]["DependsOn"] == "DeliverFunction"
    assert template_resources["MatchEventsFunction"]["DependsOn"] == "EventsRule"


def test_deactivations_alone_go_to_the_function_that_writes_of_them_or_to_its_dead_letters():
    rule = resources("AWS::Events::Rule")["DeactivationsRule"]
    assert rule["EventBusName"] == {"Ref": "EventBus"}
    assert rule["EventPattern"] == {
        "account": [{"Ref": "AWS::AccountId"}],
        "source": [operational_event.SOURCE],
        "detail-type": [deactivation_day.FIRST, deactivation_day.LATER],
    }
    (target,) = rule["Targets"]
    dead_letters = {"Fn::GetAtt": ["EmailsDeadLetters", "Arn"]}
    assert target["Arn"] == {"Fn::GetAtt": ["NotifyOwnersFunction", "Arn"]}
    assert target["DeadLetterConfig"] == {"Arn": dead_letters}
    assert FUNCTIONS["NotifyOwnersFunction"]["DeadLetterQueue"] == {"Type": "SQS", "TargetArn": dead_letters}
    assert "Timeout" not in FUNCTIONS["NotifyOwnersFunction"], (
        "a claim to write outlasts the 29 s of the others"
    )
    (statement,) = resources("AWS::SQS::QueuePolicy")["EmailsDeadLettersPolicy"]["PolicyDocument"][
        "Statement"
    ]
    assert statement["Resource"] == dead_letters
    assert statement["Condition"] == {
        "ArnEquals": {"aws:SourceArn": {"Fn::GetAtt": ["DeactivationsRule", "Arn"]}}
    }
    (alarm_of,) = resources("AWS::CloudWatch::Alarm")["EmailsDeadLettersAlarm"]["Dimensions"]
    assert alarm_of == {"Name": "QueueName", "Value": {"Fn::GetAtt": ["EmailsDeadLetters", "QueueName"]}}


def test_in_an_update_people_are_notified_as_before_until_there_are_notices():
    whole = template()["Resources"]
    for rule in ("DeactivationsRule", "OperationsRule"):
        assert whole[rule]["DependsOn"] == "DeliverFunction"


def without_emails(value: Any) -> Any:
    """A part of the template, where each choice that depends on the address is made."""
    if isinstance(value, dict):
        if "Fn::If" in value and value["Fn::If"][0] == "SendsEmail":
            return without_emails(value["Fn::If"][2])
        return {key: without_emails(one) for key, one in value.items()}
    return [without_emails(one) for one in value] if isinstance(value, list) else value


def test_without_an_address_to_send_from_nothing_of_the_e_mails_is_deployed():
    everything = template()["Resources"] | template()["Outputs"]
    conditional = {name for name, one in everything.items() if one.get("Condition") == "SendsEmail"}
    assert {"DeactivationsRule", "NotifyOwnersFunction"} <= conditional
    unconditional = without_emails({name: one for name, one in everything.items() if name not in conditional})
    for name in conditional:
        assert f'"{name}"' not in json.dumps(unconditional), f"{name} is not always there"
    assert template()["Conditions"]["SendsEmail"] == {
        "Fn::Not": [{"Fn::Equals": [{"Ref": "EmailSender"}, ""]}]
    }
    assert template()["Parameters"]["EmailSender"]["Default"] == ""


def test_the_default_schedule_is_bigcommerces():
    assert template()["Parameters"]["RetrySchedule"]["Default"] == BIGCOMMERCE_SCHEDULE


@pytest.mark.parametrize("table", ["TokensTable", "DeliveriesTable", "EventIdsTable"])
def test_what_is_kept_for_a_time_is_deleted_after_it(table):
    assert resources("AWS::DynamoDB::Table")[table]["TimeToLiveSpecification"] == {
        "AttributeName": "expires_at",
        "Enabled": True,
    }


def test_hooks_are_keyed_by_store_hash_and_id():
    keys = table_definition("HooksTable")["KeySchema"]
    assert {key["KeyType"]: key["AttributeName"] for key in keys} == {"HASH": "store_hash", "RANGE": "id"}


def test_private_destinations_and_deletable_tables_are_off_unless_asked_for():
    parameters = template()["Parameters"]
    assert parameters["AllowPrivateDestinations"]["Default"] == "false"
    assert parameters["DeletionProtection"]["Default"] == "true"


def test_every_check_that_checkov_passes_over_has_its_reason():
    skipped = [line for line in (ROOT / ".checkov.yaml").read_text().splitlines() if "CKV_" in line]
    assert skipped
    assert all(re.fullmatch(r"  - CKV_AWS_\d+ # .{20,}", line) for line in skipped)


def test_a_notice_is_remembered_for_as_long_as_a_dead_letter_can_ask_for_it_again():
    letters = [name for name in resources("AWS::SQS::Queue") if name.endswith("DeadLetters")]
    kept = {resources("AWS::SQS::Queue")[name]["MessageRetentionPeriod"] for name in letters}
    assert kept == {operational_event.REMEMBERED_SECONDS}
