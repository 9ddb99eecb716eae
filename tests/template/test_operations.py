"""What tells an operator: alarms, the dashboard, the topic they go to, and the page that says what to do."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from storehooks.domain import deactivation_day, operational_event
from storehooks.domain.hook import Hook
from storehooks.flows.meter import NAMESPACE, Count, Duration
from tests.template_file import EMAIL_SENDER, deployed, logical_id, resources, template

ROOT = Path(__file__).parents[2]
ALARMS: dict[str, dict[str, Any]] = {
    name: resource["Properties"]
    for name, resource in deployed(EmailSender=EMAIL_SENDER).items()
    if resource["Type"] == "AWS::CloudWatch::Alarm"
}
FUNCTIONS = resources("AWS::Serverless::Function")
STACK = {"Ref": "AWS::StackName"}
# The metrics that are there, with their dimensions.
# https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
# https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-metrics-and-dimensions.html
METRICS = {
    NAMESPACE: (["service"], {*Count, *Duration}),
    "AWS/Lambda": (["FunctionName"], {"Invocations", "Errors", "Throttles", "Duration"}),
    "AWS/SQS": (["QueueName"], {"ApproximateNumberOfMessagesVisible", "ApproximateAgeOfOldestMessage"}),
    "AWS/ApiGateway": (["ApiName", "Stage"], {"Count", "4XXError", "5XXError", "Latency"}),
}
MAX_METRICS_OF_AN_ALARM = 10
MAX_METRICS_OF_A_FREE_DASHBOARD = 50
OF_ADMIN_API = {
    name
    for name, function in resources("AWS::Serverless::Function").items()
    for event in function.get("Events", {}).values()
    if event["Properties"].get("Path", "").startswith("/admin/")
}

# Nobody waits for their answers: their failures are no 5xx of the API.
BEHIND_NO_REQUEST = {
    name
    for name, function in FUNCTIONS.items()
    if not any(event["Type"] == "Api" for event in function.get("Events", {}).values())
} - {"AuthorizerFunction"}
# A free dashboard has no room for these: their failures are 5xx of the API alone.
AMONG_5XX = OF_ADMIN_API | {"GetHookStatsFunction", "PullDeliveriesFunction"}


def metrics_of(alarm: dict[str, Any]) -> list[dict[str, Any]]:
    """The metrics that an alarm is about: its own, or those of its expression."""
    if "MetricName" in alarm:
        return [alarm]
    return [one["MetricStat"]["Metric"] for one in inputs_of(alarm)]


def inputs_of(alarm: dict[str, Any]) -> list[dict[str, Any]]:
    """What the expression of an alarm computes with."""
    return [one for one in alarm["Metrics"] if "MetricStat" in one]


def expression_of(alarm: dict[str, Any]) -> str:
    """The one expression of an alarm that has several metrics."""
    (result,) = [one for one in alarm["Metrics"] if "Expression" in one]
    assert result.get("ReturnData", True), "which is what the alarm is about"
    expression = result["Expression"]
    text: str = expression if isinstance(expression, str) else expression["Fn::Sub"]
    return text


def check_metric(namespace: str, name: str, dimensions: dict[str, Any]) -> None:
    """A metric is one that there is, and this stack's."""
    keys, names = METRICS[namespace]
    assert name in names
    assert list(dimensions) == keys
    for key, value in dimensions.items():
        match key:
            case "service" | "ApiName":
                assert value == STACK
            case "Stage":
                assert value == {"Ref": "StageName"}
            case "FunctionName":
                assert value["Ref"] in FUNCTIONS
            case _:
                queue, attribute = value["Fn::GetAtt"]
                assert (queue in resources("AWS::SQS::Queue"), attribute) == (True, "QueueName")


@pytest.mark.parametrize("name", sorted(ALARMS))
def test_an_alarm_is_told_to_the_topic_when_it_begins_and_when_it_ends(name):
    topic = [{"Ref": "OperationsTopic"}]
    assert (ALARMS[name]["AlarmActions"], ALARMS[name]["OKActions"]) == (topic, topic)


@pytest.mark.parametrize("name", sorted(ALARMS))
def test_an_alarm_is_about_metrics_that_there_are(name):
    found = metrics_of(ALARMS[name])
    assert 1 <= len(found) <= MAX_METRICS_OF_AN_ALARM
    for metric in found:
        dimensions = {one["Name"]: one["Value"] for one in metric["Dimensions"]}
        check_metric(metric["Namespace"], metric["MetricName"], dimensions)


