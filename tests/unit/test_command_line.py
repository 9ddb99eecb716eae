"""What all commands share, without a stack."""

import json
import subprocess
import sys

import pytest
import typer
from typer.testing import CliRunner

from storehooks_cli.options import Json, StackOptions, StoreHash, unfolded

# Not pydantic: Typer itself loads it, to convert arguments.
HEAVY = {"boto3", "botocore", "aiohttp", "requests"}


@pytest.mark.parametrize("arguments", [["--help"], ["token", "create", "--help"]])
def test_a_command_that_needs_no_stack_loads_no_client(arguments):
    script = (
        "import json, sys\n"
        "from storehooks_cli.commands import commands\n"
        "try:\n"
        f"    commands({arguments!r})\n"
        "finally:\n"
        "    print(json.dumps(sorted(sys.modules)), file=sys.stderr)\n"
    )
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert answer.stdout
    assert not HEAVY & set(json.loads(answer.stderr))


def test_a_command_gets_a_group_of_options_whole():
    app = typer.Typer()

    @app.command()
    @unfolded
    def show(deployment: StackOptions, store_hash: StoreHash, as_json: Json = False) -> None:
        """Show them."""
        typer.echo(f"{deployment} {store_hash} {as_json}")

    answer = CliRunner(env={"STACK_NAME": "mine"}).invoke(app, ["--store-hash", "h", "--local"])
    assert answer.stdout == (
        "StackOptions(local=True, data_dir=PosixPath('.local'), stack_name='mine') h False\n"
    )
    assert "Show them." in CliRunner().invoke(app, ["--help"]).stdout
