"""Options that several commands have."""

from collections.abc import Callable
from typing import Annotated

import typer

from storehooks.domain.errors import InvalidValueError
from storehooks.domain.identity import check_store_hash


def parser(check: Callable[[str], str]) -> Callable[[str], str]:
    """A rule of the domain as the parser of an option."""

    def parse(text: str) -> str:
        try:
            return check(text)
        except InvalidValueError as error:
            raise typer.BadParameter(f"{text!r} {error.reason}; accepted: {error.accepted}") from None

    return parse


StoreHash = Annotated[
    str, typer.Option(parser=parser(check_store_hash), metavar="HASH", help="The store's hash.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
