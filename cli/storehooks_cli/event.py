"""storehooks event: publishing from a shell, and what can be published."""

import json
import sys
import time
import zlib
from typing import TYPE_CHECKING, Annotated, Any

import typer

from storehooks.api.strict_json import RefusedJsonError, strict_json
from storehooks.domain.errors import InvalidRequestError, QueueFailedError
from storehooks.domain.event import DATA_ACCEPTED
from storehooks.domain.scope import published
from storehooks_cli.connection import ApiOptions, connected
from storehooks_cli.options import Json, StackOptions, StoreHash, complete_event_scope, unfolded
from storehooks_cli.output import fail, failures_said, print_json, print_table

if TYPE_CHECKING:
    from storehooks_cli.store_hooks import StoreHooks

app = typer.Typer(no_args_is_help=True, help="Events: publish them, and list their scopes.")

_SOURCE = "storehooks.cli"


@app.command("send")
@unfolded
def send_event(
    deployment: StackOptions,
    store_hash: StoreHash,
    scope: Annotated[
        str | None,
        typer.Argument(
            metavar="SCOPE",
            autocompletion=complete_event_scope,
            help="What happened, such as store/order/created.",
            show_default=False,
        ),
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(
            metavar="JSON",
            help="What it happened to; - reads it from standard input. The catalogue's example if left out.",
            show_default=False,
        ),
    ] = None,
    event_id: Annotated[
        str | None,
        typer.Option(
            "--id",
            metavar="ID",
            help="The event's id. For a day, what this command publishes again with it is not sent.",
        ),
    ] = None,
    store_id: Annotated[
        str | None,
        typer.Option(
            metavar="NUMBER",
            help="The store's number; one made of its hash if left out.",
            show_default=False,
        ),
    ] = None,
    created_at: Annotated[
        int | None, typer.Option(metavar="SECONDS", help="When it happened, since 1970; now if left out.")
    ] = None,
    former_scope: Annotated[str | None, typer.Option("--scope", metavar="SCOPE", hidden=True)] = None,
    as_json: Json = False,
) -> None:
    """Publish an event of a store, by way of the event bus, and show how many hooks it is sent to."""
    from storehooks.api.event_input import NewBusEvent

    if scope is None and former_scope is None:
        raise typer.BadParameter("SCOPE is missing; it says what happened, such as store/order/created")
    if scope is not None and former_scope is not None:
        raise typer.BadParameter("SCOPE is needed once: what happened, such as store/order/created")
    scope = scope or former_scope or ""
    given = {"id": event_id, "created_at": created_at}
    detail = {
        "store_hash": store_hash,
        "store_id": str(zlib.crc32(store_hash.encode())) if store_id is None else store_id,
        "data": _data(scope, data),
        **{name: value for name, value in given.items() if value is not None},
    }
    try:
        NewBusEvent.parse({"scope": scope, **detail})
    except InvalidRequestError as error:
        raise typer.BadParameter(
            "; ".join(
                f"{_option(problem.field)} {problem.reason}, accepted: {problem.accepted}"
                for problem in error.problems
            )
        ) from None
    stack = deployment.find()
    bus = stack.event_bus()
    with failures_said():
        matching = _matching(stack.hooks(), scope, detail)
    try:
        bus_id = bus.put(_SOURCE, scope, detail)
    except QueueFailedError as error:
        fail(f"EventBridge failed with {error.code}; whether the event was published is unknown")
    event_id = event_id or bus_id
    if as_json:
        print_json({"id": event_id, "scope": scope, "hooks": matching})
    else:
        hooks = "1 hook" if matching == 1 else f"{matching} hooks"
        print_table(["EVENT ID", "SCOPE", "SENT TO"], [[event_id, scope, hooks]])


def _option(field: str) -> str:
    """How a field of an event is given."""
    return "SCOPE" if field == "scope" else f"--{field.replace('_', '-')}"


def _matching(hooks: "StoreHooks", scope: str, detail: dict[str, Any]) -> int:
    """How many of the store's hooks would be sent the event, as they are now."""
    from storehooks.api.event_envelope import from_envelope
    from storehooks.api.iso_time import to_iso
    from storehooks.domain.exact_json import dumps
    from storehooks.domain.explanation import explain

    now = to_iso(int(time.time() * 1_000_000))
    event = from_envelope(
        dumps({"id": "not-published", "client": "", "detail-type": scope, "time": now, "detail": detail})
    )
    callback = event.callback()
    return sum(
        explain(hook, scope, callback).code is None
        for page in hooks.pages(detail["store_hash"])
        for hook in page
    )


@app.command("explain")
@unfolded
def explain_event(
    api_options: ApiOptions,
    scope: Annotated[
        str,
        typer.Option(
            metavar="SCOPE",
            autocompletion=complete_event_scope,
            help="The event's scope, such as store/order/created.",
        ),
    ],
    data: Annotated[
        str | None,
        typer.Option(
            metavar="JSON",
            help="Its data; - reads it from standard input. The example of the catalogue if left out.",
            show_default=False,
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Show which of the client's hooks would get an event, and why the others would not.

    Nothing is published.
    """
    event = {"scope": scope, "data": _data(scope, data)}
    with connected(api_options) as api:
        explanations = api.post("events/explain", "", event)["data"]
    if as_json:
        print_json(explanations)
    else:
        rows = [
            [str(one["hook_id"]), "yes" if one["is_sent"] else f"no: {one['code']}", one["reason"] or ""]
            for one in explanations
        ]
        print_table(["HOOK", "SENT", "REASON"], rows)


@app.command("list-scopes")
def list_scopes(
    prefix: Annotated[
        str,
        typer.Argument(
            metavar="PREFIX",
            autocompletion=complete_event_scope,
            help="Only those that begin so, such as store/order.",
            show_default=False,
        ),
    ] = "",
    as_json: Json = False,
) -> None:
    """List the scopes that events can have, with an example of each one's data."""
    scopes = {scope: entry for scope, entry in published().items() if scope.startswith(prefix)}
    if as_json:
        print_json(
            [
                {"scope": scope, **{name: entry.get(name) for name in ("type", "since", "example")}}
                for scope, entry in scopes.items()
            ]
        )
    else:
        rows = [[scope, json.dumps(entry["example"])] for scope, entry in scopes.items()]
        print_table(["SCOPE", "EXAMPLE"], rows)


def _data(scope: str, given: str | None) -> Any:
    """An event's data: what was given, or the catalogue's example of its scope."""
    if given is not None:
        return _value(given)
    if scope not in published():
        raise typer.BadParameter(
            f"{scope!r} is not the scope of an event; `storehooks event list-scopes` has them all"
        )
    return published()[scope]["example"]


def _value(data: str) -> Any:
    """The value of --data."""
    try:
        return strict_json(sys.stdin.buffer.read() if data == "-" else data)
    except RefusedJsonError as error:
        raise typer.BadParameter(f"--data {error}, accepted: {DATA_ACCEPTED}") from None
