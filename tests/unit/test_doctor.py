"""What storehooks doctor makes of its checks' results, and of the account's concurrency."""

import json
import re
import signal
import sys
from pathlib import Path
from types import SimpleNamespace

import boto3
import pytest
import typer
from botocore.exceptions import ClientError, EndpointConnectionError
from typer.testing import CliRunner

from storehooks.domain.errors import StoreFailedError
from storehooks_cli.commands import commands
from storehooks_cli.doctor import deployment, functions, leftovers, notices, queues, sweep, tables
from storehooks_cli.doctor.check import (
    Check,
    MissingResourceError,
    Result,
    Status,
    Subject,
    examine,
    failed,
    not_checked,
    ok,
)
from storehooks_cli.doctor.report import checks_shown, is_healthy, show_json, show_tables, summary
from storehooks_cli.doctor.trial import Trial
from storehooks_cli.stack import Stack, why_unsteady
from storehooks_cli.stopping import SIGNALS, exit_on_signals, stops_deferred

RESULTS = [
    Result("one", ok("fine")),
    Result("two", failed("broken", "mend it")),
    Result("three", not_checked("not here")),
]


def subject(*, local: bool) -> Subject:
    url = "http://127.0.0.1:3000" if local else None
    return Subject(Stack("storehooks", None, None, None, {}, local_url=url), [])


def raising(error: BaseException):
    def look(_subject):
        raise error

    return look


def refused(code: str, message: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "GetFunctionRecursionConfig")


def test_json_has_the_documented_form(capsys):
    show_json(RESULTS)
    assert json.loads(capsys.readouterr().out) == {
        "checks": [
            {"name": "one", "status": "ok", "found": "fine", "advice": ""},
            {"name": "two", "status": "failed", "found": "broken", "advice": "mend it"},
            {"name": "three", "status": "not_checked", "found": "not here", "advice": ""},
        ],
        "ok": False,
    }


def test_what_was_not_checked_is_no_failure():
    assert is_healthy([RESULTS[0], RESULTS[2]])
    assert not is_healthy(RESULTS)


def test_people_read_what_was_found_and_then_what_to_do(capsys):
    show_tables(RESULTS)
    shown = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert shown == [
        ["CHECK", "STATUS", "FOUND"],
        ["one", "ok", "fine"],
        ["two", "failed", "broken"],
        ["three", "not", "checked", "not", "here"],
        [],
        ["CHECK", "WHAT", "TO", "DO"],
        ["two", "mend", "it"],
    ]
    assert re.findall(r"\d+ \w+", summary(RESULTS, 12.3)) == ["1 ok", "1 failed", "1 not", "12 s"]


def test_progress_names_each_check_on_standard_error(capsys):
    with checks_shown() as begin:
        begin("dead letters")
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.endswith(" dead letters\n")


def test_what_the_local_aws_cannot_show_is_not_looked_at_there():
    check = Check("loops", lambda _: ok("looked"), "it stops none")
    assert examine(check, subject(local=True)).finding == not_checked("it stops none")
    assert examine(check, subject(local=False)).finding == ok("looked")


@pytest.mark.parametrize(
    ("code", "message", "right"),
    [
        (
            "AccessDeniedException",
            "User: a is not authorized to perform: lambda:GetFunctionRecursionConfig on resource: x",
            "lambda:GetFunctionRecursionConfig",
        ),
        ("AccessDenied", "a is not authorized to perform: apigateway:GET on y", "apigateway:GET"),
        ("AuthorizationError", "no", "GetFunctionRecursionConfig"),
    ],
)
@pytest.mark.parametrize("is_wrapped", [False, True])
def test_a_missing_right_is_named_and_no_pass(code, message, right, is_wrapped):
    error: Exception = refused(code, message)
    if is_wrapped:  # by an adapter
        error, cause = StoreFailedError(code), error
        error.__cause__ = cause
    finding = examine(Check("loops", raising(error)), subject(local=False)).finding
    assert finding.status is Status.NOT_CHECKED
    assert right in finding.found
    assert right in finding.advice


@pytest.mark.parametrize(
    ("error", "named"),
    [
        (refused("InternalError", "again"), "InternalError"),
        (EndpointConnectionError(endpoint_url="https://x"), "https://x"),
        (StoreFailedError("InternalServerError"), "InternalServerError"),
        (MissingResourceError("EventsQueue"), "EventsQueue"),
        (KeyError("MaximumConcurrency"), "KeyError: 'MaximumConcurrency'"),
        (typer.Exit(1), "standard error"),
        (refused("AccessDeniedException", "no"), "AccessDeniedException"),
    ],
)
def test_any_other_failure_fails_its_check_alone(error, named):
    finding = examine(Check("queues", raising(error)), subject(local=False)).finding
    assert finding.status is Status.FAILED
    assert named in finding.found
    assert finding.advice


@pytest.mark.parametrize("code", ["AccessDeniedException", "KMSDisabledException"])
def test_a_key_that_cannot_be_used_is_a_fault_and_no_missing_right(code):
    message = (
        "KMS key access denied error: com.amazonaws.services.kms.model.DisabledException:"
        " arn:aws:kms:us-east-1:1:key/k is disabled. (Service: AWSKMS; Status Code: 400)"
    )
    finding = examine(Check("events", raising(refused(code, message))), subject(local=False)).finding
    assert finding.status is Status.FAILED
    assert "KMS key access denied error" in finding.found
    assert "docs/runbook.md#callsfailedalarm" in finding.advice


