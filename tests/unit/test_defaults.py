"""Options that are given neither in the command nor in the environment come from a file."""

import os
import re
import tomllib
from pathlib import Path

import pytest
import typer

from storehooks_cli.defaults import VARIABLES, DefaultsError, load_defaults
from storehooks_cli.options import DEMO_STORE, StackOptions, StoreHash, unfolded
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
    from typer.testing import CliRunner

    app = typer.Typer()
    app.command()(command)
    return CliRunner().invoke(app, arguments)


def test_the_store_is_the_demo_store_on_the_local_stack_alone():
    assert run("--local").stdout == f"{DEMO_STORE}\n"
    assert run("--local", "--store-hash", "abc").stdout == "abc\n"
    refused = run()
    assert refused.exit_code == 2
    assert "STOREHOOKS_STORE_HASH" in refused.output
