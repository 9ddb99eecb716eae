"""storehooks doctor: finds out in a minute or two whether a stack works."""

import time
from collections.abc import Callable
from typing import Annotated

import typer

from storehooks_cli.options import Json, StackOptions, http_url, unfolded
from storehooks_cli.output import fail, failures_said, say
from storehooks_cli.stopping import exit_on_signals


@unfolded
def doctor(
    deployment: StackOptions,
    receiver: Annotated[
        str | None,
        typer.Option(
            parser=http_url,
            metavar="URL",
            help="URL that receives the event. Default: a path of the stack's own API, which responds 404.",
        ),
    ] = None,
    dead_letters: Annotated[
        bool,
        typer.Option(
            "--dead-letters",
            help="Also publish an invalid event, which must become a dead letter."
            " The alarm on dead letters may go off.",
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Find out whether a stack works: what was looked at, what was found, and what to do.

    Sends a real event through it, by a client and a hook of its own that are removed at the end. Ends
    with status 1 if a check failed; what could not be checked does not count.
    """
    started = time.monotonic()
    exit_on_signals()
    stack = deployment.find()

    # And with them all of boto3.
    from storehooks_cli.doctor import deployment as deployed
    from storehooks_cli.doctor import functions, leftovers, notices, queues, sweep, tables
    from storehooks_cli.doctor.check import Check, Result, Subject, examine, not_checked
    from storehooks_cli.doctor.report import checks_shown, is_healthy, show_json, show_tables, summary
    from storehooks_cli.doctor.trial import Trial
    from storehooks_cli.stack import why_unsteady

    if reason := why_unsteady(stack.name, stack.status):
        fail(f"the stack {stack.name} is {stack.status}: {reason}")
    subject = Subject(stack, deployment.words)
    results: list[Result] = []

    def run(checks: list[Check], begin: Callable[[str], None]) -> None:
        for check in checks:
            begin(check.name)
            results.append(examine(check, subject))

    groups = (leftovers, deployed, functions, queues, tables, notices)
    looks = [check for group in groups for check in group.CHECKS]
    with failures_said(), checks_shown() as begin, Trial(subject, receiver) as trial:
        run([*looks, *trial.events], begin)
        if dead_letters:
            run([trial.unknown_scope], begin)
        else:
            results.append(Result(trial.unknown_scope.name, not_checked("only with --dead-letters")))
        run([*sweep.waiting_checks(started), trial.removal], begin)
    if as_json:
        show_json(results)
    else:
        show_tables(results)
    say(summary(results, time.monotonic() - started))
    if not is_healthy(results):
        raise typer.Exit(1)
