"""All commands of `storehooks`."""

from typing import Annotated

import typer

from storehooks import __version__
from storehooks_cli import (
    admin_token,
    client,
    delivery,
    dlq,
    event,
    hook,
    hook_sync,
    stack_command,
    store,
    token,
)
from storehooks_cli.doctor.command import doctor
from storehooks_cli.invoke import invoke
from storehooks_cli.listen import listen
from storehooks_cli.local.command import local
from storehooks_cli.recover import recover
from storehooks_cli.sam_env import sam_env
from storehooks_cli.trace import trace
from storehooks_cli.wrong_use import Commands

commands = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",  # which joins the lines of a paragraph
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"storehooks {__version__}")
        raise typer.Exit


@commands.callback()
def storehooks(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """storehooks on this machine and in AWS."""


commands.command()(local)
commands.command()(doctor)
commands.command()(invoke)
commands.command()(listen)
commands.command()(recover)
commands.command("sam-env")(sam_env)
commands.command()(trace)
commands.add_typer(token.app, name="token")
commands.add_typer(admin_token.app, name="admin-token")
commands.add_typer(client.app, name="client")
commands.add_typer(store.app, name="store")
commands.add_typer(stack_command.app, name="stack")
hook.app.command("sync", cls=hook_sync.SyncCommand)(hook_sync.sync_hooks)
hook.app.command("export")(hook_sync.export_hooks)
commands.add_typer(hook.app, name="hook")
commands.add_typer(delivery.app, name="delivery")
commands.add_typer(event.app, name="event")
commands.add_typer(dlq.app, name="dlq")
