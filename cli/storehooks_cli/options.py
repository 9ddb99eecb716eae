"""Options that several commands have."""

import inspect
import re
import shlex
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

import typer

from storehooks.domain.errors import InvalidValueError
from storehooks.domain.identity import check_client_id, check_store_hash
from storehooks.domain.scope import catalogue, published, wildcards
from storehooks_cli.output import say

if TYPE_CHECKING:
    from storehooks_cli.stack import Stack


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
            f"{text!r} is not a duration; accepted: minutes, hours or days, such as 30m, 12h or 90d"
        )
    return int(match[1]) * _UNITS[match[2]]


def http_url(text: str) -> str:
    """A URL of http or https, as the parser of an option."""
    if not _is_http_url(text):
        raise typer.BadParameter(
            f"{text!r} is not an http or https URL; accepted: one such as https://app.example.com/hooks"
        )
    return text


def _is_http_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        # Reading the port checks it.
        return (
            parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0 and " " not in text
        )
    except ValueError:
        return False


def unfolded(command: Callable[..., None]) -> Callable[..., None]:
    """A command as Typer takes it, with a parameter for each of the options that it has in groups.

    A group is a dataclass whose fields are options, such as :class:`StackOptions`. The command
    itself gets the group::

        @app.command("list")
        @unfolded
        def list_things(deployment: StackOptions, as_json: Json = False) -> None: ...

    A ``store_hash`` without a default need not be given on the local stack: it is the demo store's then.
    """
    own = inspect.signature(command).parameters
    groups: dict[str, Any] = {
        name: parameter.annotation for name, parameter in own.items() if is_dataclass(parameter.annotation)
    }

    @wraps(command)
    def with_single_options(**given: Any) -> None:
        if needs_store:
            given["store_hash"] = _store_of(given)
        for name, group in groups.items():
            given[name] = group(**{field.name: given.pop(field.name) for field in fields(group)})
        command(**given)

    parameters: list[inspect.Parameter] = []
    for name, parameter in own.items():
        parameters += inspect.signature(groups[name]).parameters.values() if name in groups else [parameter]
    needs_store = any(map(_is_needed_store, parameters))
    parameters = [one.replace(default=None) if _is_needed_store(one) else one for one in parameters]
    with_single_options.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in parameters]
    )
    return with_single_options


def _is_needed_store(parameter: inspect.Parameter) -> bool:
    """Whether it is the store of a command, which always has one."""
    return parameter.name == "store_hash" and parameter.default is inspect.Parameter.empty


def _store_of(given: Mapping[str, Any]) -> str:
    """The store that a command is about: the one that is named, or the local stack's demo store."""
    store_hash: str | None = given["store_hash"]
    if store_hash is None and not given.get("local"):
        from storehooks_cli.local.running import is_running

        if not given.get("url") and is_running(given["data_dir"]):
            say("a local stack is running; --local works on it")
        raise typer.BadParameter(
            "--store-hash is missing; it names the store, as STOREHOOKS_STORE_HASH and storehooks.toml do"
        )
    return DEMO_STORE if store_hash is None else store_hash


def complete_hook_scope(incomplete: str) -> list[str]:
    """The scopes that a hook may have, for the shell's completion."""
    return [scope for scope in sorted({*catalogue(), *wildcards()}) if scope.startswith(incomplete)]


def complete_event_scope(incomplete: str) -> list[str]:
    """The scopes that an event may have, for the shell's completion."""
    return [scope for scope in published() if scope.startswith(incomplete)]


DEMO_STORE = "5ueh97"
"""The store that `make run` makes a token for."""

StoreHash = Annotated[
    str,
    typer.Option(
        parser=parser(check_store_hash),
        metavar="HASH",
        envvar="STOREHOOKS_STORE_HASH",
        help=f"The store's hash; with --local {DEMO_STORE}, if left out.",
        show_default=False,
    ),
]


def client_id_option(help_text: str, panel: str | None = None) -> Any:
    """The option `--client-id`, with what it means for a command."""
    return typer.Option(
        parser=parser(check_client_id), metavar="HEX32", help=help_text, rich_help_panel=panel
    )


ClientId = Annotated[str, client_id_option("The client's id.")]
ExpiresIn = Annotated[
    int | None,
    typer.Option(
        parser=duration,
        metavar="DURATION",
        help="How long it works, such as 30m, 12h or 90d; no end if left out.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]

PANEL = "Which deployment"

Local = Annotated[
    bool,
    typer.Option(
        "--local",
        envvar="STOREHOOKS_LOCAL",
        help="The local stack that `make run` started.",
        rich_help_panel=PANEL,
    ),
]
DataDir = Annotated[
    Path,
    typer.Option(
        envvar="DATA_DIR",
        help="The folder of the local stack.",
        show_default=True,
        file_okay=False,
        rich_help_panel=PANEL,
    ),
]
StackName = Annotated[
    str,
    typer.Option(
        envvar="STACK_NAME",
        help="The stack in AWS, found with your AWS credentials and region.",
        rich_help_panel=PANEL,
    ),
]
DEFAULT_DATA_DIR = Path(".local")
DEFAULT_STACK_NAME = "storehooks"


def program() -> str:
    """What a person types for this command: the path that was typed, or the name if the shell finds it."""
    typed = Path(sys.argv[0])
    is_found = typed.is_absolute() and shutil.which("storehooks") == str(typed)
    return "storehooks" if typed.name != "storehooks" or is_found else str(typed)


def to_type(*words: object) -> str:
    """A call of this command, to be typed in a shell. Empty words are left out."""
    return shlex.join([program(), *(str(word) for word in words if word)])


def deployment_words(*, local: bool, data_dir: Path, stack_name: str) -> list[str]:
    """The options that name a deployment, as they are typed; none for the default one."""
    if local:
        return ["--local", *(() if data_dir == DEFAULT_DATA_DIR else ("--data-dir", str(data_dir)))]
    return [] if stack_name == DEFAULT_STACK_NAME else ["--stack-name", stack_name]


@dataclass(frozen=True, slots=True)
class StackOptions:
    """The options that say which deployment a command works on."""

    local: Local = False
    data_dir: DataDir = DEFAULT_DATA_DIR
    stack_name: StackName = DEFAULT_STACK_NAME

    def find(self) -> "Stack":
        """That deployment; ends the command with a message when there is none."""
        from storehooks_cli.stack import find_stack  # and with it all of boto3

        return find_stack(local=self.local, data_dir=self.data_dir, stack_name=self.stack_name)

    @property
    def words(self) -> list[str]:
        """These options as they are typed."""
        return deployment_words(local=self.local, data_dir=self.data_dir, stack_name=self.stack_name)
