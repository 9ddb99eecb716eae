"""ministack, made to lose no messages and to deploy the template. A program for the Python of .venv-aws.

ministack works on a queue's messages in several threads, and some of it writes their list
anew while another thread changes it: what was added meanwhile is lost, what was deleted
comes back, and what was received is received twice. Here they take turns. This is for what
the template uses: SQS itself, event source mappings, and rules with a queue as their target.

Of what the template deploys it lacks two. A bus policy is kept as PutPermission would keep it.
An alarm over several metrics is kept with its actions, and does not go off by itself: nothing
here makes metrics of what functions write.

Its bus writes an entry's detail anew: 1.50 becomes 1.5, and of a member that is there twice the last one
is left. Here a queue gets the detail as it was published.

It does not tell a function by which host and path it was called. Here the local front does.

It unpacks and compiles the layer anew for every process of a function. Here they share one copy.

It takes requests from anyone. Here a guard stands before it, and functions have the key that lets
them in.
"""

import hashlib
import io
import json
import os
import sys
import tempfile
import threading
import time
import zipfile
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from types import FunctionType
from typing import Any

from ministack.core import lambda_runtime  # type: ignore[import-not-found]
from ministack.services import apigateway_v1, eventbridge, lambda_svc, sqs  # type: ignore[import-not-found]
from ministack.services.cloudformation import provisioners  # type: ignore[import-not-found]

# All that works on messages. ReceiveMessage does so through some of these, and waits between.
_ON_MESSAGES = {
    sqs: {
        "_act_change_visibility", "_act_change_visibility_batch", "_act_delete_message",
        "_act_delete_message_batch", "_act_purge_queue", "_act_send_message", "_collect_fifo",
        "_collect_msgs", "_delete_messages_for_esm", "_dlq_sweep", "_expire_retained", "_refresh_counts",
    },
    eventbridge: {"_dispatch_to_sqs"},
}  # fmt: skip

_PORT_OF_QUEUE_URLS = "4566"
_MINUTE = 60.0

_turn = threading.RLock()
_unpacking = threading.Lock()


def main() -> None:
    """Run ministack as its own command does."""
    for module, expected in _ON_MESSAGES.items():
        if {name for name, value in vars(module).items() if _works_on_messages(value)} != expected:
            sys.exit(f"{module.__name__} is not as in the version that requirements/aws.in names")
        for name in expected:
            _wrap(module, name, _in_turn)
    # Or it would wait for its turn with a lock of ministack's own, which another waits for in its turn.
    _wrap(sqs, "_receive_messages_for_esm", _in_turn)
    _wrap(sqs, "_ensure_msg_fields", _once_for_each_message)
    _wrap(sqs, "_expire_retained", _once_a_minute)
    # Or a message that is being moved to the dead letters could be in neither of the saved queues.
    _wrap(sqs, "get_state", _in_turn)
    actions = vars(sqs)["_HANDLERS"]
    actions.update({action: vars(sqs)[handler.__name__] for action, handler in actions.items()})
    _wrap(eventbridge, "_invoke_target", _with_detail_as_published)
    _wrap(apigateway_v1, "_build_lambda_event_v1", _with_domain)
    _wrap(lambda_svc, "_sqs_esm_concurrency", _with_numbers)
    _wrap(lambda_runtime.Worker, "_spawn", _with_shared_layers)
    _wrap(lambda_runtime, "execution_credentials", _with_key_of_this_start)
    _wrap(provisioners, "_cw_metric_alarm_record", _or_over_several_metrics)
    vars(provisioners)["_RESOURCE_HANDLERS"]["AWS::Events::EventBusPolicy"] = {
        "create": _create_bus_policy,
        "update": _update_bus_policy,
        "delete": _delete_bus_policy,
    }
    # Queues are kept by their URLs, which nobody connects to: the emulator's port may change.
    vars(sqs)["DEFAULT_PORT"] = _PORT_OF_QUEUE_URLS

    from ministack import app  # type: ignore[import-not-found]

    # Last, so that the package hides none of ministack's.
    sys.path.append(str(Path(__file__).parents[2]))
    from storehooks_cli.local.environment import ALLOWED_HOSTS
    from storehooks_cli.local.guard import Guard
    from storehooks_cli.local.hosts import parse_hosts

    app.app = Guard(app.app, os.environ["AWS_ACCESS_KEY_ID"], parse_hosts(os.environ[ALLOWED_HOSTS]))
    app.main()


def _works_on_messages(value: object) -> bool:
    return isinstance(value, FunctionType) and "messages" in value.__code__.co_consts


