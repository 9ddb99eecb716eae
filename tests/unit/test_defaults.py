"""Options that are given neither in the command nor in the environment come from a file."""

import os
import re
import tomllib
from pathlib import Path

import pytest
import typer
from botocore.exceptions import NoRegionError
from typer.testing import CliRunner

from storehooks import __version__
from storehooks_cli import stack
from storehooks_cli.commands import commands
from storehooks_cli.defaults import VARIABLES, DefaultsError, load_defaults
from storehooks_cli.local import running
from storehooks_cli.options import DEMO_STORE, StackOptions, StoreHash, unfolded
from storehooks_cli.stack import find_stack
from tests.documented_commands import ROOT


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    for name in VARIABLES.values():
        monkeypatch.setenv(name, "")  # so that it is as before in the end
        monkeypatch.delenv(name)


def written(folder: Path, text: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "storehooks.toml").write_text(text)
    return folder


def test_the_file_of_the_folder_goes_before_that_of_the_home(tmp_path):
    home = tmp_path / ".config" / "storehooks"
    written(home, "").joinpath("config.toml").write_text('store_hash = "home"')
    load_defaults(tmp_path / "elsewhere", tmp_path)
    assert os.environ.pop("STOREHOOKS_STORE_HASH") == "home"
    load_defaults(written(tmp_path / "folder", 'store_hash = "folder"\nlocal = true'), tmp_path)
    assert os.environ["STOREHOOKS_STORE_HASH"] == "folder"
    assert os.environ["STOREHOOKS_LOCAL"] == "True"


def test_the_environment_goes_before_the_file(tmp_path, monkeypatch):
    monkeypatch.setenv("STACK_NAME", "mine")
    load_defaults(written(tmp_path, 'stack_name = "another"'), tmp_path)
    assert os.environ["STACK_NAME"] == "mine"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("store_hash = ", "cannot be read"),
        ('token = "secret"', "has token; accepted: store_hash, local, data_dir, stack_name, url"),
        ("store_hash = 5", "store_hash is 5; accepted: a string"),
        ('local = "yes"', "local is 'yes'; accepted: true or false"),
    ],
)
def test_a_mistake_is_told_with_its_file_and_what_is_accepted(text, said, tmp_path):
    with pytest.raises(DefaultsError, match=re.escape(said)) as raised:
        load_defaults(written(tmp_path, text), tmp_path)
    assert "storehooks.toml" in str(raised.value)
    assert "secret" not in str(raised.value)
    assert not set(VARIABLES.values()) & os.environ.keys()


def test_the_page_shows_a_file_and_each_name_in_it():
    page = (ROOT / "docs" / "command-line.md").read_text()
    (shown,) = re.findall(r"^```toml\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    assert tomllib.loads(shown).keys() <= VARIABLES.keys()
    (names,) = re.findall(r"^The file may have (.*?)\.", page, re.MULTILINE)
    assert set(re.findall(r"`(\w+)`", names)) == VARIABLES.keys()


@unfolded
def command(deployment: StackOptions, store_hash: StoreHash) -> None:
    typer.echo(store_hash)


def run(*arguments: str):
    app = typer.Typer()
    app.command()(command)
    return CliRunner().invoke(app, arguments)


def test_the_store_is_the_demo_store_on_the_local_stack_alone():
    assert run("--local").stdout == f"{DEMO_STORE}\n"
    assert run("--local", "--store-hash", "abc").stdout == "abc\n"
    refused = run()
    assert refused.exit_code == 2
    assert "STOREHOOKS_STORE_HASH" in refused.output


def test_the_local_stack_is_found_from_another_folder_than_the_repository(tmp_path, monkeypatch):
    monkeypatch.setattr(running, "_REPOSITORY", tmp_path / "repository")
    stack_file = tmp_path / "repository" / ".local" / "stack.json"
    stack_file.parent.mkdir(parents=True)
    stack_file.write_text('{"base_url": "http://127.0.0.1:3000"}')
    monkeypatch.chdir(tmp_path)
    assert running.running_stack(Path(".local")) == {"base_url": "http://127.0.0.1:3000"}
    assert not running.is_running(Path("elsewhere"))


def test_who_names_no_stack_while_a_local_one_runs_is_told_of_it_first(tmp_path, monkeypatch, capsys):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_DEFAULT_REGION", "AWS_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    (tmp_path / "stack.json").write_text("{}")
    with pytest.raises(typer.Exit):
        find_stack(local=False, data_dir=tmp_path, stack_name="storehooks")
    first, second = capsys.readouterr().err.splitlines()
    assert "--local" in first
    assert "cannot read the stack storehooks" in second


def test_who_has_no_region_is_told_where_to_set_it(tmp_path, monkeypatch, capsys):
    def without_region(*_arguments):
        raise NoRegionError

    monkeypatch.setattr(stack, "_described", without_region)
    with pytest.raises(typer.Exit):
        find_stack(local=False, data_dir=tmp_path, stack_name="storehooks")
    said = "storehooks: cannot read the stack storehooks: no region is set; set AWS_DEFAULT_REGION"
    assert capsys.readouterr().err.startswith(said)


def test_the_version_is_printed():
    shown = CliRunner().invoke(commands, ["--version"])
    assert (shown.exit_code, shown.stdout) == (0, f"storehooks {__version__}\n")


@pytest.mark.parametrize("path", [[], ["hook"], ["hook", "list"], ["event", "send"]])
def test_h_is_help(path):
    assert "Usage:" in CliRunner().invoke(commands, [*path, "-h"]).stdout