@pytest.mark.parametrize("name", [name for name, alarm in sorted(ALARMS.items()) if "Metrics" in alarm])
def test_an_expression_uses_each_of_its_metrics_and_is_what_the_alarm_is_about(name):
    inputs, text = inputs_of(ALARMS[name]), expression_of(ALARMS[name])
    assert len(inputs) + 1 == len(ALARMS[name]["Metrics"])
    assert all(one["ReturnData"] is False for one in inputs)
    assert "METRICS()" in text or all(one["Id"] in text for one in inputs)


def test_thresholds_are_parameters_and_every_such_parameter_is_used():
    used = set(re.findall(r"\w+Alarm(?:Count|Seconds|Percent|Attempts|Minutes)", json.dumps(ALARMS)))
    assert used == {name for name in template()["Parameters"] if re.search(r"Alarm[A-Z][a-z]+$", name)}
    fixed = {name for name, alarm in ALARMS.items() if not isinstance(alarm["Threshold"], dict)}
    assert fixed == {"RetryDueAlarm"}
    assert ALARMS["RetryDueAlarm"]["EvaluationPeriods"] == {"Ref": "RetryDueAlarmMinutes"}


def test_what_fails_behind_no_request_has_alarms_of_its_own():
    """The others' failures are the API's 5xx, but the authorizer's errors, which are its way to a 401."""
    for name, metric in {"FunctionErrorsAlarm": "Errors", "FunctionThrottlesAlarm": "Throttles"}.items():
        found = metrics_of(ALARMS[name])
        functions = [one["Value"]["Ref"] for metric_of in found for one in metric_of["Dimensions"]]
        assert sorted(functions) == sorted(BEHIND_NO_REQUEST)
        assert {one["MetricName"] for one in found} == {metric}
    assert [one["MetricName"] for one in metrics_of(ALARMS["ApiErrorsAlarm"])] == ["5XXError"]


@pytest.mark.parametrize("queue", sorted(resources("AWS::SQS::Queue")))
def test_every_queue_has_an_alarm_for_what_stays_in_it(queue):
    wanted = {"Fn::GetAtt": [queue, "QueueName"]}
    found = [
        alarm for alarm in ALARMS.values() if wanted in [one["Value"] for one in alarm.get("Dimensions", [])]
    ]
    (alarm,) = found
    is_dead_letters = "RedrivePolicy" not in resources("AWS::SQS::Queue")[queue]
    assert alarm["MetricName"] == (
        "ApproximateNumberOfMessagesVisible" if is_dead_letters else "ApproximateAgeOfOldestMessage"
    )


def test_one_failing_hook_at_night_is_no_alarm():
    """Failures count from a number of attempts on, over a quarter of an hour."""
    alarm = ALARMS["DeliveryFailuresAlarm"]
    assert expression_of(alarm).startswith("IF(attempts >= ${DeliveryFailuresAlarmAttempts},")
    (period,) = {one["MetricStat"]["Period"] for one in inputs_of(alarm)}
    assert alarm["EvaluationPeriods"] * period == 15 * 60
    assert template()["Parameters"]["DeliveryFailuresAlarmAttempts"]["Default"] >= 100


def test_silence_is_an_alarm_where_something_ought_to_run_and_nowhere_else():
    breaching = {name for name, alarm in ALARMS.items() if alarm["TreatMissingData"] == "breaching"}
    assert breaching == {"RetryDueAlarm"}
    assert {alarm["TreatMissingData"] for alarm in ALARMS.values()} == {"breaching", "notBreaching"}


# ---------------------------------------------------------------- the topic


