"""storehooks hook: a client's hooks, by way of the API."""

import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from storehooks.api.strict_json import RefusedJsonError, strict_json
from storehooks_cli.connection import ApiOptions, connected, hook_named
from storehooks_cli.hook_stats import hook_stats
from storehooks_cli.options import Json, complete_hook_scope, to_type, unfolded
from storehooks_cli.output import fail, json_text, print_fields, print_json, print_table, progress, say
from storehooks_cli.times import local_time, relative_time

if TYPE_CHECKING:
    from storehooks_cli.api_client import Api

app = typer.Typer(no_args_is_help=True, help="Hooks: list, make, change, delete and try them.")

_HIDDEN = "***"

HookId = Annotated[int, typer.Argument(min=1, metavar="ID", help="The hook's id.", show_default=False)]
_ShowHeaders = Annotated[
    bool, typer.Option("--show-headers", help="Show the values of its headers, which may be credentials.")
]
_Filter = Annotated[
    str | None,
    typer.Option(
        "--filter",
        metavar="PATTERN",
        help="Send only the events whose callbacks match this event pattern, in JSON. @FILE reads it from a "
        "file, and @- from standard input.",
        show_default=False,
    ),
]
_Rate = Annotated[
    float | None,
    typer.Option(
        "--max-per-second",
        metavar="NUMBER",
        help="Begin at most so many attempts a second: 0.1 to 1000, with one decimal.",
        show_default=False,
    ),
]
_Headers = Annotated[
    list[str] | None,
    typer.Option(
        "--header",
        metavar="'NAME: VALUE'",
        help="A header that each delivery carries; may be repeated. @FILE reads them from a file, "
        "a line each, and @- from standard input: there nobody on this machine can see them.",
        show_default=False,
    ),
]


@app.command("list")
@unfolded
def list_hooks(api_options: ApiOptions, as_json: Json = False) -> None:
    """List the client's hooks, with their status."""
    with connected(api_options) as api, progress("reading hooks") as tell:
        hooks = []
        for hook in api.hooks():
            hooks.append(hook)
            tell(len(hooks))
    if as_json:
        print_json(hooks)
    else:
        # Columns of what a hook may have, if one of them does.
        optional = [name for name in ("filter", "max_per_second") if any(name in hook for hook in hooks)]
        rows = [
            [
                *(str(hook["id"]), _status(hook), hook["scope"], hook["destination"]),
                *(_in_short(hook, name) for name in optional),
                _header_names(hook),
            ]
            for hook in hooks
        ]
        heading = ["ID", "STATUS", "SCOPE", "DESTINATION", *map(str.upper, optional), "HEADERS"]
        print_table(heading, rows)


@app.command("get")
@unfolded
def get_hook(
    api_options: ApiOptions, hook_id: HookId, show_headers: _ShowHeaders = False, as_json: Json = False
) -> None:
    """Show a hook."""
    with connected(api_options) as api:
        hook = api.get(f"hooks/{hook_id}", hook_named(hook_id))
    _print(hook, show_headers=show_headers, as_json=as_json)


@app.command("create")
@unfolded
def create_hook(
    api_options: ApiOptions,
    scope: Annotated[
        str,
        typer.Option(
            metavar="SCOPE",
            autocompletion=complete_hook_scope,
            help="Which events, such as store/order/created or store/order/*.",
        ),
    ],
    destination: Annotated[str, typer.Option(metavar="URL", help="Where they are sent.")],
    headers: _Headers = None,
    active: Annotated[bool, typer.Option("--active/--inactive", help="Whether events are sent.")] = True,
    event_filter: _Filter = None,
    max_per_second: _Rate = None,
    show_headers: _ShowHeaders = False,
    as_json: Json = False,
) -> None:
    """Register a hook. It is active at once, unless --inactive is given."""
    body: dict[str, object] = {"scope": scope, "destination": destination, "is_active": active}
    if headers:
        body["headers"] = _read_headers(headers)
    if event_filter is not None:
        body["filter"] = _read_filter(event_filter)
    if max_per_second is not None:
        body["max_per_second"] = _shortest(max_per_second)
    with connected(api_options) as api:
        hook = api.post("hooks", "", body)
    _print(hook, show_headers=show_headers, as_json=as_json)


