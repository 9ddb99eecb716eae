"""storehooks event: publishing from a shell, and what can be published."""

import json
import sys
from typing import Annotated, Any

import typer

from storehooks.api.strict_json import RefusedJsonError, strict_json
from storehooks.domain.errors import InvalidRequestError, QueueFailedError
from storehooks.domain.event import DATA_ACCEPTED
from storehooks.domain.scope import published
from storehooks_cli.connection import ApiOptions, connected
from storehooks_cli.options import Json, StackOptions, StoreHash, complete_event_scope, unfolded
from storehooks_cli.output import fail, print_json, print_table

app = typer.Typer(no_args_is_help=True, help="Events: publish them, and list their scopes.")

_SOURCE = "storehooks.cli"


@app.command("send")
@unfolded
def send_event(
    deployment: StackOptions,
    store_hash: StoreHash,
    scope: Annotated[
        str,
        typer.Option(
            metavar="SCOPE",
            autocompletion=complete_event_scope,
            help="What happened, such as store/order/created.",
        ),
    ],
    data: Annotated[
        str, typer.Option(metavar="JSON", help="What it happened to; - reads it from standard input.")
    ],
    event_id: Annotated[
        str | None,
        typer.Option(
            "--id",
            metavar="ID",
            help="The event's id. For a day, what this command publishes again with it is not sent.",
        ),
    ] = None,
    store_id: Annotated[str | None, typer.Option(metavar="NUMBER", help="The store's number.")] = None,
    created_at: Annotated[
        int | None, typer.Option(metavar="SECONDS", help="When it happened, since 1970; now if left out.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Publish an event of a store, by way of the event bus."""
    from storehooks.api.event_input import NewBusEvent

    given = {"id": event_id, "store_id": store_id, "created_at": created_at}
    detail = {
        "store_hash": store_hash,
        "data": _value(data),
        **{name: value for name, value in given.items() if value is not None},
    }
    try:
        NewBusEvent.parse({"scope": scope, **detail})
    except InvalidRequestError as error:
        raise typer.BadParameter(
            "; ".join(
                f"--{problem.field.replace('_', '-')} {problem.reason}, accepted: {problem.accepted}"
                for problem in error.problems
            )
        ) from None
    stack = deployment.find()
    try:
        bus_id = stack.event_bus().put(_SOURCE, scope, detail)
    except QueueFailedError as error:
        fail(f"EventBridge failed with {error.code}; whether the event was published is unknown")
    published = {"id": event_id or bus_id, "scope": scope}
    if as_json:
        print_json(published)
    else:
        print_table(["EVENT ID", "SCOPE"], [list(published.values())])


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
    if data is None and scope not in published():
        raise typer.BadParameter("--data is required: the catalogue has no example for this scope")
    event = {"scope": scope, "data": published()[scope]["example"] if data is None else _value(data)}
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


def _value(data: str) -> Any:
    """The value of --data."""
    try:
        return strict_json(sys.stdin.buffer.read() if data == "-" else data)
    except RefusedJsonError as error:
        raise typer.BadParameter(f"--data {error}, accepted: {DATA_ACCEPTED}") from None
