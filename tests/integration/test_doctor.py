"""What storehooks doctor finds in an account: each check passes, and each is shown to fail."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from storehooks_cli.doctor import deployment, functions, notices, queues, sweep, tables
from storehooks_cli.doctor.check import Finding, Status, examine
from tests.integration.doctor_account import SENDER, healthy_account

CHECKS = {
    check.name: check for group in (deployment, functions, queues, tables, notices) for check in group.CHECKS
} | {check.name: check for check in sweep.waiting_checks(0)}


@pytest.fixture
def account(monkeypatch):
    with healthy_account(monkeypatch) as account:
        yield account


def look(account, name: str) -> Finding:
    """What a check finds."""
    return examine(CHECKS[name], account.subject()).finding


@pytest.mark.parametrize("name", CHECKS)
def test_where_all_is_well_each_check_passes(account, name):
    finding = look(account, name)
    assert finding.status is Status.OK, finding


def dead_letter(account):
    url = account.physical("EventsDeadLetters")
    account.client("sqs").send_message(QueueUrl=url, MessageBody="{}")


def without_queue(account):
    account.client("sqs").delete_queue(QueueUrl=account.physical("EventsDeadLetters"))


def old_message(account):
    account.client("cloudwatch").put_metric_data(
        Namespace="AWS/SQS",
        MetricData=[
            {
                "MetricName": "ApproximateAgeOfOldestMessage",
                "Dimensions": [{"Name": "QueueName", "Value": "EventsQueue"}],
                "Timestamp": datetime.now(UTC) - timedelta(minutes=2),
                "Value": 301,
            }
        ],
    )


def alarm_on(account):
    account.client("cloudwatch").set_alarm_state(
        AlarmName="storehooks-EventsAgeAlarm", StateValue="ALARM", StateReason="late"
    )


def unconfirmed(account):
    account.subscribed.append({"Endpoint": "me@example.com", "SubscriptionArn": "PendingConfirmation"})


def never_confirmed(account):
    account.subscribed.clear()
    account.parameters["OperationsEmail"] = "you@example.com"


def without_ttl(account):
    account.client("dynamodb").update_time_to_live(
        TableName="DeliveriesTable", TimeToLiveSpecification={"Enabled": False, "AttributeName": "expires_at"}
    )


def without_recovery(account):
    account.client("dynamodb").update_continuous_backups(
        TableName="HooksTable", PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": False}
    )


def without_protection(account):
    account.client("dynamodb").update_table(TableName="ClientsTable", DeletionProtectionEnabled=False)


def key_id(account) -> str:
    return account.key.rpartition("/")[2]  # moto changes no key by its ARN


def without_key(account):
    account.client("kms").disable_key(KeyId=key_id(account))


def key_to_be_deleted(account):
    account.client("kms").schedule_key_deletion(KeyId=key_id(account))


def key_gone(account):
    account.played["DescribeTable"] = {"Table": {"SSEDescription": {"KMSMasterKeyArn": f"{account.key}0"}}}


def unencrypted(account):
    account.played["DescribeTable"] = {"Table": {}}


def other_api(account):
    account.mapping["restApiId"] = "another"


FAULTS = [
    ("stack", lambda one: setattr(one, "status", "UPDATE_ROLLBACK_COMPLETE"), "before the last deployment"),
    (
        "event sources",
        lambda one: setattr(one.lambda_, "mapping", "Disabled"),
        "DeliverFunctionQueue Disabled",
    ),
    (
        "event sources",
        lambda one: one.client("events").disable_rule(Name="each-minute"),
        "EachMinute DISABLED",
    ),
    (
        "event sources",
        lambda one: one.client("events").disable_rule(Name="rule", EventBusName="storehooks"),
        "EventsRule DISABLED",
    ),
    (
        "event sources",
        lambda one: one.client("events").remove_targets(Rule="each-minute", Ids=["1"]),
        "EachMinute without a target",
    ),
    (
        "event sources",
        lambda one: one.client("events").remove_targets(Rule="rule", EventBusName="storehooks", Ids=["1"]),
        "EventsRule without a target",
    ),
    ("tables' key", without_key, " Disabled"),
    ("tables' key", key_to_be_deleted, " PendingDeletion"),
    ("tables' key", key_gone, " deleted"),
    ("tables' key", unencrypted, "not encrypted with a key of KMS: HooksTable"),
    (
        "recursive loop",
        lambda one: one.lambda_.recursive_loop.update({"storehooks-match_events": "Terminate"}),
        "match_events Terminate",
    ),
    (
        "account concurrency",
        lambda one: setattr(one.lambda_, "available", 10),
        "242 executions at once",
    ),
    ("runtime", lambda one: setattr(one.lambda_, "update_on", "Auto"), "deliver Auto"),
    (
        "layer architecture",
        lambda one: setattr(one.lambda_, "compatible", ["x86_64"]),
        "layer: x86_64",
    ),
    ("layer architecture", lambda one: one.lambda_.layers.append("another"), "layers: another, arn"),
    ("dead letters", dead_letter, "EventsDeadLetters 1"),
    (
        "dead letters",
        lambda one: one.client("sqs").delete_queue(QueueUrl=one.physical("EventsDeadLetters")),
        "AWS",
    ),
    ("age of the oldest message", old_message, "EventsQueue 301 s"),
    ("age of the oldest message", lambda one: one.forget("EventsQueue"), "the stack has no EventsQueue"),
    ("time to live", without_ttl, "DeliveriesTable DISABLED"),
    ("point-in-time recovery", without_recovery, "HooksTable DISABLED"),
    ("deletion protection", without_protection, "ClientsTable false"),
    ("alarms", alarm_on, "on: storehooks-EventsAgeAlarm"),
    (
        "alarms",
        lambda one: one.client("cloudwatch").delete_alarms(AlarmNames=["storehooks-RetryDueAlarm"]),
        "deleted: storehooks-RetryDueAlarm",
    ),
    ("alarm subscriptions", unconfirmed, "not confirmed: me@example.com"),
    ("alarm subscriptions", never_confirmed, "you@example.com is not subscribed"),
    (
        "e-mail",
        lambda one: one.client("sesv2").delete_email_identity(EmailIdentity=SENDER),
        f"SES knows neither {SENDER} nor its domain",
    ),
    (
        "e-mail",
        lambda one: one.identities[SENDER].update(VerifiedForSendingStatus=False),
        f"not verified: {SENDER}",
    ),
    ("e-mail", lambda one: one.ses.update(ProductionAccessEnabled=False), "sandbox"),
    ("e-mail", lambda one: one.ses.update(SendingEnabled=False), "stopped sending"),
    (
        "e-mail",
        lambda one: one.identities[SENDER].update(ConfigurationSetName="gone"),
        "configuration set gone",
    ),
    ("custom domain", lambda one: one.certificate.update(Status="PENDING_VALIDATION"), "PENDING_VALIDATION"),
    (
        "custom domain",
        lambda one: one.certificate.update(NotAfter=datetime.now(UTC) + timedelta(days=20)),
        "was not renewed",
    ),
    (
        "custom domain",
        lambda one: one.certificate.update(NotAfter=datetime.now(UTC) + timedelta(days=20), Type="IMPORTED"),
        "does not renew an imported one",
    ),
    ("custom domain", other_api, "leads (none) to another/live"),
    ("retry sweep", lambda one: one.swept("1.30.0", seconds_ago=100), "no sweep in the last 90 s"),
    ("retry sweep", lambda one: one.swept("1.30.0", is_whole=False), "calls to AWS failed in it"),
]


@pytest.mark.parametrize(
    ("name", "fault", "found"), FAULTS, ids=[re.sub(r"\W+", "_", f"{one[0]} {one[2]}") for one in FAULTS]
)
def test_a_fault_is_found_with_what_to_do(account, name, fault, found):
    fault(account)
    finding = look(account, name)
    assert finding.status is Status.FAILED
    assert found in finding.found
    assert finding.advice


def test_every_check_was_shown_to_fail():
    """But the one on botocore: the events that it delivers show whether it works."""
    assert {name for name, _, _ in FAULTS} == set(CHECKS) - {"botocore"}


def test_a_botocore_that_the_tests_did_not_run_with_is_named_with_what_to_do(account):
    account.swept("99.1.0")
    finding = look(account, "botocore")
    assert finding.status is Status.OK
    assert finding.advice
    assert "99.1.0" in finding.found


def test_a_botocore_that_the_tests_ran_with_beside_the_commands_own_is_no_newer_one(account):
    pinned = (Path(__file__).parents[2] / "requirements/botocore-newest.txt").read_text()
    newest = pinned.partition("botocore==")[2].split()[0]
    account.swept(newest)
    finding = look(account, "botocore")
    assert (finding.status, finding.advice) == (Status.OK, "")
    assert finding.found.count(newest) == 2, "what is imported, and what the tests ran with"


@pytest.mark.parametrize(
    ("fault", "command"),
    [(without_key, "aws kms enable-key"), (key_to_be_deleted, "aws kms cancel-key-deletion")],
)
def test_the_command_that_makes_the_key_usable_is_named(account, fault, command):
    fault(account)
    assert f"{command} --key-id {account.key}" in look(account, "tables' key").advice


@pytest.mark.parametrize(
    ("name", "right"),
    [
        ("event sources", "events:DescribeRule"),
        ("event sources", "events:ListTargetsByRule"),
        ("event sources", "lambda:GetEventSourceMapping"),
        ("recursive loop", "lambda:GetFunctionRecursionConfig"),
        ("account concurrency", "lambda:GetAccountSettings"),
        ("runtime", "lambda:GetRuntimeManagementConfig"),
        ("layer architecture", "lambda:GetFunctionConfiguration"),
        ("layer architecture", "lambda:GetLayerVersionByArn"),
        ("dead letters", "sqs:GetQueueAttributes"),
        ("age of the oldest message", "cloudwatch:GetMetricStatistics"),
        ("tables' key", "kms:DescribeKey"),
        ("tables' key", "dynamodb:DescribeTable"),
        ("time to live", "dynamodb:DescribeTimeToLive"),
        ("point-in-time recovery", "dynamodb:DescribeContinuousBackups"),
        ("deletion protection", "dynamodb:DescribeTable"),
        ("alarms", "cloudwatch:DescribeAlarms"),
        ("alarm subscriptions", "sns:ListSubscriptionsByTopic"),
        ("e-mail", "ses:GetEmailIdentity"),
        ("custom domain", "acm:DescribeCertificate"),
        ("retry sweep", "logs:FilterLogEvents"),
    ],
)
def test_a_right_that_is_missing_is_named_and_the_others_go_on(account, name, right):
    account.denied.add(right.partition(":")[2])
    findings = {one: look(account, one) for one in CHECKS}
    assert findings[name].status is Status.NOT_CHECKED
    assert findings[name].found == f"missing right: {right}"
    others = {one: finding for one, finding in findings.items() if right not in finding.found}
    assert len(others) >= len(CHECKS) - 2
    assert all(finding.status is Status.OK for finding in others.values())


@pytest.mark.parametrize(
    ("name", "parameters", "reason"),
    [
        ("custom domain", {"DomainName": ""}, "DomainName is empty"),
        ("e-mail", {"EmailSender": ""}, "EmailSender is empty"),
        ("retry sweep", {"LogLevel": "WARNING"}, "LogLevel=WARNING"),
        ("botocore", {"LogLevel": "ERROR"}, "LogLevel=ERROR"),
    ],
)
def test_what_the_parameters_leave_out_is_not_checked(account, name, parameters, reason):
    account.parameters |= parameters
    finding = look(account, name)
    assert finding.status is Status.NOT_CHECKED
    assert reason in finding.found


def test_messages_without_a_metric_yet_are_not_checked(account):
    account.client("sqs").send_message(QueueUrl=account.physical("DeliveriesQueue"), MessageBody="{}")
    finding = look(account, "age of the oldest message")
    assert finding.status is Status.NOT_CHECKED
    assert "no metric yet of DeliveriesQueue" in finding.found


def test_tables_that_are_meant_to_be_unprotected_are(account):
    without_protection(account)
    account.parameters["DeletionProtection"] = "false"
    assert look(account, "deletion protection").status is Status.OK


def test_it_is_said_when_nobody_is_notified(account):
    account.subscribed.clear()
    finding = look(account, "alarm subscriptions")
    assert finding.status is Status.OK
    assert "OperationsEmail" in finding.advice


@pytest.mark.parametrize("domain", ["mail.store.example", "store.example"])
@pytest.mark.parametrize("is_address_known", [False, True])
def test_a_verified_domain_of_the_sender_or_one_above_is_enough(account, domain, is_address_known):
    account.parameters["EmailSender"] = sender = "storehooks@mail.store.example"
    ses = account.client("sesv2")
    for name in [domain, *[sender] * is_address_known]:
        ses.create_email_identity(EmailIdentity=name)
        account.identities[name] = {"VerifiedForSendingStatus": name == domain}
    finding = look(account, "e-mail")
    assert (finding.status, finding.found.split()[0]) == (Status.OK, domain)


def test_the_identity_to_create_is_the_senders_domain(account):
    account.client("sesv2").delete_email_identity(EmailIdentity=SENDER)
    assert "create-email-identity --email-identity store.example," in look(account, "e-mail").advice


def test_the_first_sweep_of_a_new_stack_is_waited_for(account, monkeypatch):
    account.swept("1.30.0", seconds_ago=1000)
    monkeypatch.setattr(sweep.time, "sleep", lambda _: account.swept("1.30.0", seconds_ago=0))
    finding = sweep.retry_sweep(account.subject(), sweep.time.monotonic() + 60)
    assert finding.status is Status.OK
    assert " 3 " in finding.found, "the retries that were due"


def test_the_values_that_fit_a_small_account_are_named(account):
    account.lambda_.available = 10
    assert "MaximumConcurrency=2 ThrottlingBurstLimit=4" in look(account, "account concurrency").advice
    account.lambda_.available = 5
    assert "higher quota" in look(account, "account concurrency").advice


def test_the_resources_are_those_of_the_stack(account):
    summaries = [
        {"LogicalResourceId": "EventsQueue", "ResourceType": "AWS::SQS::Queue", "PhysicalResourceId": "url"}
    ]
    pages = SimpleNamespace(paginate=lambda **_: [{"StackResourceSummaries": summaries}])
    subject = account.subject()
    del subject.__dict__["_resources"]
    subject._clients["cloudformation"] = SimpleNamespace(get_paginator=lambda _: pages)
    assert subject.resource("EventsQueue") == "url"
    assert subject.resources("AWS::SQS::Queue") == {"EventsQueue": "url"}
