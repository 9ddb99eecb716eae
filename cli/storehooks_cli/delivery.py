"""storehooks delivery: what became of a hook's events, by way of the API."""

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from storehooks.domain.delivery import MAX_STORED_ATTEMPTS, Status, is_delivery_id
from storehooks.domain.errors import InvalidValueError
from storehooks_cli.connection import ApiOptions, connected, hook_named
from storehooks_cli.hook import attempt_fields
from storehooks_cli.options import Json, parser, unfolded
from storehooks_cli.output import json_text, print_fields, print_json, print_table, printable, progress, say
from storehooks_cli.times import local_time, relative_time

app = typer.Typer(no_args_is_help=True, help="Deliveries: list and show them, and send them again.")


def _check_delivery_id(text: str) -> str:
    if not is_delivery_id(text):
        raise InvalidValueError("is no delivery id", "msg_ and 32 hexadecimal digits")
    return text


HookOption = Annotated[int, typer.Option("--hook", min=1, metavar="ID", help="The hook's id.")]
_DeliveryId = Annotated[
    str,
    typer.Argument(
        parser=parser(_check_delivery_id),
        metavar="DELIVERY_ID",
        help="The delivery's id, which its webhook-id is too.",
        show_default=False,
    ),
]


@app.command("list")
@unfolded
def list_deliveries(
    api_options: ApiOptions,
    hook_id: HookOption,
    status: Annotated[Status | None, typer.Option(help="Only those with this status.")] = None,
    find: Annotated[
        str | None,
        typer.Option(metavar="ID", help="Only those of events with this id, or with this data.id."),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many at most.")] = 50,
    as_json: Json = False,
) -> None:
    """List a hook's deliveries, the newest first."""
    with connected(api_options) as api, progress("reading deliveries", limit) as tell:
        found = []
        for delivery in api.deliveries(hook_id, status, limit + 1, find):
            found.append(delivery)
            tell(len(found))
    deliveries = found[:limit]
    if as_json:
        print_json(deliveries)
    else:
        print_table(
            ["ID", "SCOPE", "STATUS", "CREATED", "ATTEMPTS", "NEXT ATTEMPT", "LAST ERROR"],
            [_row(delivery) for delivery in deliveries],
        )
    if len(found) > limit:
        say(f"there are more than these {limit}; --limit shows more of them")


@app.command("show")
@unfolded
def show_delivery(
    api_options: ApiOptions, hook_id: HookOption, delivery_id: _DeliveryId, as_json: Json = False
) -> None:
    """Show a delivery with its newest 40 attempts, the responses and the payload."""
    with connected(api_options) as api:
        delivery = api.get(_path(hook_id, delivery_id), _named(hook_id, delivery_id))
    if as_json:
        print_json(delivery)
        return
    _print(delivery)
    attempts, count = delivery["attempts"], _attempt_count(delivery)
    for position, attempt in enumerate(attempts, 1):
        typer.echo("\nattempt" if count is None else f"\nattempt {count - len(attempts) + position}")
        print_fields(attempt_fields(attempt))
    typer.echo("\npayload")
    for line in json_text(delivery["payload"], in_ascii=False, margin="\n").split("\n"):
        typer.echo(printable(line))


@app.command("redeliver")
@unfolded
def redeliver(
    api_options: ApiOptions, hook_id: HookOption, delivery_id: _DeliveryId, as_json: Json = False
) -> None:
    """Send a delivery again, by a new round of the retry schedule.

    One that is being retried has its next attempt now. The hook has to be active.
    """
    with connected(api_options) as api:
        delivery = api.post(f"{_path(hook_id, delivery_id)}/redeliver", _named(hook_id, delivery_id))
    if as_json:
        print_json(delivery)
    else:
        _print(delivery)


def _path(hook_id: int, delivery_id: str) -> str:
    return f"hooks/{hook_id}/deliveries/{delivery_id}"


def _named(hook_id: int, delivery_id: str) -> str:
    return f"delivery {delivery_id} of a {hook_named(hook_id)}"


def _row(delivery: dict[str, Any]) -> list[str]:
    attempts = delivery["attempts"]
    return [
        delivery["id"],
        delivery["scope"],
        delivery["status"],
        local_time(delivery["created_at"]),
        _attempts(delivery),
        _next_attempt(delivery),
        (attempts[-1]["error"] if attempts else None) or "",
    ]


def _print(delivery: dict[str, Any]) -> None:
    print_fields(
        {
            "id": delivery["id"],
            "event_id": delivery["event_id"],
            "scope": delivery["scope"],
            "status": delivery["status"],
            "created_at": local_time(delivery["created_at"]),
            "attempts": _attempts(delivery),
            "next attempt": _next_attempt(delivery) or "none",
        }
    )


def _attempts(delivery: dict[str, Any]) -> str:
    """How many attempts were made, as people see it."""
    count = _attempt_count(delivery)
    return f"{MAX_STORED_ATTEMPTS} or more" if count is None else str(count)


def _attempt_count(delivery: dict[str, Any]) -> int | None:
    """How many attempts were made in all; None if they may be more than the log keeps.

    Lists do not say it, nor does the API of an earlier release.
    """
    if "attempt_count" in delivery:
        return int(delivery["attempt_count"])
    stored = len(delivery["attempts"])
    return stored if stored < MAX_STORED_ATTEMPTS else None


def _next_attempt(delivery: dict[str, Any]) -> str:
    when = delivery["next_attempt_at"]
    return "" if when is None else relative_time(when, datetime.now(UTC))
