"""How the command line speaks: results on standard output, everything else on standard error."""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import NoReturn

import typer
from rich.console import Console
from rich.table import Table

from storehooks.domain.errors import StoreBusyError, StoreFailedError

_NO_WIDTH = 10_000  # rich would cut off what is wider than the terminal
_SILENT_SECONDS = 2.0


def fail(message: str) -> NoReturn:
    """Say in one line what is wrong and how to mend it, and end with status 1."""
    typer.echo(f"storehooks: {message}", err=True)
    raise typer.Exit(1)


@contextmanager
def failures_told() -> Iterator[None]:
    """End the command with one line when AWS fails in the midst of it."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except StoreFailedError as error:
        fail(f"DynamoDB failed with {error.code}; whether the change took effect is unknown")
    except StoreBusyError:
        fail("DynamoDB is too busy for the moment; try again")
    except (BotoCoreError, ClientError) as error:
        fail(f"AWS failed: {error}")


def printable(text: str) -> str:
    """On one line, and with nothing that steers a terminal."""
    return "".join(character if character.isprintable() else "?" for character in text)


def print_json(value: object) -> None:
    """One JSON value, for programs."""
    typer.echo(json.dumps(value, indent=2))


def print_fields(fields: Mapping[str, str]) -> None:
    """One thing for people, a line to a field."""
    print_table(["", ""], [[name, value] for name, value in fields.items()])


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table for people; nothing in it is cut off, so that it can be copied from."""
    table = Table(*columns, box=None, pad_edge=False)
    for row in rows:
        table.add_row(*row)
    Console(width=_NO_WIDTH, highlight=False, markup=False).print(table)


@contextmanager
def progress(title: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
    """Gives what to call with the number that is done; it is shown once that takes its time.

    On a terminal alone, and on standard error.

    :param total: None if nobody knows how many it will be.
    """
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    task = bar.add_task(title, total=total)
    started = time.monotonic()

    def tell(done: int) -> None:
        bar.update(task, completed=done)
        if time.monotonic() - started > _SILENT_SECONDS:
            bar.start()

    try:
        yield tell
    finally:
        bar.stop()
