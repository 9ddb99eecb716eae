"""storehooks sam-env: the variables with which `sam local invoke` works on the local stack."""

from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import typer

from storehooks_cli.data_files import need_repository
from storehooks_cli.local.guard import OF_A_CONTAINER
from storehooks_cli.local.running import running_stack
from storehooks_cli.options import DEFAULT_DATA_DIR, DataDir, StackOptions
from storehooks_cli.output import fail, print_json

if TYPE_CHECKING:
    from storehooks_cli.stack import Stack


def sam_env(
    host: Annotated[
        str, typer.Option(help="This machine, as a function's container knows it.", show_default=True)
    ] = OF_A_CONTAINER,
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """Print the variables of the running local stack's functions, for `sam local invoke --env-vars`.

    SAM passes on those that the template names. Credentials and region it takes from its caller: give it
    the file credentials of the local stack's folder in AWS_SHARED_CREDENTIALS_FILE.
    """
    need_repository("storehooks sam-env", ".venv/bin/storehooks sam-env")
    running = running_stack(data_dir)
    if host.lower() not in running["hosts"]:
        fail(f"the local AWS does not take the host {host}; start it with: make run ALLOWED_HOSTS={host}")
    stack = StackOptions(local=True, data_dir=data_dir).find()
    port = urlsplit(stack.endpoint_url or "").port
    print_json({"Parameters": _variables(stack) | {"AWS_ENDPOINT_URL": f"http://{host}:{port}"}})


def _variables(stack: "Stack") -> dict[str, str]:
    """Those of all functions together: a variable has one value in all that have it."""
    pages = stack.functions().get_paginator("list_functions").paginate()
    return {
        name: value
        for page in pages
        for function in page["Functions"]
        if function["FunctionName"].startswith(f"{stack.name}-")
        for name, value in function["Environment"]["Variables"].items()
    }