@app.command("update")
@unfolded
def update_hook(
    api_options: ApiOptions,
    hook_id: HookId,
    scope: Annotated[
        str | None,
        typer.Option(metavar="SCOPE", autocompletion=complete_hook_scope, help="Which events."),
    ] = None,
    destination: Annotated[str | None, typer.Option(metavar="URL", help="Where they are sent.")] = None,
    headers: _Headers = None,
    no_headers: Annotated[bool, typer.Option("--no-headers", help="Remove all of its headers.")] = False,
    active: Annotated[
        bool | None,
        typer.Option(
            "--active/--inactive",
            help="Whether events are sent. Switching it on ends a deactivation by failures.",
            show_default=False,
        ),
    ] = None,
    event_filter: _Filter = None,
    no_filter: Annotated[bool, typer.Option("--no-filter", help="Send all events of its scope.")] = False,
    max_per_second: _Rate = None,
    no_max_per_second: Annotated[
        bool, typer.Option("--no-max-per-second", help="Begin as many attempts as there are.")
    ] = False,
    show_headers: _ShowHeaders = False,
    as_json: Json = False,
) -> None:
    """Change a hook; what is not named stays as it is. Headers are replaced as a whole."""
    if headers and no_headers:
        raise typer.BadParameter("--header and --no-headers exclude each other")
    if event_filter is not None and no_filter:
        raise typer.BadParameter("--filter and --no-filter exclude each other")
    if max_per_second is not None and no_max_per_second:
        raise typer.BadParameter("--max-per-second and --no-max-per-second exclude each other")
    given = {"scope": scope, "destination": destination, "is_active": active}
    body: dict[str, object] = {name: value for name, value in given.items() if value is not None}
    if headers or no_headers:
        body["headers"] = _read_headers(headers) if headers else None
    if event_filter is not None or no_filter:
        body["filter"] = None if event_filter is None else _read_filter(event_filter)
    if max_per_second is not None or no_max_per_second:
        body["max_per_second"] = None if max_per_second is None else _shortest(max_per_second)
    if not body:
        raise typer.BadParameter("name what is to change, such as --inactive")
    with connected(api_options) as api:
        hook = api.put(f"hooks/{hook_id}", hook_named(hook_id), body)
    _print(hook, show_headers=show_headers, as_json=as_json)


@app.command("pause")
@unfolded
def pause_hook(api_options: ApiOptions, hook_id: HookId, as_json: Json = False) -> None:
    """Hold what comes for a hook, and what waits, until it resumes. Nothing is cancelled.

    Switching it off (hook update --inactive) cancels what waits instead.
    """
    with connected(api_options) as api:
        hook = api.put(f"hooks/{hook_id}", hook_named(hook_id), {"is_paused": True})
    _print(hook, show_headers=False, as_json=as_json)


@app.command("resume")
@unfolded
def resume_hook(api_options: ApiOptions, hook_id: HookId, as_json: Json = False) -> None:
    """Send to a paused hook again, and by a recovery all that was held, the oldest first."""
    with connected(api_options) as api:
        hook, recovery_id = api.change_hook(hook_id, hook_named(hook_id), {"is_paused": False})
    _print(hook, show_headers=False, as_json=as_json)
    say_recovery(api, hook_id, recovery_id)


@app.command("delete")
@unfolded
def delete_hook(api_options: ApiOptions, hook_id: HookId, as_json: Json = False) -> None:
    """Delete a hook, and show what it was. Its deliveries that wait are cancelled."""
    with connected(api_options) as api:
        hook = api.delete(f"hooks/{hook_id}", hook_named(hook_id))
    _print(hook, show_headers=False, as_json=as_json)
    if not as_json:
        say(f"{hook_named(hook_id)} is deleted; this is what it was")


