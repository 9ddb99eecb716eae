"""Every policy in template.yaml: who may do what with which, and each "*" with its reason."""

import json
from collections.abc import Iterator
from typing import Any

from tests.template_file import resources, template, tracing_of

FUNCTIONS = resources("AWS::Serverless::Function")
ROLES = resources("AWS::IAM::Role")

# All that is not named one by one. A statement is known by its sid, or by the service of its actions.
WILDCARDS = {
    # X-Ray has no resources that a policy could name.
    **{
        (function["Role"]["Fn::GetAtt"][0], "xray", "Resource"): "*"
        for name, function in FUNCTIONS.items()
        if tracing_of(name) == "Active"
    },
    # Of this account and region, and from one sender alone (its condition): SES asks for the identity of the
    # sender or of its domain, for its configuration set, and in the sandbox for the recipients' identities.
    ("NotifyOwnersRole", "ses", "Resource"): [
        {"Fn::Sub": "arn:${AWS::Partition}:ses:${AWS::Region}:${AWS::AccountId}:identity/*"},
        {"Fn::Sub": "arn:${AWS::Partition}:ses:${AWS::Region}:${AWS::AccountId}:configuration-set/*"},
    ],
    # In a key's own policy "*" is the key.
    ("TablesKey", "TheAccountAdministersIt", "Resource"): "*",
    ("TablesKey", "OnlyThroughDynamoDB", "Resource"): "*",
    ("TablesKey", "TheAlarmsNotifyOperators", "Resource"): "*",
    ("TablesKey", "TheRuleNotifiesOperators", "Resource"): "*",
    # Who administers a key may do all with it: without that nobody could mend its policy.
    ("TablesKey", "TheAccountAdministersIt", "Action"): "kms:*",
    # Whoever the account lets use a table, and only by way of DynamoDB; see its conditions below.
    ("TablesKey", "OnlyThroughDynamoDB", "Principal"): {"AWS": "*"},
    # Everyone, but for one role: it denies.
    ("OperationalEventsAreOurs", "events", "Principal"): "*",
    # Each of these is two actions, with and without plain text or a second key.
    ("TablesKey", "OnlyThroughDynamoDB", "Action"): ["kms:ReEncrypt*", "kms:GenerateDataKey*"],
    ("TablesKey", "TheAlarmsNotifyOperators", "Action"): ["kms:GenerateDataKey*"],
    ("TablesKey", "TheRuleNotifiesOperators", "Action"): ["kms:GenerateDataKey*"],
}

# Where AWS's services say neither account nor source, so that a condition on them would never hold.
# To topics, and to their keys, EventBridge says none (the guides of EventBridge and of SNS).
WITHOUT_SOURCE = {("OperationsTopicPolicy", "TheRulePublishes"), ("TablesKey", "TheRuleNotifiesOperators")}
SOURCES = {"aws:SourceAccount", "aws:SourceArn"}


def statements(value: Any) -> Iterator[dict[str, Any]]:
    """Every statement of every policy in a part of the template."""
    if isinstance(value, dict):
        if "Effect" in value:
            yield value
        for one in value.values():
            yield from statements(one)
    elif isinstance(value, list):
        for one in value:
            yield from statements(one)


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def all_statements() -> Iterator[tuple[str, dict[str, Any]]]:
    for name, resource in template()["Resources"].items():
        for statement in statements(resource["Properties"]):
            yield name, statement


def test_what_is_not_named_one_by_one_is_known_with_its_reason():
    found = {}
    for name, statement in all_statements():
        services = {action.partition(":")[0] for action in listed(statement["Action"])}
        known_as = statement.get("Sid") or "+".join(sorted(services))
        for part in ("Action", "Resource", "Principal"):
            wild = [one for one in listed(statement.get(part, [])) if "*" in json.dumps(one)]
            if wild:
                assert (name, known_as, part) not in found, "one of two would not be seen"
                found[name, known_as, part] = wild if isinstance(statement[part], list) else statement[part]
    assert found == WILDCARDS


def test_a_statement_allows_and_says_what_and_has_nothing_inverted():
    for name, statement in all_statements():
        assert statement["Effect"] == ("Deny" if name == "OperationalEventsAreOurs" else "Allow"), name
        parts = {"Sid", "Effect", "Principal", "Action", "Resource", "Condition"}
        assert statement.keys() <= parts, f"{name}: no NotAction, NotResource, NotPrincipal"
        assert statement["Action"], name


