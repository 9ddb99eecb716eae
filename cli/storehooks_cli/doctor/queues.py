"""The queues: dead letters, and how long the oldest message has waited."""

import time
from typing import Any

from storehooks_cli.doctor.check import Check, Finding, Subject, failed, not_checked, ok

_METRIC_SECONDS = 15 * 60
"""An idle queue's metrics may start so late."""
# Each queue that functions read, with the parameter from which its alarm goes off.
_READ = {"EventsQueue": "EventsAgeAlarmSeconds", "DeliveriesQueue": "DeliveriesAgeAlarmSeconds"}
_COUNTS = (
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
)


def dead_letters(subject: Subject) -> Finding:
    """How many messages each dead-letter queue has."""
    queues = subject.resources("AWS::SQS::Queue")
    counts = {name: messages(subject, url) for name, url in queues.items() if name.endswith("DeadLetters")}
    found = ", ".join(f"{name} {count}" for name, count in counts.items())
    if any(counts.values()):
        return failed(
            found,
            f"{subject.to_type('dlq', 'list')} shows them with their reasons; "
            "docs/runbook.md#eventsdeadlettersalarm says how to try them again",
        )
    return ok(found)


def oldest_message(subject: Subject) -> Finding:
    """How long the oldest message of each queue has waited for its function."""
    ages: dict[str, float] = {}
    unknown: list[str] = []
    for name in _READ:
        url = subject.resource(name)
        points = _ages(subject, url.rpartition("/")[2])
        if points:
            ages[name] = points[-1]
        elif messages(subject, url):
            unknown.append(name)
        else:
            ages[name] = 0
    found = ", ".join(f"{name} {age:.0f} s" for name, age in ages.items())
    late = [name for name, age in ages.items() if age >= int(subject.stack.parameters[_READ[name]])]
    if late:
        return failed(found, f"see docs/runbook.md#{late[0].removesuffix('Queue').lower()}agealarm")
    if unknown:
        return not_checked(
            "; ".join(filter(None, [found, f"no metric yet of {', '.join(unknown)}"])),
            "run the doctor again in 15 minutes: metrics of an idle queue start so late",
        )
    return ok(found)


CHECKS = [
    Check("dead letters", dead_letters),
    Check("age of the oldest message", oldest_message, "the local AWS has no metrics of queues"),
]


def messages(subject: Subject, url: str) -> int:
    """How many messages a queue has, whoever can receive them now."""
    attributes = subject.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=[*_COUNTS])
    return sum(int(attributes["Attributes"][name]) for name in _COUNTS)


def _ages(subject: Subject, queue: str) -> list[float]:
    """The oldest message's age in seconds, minute by minute; empty while there is no metric."""
    now = time.time()
    points: list[dict[str, Any]] = subject.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/SQS",
        MetricName="ApproximateAgeOfOldestMessage",
        Dimensions=[{"Name": "QueueName", "Value": queue}],
        StartTime=now - _METRIC_SECONDS,
        EndTime=now,
        Period=60,
        Statistics=["Maximum"],
    )["Datapoints"]
    return [point["Maximum"] for point in sorted(points, key=lambda point: point["Timestamp"])]