@app.command("ping")
@unfolded
def ping_hook(api_options: ApiOptions, hook_id: HookId, as_json: Json = False) -> None:
    """Send a signed test event to a hook, whether it is active or not.

    The status is 1 when the destination did not take it.
    """
    with connected(api_options) as api, progress("waiting for the destination"):
        ping = api.post(f"hooks/{hook_id}/ping", hook_named(hook_id))
    attempt = ping["attempt"]
    if as_json:
        print_json(ping)
    else:
        print_fields({"id": ping["id"], "scope": ping["scope"], **attempt_fields(attempt)})
    if attempt["error"] is not None:
        raise typer.Exit(1)


app.command("stats")(hook_stats)


def attempt_fields(attempt: dict[str, Any]) -> dict[str, str]:
    """An attempt as people see it."""
    times = [
        f"{name.removesuffix('_ms').replace('_', ' ')} {ms} ms"
        for name, ms in attempt["times"].items()
        if ms is not None
    ]
    return {
        "at": local_time(attempt["at"]),
        "result": attempt["error"] or f"taken, response {attempt['status']}",
        "times": ", ".join(times),
        "response": attempt.get("answer") or "",
    }


def say_recovery(api: "Api", hook_id: int, recovery_id: str | None) -> None:
    """Name the recovery that a resumption has started, if it has."""
    if recovery_id is not None:
        say(
            "what was held is sent by a recovery; to look: "
            + to_type("recover", hook_id, *api.words, "--id", recovery_id)
        )


def _print(hook: dict[str, Any], *, show_headers: bool, as_json: bool) -> None:
    if as_json:
        print_json(hook)
        return
    shown = {name: str(hook[name]) for name in ("id", "store_hash", "client_id", "scope", "destination")}
    shown["status"] = _status(hook)
    shown |= {name: local_time(hook[name]) for name in ("created_at", "updated_at")}
    for name, value in (hook["headers"] or {}).items():
        shown[f"header {name}"] = value if show_headers else _HIDDEN
    if "filter" in hook:
        shown["filter"] = json_text(hook["filter"], in_ascii=False)
    if "max_per_second" in hook:
        shown["max_per_second"] = str(hook["max_per_second"])
    print_fields(shown)


def _status(hook: dict[str, Any]) -> str:
    """Whether events are sent, and if not, why."""
    now = datetime.now(UTC)
    if hook["is_active"] and hook.get("is_paused"):
        return f"paused {relative_time(hook['paused_at'], now)}"
    if hook["is_active"]:
        return "active"
    if "deactivated_at" in hook:
        return f"deactivated {relative_time(hook['deactivated_at'], now)}: {hook['deactivation_reason']}"
    return "inactive"


def _in_short(hook: dict[str, Any], name: str) -> str:
    """What a hook may have, as a column shows it. A filter may be long: `hook get` shows it."""
    return ("yes" if name == "filter" else str(hook[name])) if name in hook else ""


def _header_names(hook: dict[str, Any]) -> str:
    return " ".join(f"{name}: {_HIDDEN}" for name in hook["headers"] or {})


def _read_headers(given: Iterable[str]) -> dict[str, str]:
    """The headers that an option names, itself or in a file."""
    headers: dict[str, str] = {}
    for line in _lines(given, "headers"):
        name, colon, value = line.partition(":")
        if not colon or not name.strip():
            # Not repeated: it may be a credential.
            raise typer.BadParameter("--header has no name and colon; accepted: 'NAME: VALUE', @FILE or @-")
        headers[name.strip()] = value.strip()
    return headers


def _read_filter(given: str) -> object:
    """The event pattern that an option is, or has in a file. The service checks it."""
    text = "\n".join(_lines([given], "filter"))
    try:
        return strict_json(text)
    except RefusedJsonError as error:
        raise typer.BadParameter(f"--filter {error}") from None


def _shortest(number: float) -> float:
    """A number as people write it: 5 rather than 5.0."""
    return int(number) if number.is_integer() else number


def _lines(given: Iterable[str], what: str) -> Iterable[str]:
    for text in given:
        if not text.startswith("@"):
            yield text
            continue
        try:
            whole = sys.stdin.read() if text == "@-" else Path(text[1:]).read_text("utf-8")
        except (OSError, UnicodeError) as error:
            fail(f"cannot read the {what} from {text[1:]}: {error}")
        yield from (line for line in whole.splitlines() if line.strip())
