"""storehooks invoke: one function in AWS's own runtime interface emulator.

The function is the one that is deployed to the local stack, with its layer and its environment.
"""

import io
import os
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

import typer

from storehooks_cli.data_files import need_repository
from storehooks_cli.local.endpoint import Endpoint
from storehooks_cli.local.environment import NO_AWS_ACCOUNT, forget_callers_aws
from storehooks_cli.local.folders import PROJECT
from storehooks_cli.local.running import endpoint_of, running_stack
from storehooks_cli.options import DEFAULT_DATA_DIR, DEFAULT_STACK_NAME, DataDir, StackOptions
from storehooks_cli.output import fail, print_json
from storehooks_cli.stopping import exit_on_signals

if TYPE_CHECKING:
    from storehooks_cli.stack import Stack

# The emulator ends a function that exceeds its timeout, and says so; it needs time for that.
_GRACE_SECONDS = 10


def invoke(
    function: Annotated[str, typer.Argument(help="The name of its folder, such as create_hook.")],
    event: Annotated[Path, typer.Option(help="A file with the event as JSON.")],
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """Invoke a function of the running local stack in AWS's runtime interface emulator.

    Its response goes to standard output, its log to standard error. The status is 1 when
    the function fails.
    """
    need_repository("storehooks invoke", "make invoke")
    from storehooks_cli.runtime import emulator

    rie = emulator()
    if not event.is_file():
        fail(f"there is no event file {event}")
    if not (PROJECT / "functions" / function / "app.py").is_file():
        names = sorted(path.parent.name for path in (PROJECT / "functions").glob("*/app.py"))
        fail(f"there is no function {function}; there are {', '.join(names)}")
    forget_callers_aws()
    stack = StackOptions(local=True, data_dir=data_dir).find()
    endpoint = endpoint_of(running_stack(data_dir))
    exit_on_signals()
    with tempfile.TemporaryDirectory(prefix="storehooks-") as folder:
        response = _response(rie, stack, endpoint, function, event.read_bytes(), Path(folder))
    print_json(response)
    if isinstance(response, dict) and "errorType" in response:
        raise typer.Exit(1)


def _response(
    rie: Path, stack: "Stack", endpoint: Endpoint, function: str, event: bytes, folder: Path
) -> Any:
    """The function's response to an event; the folder is for its code and layer."""
    import requests

    from storehooks_cli.runtime import http, running

    functions = stack.session.client("lambda", endpoint_url=endpoint.url)
    deployed = functions.get_function(FunctionName=f"{DEFAULT_STACK_NAME}-{function}")
    configuration = deployed["Configuration"]
    code, layer = folder / "task", folder / "opt"
    _unpack(endpoint, deployed["Code"]["Location"], code)
    for part in configuration["Layers"]:
        content = functions.get_layer_version_by_arn(Arn=part["Arn"])["Content"]
        _unpack(endpoint, content["Location"], layer)
    environment = {
        **configuration["Environment"]["Variables"],
        **endpoint.credentials,
        **NO_AWS_ACCOUNT,
        "AWS_ENDPOINT_URL": endpoint.url,
        "AWS_REGION": functions.meta.region_name,
        "AWS_DEFAULT_REGION": functions.meta.region_name,
        "AWS_LAMBDA_FUNCTION_NAME": configuration["FunctionName"],
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(configuration["MemorySize"]),
        "AWS_LAMBDA_FUNCTION_TIMEOUT": str(configuration["Timeout"]),
        "LAMBDA_TASK_ROOT": str(code),
        "PYTHONPATH": str(layer / "python"),
        "PATH": os.environ["PATH"],
        "LANG": "C.UTF-8",
    }
    with running(rie, code, environment) as url:
        try:
            response = http().post(url, data=event, timeout=configuration["Timeout"] + _GRACE_SECONDS)
        except requests.RequestException as error:
            fail(f"the runtime interface emulator does not respond: {error}")
    try:
        return response.json()
    except requests.JSONDecodeError:
        fail(response.text)  # such as "Task timed out after 15.00 seconds"


def _unpack(endpoint: Endpoint, location: str, folder: Path) -> None:
    """Unpack a zip that the local AWS serves, in whose address there can be a port of an earlier start."""
    from storehooks_cli.runtime import http

    url = f"{endpoint.url}{urlsplit(location).path}"
    zipfile.ZipFile(io.BytesIO(http().get(url, headers=endpoint.headers).content)).extractall(folder)
