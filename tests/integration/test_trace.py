"""What `storehooks trace` says of an event whose id several publishers have given."""

import io
import json
import re
from types import SimpleNamespace

import pytest
from aws_lambda_powertools import Logger
from typer.testing import CliRunner

from storehooks.api import operation
from storehooks.flows import match, outcome
from storehooks_cli.commands import commands
from storehooks_cli.options import StackOptions
from tests.integration.test_event_ids import Publishers

OPERATIONS = ("publish_events", "match_events", "deliver")


class Logs:
    """CloudWatch Logs Insights over what the functions have printed."""

    def __init__(self, lines: list[dict]) -> None:
        self.lines = lines

    def get_paginator(self, _operation):
        groups = [{"logGroupName": f"/aws/lambda/storehooks-{name}"} for name in OPERATIONS]
        return SimpleNamespace(paginate=lambda **_: [{"logGroups": groups}])

    def start_query(self, *, queryString, **_query):  # noqa: N803 - as AWS has it
        (pattern,) = re.findall(r"like /(.*)/ \|", queryString)
        return {"queryId": pattern}

    def get_query_results(self, *, queryId):  # noqa: N803
        of = {"publishing": "publish_events", "attempt": "deliver"}
        rows = [
            {
                "@ptr": str(number),
                "@log": f"123456789012:/aws/lambda/storehooks-{of.get(line['message'], 'match_events')}",
                "@message": json.dumps(line),
            }
            for number, line in enumerate(self.lines)
            if re.search(queryId, json.dumps(line))
        ]
        results = [[{"field": name, "value": value} for name, value in row.items()] for row in rows]
        return {"status": "Complete", "results": results}


@pytest.fixture
def traced(aws, functions, monkeypatch):
    """Publishes with one id, and traces it."""
    publishers = Publishers(aws, functions)
    written = io.StringIO()
    loggers = (Logger(), operation.logger, match.logger, outcome.logger)
    handlers = {id(logger.registered_handler): logger.registered_handler for logger in loggers}
    before = [(handler, handler.setStream(written)) for handler in handlers.values()]

    def trace(*options: str) -> str:
        logs = Logs([json.loads(line) for line in written.getvalue().splitlines()])
        stack = SimpleNamespace(name="storehooks", logs=lambda: logs, deliveries=lambda: publishers.world.log)
        monkeypatch.setattr(StackOptions, "find", lambda _self: stack)
        response = CliRunner(env={"COLUMNS": "300"}).invoke(commands, ["trace", "order-250", *options])
        assert response.exit_code == 0, response.output
        return response.stdout

    yield publishers, trace
    for handler, stream in before:
        handler.setStream(stream)


def test_two_publishers_events_of_one_id_are_told_apart(traced):
    publishers, trace = traced
    publishers.publish("mine", {"id": 1})
    publishers.put({"id": 2}, account="210987654321", source="com.example")
    told = json.loads(trace("--json"))
    of_publishers = {"client:mine", "bus:210987654321:com.example"}
    assert {step["publisher"] for step in told["steps"]} == of_publishers
    by_delivery = {one["id"]: one["publisher"] for one in told["deliveries"]}
    assert set(by_delivery.values()) == of_publishers
    attempts = [step for step in told["steps"] if step["message"] == "attempt"]
    assert {one["delivery_id"]: one["publisher"] for one in attempts} == by_delivery


def test_a_table_has_a_column_for_the_publisher(traced):
    publishers, trace = traced
    publishers.publish("mine", {"id": 1})
    publishers.publish("theirs", {"id": 2})
    shown = trace()
    assert shown.count("PUBLISHER") == 2
    for publisher in ("client:mine", "client:theirs"):
        assert shown.count(publisher) == 4, "published, matched, attempted, and the delivery"


def test_a_conflict_is_called_one(traced):
    publishers, trace = traced
    publishers.publish("mine", {"id": 1})
    publishers.publish("mine", {"id": 2})
    conflicts = [line for line in trace().splitlines() if "conflict" in line]
    assert len(conflicts) == 1
    assert "client:mine" in conflicts[0]
