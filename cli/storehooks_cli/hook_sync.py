"""storehooks hook sync and export: a client's hooks as a file."""

import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from storehooks_cli.connection import ApiOptions, connected, hook_named
from storehooks_cli.data_files import HOOKS_SCHEMA
from storehooks_cli.hook import say_recovery
from storehooks_cli.options import Json, unfolded
from storehooks_cli.output import fail, json_text, print_json, print_table, progress, say

if TYPE_CHECKING:
    from storehooks_cli.api_client import Api
    from storehooks_cli.hook_file import WantedHook
    from storehooks_cli.hook_plan import Action, ApiHook, Plan, Step

DIFFERENCES = 2
"""The exit status of a dry run that found something to do."""

_TAKEN: "dict[Action, str]" = {"create": "created", "change": "changed", "remove": "removed"}
_QUOTAS = {"max_hooks_per_client", "max_hooks_per_store"}


class SyncCommand(TyperCommand):
    """Ends with 1 where other commands end with 2 for wrong options: 2 says that there are differences."""

    def make_context(self, *arguments: Any, **extra: Any) -> Any:
        """As of any command."""
        with _mistakes_end_with(1):
            return super().make_context(*arguments, **extra)

    def invoke(self, ctx: Any) -> Any:
        """As of any command."""
        with _mistakes_end_with(1):
            return super().invoke(ctx)


@contextmanager
def _mistakes_end_with(status: int) -> Iterator[None]:
    try:
        yield
    except typer.TyperException as error:
        error.exit_code = status
        raise


