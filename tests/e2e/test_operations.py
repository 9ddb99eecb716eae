"""What an operator hears, on the running stack: hooks that are deactivated, alarms, metrics."""

import json
import re
import secrets
import subprocess
import time
from pathlib import Path

import pytest

from storehooks_cli.local.deployment import STACK_NAME
from storehooks_cli.local.environment import REGION
from tests import emf
from tests.e2e.local_run import free_ports
from tests.e2e.store import ARRIVAL_SECONDS, Destination, Store
from tests.template_file import resources

pytestmark = pytest.mark.toolchain

RUNBOOK = (Path(__file__).parents[2] / "docs" / "runbook.md").read_text()


class Operator:
    """Somebody who is subscribed to the stack's topic."""

    def __init__(self, run) -> None:
        self._sqs, self._sns = run.aws("sqs"), run.aws("sns")
        self.topic = run.outputs["OperationsTopicArn"]
        self._queue = self._sqs.create_queue(QueueName=f"operator-{secrets.token_hex(4)}")["QueueUrl"]
        attributes = self._sqs.get_queue_attributes(QueueUrl=self._queue, AttributeNames=["QueueArn"])
        self._subscription = self._sns.subscribe(
            TopicArn=self.topic, Protocol="sqs", Endpoint=attributes["Attributes"]["QueueArn"]
        )["SubscriptionArn"]

    def __enter__(self):
        return self

    def __exit__(self, *_error: object) -> None:
        self._sns.unsubscribe(SubscriptionArn=self._subscription)
        self._sqs.delete_queue(QueueUrl=self._queue)

    def hears(self, about: str) -> str:
        """The next message that says this."""
        until = time.monotonic() + ARRIVAL_SECONDS
        heard = []
        while time.monotonic() < until:
            response = self._sqs.receive_message(QueueUrl=self._queue, WaitTimeSeconds=1)
            for message in response.get("Messages", []):
                self._sqs.delete_message(QueueUrl=self._queue, ReceiptHandle=message["ReceiptHandle"])
                heard.append(json.loads(message["Body"])["Message"])
                if about in heard[-1]:
                    return heard[-1]
        raise AssertionError(f"nothing about {about}, but {heard}")


@pytest.fixture(scope="module")
def operator(stack):
    with Operator(stack.run) as one:
        yield one


def test_a_hook_that_is_deactivated_is_told_of_in_words_and_counted(stack, operator):
    store = Store(stack, "0perate")
    with Destination(status=410) as gone:
        hook_id = store.hook("store/order/*", gone.url)
        store.publish("store/order/created")
        text = operator.hears("store 0perate")
    told = " ".join(json.loads(line) for line in text.splitlines())
    assert f"hook {hook_id} " in told
    assert gone.url.removesuffix("/hook") in told
    assert re.search(r"\b410\b", told)
    assert told.endswith("docs/runbook.md#a-hook-was-deactivated")
    assert written(stack, "match_events")["EventsMatched"] >= 1
    counted = written(stack, "deliver")
    assert counted["HooksDeactivated"] >= 1
    assert counted["Held"] >= 1
    assert counted["Attempts"] >= counted["AttemptsFailed"] >= 1
    assert {"AttemptLatency", "DeliveryLag"} <= set(counted)


def written(stack, function: str) -> dict[str, float]:
    """The sums of what a function wrote for CloudWatch."""
    group = f"/aws/lambda/{STACK_NAME}-{function}"
    pages = stack.run.aws("logs").get_paginator("filter_log_events").paginate(logGroupName=group)
    log = "\n".join(event["message"] for page in pages for event in page["events"])
    return {name: sum(values) for name, values in emf.metrics(log, STACK_NAME).items()}


def test_every_alarm_is_there_and_is_told_to_the_topic_when_it_begins_and_ends(stack, operator):
    cloudwatch = stack.run.aws("cloudwatch")
    alarms = cloudwatch.describe_alarms(AlarmNamePrefix=f"{STACK_NAME}-")["MetricAlarms"]
    assert len(alarms) == len(resources("AWS::CloudWatch::Alarm"))
    for alarm in alarms:
        assert alarm["AlarmActions"] == alarm["OKActions"] == [operator.topic]
        assert f"docs/runbook.md#{alarm['AlarmName'].split('-')[1].lower()}" in alarm["AlarmDescription"]
    (name,) = [alarm["AlarmName"] for alarm in alarms if "DeliveryFailuresAlarm" in alarm["AlarmName"]]
    for state in ("ALARM", "OK"):
        cloudwatch.set_alarm_state(AlarmName=name, StateValue=state, StateReason="a test")
        told = json.loads(operator.hears(f'"NewStateValue": "{state}"'))
        assert (told["AlarmName"], told["NewStateReason"]) == (name, "a test")


def test_the_dashboard_is_there_and_shows_this_stack(stack):
    dashboard = stack.run.aws("cloudwatch").get_dashboard(DashboardName=f"{STACK_NAME}-{REGION}")
    widgets = json.loads(dashboard["DashboardBody"])["widgets"]
    rows = [row for widget in widgets for row in widget["properties"].get("metrics", [])]
    assert ["AWS/Lambda", "Errors", "FunctionName", f"{STACK_NAME}-deliver", {"label": "deliver"}] in rows
    assert "${" not in dashboard["DashboardBody"]


def test_three_steps_lead_from_a_hook_that_is_not_firing_to_the_cause(stack):
    """The commands of the runbook, for a hook that is off, one that fails, and one of another scope."""
    store = Store(stack, "s11ent")
    (section,) = re.findall(r"^## My hook is not firing\n(.*)", RUNBOOK, re.DOTALL | re.MULTILINE)
    look_at_hook, look_at_deliveries, look_at_event = re.findall(
        r"^```sh\n(.*?)^```$", section, re.DOTALL | re.MULTILINE
    )
    nobody_listens = f"http://127.0.0.1:{free_ports()[0]}/"
    failing = store.hook("store/order/*", nobody_listens)
    other = store.hook("store/cart/*", nobody_listens)
    assert store.call("PUT", f"hooks/{other}", json={"is_active": False}).status_code == 200
    event = store.publish("store/order/created")
    store.delivery(failing, event)

    def shown(command: str, hook: int = failing, event: str = event) -> str:
        response = subprocess.run(
            [
                "bash",
                "-euc",
                command.replace("--stack-name storehooks", f"--local --data-dir {stack.data_dir}"),
            ],
            env=stack.environment
            | {"URL": store.url, "TOKEN": store.token, "HOOK": str(hook), "EVENT": event, "COLUMNS": "200"},
            cwd=Path(__file__).parents[2],
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        return response.stdout

    hook = json.loads(shown(look_at_hook, other))
    assert (hook["is_active"], hook.get("deactivation_reason")) == (False, None)
    assert json.loads(shown(look_at_hook, failing))["is_active"] is True
    (delivery,) = json.loads(shown(look_at_deliveries, failing))["data"]
    assert delivery["status"] == "retrying"
    assert delivery["attempts"][0]["error"].startswith("connection refused")
    assert json.loads(shown(look_at_deliveries, other))["data"] == []
    assert "hooks=0" in shown(look_at_event, event=store.publish("store/product/created"))