@pytest.mark.parametrize("stop", [SystemExit(130), KeyboardInterrupt()])
def test_what_stops_the_command_stops_its_checks(stop):
    with pytest.raises(type(stop)):
        examine(Check("events", raising(stop)), subject(local=False))


@pytest.mark.parametrize(
    ("status", "told"),
    [
        ("REVIEW_IN_PROGRESS", "prepared and never carried out"),
        ("CREATE_IN_PROGRESS", "is being changed"),
        ("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "is being changed"),
        ("DELETE_IN_PROGRESS", "is being changed"),
        ("ROLLBACK_COMPLETE", "storehooks stack remove-failed --stack-name mine"),
        ("UPDATE_FAILED", "aws cloudformation rollback-stack --stack-name mine"),
        ("UPDATE_ROLLBACK_FAILED", "aws cloudformation continue-update-rollback --stack-name mine"),
        ("IMPORT_ROLLBACK_FAILED", "aws cloudformation describe-stack-events --stack-name mine"),
        ("DELETE_FAILED", "aws cloudformation delete-stack --stack-name mine"),
        ("DELETE_COMPLETE", "is deleted"),
    ],
)
def test_a_stack_that_is_half_there_is_not_examined(status, told):
    assert told in why_unsteady("mine", status)


@pytest.mark.parametrize("status", ["ROLLBACK_COMPLETE", "DELETE_FAILED"])
def test_the_command_to_type_begins_as_this_one_did(status, monkeypatch):
    monkeypatch.setattr(sys, "argv", [".venv/bin/storehooks", "doctor"])
    assert " .venv/bin/storehooks stack remove-failed --stack-name mine" in why_unsteady("mine", status)


@pytest.mark.parametrize("status", ["CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"])
def test_a_whole_stack_is_examined(status):
    assert why_unsteady("mine", status) is None


def test_a_signal_waits_until_what_is_deferred_is_done():
    before = {number: signal.getsignal(number) for number in SIGNALS}
    done = []

    def interrupted() -> None:
        with stops_deferred():
            signal.raise_signal(signal.SIGINT)
            done.append(1)

    try:
        exit_on_signals()
        with pytest.raises(SystemExit) as ended:
            interrupted()
        with pytest.raises(SystemExit):
            signal.raise_signal(signal.SIGTERM)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    assert done == [1]
    assert ended.value.code == 128 + signal.SIGINT


def test_every_check_is_described_with_the_rights_that_it_needs():
    trial = Trial(SimpleNamespace(stack=SimpleNamespace(access=lambda: None)), None)
    modules = (leftovers, deployment, functions, queues, tables, notices)
    checks = {check.name for module in modules for check in module.CHECKS}
    of_an_event = (*trial.events, trial.unknown_scope, trial.removal)
    checks |= {check.name for check in (*of_an_event, *sweep.waiting_checks(0))}
    page = (Path(__file__).parents[2] / "docs/command-line.md").read_text()
    _, _, table = page.partition("| Check | What is looked at | Actions that it needs |\n|---|---|---|\n")
    rows = [row.strip("| ").split(" | ") for row in table.partition("\n\n")[0].splitlines()]
    assert {name for names, _, _ in rows for name in names.split(", ")} == checks
    assert all(re.findall(r"`[a-z]+:[A-Z]\w+`", rights) for _, _, rights in rows)


@pytest.mark.parametrize(
    ("status", "outputs", "told"),
    [
        ("CREATE_IN_PROGRESS", {}, "CREATE_IN_PROGRESS"),
        ("ROLLBACK_COMPLETE", {}, "ROLLBACK_COMPLETE"),
        (
            "UPDATE_IN_PROGRESS",
            {"TokensTable": "t", "ClientsTable": "c"},
            "UPDATE_IN_PROGRESS",
        ),
        ("CREATE_COMPLETE", {}, "mine"),
        (None, {}, "Stack with id mine does not exist"),
    ],
)
def test_a_stack_that_cannot_be_examined_is_reported_in_a_line(monkeypatch, status, outputs, told):
    missing = ClientError(
        {"Error": {"Code": "ValidationError", "Message": "Stack with id mine does not exist"}},
        "DescribeStacks",
    )
    description = {
        "StackStatus": status,
        "Outputs": [{"OutputKey": name, "OutputValue": value} for name, value in outputs.items()],
    }

    def describe_stacks(**_given):
        if status is None:
            raise missing
        return {"Stacks": [description]}

    session = SimpleNamespace(client=lambda *_, **__: SimpleNamespace(describe_stacks=describe_stacks))
    monkeypatch.setattr(boto3, "Session", lambda: session)
    before = {number: signal.getsignal(number) for number in SIGNALS}
    try:
        response = CliRunner().invoke(commands, ["doctor", "--stack-name", "mine", "--json"])
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    assert (response.exit_code, response.stdout) == (1, "")
    assert told in response.stderr
    assert response.stderr.count("\n") == 1
