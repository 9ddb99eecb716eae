"""storehooks stack: stacks in AWS as a whole."""

import typer

from storehooks_cli.options import DEFAULT_STACK_NAME, StackName
from storehooks_cli.output import fail, failures_said
from storehooks_cli.remove_command import Yes

app = typer.Typer(no_args_is_help=True, help="Stacks in AWS: delete what failed first deployments left.")


@app.callback()
def stack() -> None:
    """Keep `remove-failed` a command of its own; Typer would take a single one for the whole."""


@app.command("remove-failed")
def remove_failed(stack_name: StackName = DEFAULT_STACK_NAME, yes: Yes = False) -> None:
    """Delete what a failed first deployment left, so that it can be tried again.

    That is the stack, its tables and their key, if the stack's creation never completed and no table was
    ever written to. Otherwise nothing is deleted. You can stop it and run it again.
    """
    import boto3

    from storehooks_cli.failed_stacks import KEY_DELETION_DAYS, FailedStacks

    with failures_said():
        session = boto3.Session()
        failed = FailedStacks(stack_name, session)
        stacks = failed.find()
        status = failed.current_status()
        if not stacks:
            if status is None:
                region = session.region_name
                typer.echo(f"no failed first deployment of {stack_name} left anything in {region}", err=True)
                return
            fail(f"{stack_name} is {status}: it is not a storehooks stack whose first deployment failed")
        for one in stacks:
            typer.echo(f"{one.stack_id}, {one.status}, of {one.created_at:%Y-%m-%d %H:%M} UTC:", err=True)
            for table in one.tables:
                typer.echo(f"  the table {table}", err=True)
            for key in one.keys:
                typer.echo(f"  the key {key} (deleted after {KEY_DELETION_DAYS} days)", err=True)
            if not one.is_deleted:
                typer.echo("  the stack and its other resources", err=True)
        _refuse(failed.refusals(stacks))
        if not yes:
            typer.confirm("Delete all of it, for good?", abort=True, err=True)
            _refuse(failed.refusals(stacks))  # again: the question may have waited
        for one in stacks:
            failed.delete(one, typer.echo)


def _refuse(reasons: list[str]) -> None:
    if reasons:
        fail("nothing is deleted:", *reasons)
