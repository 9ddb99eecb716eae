"""What calls the functions, and what they run on: loops, concurrency, the runtime, the layer, the sweep."""

import json
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

from storehooks_cli.concurrency import Parameters, fitting
from storehooks_cli.doctor.check import Check, Finding, Subject, failed, not_checked, ok

_LOOPS = ("deliver", "match_events")
"""Functions that lead to invocations of themselves."""
_UPDATE_ON = "FunctionUpdate"
_SCHEDULE = "RetryDueFunctionEachMinute"
# A sweep a minute, which may begin half a minute late on a new stack or show its line so late.
_SWEEP_SECONDS = 90
_SWEEP_MAX_AGE_SECONDS = 90
_POLL_SECONDS = 2
_DEPLOY = "deploy this version of the template"


def event_sources(subject: Subject) -> Finding:
    """Whether the queues have their readers, and the bus and the schedule their targets."""
    functions, events = subject.client("lambda"), subject.client("events")
    states = {}
    for name, mapping in subject.resources("AWS::Lambda::EventSourceMapping").items():
        states[name] = functions.get_event_source_mapping(UUID=mapping)["State"]
    for name, rule in subject.resources("AWS::Events::Rule").items():
        # On a bus of its own CloudFormation names a rule with it: bus|rule.
        bus = "default" if name == _SCHEDULE else subject.stack.output("EventBusName")
        states[name] = events.describe_rule(Name=rule.rpartition("|")[2], EventBusName=bus)["State"]
    if off := {name: state for name, state in states.items() if state.upper() != "ENABLED"}:
        return failed(_listed(off), "enable them again, or deploy the stack again; until then nothing passes")
    return ok(f"enabled: {', '.join(states)}")


def recursive_loop(subject: Subject) -> Finding:
    """Whether Lambda lets the functions that are part of a loop go on."""
    functions = subject.client("lambda")
    found = {
        name: functions.get_function_recursion_config(FunctionName=f"{subject.stack.name}-{name}")[
            "RecursiveLoop"
        ]
        for name in _LOOPS
    }
    if any(value != "Allow" for value in found.values()):
        return failed(
            _listed(found),
            f"{_DEPLOY}, with RecursiveLoop: Allow; else Lambda ends retries and recoveries after 16 rounds",
        )
    return ok(_listed(found))


def account_concurrency(subject: Subject) -> Finding:
    """Whether the account has the executions that the parameters ask for."""
    available = subject.client("lambda").get_account_settings()["AccountLimit"][
        "UnreservedConcurrentExecutions"
    ]
    wanted = Parameters.of(subject.stack.parameters)
    found = f"the parameters allow {wanted.needed} executions at once, the account {available}"
    if wanted.needed <= available:
        return ok(found)
    fits = fitting(available, wanted)
    raise_it = "ask AWS for a higher quota (Service Quotas, Lambda, concurrent executions)"
    return failed(found, raise_it if fits is None else f"deploy with {fits}, or {raise_it}")


def runtime(subject: Subject) -> Finding:
    """Whether the runtime stays as it is until the next deployment."""
    functions = subject.client("lambda")
    policies: dict[str, str] = {}
    versions: set[str] = set()
    for name, configuration in subject.functions.items():
        policies[name] = functions.get_runtime_management_config(FunctionName=configuration["FunctionName"])[
            "UpdateRuntimeOn"
        ]
        arn = configuration.get("RuntimeVersionConfig", {}).get("RuntimeVersionArn", "unknown")
        versions.add(f"{configuration['Runtime']} {arn.rpartition(':')[2][:12]}")
    found = f"{', '.join(sorted(versions))} in {len(policies)} functions"
    if others := {name: policy for name, policy in policies.items() if policy != _UPDATE_ON}:
        return failed(
            f"{found}; updated without a deployment: {_listed(others)}",
            f"{_DEPLOY}, with RuntimeManagementConfig: {{UpdateRuntimeOn: {_UPDATE_ON}}}",
        )
    return ok(f"{found}, updated with a deployment alone")


