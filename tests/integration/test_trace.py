"""What `storehooks trace` says of an event: whose it is, and which hooks did not get it."""

import io
import json
import re
from types import SimpleNamespace

import pytest
from aws_lambda_powertools import Logger
from typer.testing import CliRunner

from storehooks.api import operation
from storehooks.domain.event_filter import check_filter
from storehooks.flows import deliver, match, outcome
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
        of = {"publishing": "publish_events", "attempt": "deliver", "held": "deliver"}
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
    loggers = (Logger(), operation.logger, match.logger, deliver.logger, outcome.logger)
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


@pytest.mark.parametrize("hook_id", ["the hook's", "no-number"])
def test_a_delivery_that_was_sent_again_over_the_api_is_named_once(traced, hook_id):
    """The API logs the hook's id as the text of the path."""
    publishers, trace = traced
    publishers.publish("mine", {"id": 1})
    (delivery,) = json.loads(trace("--json"))["deliveries"]
    text = str(delivery["hook_id"]) if hook_id == "the hook's" else hook_id
    operation.logger.clear_state()
    operation.logger.info(
        "answered", delivery_id=delivery["id"], store_hash=delivery["store_hash"], hook_id=text
    )
    told = json.loads(trace("--json"))
    assert text in {step.get("hook_id") for step in told["steps"]}
    assert [one["id"] for one in told["deliveries"]] == [delivery["id"]]


@pytest.fixture
def hooks(traced):
    """Beside the hook that gets every event, one with a filter and one that was deactivated."""
    world = traced[0].world
    filtered = world.hook("https://filtered.example/", filter=check_filter({"data": {"id": [2, 3]}}))
    gone = world.hook("https://gone.example/")
    world.hook("https://other.example/", scope="store/cart/*")
    assert world.hooks.deactivate(gone, "answered 410")
    return filtered, gone


def test_the_hooks_that_did_not_get_an_event_are_named_with_the_code(traced, hooks):
    publishers, trace = traced
    filtered, gone = hooks
    publishers.publish("mine", {"id": 1})
    told = json.loads(trace("--json"))
    named = [{name: one[name] for name in ("hook_id", "code", "publisher")} for one in told["not_sent"]]
    assert named == [
        {"hook_id": filtered.id, "code": "filter", "publisher": "client:mine"},
        {"hook_id": gone.id, "code": "deactivated", "publisher": "client:mine"},
    ]
    rows = [line.split() for line in trace().splitlines()]
    heading = rows.index(["NOT", "SENT", "TO", "HOOK", "CODE", "PUBLISHER", "AT"])
    assert [row[:3] for row in rows[heading + 1 :]] == [
        [str(filtered.id), "filter", "client:mine"],
        [str(gone.id), "deactivated", "client:mine"],
    ]


def test_a_hook_that_was_paused_is_named_so(traced):
    publishers, trace = traced
    world = publishers.world
    hook = world.hook("https://paused.example/", is_paused=True)
    publishers.publish("mine", {"id": 1})
    named = [(one["hook_id"], one["code"]) for one in json.loads(trace("--json"))["not_sent"]]
    assert named == [(hook.id, "paused")]


def test_an_event_that_every_hook_of_its_scope_got_names_none(traced):
    publishers, trace = traced
    publishers.publish("mine", {"id": 1})
    assert json.loads(trace("--json"))["not_sent"] == []
    assert "NOT SENT" not in trace()


def test_what_was_held_and_then_sent_after_all_is_not_named(traced, hooks):
    publishers, trace = traced
    world, (_, gone) = publishers.world, hooks
    publishers.publish("mine", {"id": 2})
    (held,) = [one for one in world.account.deliveries().values() if one.hook_id == gone.id]
    assert world.log.begin_round(held, world.clock.now)
    assert json.loads(trace("--json"))["not_sent"] == []


def test_more_hooks_than_a_line_names_are_counted(traced, monkeypatch):
    publishers, trace = traced
    monkeypatch.setattr(match, "_MAX_LOGGED_HOOKS", 2)
    for number in range(3):
        publishers.world.hook(f"https://{number}.example/", filter=check_filter({"data": {"id": [2]}}))
    publishers.publish("mine", {"id": 1})
    assert len(json.loads(trace("--json"))["not_sent"]) == 2
    assert "filtered=3" in trace()
