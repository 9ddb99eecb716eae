"""storehooks doctor, against the running stack."""

import json
import os
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

import pytest
from typer.testing import CliRunner

from storehooks.domain.operational_event import NOTIFY_AGAIN_SECONDS
from storehooks_cli.commands import commands
from storehooks_cli.doctor import leftovers, sweep, trial
from storehooks_cli.stopping import SIGNALS
from tests.e2e.command_line import RunningCommand, storehooks
from tests.e2e.local_run import free_ports
from tests.e2e.store import Destination
from tests.e2e.test_dead_letters import wait_for_dead_letters

pytestmark = pytest.mark.toolchain

NOT_LOCAL = {
    "recursive loop",
    "account concurrency",
    "runtime",
    "layer architecture",
    "age of the oldest message",
    "point-in-time recovery",
    "alarms",
    "alarm subscriptions",
    "e-mail",
}
TABLES = ("HooksTable", "TokensTable", "ClientsTable", "DeliveriesTable", "EventIdsTable")


@pytest.fixture(scope="module", autouse=True)
def ready(stack):
    """Without the dead letters of other tests, and with the first sweep, which starts late on a new stack."""
    stack.run.aws("lambda").invoke(FunctionName="storehooks-retry_due")
    for name, url in stack.run.outputs.items():
        if name.endswith("DeadLettersUrl"):
            stack.run.aws("sqs").purge_queue(QueueUrl=url)


def of_the_doctor(stack) -> list[dict]:
    """All items of the doctor's in the tables, but for claims that expire within ten minutes.

    They are about notifications of its destination's failure, and stay when a store is removed, too.
    """
    dynamodb, outputs = stack.run.aws("dynamodb"), stack.run.outputs
    items = [
        item
        for table in TABLES
        for page in dynamodb.get_paginator("scan").paginate(TableName=outputs[table])
        for item in page["Items"]
    ]
    own = [item for item in items if leftovers.STORE_HASH in str(item)]
    return [item for item in own if not is_claim_that_expires(item)]


def is_claim_that_expires(item: dict) -> bool:
    key, expires_at = item.get("event_key", {}).get("S", ""), float(item.get("expires_at", {"N": "inf"})["N"])
    return key.startswith("#told#destination#") and expires_at <= time.time() + NOTIFY_AGAIN_SECONDS


def report(response) -> dict[str, dict]:
    """The checks of a report by name; it has the documented form."""
    shown = json.loads(response.stdout)
    assert set(shown) == {"checks", "ok"}
    assert all(set(check) == {"name", "status", "found", "advice"} for check in shown["checks"])
    checks = {check["name"]: check for check in shown["checks"]}
    assert len(checks) == len(shown["checks"])
    assert {check["status"] for check in shown["checks"]} <= {"ok", "failed", "not_checked"}
    assert all(check["found"] for check in shown["checks"])
    assert all(check["advice"] for check in shown["checks"] if check["status"] == "failed")
    assert shown["ok"] == all(check["status"] != "failed" for check in shown["checks"])
    return checks


def test_a_healthy_stack_passes_and_nothing_is_left(stack):
    response = storehooks(stack, "doctor", "--json")
    checks = report(response)
    assert {name for name, check in checks.items() if check["status"] == "failed"} == set()
    assert {name for name, check in checks.items() if check["status"] == "not_checked"} >= NOT_LOCAL
    for name in ("event by HTTP", "event by the bus"):
        assert "responded 404" in checks[name]["found"]
        assert "retry scheduled for 20" in checks[name]["found"]
    assert "botocore" in checks["botocore"]["found"]
    assert "checking: event by HTTP\n" in response.stderr
    assert of_the_doctor(stack) == []


def test_people_get_a_table_and_a_real_destination_its_events(stack):
    with Destination() as app:
        response = storehooks(stack, "doctor", "--receiver", app.url, "--dead-letters")
        assert [json.loads(app.next()[1])["scope"] for _ in range(2)] == ["store/order/created"] * 2
    assert response.stdout.startswith("CHECK  ")
    rows = {line.split("  ")[0]: line for line in response.stdout.splitlines()}
    assert "responded 200" in rows["event by HTTP"]
    assert "scope is not in the catalogue" in rows["event of an unknown scope"]
    assert "0 failed" in response.stderr.splitlines()[-1]
    wait_for_dead_letters(stack, stack.run.outputs["EventsDeadLettersUrl"], 0)
    assert of_the_doctor(stack) == []


def test_a_receiver_that_does_not_respond_is_reported(stack):
    port, _ = free_ports()
    response = storehooks(
        stack, "doctor", "--json", "--receiver", f"http://127.0.0.1:{port}/hook", check=False
    )
    assert response.returncode == 1
    checks = report(response)
    assert {name for name, check in checks.items() if check["status"] == "failed"} == {
        "event by HTTP",
        "event by the bus",
    }
    assert "connection refused" in checks["event by HTTP"]["found"]


def stopped(stack, check, seconds, number):
    """The status of a doctor that gets a signal so long after a check began, and what it says then."""
    with RunningCommand(stack, "doctor") as doctor:
        doctor.wait_for(f"checking: {check}")
        time.sleep(seconds)
        return doctor.end(number)


def test_runs_that_are_stopped_leave_nothing(stack):
    moments = [
        ("event by HTTP", 0, signal.SIGINT),
        ("event by HTTP", 0.05, signal.SIGTERM),
        ("event by the bus", 0.1, signal.SIGHUP),
        ("removal", 0.05, signal.SIGINT),
    ]
    with ThreadPoolExecutor(len(moments)) as threads:
        ends = list(threads.map(lambda moment: stopped(stack, *moment), moments))
    assert [status for status, _ in ends] == [128 + number for _, _, number in moments]
    assert not [said for _, said in ends if "Traceback" in said]
    assert of_the_doctor(stack) == []


