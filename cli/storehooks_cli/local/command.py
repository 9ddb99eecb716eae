"""`storehooks local`."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from storehooks.domain.retry import BIGCOMMERCE_SCHEDULE, RetrySchedule
from storehooks_cli.data_files import need_repository
from storehooks_cli.local.hosts import parse_hosts
from storehooks_cli.options import parser


def _check_retry_schedule(text: str) -> str:
    """The schedule as the template takes it."""
    return ",".join(map(str, RetrySchedule.parse(text).slots))


def _check_hosts(text: str) -> str:
    try:
        return ",".join(sorted(parse_hosts(text)))
    except ValueError:
        raise typer.BadParameter(
            f"{text!r} is not a list of hosts; accepted: names and addresses without ports, such as"
            " hooks.test,192.168.1.5,[fd00::1]"
        ) from None


def local(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Where http is served.")] = 3000,
    tls_port: Annotated[int, typer.Option(min=1, max=65535, help="Where https is served.")] = 3443,
    data_dir: Annotated[Path, typer.Option(help="Keeps everything that outlives a stop.")] = Path(".local"),
    allow_private_destinations: Annotated[
        Literal["true", "false"],
        typer.Option(help="Whether hooks may name http, any port and private addresses."),
    ] = "true",
    retry_schedule: Annotated[
        str,
        typer.Option(
            parser=parser(_check_retry_schedule),
            metavar="SECONDS,...",
            help="How long to wait after each failed attempt but the last.",
        ),
    ] = BIGCOMMERCE_SCHEDULE,
    delivery_timeout_seconds: Annotated[
        int, typer.Option(min=1, max=20, help="How long a destination has for an attempt.")
    ] = 10,
    allowed_hosts: Annotated[
        str,
        typer.Option(
            parser=_check_hosts,
            metavar="HOST,...",
            help="Further hosts by which requests may address the stack.",
        ),
    ] = "",
) -> None:
    """Run the whole of storehooks on this machine until Ctrl-C."""
    need_repository("storehooks local", "make run")
    from storehooks_cli.local.errors import LocalError
    from storehooks_cli.local.stack import Settings, run

    try:
        run(
            Settings(
                port=port,
                tls_port=tls_port,
                data_dir=data_dir,
                allow_private_destinations=allow_private_destinations,
                retry_schedule=retry_schedule,
                delivery_timeout_seconds=delivery_timeout_seconds,
                allowed_hosts=parse_hosts(allowed_hosts),
            )
        )
    except LocalError as error:
        typer.echo(f"storehooks: {error}", err=True)
        raise typer.Exit(1) from None
