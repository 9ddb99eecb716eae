"""Wrong use of a command: the mistake is said as every other message is.

What finds a mistake raises :class:`typer.BadParameter`. In the parser of an option, Typer adds the option's
name.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import typer
from typer.core import TyperGroup

from storehooks_cli.options import to_type
from storehooks_cli.output import say

_TYPERS_PREFIX = "Invalid value: "
"""What Typer writes before a mistake that is of no single option."""

_PYDANTICS = re.compile(r"Input should be ([^,]+)(, unable to parse .*)?$")
_NUMBERS = {"a valid integer": "a whole number", "a valid number": "a number"}


class Commands(TyperGroup):
    """Commands whose mistakes are said, with the command that shows the help, and end with status 2."""

    def make_context(self, *arguments: Any, **extra: Any) -> Any:
        """As of any group."""
        with _mistakes_said():
            return super().make_context(*arguments, **extra)

    def invoke(self, ctx: Any) -> Any:
        """As of any group."""
        with _mistakes_said():
            return super().invoke(ctx)


def _accepted(found: re.Match[str]) -> str:
    """What pydantic says of a number, as every other message says it."""
    return f"accepted: {_NUMBERS.get(found[1], found[1])}"


@contextmanager
def _mistakes_said() -> Iterator[None]:
    try:
        yield
    except typer.TyperException as error:
        message, context = error.format_message(), getattr(error, "ctx", None)
        if not message:  # a group without a command: its help has been printed
            raise
        say(_PYDANTICS.sub(_accepted, message.removeprefix(_TYPERS_PREFIX)))
        if context is not None:
            say(f"help: {to_type(*context.command_path.split()[1:], '-h')}")
        raise typer.Exit(error.exit_code) from None