def test_the_topic_is_encrypted_and_takes_no_more_than_alarms_and_the_rule():
    topic = resources("AWS::SNS::Topic")["OperationsTopic"]
    assert topic["KmsMasterKeyId"] == {"Ref": "TablesKey"}
    policy = resources("AWS::SNS::TopicPolicy")["OperationsTopicPolicy"]
    statements = policy["PolicyDocument"]["Statement"]
    assert policy["Topics"] == [{"Ref": "OperationsTopic"}]
    for statement in statements:
        assert (statement["Action"], statement["Resource"]) == ("sns:Publish", {"Ref": "OperationsTopic"})
    assert all(statement["Principal"].keys() == {"Service"} for statement in statements)
    by_service = {statement["Principal"]["Service"]: statement for statement in statements}
    assert len(by_service) == len(statements)
    assert by_service.keys() == {"cloudwatch.amazonaws.com", "events.amazonaws.com"}
    alarms, rule = by_service["cloudwatch.amazonaws.com"], by_service["events.amazonaws.com"]
    assert alarms["Condition"]["StringEquals"] == {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
    assert "alarm:${AWS::StackName}-*" in json.dumps(alarms["Condition"]["ArnLike"])
    # A condition here would never hold (EventBridge's guide), and nothing would be told.
    assert "Condition" not in rule


def test_who_publishes_may_use_the_tables_key_for_that_topic_alone():
    statements = resources("AWS::KMS::Key")["TablesKey"]["KeyPolicy"]["Statement"]
    by_service = {one["Principal"]["Service"]: one for one in statements if "Service" in one["Principal"]}
    assert by_service.keys() == {"cloudwatch.amazonaws.com", "events.amazonaws.com"}
    for statement in by_service.values():
        assert sorted(statement["Action"]) == ["kms:Decrypt", "kms:GenerateDataKey*"]
        topic = statement["Condition"]["StringEquals"]["kms:EncryptionContext:aws:sns:topicArn"]
        (name,) = re.findall(r"\$\{AWS::StackName\}[\w-]+", json.dumps(topic))
        assert resources("AWS::SNS::Topic")["OperationsTopic"]["TopicName"] == {"Fn::Sub": name}
    # A condition on the source would never hold (SNS's guide), and nobody would be notified.
    assert list(by_service["events.amazonaws.com"]["Condition"]["StringEquals"]) == [
        "kms:EncryptionContext:aws:sns:topicArn"
    ]


def test_an_address_is_subscribed_only_when_there_is_one():
    subscription = template()["Resources"]["OperationsSubscription"]
    assert subscription["Condition"] == "HasOperationsEmail"
    assert template()["Parameters"]["OperationsEmail"]["Default"] == ""
    assert subscription["Properties"] == {
        "TopicArn": {"Ref": "OperationsTopic"},
        "Protocol": "email",
        "Endpoint": {"Ref": "OperationsEmail"},
    }


def test_hooks_that_were_deactivated_are_told_of_by_this_account_alone():
    rule = resources("AWS::Events::Rule")["OperationsRule"]
    assert rule["EventBusName"] == {"Ref": "EventBus"}
    assert rule["EventPattern"] == {
        "account": [{"Ref": "AWS::AccountId"}],
        "source": [operational_event.SOURCE],
        "detail-type": [deactivation_day.FIRST, deactivation_day.LATER],
    }


def test_what_is_held_and_deleted_soon_is_told_of_by_this_account_alone_in_words():
    rule = resources("AWS::Events::Rule")["HeldRule"]
    assert rule["EventBusName"] == {"Ref": "EventBus"}
    assert rule["EventPattern"] == {
        "account": [{"Ref": "AWS::AccountId"}],
        "source": [operational_event.SOURCE],
        "detail": {"data": {"error_code": [operational_event.EXPIRING]}},
    }
    (target,) = rule["Targets"]
    assert target["Arn"] == {"Ref": "OperationsTopic"}
    assert target["InputTransformer"]["InputPathsMap"] == {"message": "$.detail.data.message"}
    hook = Hook(
        id=7,
        store_hash="5ueh97",
        client_id="a" * 32,
        scope="store/order/*",
        destination="https://app.example.com/?key=secret",
        headers=None,
        is_active=True,
        created_at=1,
        updated_at=1,
        paused_at=1_795_428_000,
    )
    data = operational_event.expiring(hook, hook.paused_at, hook.paused_at + 30 * 86400)["data"]
    text = target["InputTransformer"]["InputTemplate"]["Fn::Sub"].replace("<message>", data["message"])
    said = "\n".join(json.loads(line) for line in text.splitlines())
    assert "hook 7 of the store 5ueh97 is deleted from 2026-12-23 10:00 UTC on" in said
    assert "since 2026-11-23 10:00 UTC, when its owner paused it" in said
    assert "secret" not in said


@pytest.mark.parametrize("kind", ["first", "later"])
def test_what_operators_are_notified_with_is_text_of_what_the_notice_has(notices, kind):
    (target,) = resources("AWS::Events::Rule")["OperationsRule"]["Targets"]
    transformer = target["InputTransformer"]
    values = {}
    for name, path in transformer["InputPathsMap"].items():
        value: Any = {"detail": notices[kind]}
        for key in path.removeprefix("$.").split("."):
            value = value[key]
        values[name] = str(value)
    text = transformer["InputTemplate"]["Fn::Sub"].replace("${AWS::StackName}", "storehooks")
    assert set(re.findall(r"<(\w+)>", text)) == set(values)
    for name, value in values.items():
        text = text.replace(f"<{name}>", value)
    lines = [json.loads(line) for line in text.splitlines()]
    assert all(isinstance(line, str) for line in lines), "which EventBridge asks for"
    said = "\n".join(lines)
    named = {
        "first": ("ook 7", "at 2026-11-24T02:24:21Z", "https://app.example.com failed: it is gone"),
        "later": ("22 more deactivations", "on 2026-11-24", "hook 7, 8 and 20 not listed"),
    }
    for value in ("storehooks", "5ueh97", "a" * 32, *named[kind]):
        assert value in said
    assert "secret" not in said


@pytest.fixture
def notices() -> dict[str, Any]:
    """The notices of a day with deactivations."""
    hook = Hook(
        id=7,
        store_hash="5ueh97",
        client_id="a" * 32,
        scope="store/order/*",
        destination="https://app.example.com/orders?key=secret",
        headers=None,
        is_active=False,
        created_at=0,
        updated_at=0,
        version=3,
        deactivated_at=1_795_487_061,
        deactivation_reason="it is gone",
    )
    first = deactivation_day.deactivation_of(hook)
    day = deactivation_day.DeactivationDay(
        store_hash="5ueh97",
        client_id="a" * 32,
        until=deactivation_day.day_end(1_795_487_061),
        first=first.key,
        later=(first, replace(first, hook_id=8)),
        unlisted=20,
    )
    return {
        "first": deactivation_day.notice_of_first(day, first),
        "later": deactivation_day.notice_of_later(day),
    }


# ---------------------------------------------------------------- the dashboard


@pytest.fixture(scope="module")
def widgets() -> list[dict[str, Any]]:
    """The dashboard's widgets where all of the template is deployed, with references as they are in it."""
    body, named = resources("AWS::CloudWatch::Dashboard")["Dashboard"]["DashboardBody"]["Fn::Sub"]
    for name, choice in named.items():
        _, value, other = choice["Fn::If"]
        assert other in {"none", ""}
        logical_id, attribute = value.get("Fn::GetAtt", ["", ""])
        body = body.replace(f"${{{name}}}", value.get("Fn::Sub") or f"${{{logical_id}.{attribute}}}")
    # A number stands alone; every other reference is inside a string.
    loaded = json.loads(re.sub(r'(?<!")\$\{(\w+Percent)\}', "50", body))["widgets"]
    assert isinstance(loaded, list)
    return loaded


def test_the_dashboard_is_one_without_its_optional_parts_as_well():
    body, named = resources("AWS::CloudWatch::Dashboard")["Dashboard"]["DashboardBody"]["Fn::Sub"]
    for name, choice in named.items():
        body = body.replace(f"${{{name}}}", choice["Fn::If"][2])
    assert json.loads(re.sub(r'(?<!")\$\{(\w+Percent)\}', "50", body))


def named(value: str) -> dict[str, Any]:
    """``${X}`` as the reference that it is, and a function's name as one to it."""
    if function := re.fullmatch(r"\$\{AWS::StackName\}-(\w+)", value):
        return {"Ref": logical_id(function[1])}
    (name,) = re.findall(r"^\$\{([\w.:]+)\}$", value)
    resource, _, attribute = name.partition(".")
    return {"Fn::GetAtt": [resource, attribute]} if attribute else {"Ref": name}


def graphed(widgets: list[dict[str, Any]]) -> list[tuple[str, str, dict[str, Any]]]:
    """Namespace, name and dimensions of every metric."""
    rows = [row for widget in widgets for row in widget["properties"].get("metrics", [])]
    found = []
    for row in rows:
        texts = [part for part in row if isinstance(part, str)]
        if texts:
            namespace, name, *pairs = texts
            dimensions = dict(zip(pairs[::2], map(named, pairs[1::2]), strict=True))
            found.append((namespace, name, dimensions))
    return found


def test_the_dashboard_shows_metrics_that_there_are(widgets):
    for namespace, name, dimensions in graphed(widgets):
        check_metric(namespace, name, dimensions)


def test_the_dashboard_has_every_function_every_queue_and_every_alarm(widgets):
    found = graphed(widgets)
    errors = [dimensions["FunctionName"]["Ref"] for _, name, dimensions in found if name == "Errors"]
    assert sorted(errors) == sorted(FUNCTIONS.keys() - AMONG_5XX), "for which 50 metrics do not suffice"
    throttles = {dimensions["FunctionName"]["Ref"] for _, name, dimensions in found if name == "Throttles"}
    assert throttles == BEHIND_NO_REQUEST
    durations = {dimensions["FunctionName"]["Ref"] for _, name, dimensions in found if name == "Duration"}
    assert durations == {"MatchEventsFunction", "DeliverFunction"}
    queues = {
        dimensions["QueueName"]["Fn::GetAtt"][0] for _, _, dimensions in found if "QueueName" in dimensions
    }
    assert queues == set(resources("AWS::SQS::Queue"))
    (alarms,) = [widget["properties"]["alarms"] for widget in widgets if widget["type"] == "alarm"]
    assert sorted(alarms) == sorted(f"${{{name}.Arn}}" for name in ALARMS)


def test_the_runbook_names_what_the_dashboard_leaves_out():
    page = (ROOT / "docs" / "runbook.md").read_text()
    (section,) = re.findall(r"^## ApiErrorsAlarm\n(.*?)^## ", page, re.DOTALL | re.MULTILINE)
    (named,) = re.findall(r"If it is none there, it is (.*?)\.\s", section, re.DOTALL)
    assert {logical_id(name) for name in re.findall(r"`(\w+)`", named)} == AMONG_5XX


def test_a_label_is_the_functions_name(widgets):
    for row in (row for widget in widgets for row in widget["properties"].get("metrics", [])):
        if row[0] == "AWS/Lambda":
            function = FUNCTIONS[named(row[3])["Ref"]]
            assert function["CodeUri"] == f"functions/{row[4]['label']}"


def test_the_dashboard_can_be_left_out():
    assert template()["Parameters"]["HasDashboard"]["Default"] == "true"
    assert template()["Conditions"]["WithDashboard"] == {"Fn::Equals": [{"Ref": "HasDashboard"}, "true"]}
    for part in (template()["Resources"]["Dashboard"], template()["Outputs"]["DashboardUrl"]):
        assert part["Condition"] == "WithDashboard"


def test_the_dashboard_can_be_one_of_an_accounts_three_free_ones(widgets):
    """A further metric has to take the place of another, or it costs $3 a month in every account."""
    distinct = {json.dumps(metric) for metric in graphed(widgets)}
    assert len(distinct) <= MAX_METRICS_OF_A_FREE_DASHBOARD


def test_widgets_do_not_overlap_and_fill_the_width(widgets):
    taken = [
        (column, row)
        for one in widgets
        for column in range(one["x"], one["x"] + one["width"])
        for row in range(one["y"], one["y"] + one["height"])
    ]
    assert len(taken) == len(set(taken))
    assert len(taken) == 24 * (1 + max(row for _, row in taken))


# ---------------------------------------------------------------- the bus


def test_what_is_called_storehooks_own_on_the_bus_comes_from_deliver_alone():
    """The local bus knows no Deny. In AWS one counts before any Allow, for principals of this account too."""
    policy = template()["Resources"]["OperationalEventsAreOurs"]
    assert "Condition" not in policy, "in every stack"
    assert policy["Properties"]["EventBusName"] == {"Ref": "EventBus"}
    assert policy["Properties"]["Statement"] == {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "events:PutEvents",
        "Resource": {"Fn::GetAtt": ["EventBus", "Arn"]},
        "Condition": {
            "ForAnyValue:StringEquals": {"events:source": operational_event.SOURCE},
            "ArnNotEquals": {"aws:PrincipalArn": {"Fn::GetAtt": ["DeliverRole", "Arn"]}},
        },
    }
    may_publish = {
        name
        for name, role in resources("AWS::IAM::Role").items()
        if "events:PutEvents" in json.dumps(role["Policies"])
    }
    assert may_publish == {"DeliverRole"}
    names = [one["Properties"]["StatementId"] for one in template()["Resources"].values()
             if one["Type"] == "AWS::Events::EventBusPolicy"]  # fmt: skip
    assert len(set(names)) == len(names) == 2, "one of the same name would take its place"


def test_no_other_account_may_publish_unless_it_is_named():
    parameter = template()["Parameters"]["BusPublisherAccounts"]
    assert (parameter["Default"], parameter["AllowedPattern"]) == ("", "([0-9]{12})?")
    policy = template()["Resources"]["BusPublishers"]
    assert policy["Condition"] == "HasBusPublishers"
    assert policy["Properties"]["EventBusName"] == {"Ref": "EventBus"}
    assert policy["Properties"]["Statement"] == {
        "Effect": "Allow",
        "Principal": {"AWS": {"Ref": "BusPublisherAccounts"}},
        "Action": "events:PutEvents",
        "Resource": {"Fn::GetAtt": ["EventBus", "Arn"]},
    }
