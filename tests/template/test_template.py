"""What template.yaml deploys, and with which rights."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.template_file import TEMPLATE, resources, table_definition, template

ROOT = Path(__file__).parents[2]
FOLDERS = sorted(path.parent.name for path in ROOT.glob("functions/*/app.py"))

ROUTES = {
    "list_hooks": ("get", "/stores/{store_hash}/v2/hooks"),
    "create_hook": ("post", "/stores/{store_hash}/v2/hooks"),
    "get_hook": ("get", "/stores/{store_hash}/v2/hooks/{id}"),
    "update_hook": ("put", "/stores/{store_hash}/v2/hooks/{id}"),
    "delete_hook": ("delete", "/stores/{store_hash}/v2/hooks/{id}"),
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


def logical_id(folder: str) -> str:
    return folder.title().replace("_", "") + "Function"


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
def test_a_function_may_write_its_own_log_and_traces_and_use_tables(folder):
    """Which actions on which tables: tests/integration/test_rights.py compares them with its calls."""
    log_group = {"Fn::GetAtt": [logical_id(folder).replace("Function", "LogGroup"), "Arn"]}
    role = resources("AWS::IAM::Role")[logical_id(folder).replace("Function", "Role")]
    assert "ManagedPolicyArns" not in role
    (policy,) = role["Policies"]
    tables, logs, traces = policy["PolicyDocument"]["Statement"]
    assert tables["Resource"]["Fn::GetAtt"][0] in resources("AWS::DynamoDB::Table")
    assert all(action.startswith("dynamodb:") and "*" not in action for action in tables["Action"])
    assert (logs["Action"], logs["Resource"]) == (["logs:CreateLogStream", "logs:PutLogEvents"], log_group)
    assert (traces["Action"], traces["Resource"]) == (
        ["xray:PutTraceSegments", "xray:PutTelemetryRecords"],
        "*",
    )


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_function_reads_the_settings_it_is_given_and_no_other(folder):
    source = (ROOT / "functions" / folder / "app.py").read_text()
    read = set(re.findall(r'(?:setting|switch)\("([A-Z_]+)"\)', source))
    assert read == set(FUNCTIONS[logical_id(folder)]["Environment"]["Variables"])


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_functions_log_group_is_its_own_and_is_kept_for_a_while(folder):
    group = resources("AWS::Logs::LogGroup")[logical_id(folder).replace("Function", "LogGroup")]
    assert group["RetentionInDays"] == {"Ref": "LogRetentionDays"}
    name = logical_id(folder).replace("Function", "LogGroup")
    assert FUNCTIONS[logical_id(folder)]["LoggingConfig"] == {"LogGroup": {"Ref": name}}


def test_each_operation_has_its_route():
    found = {}
    for folder in FOLDERS:
        for event in FUNCTIONS[logical_id(folder)].get("Events", {}).values():
            properties = event["Properties"]
            assert "Auth" not in properties, "every route has the default authorizer"
            found[folder] = (properties["Method"], properties["Path"])
    assert found == ROUTES


def test_all_functions_share_the_runtime_the_layer_and_tracing():
    shared = template()["Globals"]["Function"]
    assert shared["Runtime"] == "python" + (ROOT / ".python-version").read_text().strip()
    assert shared["Layers"] == [{"Ref": "SharedLayer"}]
    assert shared["Tracing"] == "Active"
    assert shared["Architectures"] == [{"Ref": "Architecture"}]


def test_the_gateway_answers_every_error_of_its_own_in_the_v2_form():
    responses = resources("AWS::Serverless::Api")["Api"]["GatewayResponses"]
    assert {kind: response["StatusCode"] for kind, response in responses.items()} == GATEWAY_STATUSES
    for response in responses.values():
        (entry,) = json.loads(response["ResponseTemplates"]["application/json"])
        assert entry["status"] == response["StatusCode"]
        assert entry["message"]
        headers = response.get("ResponseParameters", {}).get("Headers", {})
        assert headers == ({"X-Retry-After": "'1'"} if response["StatusCode"] == 429 else {})


def test_the_stage_is_throttled_by_parameters_that_let_bursts_of_100_pass():
    (settings,) = resources("AWS::Serverless::Api")["Api"]["MethodSettings"]
    assert settings["ThrottlingRateLimit"] == {"Ref": "ThrottlingRateLimit"}
    assert settings["ThrottlingBurstLimit"] == {"Ref": "ThrottlingBurstLimit"}
    assert template()["Parameters"]["ThrottlingBurstLimit"]["Default"] >= 100
    assert template()["Parameters"]["ThrottlingRateLimit"]["Default"] >= 100


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


def test_hooks_are_keyed_by_store_hash_and_id():
    keys = table_definition("HooksTable")["KeySchema"]
    assert [(key["AttributeName"], key["KeyType"]) for key in keys] == [
        ("store_hash", "HASH"),
        ("id", "RANGE"),
    ]


def test_private_destinations_and_deletable_tables_are_off_unless_asked_for():
    parameters = template()["Parameters"]
    assert parameters["AllowPrivateDestinations"]["Default"] == "false"
    assert parameters["DeletionProtection"]["Default"] == "true"


def test_cfn_lint_finds_nothing():
    answer = subprocess.run(
        [Path(sys.executable).with_name("cfn-lint"), TEMPLATE], capture_output=True, text=True, check=False
    )
    assert answer.stdout == ""
    assert answer.returncode == 0
