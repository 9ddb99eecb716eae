"""Which local stack runs."""

import json
from pathlib import Path
from typing import Any

from storehooks_cli.local.endpoint import Endpoint
from storehooks_cli.output import fail


def running_stack(data_dir: Path) -> dict[str, Any]:
    """What the stack of a data folder says of itself; ends the command with a message when none runs."""
    try:
        running: dict[str, Any] = json.loads((data_dir / "stack.json").read_text())
    except FileNotFoundError:
        fail(
            f"no local stack runs in the data folder {data_dir}; start it with: make run DATA_DIR={data_dir}"
        )
    return running


def endpoint_of(running: dict[str, Any]) -> Endpoint:
    """The local AWS of a running stack; ends the command if it is one of release 0.2.0 or before."""
    if "access_key_id" not in running:
        fail("the local stack that runs was started by an earlier release; stop it, then: make run")
    return Endpoint(running["endpoint_url"], running["access_key_id"])
