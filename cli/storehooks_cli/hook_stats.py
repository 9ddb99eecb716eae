"""storehooks hook stats: what came of a hook's deliveries, in figures."""

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from storehooks_cli.connection import ApiOptions, connected, hook_named
from storehooks_cli.options import Json, duration, unfolded
from storehooks_cli.output import print_fields, print_json, print_table, progress, say
from storehooks_cli.times import local_time, moment, relative_time


@unfolded
def hook_stats(
    api_options: ApiOptions,
    hook_id: Annotated[int, typer.Argument(min=1, metavar="ID", help="The hook's id.", show_default=False)],
    since: Annotated[
        datetime | None,
        typer.Option(
            parser=moment,
            metavar="TIME",
            help="From when on: ISO 8601 with an offset, or how long ago, such as 30m, 2h or 1d. 24 hours "
            "before the end if left out.",
        ),
    ] = None,
    until: Annotated[
        datetime | None,
        typer.Option(parser=moment, metavar="TIME", help="Up to when, likewise; now if left out."),
    ] = None,
    step: Annotated[
        int | None,
        typer.Option(
            parser=duration,
            metavar="DURATION",
            help="A row for each step of so long as well, such as 5m, 1h or 1d; 500 at most.",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Show what came of a hook's deliveries in some time, by when the events came, and what waits now.

    Deliveries and attempts are counted from the delivery log, the newest first.
    """
    given = {
        "since": None if since is None else since.isoformat(),
        "until": None if until is None else until.isoformat(),
        "step": step,
    }
    with connected(api_options) as api, progress("counting"):
        stats: dict[str, Any] = api.get(f"hooks/{hook_id}/stats", hook_named(hook_id), **given)["data"]
    if as_json:
        print_json(stats)
    else:
        print_fields(_fields(stats))
        if stats["steps"]:
            typer.echo()
            print_table(
                ["SINCE", "DELIVERIES", "DELIVERED", "ATTEMPTS", "FAILED"],
                [_row(one) for one in stats["steps"]],
            )
    if not stats["covers"]["is_complete"]:
        say(
            f"there was too much to count: of what came before {local_time(stats['covers']['since'])} "
            "nothing is in these figures; --until looks at it"
        )


def _fields(stats: dict[str, Any]) -> dict[str, str]:
    covers, oldest = stats["covers"], stats["oldest_waiting_at"]
    since_when = "" if oldest is None else f", the oldest came {relative_time(oldest, datetime.now(UTC))}"
    latency = [f"{name} {ms} ms" for name, ms in stats["latency_ms"].items() if ms is not None]
    return {
        "since": local_time(covers["since"]),
        "until": local_time(covers["until"]),
        "deliveries": str(covers["deliveries"]),
        "delivered": str(stats["delivered"]),
        "attempts": str(stats["attempts"]),
        "failed": _failed(stats),
        "latency": ", ".join(latency),
        "waiting now": f"{_at_least(stats['waiting'], covers['is_waiting_exact'])}{since_when}",
        "held now": _at_least(stats["held"], covers["is_held_exact"]),
    }


def _row(step: dict[str, Any]) -> list[str]:
    counts = [str(step[name]) for name in ("deliveries", "delivered", "attempts")]
    return [local_time(step["since"]), *counts, _failed(step)]


def _failed(figures: dict[str, Any]) -> str:
    """How many attempts failed, and of which kinds."""
    failed: dict[str, int] = figures["failed"]
    kinds = ", ".join(f"{kind} {number}" for kind, number in failed.items())
    return f"{sum(failed.values())} ({kinds})" if failed else "0"


def _at_least(number: int, is_exact: bool) -> str:
    return str(number) if is_exact else f"{number} or more"