def layer(subject: Subject) -> Finding:
    """Whether all functions have one layer, which is for their architecture."""
    functions = subject.client("lambda")
    layers = {one["Arn"] for each in subject.functions.values() for one in each.get("Layers", [])}
    architectures = {name for each in subject.functions.values() for name in each["Architectures"]}
    found = f"functions: {', '.join(sorted(architectures))}"
    if len(layers) != 1:
        return failed(f"{found}; layers: {', '.join(sorted(layers)) or 'none'}", "deploy the stack again")
    compatible = functions.get_layer_version_by_arn(Arn=layers.pop()).get("CompatibleArchitectures", [])
    found += f"; layer: {', '.join(sorted(compatible)) or 'none named'}"
    if not architectures <= set(compatible):
        return failed(found, "deploy again with an Architecture that the layer has")
    return ok(found)


def retry_sweep(subject: Subject, until: float) -> Finding:
    """Whether the sweep ran lately; on a new stack, the first one is waited for.

    :param until: how long to wait, on the monotonic clock.
    """
    if hidden := _hidden(subject):
        return hidden
    line = _last_sweep(subject, until)
    if line is None:
        return failed(
            f"no sweep in the last {_SWEEP_MAX_AGE_SECONDS} s",
            f"see docs/runbook.md#retryduealarm, and the log {_log_group(subject)}",
        )
    at = datetime.fromisoformat(line["timestamp"])
    age = (datetime.now(UTC) - at).total_seconds()
    found = f"the last sweep ended {age:.0f} s ago and handed on {line['handed_on']} retries"
    if not line.get("is_whole", True):
        return failed(
            f"{found}; calls to AWS failed in it",
            f"see docs/runbook.md#callsfailedalarm, and the log {_log_group(subject)}",
        )
    return ok(found)


def botocore(subject: Subject) -> Finding:
    """Which botocore the functions import, and whether it is newer than what the tests ran with."""
    if hidden := _hidden(subject):
        return hidden
    line = _last_sweep(subject, time.monotonic())
    if line is None or "botocore" not in line:
        return not_checked(
            "no line of the sweep's log names it", "see the check retry sweep; older versions do not log it"
        )
    tested, imported = version("botocore"), line["botocore"]
    found = f"retry_due imports botocore {imported}; the tests ran with {tested}"
    if _numbers(imported) > _numbers(tested):
        return ok(found, "newer than tested: run make lock and the tests when you deploy next")
    return ok(found)


def waiting_checks(started: float) -> list[Check]:
    """The checks that need a sweep, which may have to be waited for.

    :param started: when the doctor began, on the monotonic clock.
    """
    until = started + _SWEEP_SECONDS
    return [
        Check("retry sweep", lambda subject: retry_sweep(subject, until)),
        Check("botocore", botocore),
    ]


CHECKS = [
    Check("event sources", event_sources),
    Check("recursive loop", recursive_loop, "the local AWS stops no loops"),
    Check("account concurrency", account_concurrency, "the local AWS does not limit executions"),
    Check("runtime", runtime, "the local AWS has no runtimes of its own"),
    Check("layer architecture", layer, "the local layer is built for this machine"),
]


def _hidden(subject: Subject) -> Finding | None:
    """Why the sweeps' lines are not in the log; None if they are."""
    level = subject.stack.parameters.get("LogLevel", "INFO")
    if level in {"DEBUG", "INFO"}:
        return None
    return not_checked(f"with LogLevel={level} sweeps are not logged", "deploy with LogLevel=INFO to see it")


def _last_sweep(subject: Subject, until: float) -> dict[str, Any] | None:
    """What the newest sweep logged; None if none does so in time."""
    while True:
        lines = list(_sweeps(subject))
        if lines or time.monotonic() >= until:
            return max(lines, key=lambda line: line["timestamp"], default=None)
        time.sleep(_POLL_SECONDS)


def _sweeps(subject: Subject) -> Iterable[dict[str, Any]]:
    pages = subject.client("logs").get_paginator("filter_log_events")
    since = int((time.time() - _SWEEP_MAX_AGE_SECONDS) * 1000)
    for page in pages.paginate(logGroupName=_log_group(subject), startTime=since, filterPattern='"swept"'):
        for event in page["events"]:
            line = json.loads(event["message"])
            if line.get("message") == "swept":
                yield line


def _log_group(subject: Subject) -> str:
    return subject.resource("RetryDueLogGroup")


def _listed(values: dict[str, str]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items())


def _numbers(version_: str) -> tuple[int, ...]:
    return tuple(int(number) for number in version_.split(".") if number.isdecimal())
