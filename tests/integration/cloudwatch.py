"""CloudWatch's alarms, as the template defines them, over the metrics of a test's world."""

import math
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from tests.template_file import EMAIL_SENDER, deployed, parameter, template

ALARMS: dict[str, dict[str, Any]] = {
    name: resource["Properties"]
    for name, resource in deployed(EmailSender=EMAIL_SENDER).items()
    if resource["Type"] == "AWS::CloudWatch::Alarm"
}


class Metrics:
    """The values of metrics over time, by namespace, name and the resource that they are of."""

    def __init__(self) -> None:
        self._values: dict[tuple[str, str, str], list[tuple[float, float]]] = defaultdict(list)

    def put(self, namespace: str, name: str, resource: str, at: float, *values: float) -> None:
        """Values of a metric at a time, in seconds since 1970."""
        self._values[namespace, name, resource] += [(at, value) for value in values]

    def alarms(self, since: float, until: float) -> set[str]:
        """The alarms that go off in this time."""
        return {name for name, alarm in ALARMS.items() if self._goes_off(alarm, since, until)}

    def _goes_off(self, alarm: dict[str, Any], since: float, until: float) -> bool:
        periods = int(value_of(alarm["EvaluationPeriods"]))
        needed = alarm.get("DatapointsToAlarm", periods)
        breaches = [self._breaches(alarm, value) for value in self._datapoints(alarm, since, until)]
        return any(sum(breaches[end - periods : end]) >= needed for end in range(periods, len(breaches) + 1))

    def _datapoints(self, alarm: dict[str, Any], since: float, until: float) -> Iterator[float | None]:
        period = alarm["Period"] if "Period" in alarm else alarm["Metrics"][0]["MetricStat"]["Period"]
        for start in range(math.ceil(since / period) * period, int(until) - period + 1, period):
            if "MetricName" in alarm:
                yield self._statistic(alarm, alarm["Statistic"], start, period)
            else:
                yield self._expression(alarm, start, period)

    def _statistic(self, metric: dict[str, Any], statistic: str, start: int, period: int) -> float | None:
        (dimension, *_) = metric["Dimensions"]
        resource = dimension["Value"]
        name = resource["Fn::GetAtt"][0] if "Fn::GetAtt" in resource else resource["Ref"]
        key = metric["Namespace"], metric["MetricName"], "" if name == "AWS::StackName" else name
        values = [value for at, value in self._values[key] if start <= at < start + period]
        if not values:
            return None
        match statistic:
            case "Sum":
                return sum(values)
            case "Maximum":
                return max(values)
            case "p95":
                return sorted(values)[math.ceil(0.95 * len(values)) - 1]
        raise AssertionError(f"unknown statistic {statistic}")

    def _expression(self, alarm: dict[str, Any], start: int, period: int) -> float | None:
        inputs = {
            one["Id"]: self._statistic(one["MetricStat"]["Metric"], one["MetricStat"]["Stat"], start, period)
            for one in alarm["Metrics"][:-1]
        }
        there = [value for value in inputs.values() if value is not None]
        if not there:
            return None
        functions = {
            "SUM": sum,
            "METRICS": lambda: there,
            "FILL": lambda value, other: other if value is None else value,
            "IF": lambda condition, then, otherwise: then if condition else otherwise,
        }
        expression = value_of(alarm["Metrics"][-1]["Expression"])
        return eval(expression, {"__builtins__": {}}, functions | inputs)  # noqa: S307 - the template's own

    @staticmethod
    def _breaches(alarm: dict[str, Any], value: float | None) -> bool:
        if value is None:
            return alarm["TreatMissingData"] == "breaching"
        threshold = float(value_of(alarm["Threshold"]))
        match alarm["ComparisonOperator"]:
            case "GreaterThanOrEqualToThreshold":
                return value >= threshold
            case "LessThanThreshold":
                return value < threshold
        raise AssertionError(f"unknown comparison {alarm['ComparisonOperator']}")


def value_of(value: Any) -> str:
    """A value of the template in a deployment that sets no parameter."""
    if isinstance(value, dict):
        if "Ref" in value:
            return parameter(value["Ref"])
        value = value["Fn::Sub"]
        for name in template()["Parameters"]:
            value = value.replace(f"${{{name}}}", parameter(name))
    return str(value)
