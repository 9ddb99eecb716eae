"""How results are shown: a table for people, JSON for programs, and progress while the checks run."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import typer
from rich.console import Console

from storehooks_cli.doctor.check import Result, Status
from storehooks_cli.output import print_json, print_table, printable, say


def is_healthy(results: Sequence[Result]) -> bool:
    """Whether nothing failed. What was not checked does not count."""
    return all(result.finding.status is not Status.FAILED for result in results)


def show_json(results: Sequence[Result]) -> None:
    """Print all results as one JSON value."""
    print_json({"checks": [result.as_json for result in results], "ok": is_healthy(results)})


def show_tables(results: Sequence[Result]) -> None:
    """Print what each check found, and after it what to do."""
    print_table(
        ["CHECK", "STATUS", "FOUND"],
        [[one.name, one.finding.status.replace("_", " "), one.finding.found] for one in results],
    )
    if advised := [one for one in results if one.finding.advice]:
        typer.echo()
        print_table(["CHECK", "WHAT TO DO"], [[one.name, one.finding.advice] for one in advised])


def summary(results: Sequence[Result], seconds: float) -> str:
    """How many checks came to what."""
    counts = Counter(result.finding.status for result in results)
    parts = [f"{counts[status]} {status.replace('_', ' ')}" for status in Status]
    return f"{', '.join(parts)}, in {seconds:.0f} s"


@contextmanager
def checks_shown() -> Iterator[Callable[[str], None]]:
    """Gives what to call with the name of the check that begins; shown on standard error.

    A line that changes on a terminal, a line for each check elsewhere.
    """
    console = Console(stderr=True, highlight=False)
    if not console.is_terminal:
        yield lambda name: say(f"checking: {name}")
        return
    with console.status("") as status:
        yield lambda name: status.update(f"checking: {printable(name)}")
