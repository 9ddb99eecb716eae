"""What the command prints: results on standard output, everything else on standard error."""

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from threading import Timer
from typing import NoReturn

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from storehooks.domain.errors import StoreBusyError, StoreFailedError
from storehooks.domain.exact_json import dumps

_NO_WIDTH = 10_000  # rich would cut off what is wider than the terminal
_SILENT_SECONDS = 2.0
_OK, _WAITING, _FAILED = "green", "yellow", "red"
_COLOURS = {
    **dict.fromkeys(("active", "delivered", "ok"), _OK),
    **dict.fromkeys(("paused", "retrying", "held", "not"), _WAITING),
    **dict.fromkeys(("deactivated", "exhausted", "failed"), _FAILED),
}
"""The colour of a status by its first word. Other statuses have none."""


def fail(*messages: str) -> NoReturn:
    """Say what is wrong and what to do, a line for each, and end with status 1."""
    for message in messages:
        say(message)
    raise typer.Exit(1)


def say(message: str) -> None:
    """Say something that is no result."""
    typer.echo(f"storehooks: {printable(message)}", err=True)


@contextmanager
def failures_said() -> Iterator[None]:
    """End the command with one line when AWS fails."""
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


def colour_of(status: str) -> str | None:
    """The colour of a hook's, a delivery's or a check's status; None if it has none."""
    return _COLOURS.get(status.partition(" ")[0])


def colour_of_response(status: int) -> str:
    """The colour of a response's status: green for a 2xx, else red."""
    return _OK if 200 <= status < 300 else _FAILED


def print_line(parts: Iterable[tuple[str, str | None]]) -> None:
    """A line of results: texts, each with its colour or None."""
    has_colours = _has_colours()
    typer.echo(
        "  ".join(
            typer.style(printable(text), colour) if colour and has_colours else printable(text)
            for text, colour in parts
        )
    )


def _has_colours() -> bool:
    """Whether results have colours: on a terminal, unless ``NO_COLOR`` is set."""
    # A process that was started with its standard output closed has none.
    return (
        bool(sys.stdout and sys.stdout.isatty())
        and not os.environ.get("NO_COLOR")
        and os.environ.get("TERM") != "dumb"
    )


def print_json(value: object) -> None:
    """One JSON value, for programs."""
    typer.echo(json_text(value, margin="\n"))


def json_text(value: object, *, in_ascii: bool = True, margin: str = "") -> str:
    """JSON for people and programs; numbers have the digits that they were written with.

    :param margin: the line break, and what comes before the value's own lines; all is one line without it.
    """
    inner = margin and f"{margin}  "
    comma = f",{inner}" if margin else ", "
    match value:
        case dict() if value:
            members = [
                f"{dumps(name, in_ascii=in_ascii)}: {json_text(one, in_ascii=in_ascii, margin=inner)}"
                for name, one in value.items()
            ]
            return f"{{{inner}{comma.join(members)}{margin}}}"
        case list() | tuple() if value:
            values = [json_text(one, in_ascii=in_ascii, margin=inner) for one in value]
            return f"[{inner}{comma.join(values)}{margin}]"
        case _:
            return dumps(value, in_ascii=in_ascii)


def print_fields(fields: Mapping[str, str]) -> None:
    """One thing for people, a line to a field."""
    print_table(["", ""], [[name, value] for name, value in fields.items()], has_heading=False)


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]], *, has_heading: bool = True) -> None:
    """A table for people; nothing in it is cut off, so that it can be copied from.

    Cells are made printable: some hold what strangers wrote. Those of a column STATUS have colours.
    """
    table = Table(*columns, box=None, pad_edge=False, show_header=has_heading, header_style="")
    for row in rows:
        cells = zip(columns, map(printable, row), strict=True)
        table.add_row(
            *(Text(cell, colour_of(cell) or "") if name == "STATUS" else cell for name, cell in cells)
        )
    console = Console(
        width=_NO_WIDTH, highlight=False, markup=False, emoji=False, force_terminal=_has_colours()
    )
    with console.capture() as lines:
        console.print(table)
    # Without the spaces that fill up the last column, which a terminal would break into lines.
    typer.echo("\n".join(line.rstrip() for line in lines.get().splitlines()))


@contextmanager
def progress(title: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
    """Gives what to call with the number that is done. It is shown after two seconds, on a terminal only.

    It goes to standard error.

    :param total: None if nobody knows how many it will be.
    """
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda _: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = [TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn()]
    if total is not None:
        columns.insert(2, MofNCompleteColumn())
    bar = Progress(*columns, console=console, transient=True)
    task = bar.add_task(title, total=total)
    late = Timer(_SILENT_SECONDS, bar.start)
    late.start()
    try:
        yield lambda done: bar.update(task, completed=done)
    finally:
        late.cancel()
        late.join()
        bar.stop()