def _wrap(owner: Any, name: str, wrapper: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
    setattr(owner, name, wraps(vars(owner)[name])(wrapper(vars(owner)[name])))


def _in_turn[**P, T](function: Callable[P, T]) -> Callable[P, T]:
    def in_turn(*args: P.args, **kwargs: P.kwargs) -> T:
        with _turn:
            return function(*args, **kwargs)

    return in_turn


def _once_for_each_message(complete: Callable[[dict[str, Any]], None]) -> Callable[[dict[str, Any]], None]:
    """ministack completes each message of a queue whenever the queue is polled: 15 ms for 4,000 messages."""

    def once_for_each_message(message: dict[str, Any]) -> None:
        if "is_complete" not in message:
            complete(message)
            message["is_complete"] = True

    return once_for_each_message


def _once_a_minute(expire: Callable[[dict[str, Any]], None]) -> Callable[[dict[str, Any]], None]:
    """At each poll, too, ministack looks which messages of a queue are days old: 4 ms more."""
    looked_at: dict[str, float] = {}

    def once_a_minute(queue: dict[str, Any]) -> None:
        name, now = queue["attributes"]["QueueArn"], time.monotonic()
        if now - looked_at.get(name, -_MINUTE) >= _MINUTE:
            looked_at[name] = now
            expire(queue)

    return once_a_minute


def _with_detail_as_published(invoke: Callable[..., None]) -> Callable[..., None]:
    """ministack's delivery of an entry to a target; a queue gets the detail's own text."""

    def with_detail_as_published(
        target: dict[str, Any], event: dict[str, Any], rule: object, view: Any = None
    ) -> None:
        is_entry = view is not None and isinstance(view.event_with_detail()["detail"], dict)
        is_whole = not {"Input", "InputPath", "InputTransformer"} & target.keys()
        if is_entry and is_whole and target["Arn"].split(":")[2] == "sqs":
            envelope = json.dumps(view.envelope())
            target = {**target, "Input": f'{envelope[:-1]}, "detail": {event["Detail"]}}}'}
        invoke(target, event, rule, view)

    return with_detail_as_published


def _with_domain(build: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """What ministack hands a function of a request, with its host and the path that followed it.

    The front's address is that of the stage, as a custom domain's is.
    """

    def with_domain(*args: object, **kwargs: object) -> dict[str, Any]:
        event = build(*args, **kwargs)
        context, headers = (
            event["requestContext"],
            {name.lower(): text for name, text in event["headers"].items()},
        )
        if "x-forwarded-host" in headers:
            context |= {"domainName": headers["x-forwarded-host"], "path": event["path"]}
        else:
            context["domainName"] = headers.get("host", "")
        return event

    return with_domain


def _with_numbers(concurrency: Callable[..., int]) -> Callable[..., int]:
    """ministack leaves a template's numbers texts, over which its poller of the queues fails."""

    def with_numbers(mapping: dict[str, Any], *others: object) -> int:
        scaling = {name: int(value) for name, value in mapping.get("ScalingConfig", {}).items()}
        return concurrency({**mapping, "ScalingConfig": scaling}, *others)

    return with_numbers


def _with_key_of_this_start(credentials: Callable[..., dict[str, str]]) -> Callable[..., dict[str, str]]:
    """A function's credentials, whose key id would else be its account's number."""

    def with_key_of_this_start(config: dict[str, Any]) -> dict[str, str]:
        return {**credentials(config), "AWS_ACCESS_KEY_ID": os.environ["AWS_ACCESS_KEY_ID"]}

    return with_key_of_this_start


def _with_shared_layers(spawn: Callable[[Any], None]) -> Callable[[Any], None]:
    """ministack's worker of a function, started with the shared folders of its layers instead of its own."""

    def with_shared_layers(worker: Any) -> None:
        config = worker.config
        layers = [_shared(lambda_svc._resolve_layer_zip(layer)) for layer in config.get("Layers", [])]  # noqa: SLF001
        variables = config.get("Environment", {}).get("Variables", {})
        # As ministack passes them on to a worker that it has unpacked layers for.
        shared = {"Variables": {**variables, "_LAMBDA_LAYERS_DIRS": os.pathsep.join(map(str, layers))}}
        worker.config = {**config, "Layers": [], "Environment": shared}
        try:
            spawn(worker)
        finally:
            worker.config = config

    return with_shared_layers


def _shared(layer: bytes) -> Path:
    """The folder with what this layer holds, unpacked by the first who asks."""
    folder = Path(tempfile.gettempdir(), f"layer-{hashlib.sha256(layer).hexdigest()}")
    with _unpacking:
        if not folder.exists():
            unfinished = folder.with_suffix(".unfinished")
            zipfile.ZipFile(io.BytesIO(layer)).extractall(unfinished)
            unfinished.rename(folder)
    return folder


def _or_over_several_metrics(record: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """ministack's record of an alarm; that of one over several metrics names none, and is not looked at."""

    def over_several(name: str, properties: dict[str, Any]) -> dict[str, Any]:
        if "Metrics" not in properties:
            return record(name, properties)
        rest = {key: value for key, value in properties.items() if key != "Metrics"}
        alarm = record(name, {**rest, "Namespace": "none", "MetricName": "none"})
        return {key: value for key, value in alarm.items() if key not in {"Namespace", "MetricName"}}

    return over_several


def _create_bus_policy(
    _logical_id: str, properties: dict[str, Any], _stack_name: str
) -> tuple[str, dict[str, Any]]:
    bus, statement_id = properties["EventBusName"], properties["StatementId"]
    statement = properties["Statement"]
    if statement["Effect"] == "Allow":  # ministack knows no Deny, and would make an Allow of it
        allowed = {key: statement[key] for key in ("Principal", "Action")}
        vars(eventbridge)["_put_permission"]({"EventBusName": bus, "StatementId": statement_id, **allowed})
    return f"{bus}|{statement_id}", {}


def _update_bus_policy(
    physical_id: str, _old: dict[str, Any], properties: dict[str, Any], stack_name: str
) -> tuple[str, dict[str, Any]]:
    return _create_bus_policy(physical_id, properties, stack_name)


def _delete_bus_policy(_physical_id: str, properties: dict[str, Any]) -> None:
    vars(eventbridge)["_remove_permission"](properties)


if __name__ == "__main__":
    main()
