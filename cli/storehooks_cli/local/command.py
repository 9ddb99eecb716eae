"""`storehooks local`."""

from pathlib import Path
from typing import Annotated, Literal

import typer


def local(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Where http is served.")] = 3000,
    tls_port: Annotated[int, typer.Option(min=1, max=65535, help="Where https is served.")] = 3443,
    data_dir: Annotated[Path, typer.Option(help="Keeps everything that outlives a stop.")] = Path(".local"),
    allow_private_destinations: Annotated[
        Literal["true", "false"],
        typer.Option(help="Whether hooks may name http, any port and private addresses."),
    ] = "true",
) -> None:
    """Run the whole of storehooks on this machine until Ctrl-C."""
    from storehooks_cli.local.errors import LocalError
    from storehooks_cli.local.stack import Settings, run

    try:
        run(Settings(port, tls_port, data_dir, allow_private_destinations))
    except LocalError as error:
        typer.echo(f"storehooks: {error}", err=True)
        raise typer.Exit(1) from None