@unfolded
def sync_hooks(
    api_options: ApiOptions,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="YAML with the client's hooks; - reads standard input.")
    ],
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Only show the plan. The status is 2 if there is something to do."),
    ] = False,
    prune: Annotated[
        bool, typer.Option("--prune", help="Remove the hooks that the file does not have.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Create, change and remove hooks until the client has those of a file.

    Scope, destination and filter identify a hook; where one of these changes, it is another hook.
    """
    wanted = _read(file)
    from storehooks_cli.hook_plan import NoPlanError, make_plan

    with connected(api_options) as api:
        try:
            plan = make_plan(wanted, list(api.hooks()), prune=prune)
        except NoPlanError as error:
            fail(str(error))
        if not as_json and plan.steps:
            _print_steps(plan.steps)
        _say_what_stays(plan)
        if dry_run or not plan.steps:
            if as_json:
                print_json(_plan_json(plan, [], plan.steps))
            if plan.steps:
                raise typer.Exit(DIFFERENCES)
            say("there is nothing to do")
            return
        _apply(api, plan, as_json=as_json)


@unfolded
def export_hooks(
    api_options: ApiOptions,
    with_secrets: Annotated[
        bool, typer.Option("--with-secrets", help="Write the values of headers, which may be credentials.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Print the client's hooks as a file for hook sync."""
    from storehooks_cli.hook_file import as_yaml, exported, has_hidden_headers

    with connected(api_options) as api:
        hooks = list(api.hooks())
    if with_secrets and any(map(has_hidden_headers, hooks)):
        fail("this token does not see the values of headers; use one that may change hooks")
    file, variables = exported(hooks, with_secrets=with_secrets)
    if as_json:
        print_json(file)
    else:
        # Where it is from here, which is where the output goes in a shell.
        typer.echo(f"# yaml-language-server: $schema={os.path.relpath(HOOKS_SCHEMA)}")
        typer.echo(as_yaml(file), nl=False)
    if variables:
        say(f"the values of headers are left out; set {', '.join(variables)} for hook sync")


def _read(file: Path) -> "list[WantedHook]":
    from storehooks_cli.hook_file import InvalidHookFileError, read_hooks

    name = "standard input" if str(file) == "-" else str(file)
    try:
        raw = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
        return read_hooks(raw.decode("utf-8-sig"), os.environ)
    except OSError as error:
        fail(f"cannot read {name}: {error.strerror}")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        fail(f"{name}:{line}: is not UTF-8")
    except InvalidHookFileError as error:
        fail(*(f"{name}:{one.line}: {one.place} {one.reason}".replace(":  ", ": ") for one in error.problems))


def _apply(api: "Api", plan: "Plan", *, as_json: bool) -> None:
    """Take the steps, and say at the end which were taken and which were not."""
    done: list[Step] = []
    left = list(plan.steps)
    try:
        with progress("applying", len(left)) as tell:
            _take(api, plan, done, left, tell)
    finally:
        if as_json:
            print_json(_plan_json(plan, done, left))
        elif left:
            say(f"stopped after {len(done)} of {len(done) + len(left)}; to go on, run it again")
            for step in done:
                say(f"done: {_in_words(step)}")
            for step in left:
                say(f"left: {_in_words(step)}")
        else:
            numbers = Counter(step.action for step in done)
            say(", ".join(f"{numbers[action]} {word}" for action, word in _TAKEN.items() if numbers[action]))


def _take(
    api: "Api", plan: "Plan", done: "list[Step]", left: "list[Step]", tell: Callable[[int], None]
) -> None:
    """Take the steps that are left, one after the other, and move each to those that are done."""
    from storehooks_cli.api_client import ApiError
    from storehooks_cli.hook_plan import in_order

    numbers = Counter(plan.hooks_by_scope)
    while left:
        step = left[0]
        try:
            taken = _request(api, step)
        except ApiError as error:
            # A quota is the deployment's, so only a refusal shows it. What is removed later makes room now.
            if not _QUOTAS & set(error.fields) or all(step.action != "remove" for step in left):
                raise
            left[:] = in_order(left, numbers, room=0)
            continue
        numbers[step.scope] += {"create": 1, "change": 0, "remove": -1}[step.action]
        done.append(replace(step, hook_id=taken["id"]))
        del left[0]
        tell(len(done))


def _request(api: "Api", step: "Step") -> Any:
    """Take a step; the hook that was created, changed or removed."""
    if step.hook_id is None:
        return api.post("hooks", "", step.body)
    asked_for = hook_named(step.hook_id)
    if step.action == "remove":
        return api.delete(f"hooks/{step.hook_id}", asked_for)
    hook, recovery_id = api.change_hook(step.hook_id, asked_for, step.body)
    say_recovery(api, step.hook_id, recovery_id)
    return hook


def _say_what_stays(plan: "Plan") -> None:
    for hook in plan.deactivated:
        say(
            f"hook {hook['id']} stays deactivated ({hook['deactivation_reason']}); "
            "is_active: true in the file ends that"
        )
    for hook in plan.unlisted:
        say(f"{_named(hook)} is not in the file and stays; --prune removes it")


def _print_steps(steps: "Sequence[Step]") -> None:
    rows = [
        [
            step.action,
            "" if step.hook_id is None else str(step.hook_id),
            step.scope,
            step.destination,
            "" if step.filter is None else json_text(step.filter, in_ascii=False),
            "; ".join(f"{name}: {text}" for name, text in step.fields.items()),
        ]
        for step in steps
    ]
    print_table(["ACTION", "ID", "SCOPE", "DESTINATION", "FILTER", "FIELDS"], rows)


def _plan_json(plan: "Plan", done: "Sequence[Step]", left: "Sequence[Step]") -> dict[str, Any]:
    return {
        "steps": [
            {
                "action": step.action,
                "id": step.hook_id,
                "scope": step.scope,
                "destination": step.destination,
                "filter": step.filter,
                "fields": step.fields,
                "is_done": is_done,
            }
            for steps, is_done in ((done, True), (left, False))
            for step in steps
        ],
        "unlisted": [hook["id"] for hook in plan.unlisted],
        "deactivated": [hook["id"] for hook in plan.deactivated],
    }


def _in_words(step: "Step") -> str:
    if step.hook_id is None:
        return f"{step.action} a hook for {_place(step.scope, step.destination, step.filter)}"
    return f"{step.action} hook {step.hook_id} for {_place(step.scope, step.destination, step.filter)}"


def _named(hook: "ApiHook") -> str:
    return f"hook {hook['id']} for {_place(hook['scope'], hook['destination'], hook.get('filter'))}"


def _place(scope: str, destination: str, event_filter: object) -> str:
    filtered = "" if event_filter is None else f" with {json_text(event_filter, in_ascii=False)}"
    return f"{scope} to {destination}{filtered}"