def test_whoever_uses_the_key_does_so_through_dynamodb_and_in_this_account():
    policy = resources("AWS::KMS::Key")["TablesKey"]["KeyPolicy"]
    (everybody,) = [one for one in policy["Statement"] if one["Principal"] == {"AWS": "*"}]
    assert everybody["Condition"] == {
        "StringEquals": {
            "kms:CallerAccount": {"Ref": "AWS::AccountId"},
            "kms:ViaService": {"Fn::Sub": "dynamodb.${AWS::Region}.${AWS::URLSuffix}"},
        }
    }


def test_a_service_acts_on_queues_topics_and_keys_for_this_stack_alone_where_it_says_for_whom():
    by_services = {}
    for name, statement in all_statements():
        principal = statement.get("Principal", {})
        services = listed(principal.get("Service", [])) if isinstance(principal, dict) else []
        if services and services != ["lambda.amazonaws.com"]:  # which assumes the functions' roles
            conditions = statement.get("Condition", {}).values()
            by_services[name, statement["Sid"]] = {key for one in conditions for key in one}
    without = {known_as for known_as, keys in by_services.items() if not keys & SOURCES}
    assert without == WITHOUT_SOURCE
    assert by_services.keys() - without == {
        ("EventsQueuePolicy", "TheRuleSends"),
        ("EmailsDeadLettersPolicy", "TheRuleSends"),
        ("OperationsTopicPolicy", "TheAlarmsPublish"),
        ("TablesKey", "TheAlarmsNotifyOperators"),
    }
    for permission in resources("AWS::Lambda::Permission").values():
        assert permission["SourceArn"]


def test_the_source_of_alarms_is_the_same_for_the_topic_and_for_its_key():
    by_sid = {statement["Sid"]: statement for _, statement in all_statements() if "Sid" in statement}
    topic, key = by_sid["TheAlarmsPublish"]["Condition"], by_sid["TheAlarmsNotifyOperators"]["Condition"]
    assert topic["StringEquals"]["aws:SourceAccount"] == {"Ref": "AWS::AccountId"}
    assert key["StringEquals"]["aws:SourceAccount"] == {"Ref": "AWS::AccountId"}
    assert key["ArnLike"] == topic["ArnLike"]
    assert key["ArnLike"].keys() == {"aws:SourceArn"}


def test_each_role_is_one_functions_and_lambda_alone_may_assume_it():
    named = {name: function["Role"]["Fn::GetAtt"][0] for name, function in FUNCTIONS.items()}
    assert named == {name: name.removesuffix("Function") + "Role" for name in FUNCTIONS}
    assert set(named.values()) == ROLES.keys()
    for role in ROLES.values():
        assert role.keys() <= {"AssumeRolePolicyDocument", "Policies"}
        (statement,) = role["AssumeRolePolicyDocument"]["Statement"]
        assert statement["Principal"] == {"Service": "lambda.amazonaws.com"}
        assert statement["Action"] == "sts:AssumeRole"


def test_nothing_else_grants_a_right():
    """Neither other kinds of IAM resources, nor what SAM would add to a role of its own making."""
    kinds = {resource["Type"] for resource in template()["Resources"].values()}
    assert {kind for kind in kinds if kind.startswith("AWS::IAM::")} == {"AWS::IAM::Role"}
    for function in (*FUNCTIONS.values(), template()["Globals"]["Function"]):
        assert not function.keys() & {"Policies", "Connectors", "PermissionsBoundary", "FunctionUrlConfig"}


def test_no_function_may_touch_a_key_a_topic_or_another_function():
    """The key is DynamoDB's to use, queues have SQS's own; others tell operators, by a rule and by alarms."""
    granted = {
        action.partition(":")[0]
        for role in ROLES.values()
        for policy in role["Policies"]
        for statement in policy["PolicyDocument"]["Statement"]
        for action in statement["Action"]
    }
    assert granted == {"dynamodb", "sqs", "events", "ses", "logs", "xray"}
    for queue in resources("AWS::SQS::Queue").values():
        assert queue["SqsManagedSseEnabled"] is True
        assert "KmsMasterKeyId" not in queue
