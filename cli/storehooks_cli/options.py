"""Options that several commands have."""

import re
from collections.abc import Callable
from typing import Annotated

import typer

from storehooks.domain.errors import InvalidValueError
from storehooks.domain.identity import check_client_id, check_store_hash


def parser(check: Callable[[str], str]) -> Callable[[str], str]:
    """A rule of the domain as the parser of an option."""

    def parse(text: str) -> str:
        try:
            return check(text)
        except InvalidValueError as error:
            raise typer.BadParameter(f"{text!r} {error.reason}; accepted: {error.accepted}") from None

    return parse


_UNITS = {"m": 60, "h": 60 * 60, "d": 24 * 60 * 60}


def duration(text: str) -> int:
    """How many seconds ``90d``, ``12h`` or ``30m`` are, as the parser of an option."""
    match = re.fullmatch(r"([1-9][0-9]{0,4})([mhd])", text, re.ASCII)
    if match is None:
        raise typer.BadParameter(
            f"{text!r} is no duration; accepted: a number of minutes, hours or days, such as 30m, 12h or 90d"
        )
    return int(match[1]) * _UNITS[match[2]]


StoreHash = Annotated[
    str, typer.Option(parser=parser(check_store_hash), metavar="HASH", help="The store's hash.")
]
ClientId = Annotated[
    str, typer.Option(parser=parser(check_client_id), metavar="HEX32", help="The client's id.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