def test_an_event_of_an_unknown_scope_is_taken_out_when_the_run_is_stopped(stack):
    with RunningCommand(stack, "doctor", "--dead-letters") as doctor:
        doctor.wait_for("checking: event of an unknown scope")
        time.sleep(0.3)
        status, said = doctor.end(signal.SIGINT)
    assert status == 128 + signal.SIGINT
    if "may still become a dead letter" in said:
        url = stack.run.outputs["EventsDeadLettersUrl"]
        wait_for_dead_letters(stack, url, 1)
        assert "1 dead letters" in report(storehooks(stack, "doctor", "--json"))["leftovers"]["found"]
    wait_for_dead_letters(stack, stack.run.outputs["EventsDeadLettersUrl"], 0)


def test_the_next_run_removes_what_one_that_was_killed_has_left_and_no_other(stack):
    with RunningCommand(stack, "doctor") as killed, RunningCommand(stack, "doctor") as living:
        killed.wait_for("checking: event by the bus")
        killed.signal(signal.SIGSTOP)
        living.wait_for("checking: event by the bus")
        living.signal(signal.SIGSTOP)
        killed.end(signal.SIGKILL)
        assert of_the_doctor(stack)
        checks = report(storehooks(stack, "doctor", "--json"))
        assert " 1 stores" in checks["leftovers"]["found"]
        status, said = living.end(signal.SIGCONT)
        assert (status, "0 failed" in said) == (0, True)
    assert of_the_doctor(stack) == []


def test_a_stack_that_is_not_there_is_reported(stack, tmp_path):
    command = [stack.command, "doctor", "--local", "--data-dir", tmp_path]
    response = subprocess.run(command, env=stack.environment, capture_output=True, text=True, check=False)
    assert response.returncode == 1
    assert "no local stack runs" in response.stderr


@contextmanager
def a_dead_letter(stack):
    url = stack.run.outputs["DeliveriesDeadLettersUrl"]
    stack.run.aws("sqs").send_message(QueueUrl=url, MessageBody="{}")
    yield
    stack.run.aws("sqs").purge_queue(QueueUrl=url)


@contextmanager
def tokens_that_stay(stack):
    def set_to(is_on):
        stack.run.aws("dynamodb").update_time_to_live(
            TableName=stack.run.outputs["TokensTable"],
            TimeToLiveSpecification={"Enabled": is_on, "AttributeName": "expires_at"},
        )

    set_to(False)
    yield
    set_to(True)


@contextmanager
def no_sweep(stack):
    events = stack.run.aws("events")
    # By the stack's resources: tests of deployments have further stacks in the same account.
    name = stack.run.aws("cloudformation").describe_stack_resource(
        StackName="storehooks", LogicalResourceId="RetryDueFunctionEachMinute"
    )["StackResourceDetail"]["PhysicalResourceId"]
    events.disable_rule(Name=name)
    yield
    events.enable_rule(Name=name)


@contextmanager
def no_reader_of_deliveries(stack):
    functions_ = stack.run.aws("lambda")
    (uuid,) = [
        one["UUID"]
        for one in functions_.list_event_source_mappings()["EventSourceMappings"]
        if one["FunctionArn"].endswith(":storehooks-deliver")
    ]
    functions_.update_event_source_mapping(UUID=uuid, Enabled=False)
    yield
    functions_.update_event_source_mapping(UUID=uuid, Enabled=True)
    while functions_.get_event_source_mapping(UUID=uuid)["State"] != "Enabled":
        time.sleep(0.2)


def shortly(stack, monkeypatch, *arguments: str):
    """A doctor that does not wait for what does not come."""
    monkeypatch.setattr(trial, "_ARRIVAL_SECONDS", 1)
    monkeypatch.setattr(trial, "_MIN_ARRIVAL_SECONDS", 1)
    monkeypatch.setattr(sweep, "_SWEEP_SECONDS", 0)
    monkeypatch.setattr(sweep, "_SWEEP_MAX_AGE_SECONDS", 1)
    # The command takes the caller's AWS settings out of its process, which here is the tests'.
    monkeypatch.setattr(os, "environ", dict(os.environ))
    before = {number: signal.getsignal(number) for number in SIGNALS}
    try:
        options = ["--local", "--data-dir", str(stack.data_dir), "--json", *arguments]
        return CliRunner().invoke(commands, ["doctor", *options])
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def test_each_fault_is_found_by_its_check(stack, monkeypatch):
    faults = (a_dead_letter, tokens_that_stay, no_sweep, no_reader_of_deliveries)
    with ExitStack() as broken:
        for fault in faults:
            broken.enter_context(fault(stack))
        response = shortly(stack, monkeypatch)
    assert response.exit_code == 1
    failed = {name: check["found"] for name, check in report(response).items() if check["status"] == "failed"}
    assert failed.keys() == {
        "dead letters",
        "time to live",
        "event sources",
        "event by HTTP",
        "event by the bus",
        "retry sweep",
    }
    assert "DeliveriesDeadLetters 1" in failed["dead letters"]
    assert failed["time to live"] == "TokensTable DISABLED"
    assert "DeliverFunctionQueue Disabled" in failed["event sources"]
    assert "RetryDueFunctionEachMinute DISABLED" in failed["event sources"]
    assert "no attempt is logged" in failed["event by HTTP"]
    assert of_the_doctor(stack) == []
