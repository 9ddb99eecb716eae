"""storehooks delivery: what became of a hook's events, by way of the API."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from http.client import NOT_FOUND
from typing import TYPE_CHECKING, Annotated, Any

import typer

from storehooks.domain.delivery import MAX_STORED_ATTEMPTS, Status, is_delivery_id
from storehooks.domain.errors import InvalidValueError
from storehooks_cli.connection import ApiOptions, connected, hook_named
from storehooks_cli.hook import attempt_fields
from storehooks_cli.options import Json, parser, unfolded
from storehooks_cli.output import (
    colour_of,
    fail,
    json_text,
    print_fields,
    print_json,
    print_line,
    print_table,
    printable,
    progress,
    say,
)
from storehooks_cli.times import local_time, relative_time

if TYPE_CHECKING:
    from storehooks_cli.api_client import Api

app = typer.Typer(no_args_is_help=True, help="Deliveries: list and show them, and send them again.")


def _check_delivery_id(text: str) -> str:
    if not is_delivery_id(text):
        raise InvalidValueError("is not a delivery id", "msg_ and 32 hexadecimal digits")
    return text


_FOLLOW_SECONDS = 2.0


def _check_status(text: str) -> str:
    if text not in [*Status]:
        accepted = f"{', '.join([*Status][:-1])} or {[*Status][-1]}"
        raise InvalidValueError(
            "is not a status", f"{accepted}. What failed is retrying, or exhausted in the end"
        )
    return text


HookId = Annotated[
    int | None, typer.Argument(min=1, metavar="HOOK_ID", help="The hook's id.", show_default=False)
]
FormerHookId = Annotated[int | None, typer.Option("--hook", min=1, metavar="ID", hidden=True)]
_HookOption = Annotated[
    int | None,
    typer.Option(
        "--hook",
        min=1,
        metavar="ID",
        help="The delivery's hook; it is looked for among the client's hooks if left out.",
        show_default=False,
    ),
]
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
    hook_id: HookId = None,
    status: Annotated[
        str | None,
        typer.Option(
            parser=parser(_check_status),
            metavar="STATUS",
            autocompletion=lambda incomplete: [one for one in Status if one.startswith(incomplete)],
            help=f"Only those with this status: {', '.join(Status)}.",
            show_default=False,
        ),
    ] = None,
    find: Annotated[
        str | None,
        typer.Option(metavar="ID", help="Only those of events with this id, or with this data.id."),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many at most.")] = 50,
    follow: Annotated[
        bool, typer.Option("--follow", help="Print what is new or has changed, until Ctrl-C.")
    ] = False,
    former_hook_id: FormerHookId = None,
    as_json: Json = False,
) -> None:
    """List a hook's deliveries, the newest first; with --follow the newest last, a line for each change."""
    hook_id = the_hook(hook_id, former_hook_id)
    with connected(api_options) as api:
        if follow:
            for delivery in _followed(api, hook_id, status, limit, find):
                if as_json:
                    typer.echo(json_text(delivery))
                else:
                    status_of_it = delivery["status"]
                    print_line(
                        (cell, colour_of(cell) if cell == status_of_it else None) for cell in _row(delivery)
                    )
        with progress("reading deliveries", limit) as tell:
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
    api_options: ApiOptions, delivery_id: _DeliveryId, hook_id: _HookOption = None, as_json: Json = False
) -> None:
    """Show a delivery with its newest 40 attempts, the responses and the payload."""
    with connected(api_options) as api:
        _, delivery = _found(api, hook_id, delivery_id)
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
    api_options: ApiOptions, delivery_id: _DeliveryId, hook_id: _HookOption = None, as_json: Json = False
) -> None:
    """Send a delivery again, by a new round of the retry schedule.

    One that is being retried has its next attempt now. The hook has to be active.
    """
    with connected(api_options) as api:
        if hook_id is None:
            hook_id, _ = _found(api, None, delivery_id)
        delivery = api.post(f"{_path(hook_id, delivery_id)}/redeliver", _named(hook_id, delivery_id))
    if as_json:
        print_json(delivery)
    else:
        _print(delivery)


def the_hook(hook_id: int | None, former: int | None) -> int:
    """The hook of a command: its argument, or the option that it was up to 0.2.0."""
    if hook_id is None and former is None:
        raise typer.BadParameter("HOOK_ID is missing; `storehooks hook list` shows the ids of hooks")
    if hook_id is not None and former is not None:
        raise typer.BadParameter(
            "HOOK_ID is needed once: the id of a hook, as `storehooks hook list` shows it"
        )
    return hook_id or former or 0


def _found(api: "Api", hook_id: int | None, delivery_id: str) -> tuple[int, dict[str, Any]]:
    """A delivery and its hook, which is looked for unless it is given."""
    from storehooks_cli.api_client import ApiError

    if hook_id is not None:
        return hook_id, api.get(_path(hook_id, delivery_id), _named(hook_id, delivery_id))
    for hook in (int(one["id"]) for one in api.hooks()):
        try:
            return hook, api.get(_path(hook, delivery_id), _named(hook, delivery_id))
        except ApiError as error:
            if error.status != NOT_FOUND:
                raise
    return fail(f"no hook of this client in the store {api.store_hash} has the delivery {delivery_id}")


def _followed(
    api: "Api", hook_id: int, status: str | None, limit: int, find: str | None
) -> Iterator[dict[str, Any]]:
    """The newest deliveries, the oldest first; then each that is new or has changed, without an end."""
    seen: dict[str, tuple[str, int]] = {}
    while True:
        for delivery in reversed([*api.deliveries(hook_id, status, limit, find)]):
            now = delivery["status"], len(delivery["attempts"])
            if seen.get(delivery["id"]) != now:
                seen[delivery["id"]] = now
                yield delivery
        time.sleep(_FOLLOW_SECONDS)


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
