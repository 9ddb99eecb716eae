"""What calls the functions, and what they run on: event sources, loops, concurrency, runtime and layer."""

from storehooks_cli.concurrency import Parameters, fitting
from storehooks_cli.doctor.check import Check, Finding, Subject, failed, ok
from storehooks_cli.template import read_template

_UPDATE_ON = "FunctionUpdate"
_SCHEDULE = "RetryDueFunctionEachMinute"
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
        short = rule.rpartition("|")[2]
        states[name] = events.describe_rule(Name=short, EventBusName=bus)["State"]
        if not events.list_targets_by_rule(Rule=short, EventBusName=bus)["Targets"]:
            states[name] = "without a target"
    if off := {name: state for name, state in states.items() if state.upper() != "ENABLED"}:
        return failed(_listed(off), "enable them again, or deploy the stack again; until then nothing passes")
    return ok(f"enabled, and each rule has a target: {', '.join(states)}")


def recursive_loop(subject: Subject) -> Finding:
    """Whether Lambda lets the functions that are part of a loop go on."""
    functions = subject.client("lambda")
    found = {
        name: functions.get_function_recursion_config(FunctionName=f"{subject.stack.name}-{name}")[
            "RecursiveLoop"
        ]
        for name in _looping()
    }
    if any(value != "Allow" for value in found.values()):
        return failed(
            _listed(found),
            f"{_DEPLOY}, with RecursiveLoop: Allow; otherwise Lambda stops them after about 16 invocations",
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
    return ok(f"{found}, updated only with a deployment")


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


CHECKS = [
    Check("event sources", event_sources),
    Check("recursive loop", recursive_loop, "the local AWS stops no loops"),
    Check("account concurrency", account_concurrency, "the local AWS does not limit executions"),
    Check("runtime", runtime, "the local AWS has no runtimes of its own"),
    Check("layer architecture", layer, "the local layer is built for this machine"),
]


def _looping() -> list[str]:
    """The functions that invoke themselves again, which the template allows."""
    functions = [one["Properties"] for one in read_template()["Resources"].values()]
    return [
        one["FunctionName"].removeprefix("${AWS::StackName}-")
        for one in functions
        if one.get("RecursiveLoop") == "Allow"
    ]


def _listed(values: dict[str, str]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items())
