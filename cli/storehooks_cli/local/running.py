"""Which local stack runs."""

import json
from pathlib import Path
from typing import Any

from storehooks_cli.local.endpoint import Endpoint
from storehooks_cli.output import fail

_REPOSITORY = Path(__file__).parents[3]


def running_stack(data_dir: Path) -> dict[str, Any]:
    """What the stack of a data folder says of itself; ends the command with a message when none runs.

    :param data_dir: if relative, of the current folder, or else of the repository.
    """
    running = find_running(data_dir)
    if running is None:
        fail(
            f"no local stack runs in the data folder {data_dir}; "
            f"start it in a clone of the repository: make run DATA_DIR={data_dir}"
        )
    return running


def find_running(data_dir: Path) -> dict[str, Any] | None:
    """As :func:`running_stack`; None when none runs."""
    path = _stack_file(data_dir)
    if path is None:
        return None
    try:
        running = json.loads(path.read_text())
    except FileNotFoundError:  # it has just ended
        return None
    except ValueError:
        running = None
    if not isinstance(running, dict):
        fail(f"{path} is malformed; stop the local stack if it runs, then: make run DATA_DIR={data_dir}")
    return running


def data_folder(data_dir: Path) -> Path:
    """The data folder of a stack that runs, as :func:`running_stack` finds it."""
    path = _stack_file(data_dir)
    return data_dir if path is None else path.parent


def is_running(data_dir: Path) -> bool:
    """Whether a stack of that data folder runs."""
    return _stack_file(data_dir) is not None


def _stack_file(data_dir: Path) -> Path | None:
    paths = [folder / "stack.json" for folder in (data_dir, _REPOSITORY / data_dir)]
    return next((path for path in paths if path.is_file()), None)


def endpoint_of(running: dict[str, Any]) -> Endpoint:
    """The local AWS of a running stack; ends the command if it is one of release 0.2.0 or before."""
    if "access_key_id" not in running:
        fail("the local stack that runs was started by an earlier release; stop it, then: make run")
    return Endpoint(running["endpoint_url"], running["access_key_id"])
