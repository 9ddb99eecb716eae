"""Metrics as CloudWatch reads them in a function's log."""

import json
from collections import defaultdict
from typing import Any

from storehooks.flows.meter import NAMESPACE

MAX_VALUES = 100
"""As many as CloudWatch takes of one metric in one line."""


def lines(log: str) -> list[dict[str, Any]]:
    """The lines of a log that are in the embedded metric format."""
    return [json.loads(line) for line in log.splitlines() if line.startswith('{"_aws":')]


def metrics(log: str, service: str) -> dict[str, list[float]]:
    """The values of each metric in a log, which has to name this service and nothing else."""
    found: dict[str, list[float]] = defaultdict(list)
    for line in lines(log):
        (definition,) = line["_aws"]["CloudWatchMetrics"]
        names = [metric["Name"] for metric in definition["Metrics"]]
        assert (definition["Namespace"], definition["Dimensions"]) == (NAMESPACE, [["service"]])
        assert set(line) == {"_aws", "service", *names}
        assert line["service"] == service
        for name in names:
            assert 1 <= len(line[name]) <= MAX_VALUES
            found[name] += line[name]
    return dict(found)
