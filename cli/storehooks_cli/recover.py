"""storehooks recover: send what did not reach a hook, after an outage."""

import time
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

import typer

from storehooks_cli.connection import ApiOptions, connected, hook_named
from storehooks_cli.delivery import FormerHookId, HookId, the_hook
from storehooks_cli.options import Json, to_type, unfolded
from storehooks_cli.output import fail, print_fields, print_json, progress, say
from storehooks_cli.times import local_time, moment, relative_time

if TYPE_CHECKING:
    from storehooks_cli.api_client import Api

_POLL_SECONDS = 1.0
_MAX_RETRYING = 250
_GOES_ON = {"waiting", "running"}
_STOPPED = "stopped"


class _Status(StrEnum):
    """What can be recovered: deliveries that wait for nothing."""

    EXHAUSTED = "exhausted"
    HELD = "held"
    CANCELLED = "cancelled"
    DELIVERED = "delivered"


@unfolded
def recover(
    api_options: ApiOptions,
    hook_id: HookId = None,
    since: Annotated[
        datetime | None,
        typer.Option(
            parser=moment,
            metavar="TIME",
            help="From when on: ISO 8601 with an offset, or how long ago, such as 30m, 2h or 1d.",
        ),
    ] = None,
    until: Annotated[
        datetime | None,
        typer.Option(parser=moment, metavar="TIME", help="Up to when, likewise; now if left out."),
    ] = None,
    status: Annotated[
        list[_Status] | None,
        typer.Option(help="Only this status; may be repeated. Exhausted and held if left out."),
    ] = None,
    recovery_id: Annotated[
        str | None,
        typer.Option("--id", metavar="REC_ID", help="Look at a recovery that was begun, and begin none."),
    ] = None,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Whether to wait for its end.")] = True,
    now: Annotated[
        bool, typer.Option("--now", help="Make the next attempt of those that are still retrying now, too.")
    ] = False,
    former_hook_id: FormerHookId = None,
    as_json: Json = False,
) -> None:
    """Send again what a hook missed, by when the events came. The hook has to be active.

    Stopping this command does not stop the recovery. The status is 1 when the recovery was stopped.
    """
    hook_id = the_hook(hook_id, former_hook_id)
    if recovery_id is None and since is None:
        raise typer.BadParameter("--since is missing; it says from when on to recover, such as --since 2h")
    if recovery_id is not None and (since or until or status):
        raise typer.BadParameter("--id looks at a recovery as it is; --since, --until, --status begin one")
    with connected(api_options) as api:
        if recovery_id is not None:
            recovery = _look(api, hook_id, recovery_id)
        else:
            body: dict[str, object] = {"since": since.isoformat() if since else None}
            if until:
                body["until"] = until.isoformat()
            if status:
                body["status"] = [one.value for one in status]
            recovery = api.post(f"hooks/{hook_id}/recover", hook_named(hook_id), body)
            _attend_to_retrying(api, hook_id, now=now)
        if wait and recovery["state"] in _GOES_ON:
            recovery = _ended(api, hook_id, recovery)
    if as_json:
        print_json(recovery)
    else:
        _print(recovery)
    if recovery["state"] == _STOPPED:
        fail(f"the recovery was stopped: {recovery['reason']}")


def _attend_to_retrying(api: "Api", hook_id: int, *, now: bool) -> None:
    """Say how many deliveries wait for a retry, which no recovery takes, or have their attempts made now."""
    retrying = [*api.deliveries(hook_id, "retrying", _MAX_RETRYING)]
    if not retrying:
        return
    count = f"{len(retrying)}{' or more' if len(retrying) == _MAX_RETRYING else ''}"
    are = "is" if len(retrying) == 1 else "are"
    if now:
        for delivery in retrying:
            path = f"hooks/{hook_id}/deliveries/{delivery['id']}/redeliver"
            api.post(path, f"delivery {delivery['id']} of a {hook_named(hook_id)}")
        say(f"{count} that {are} retrying: the next attempt is made now")
    else:
        first = min(delivery["next_attempt_at"] for delivery in retrying)
        when = relative_time(first, datetime.now(UTC))
        say(f"{count} {are} still retrying, next {when}; --now makes the attempt now")


def _look(api: "Api", hook_id: int, recovery_id: str) -> dict[str, Any]:
    path = f"hooks/{hook_id}/recoveries/{quote(recovery_id, safe='')}"
    recovery: dict[str, Any] = api.get(path, f"recovery {recovery_id} of a {hook_named(hook_id)}")
    return recovery


def _ended(api: "Api", hook_id: int, recovery: dict[str, Any]) -> dict[str, Any]:
    """The recovery when it has ended. If the waiting ends before, says how to look again."""
    total = recovery["count"] if recovery["is_count_exact"] else None
    try:
        with progress("recovering", total) as tell:
            while recovery["state"] in _GOES_ON:
                tell(recovery["recovered"])
                time.sleep(_POLL_SECONDS)
                recovery = _look(api, hook_id, recovery["id"])
    except BaseException:
        say(
            "the recovery goes on; to look: "
            + to_type("recover", hook_id, *api.words, "--id", recovery["id"])
        )
        raise
    return recovery


def _print(recovery: dict[str, Any]) -> None:
    about = "" if recovery["is_count_exact"] else "at least "
    shown = {
        "id": recovery["id"],
        "hook_id": str(recovery["hook_id"]),
        "state": recovery["state"],
        "recovered": f"{recovery['recovered']} of {about}{recovery['count']}",
        "status": " ".join(recovery["status"]),
    }
    since = "held_since" if "held_since" in recovery else "since"
    shown[since] = local_time(recovery[since])
    if recovery["until"]:
        shown["until"] = local_time(recovery["until"])
    if recovery["finished_at"]:
        shown["finished_at"] = local_time(recovery["finished_at"])
    print_fields(shown)
