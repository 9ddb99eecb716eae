"""Defaults of options, from a file: what is in neither an option nor the environment.

The file is ``storehooks.toml`` in the current folder, or else ``~/.config/storehooks/config.toml``::

    store_hash = "5ueh97"
    local = true
"""

import os
import tomllib
from pathlib import Path

VARIABLES = {
    "store_hash": "STOREHOOKS_STORE_HASH",
    "local": "STOREHOOKS_LOCAL",
    "data_dir": "DATA_DIR",
    "stack_name": "STACK_NAME",
    "url": "STOREHOOKS_URL",
}
"""What may be in the file, and the variable of the environment that goes before it."""


class DefaultsError(Exception):
    """The file cannot be read; says what is wrong with it."""


def load_defaults(folder: Path, home: Path) -> None:
    """Set the variables of the environment that are not set, as the file says.

    A token is never in it: it is a secret, and files are shared.

    :raises DefaultsError:
    """
    for path in (folder / "storehooks.toml", home / ".config" / "storehooks" / "config.toml"):
        if path.is_file():
            for name, value in _values(path).items():
                os.environ.setdefault(VARIABLES[name], value)
            return


def _values(path: Path) -> dict[str, str]:
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DefaultsError(f"{path} cannot be read: {error}") from None
    if unknown := sorted(found.keys() - VARIABLES.keys()):
        raise DefaultsError(f"{path} has {', '.join(unknown)}; accepted: {', '.join(VARIABLES)}")
    for name, value in found.items():
        accepted = bool if name == "local" else str
        if not isinstance(value, accepted):
            kind = "true or false" if accepted is bool else "a string"
            raise DefaultsError(f"{path}: {name} is {value!r}; accepted: {kind}")
    return {name: str(value) for name, value in found.items()}
