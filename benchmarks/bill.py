"""What a stack costs by the month, computed from template.yaml and without free tiers.

In an idle month nothing happens but what happens by itself: polls of queues and schedules. With constant
use every metric has data in every hour. What deliveries cost on top is in cost.py.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from tests.template_file import deployed, template

from benchmarks.prices import ASSUMED, GB, MILLION, MONTH_MINUTES, PRICE, dynamodb_price, lambda_price
from storehooks.adapters.delivery_log.keys import DUE_SHARDS
from storehooks.flows.meter import Count, Duration

# What is free until something uses it. Tables are on demand, and cost by the GB that they hold.
FREE_AT_REST = frozenset(
    {
        "AWS::ApiGateway::BasePathMapping",
        "AWS::ApiGateway::DomainName",
        "AWS::DynamoDB::Table",
        "AWS::Events::EventBus",
        "AWS::Events::EventBusPolicy",
        "AWS::Events::Rule",
        "AWS::IAM::Role",
        "AWS::Lambda::Permission",
        "AWS::Logs::LogGroup",
        "AWS::SNS::Subscription",
        "AWS::SNS::Topic",
        "AWS::SNS::TopicPolicy",
        "AWS::SQS::Queue",
        "AWS::SQS::QueuePolicy",
        "AWS::Serverless::Api",
        "AWS::Serverless::LayerVersion",
    }
)

_EMPTY_QUERY_READ_UNITS = 0.5


def idle_month(**parameters: str) -> dict[str, float]:
    """US$ of a month in which nothing happens, by service. Parameters that are not given have their defaults.

    :raises ValueError: for a kind of resource, event or schedule that has no price here.
    """
    cost = defaultdict[str, float](float)
    for name, resource in deployed(**parameters).items():
        for service, price in _of_resource(name, resource["Type"], resource["Properties"]):
            cost[service] += price
    return dict(cost)


def constant_use_month(**parameters: str) -> dict[str, float]:
    """US$ of a month in which every metric has data in every hour, without what is paid by the event."""
    idle = idle_month(**parameters)
    fixed = {name: idle[name] for name in ("Alarms", "KMS", "Dashboard") if name in idle}
    return {"Custom metrics": len([*Count, *Duration]) * PRICE["custom_metric_month"]} | fixed


def alarm_metrics(alarm: Mapping[str, Any]) -> int:
    """How many metrics an alarm looks at, which is what it is priced by."""
    return sum("MetricStat" in one for one in alarm["Metrics"]) if "Metrics" in alarm else 1


def _of_resource(name: str, kind: str, properties: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    match kind:
        case "AWS::KMS::Key":
            # In its first year. Its first and its second rotation add as much each (prices.json).
            yield "KMS", PRICE["kms_key_month"]
        case "AWS::CloudWatch::Alarm":
            yield "Alarms", alarm_metrics(properties) * PRICE["alarm_metric_month"]
        case "AWS::CloudWatch::Dashboard":
            yield "Dashboard", PRICE["dashboard_month"]
        case "AWS::Serverless::Function":
            yield from _of_function(name, properties)
        case _ if kind not in FREE_AT_REST:
            raise ValueError(f"{name}: what does a {kind} cost?")


def _of_function(name: str, function: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    for event in function.get("Events", {}).values():
        match event["Type"]:
            case "SQS":
                polls = ASSUMED["polls_a_minute"] * MONTH_MINUTES
                yield "SQS", polls * PRICE["sqs_million_requests"] / MILLION
            case "Schedule" if name == "RetryDueFunction":
                settings = template()["Globals"]["Function"] | function
                yield from _of_sweeps(settings, _runs_a_month(event["Properties"]["Schedule"]))
            case kind if kind != "Api":
                raise ValueError(f"{name}: what does {kind} cost?")


def _of_sweeps(function: Mapping[str, Any], runs: float) -> Iterator[tuple[str, float]]:
    """With nothing due: a query of each shard, one after the other."""
    seconds = DUE_SHARDS * (ASSUMED["aws_call_ms"] + ASSUMED["processor_ms_of_a_call"]) / 1000
    logged = ASSUMED["log_bytes_of_an_invocation"] + ASSUMED["log_bytes_of_a_sweep"]
    yield "Lambda", lambda_price(runs, runs * seconds, function["MemorySize"])
    yield "DynamoDB", dynamodb_price(runs * DUE_SHARDS * _EMPTY_QUERY_READ_UNITS, 0)
    yield "KMS", runs * ASSUMED["kms_requests_of_a_sweep"] * PRICE["kms_million_requests"] / MILLION
    yield "Logs", runs * logged / GB * PRICE["logs_gb"]
    if function["Tracing"] == "Active":
        yield "X-Ray", runs * PRICE["xray_million_traces"] / MILLION


def _runs_a_month(schedule: str) -> float:
    rate = re.fullmatch(r"rate\((\d+) minutes?\)", schedule)
    if rate is None:
        raise ValueError(f"how often is {schedule}?")
    return MONTH_MINUTES / int(rate[1])
