"""What all commands share, without a stack."""

import json
import os
import pty
import shutil
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
import typer
from standardwebhooks import Webhook
from typer.testing import CliRunner

from storehooks.domain.client import Token
from storehooks.domain.scope import catalogue, wildcards
from storehooks.domain.signature import signature_headers
from storehooks_cli.access import NewToken, StoreClients
from storehooks_cli.client_secret import library_secret
from storehooks_cli.commands import commands
from storehooks_cli.connection import ApiOptions
from storehooks_cli.options import Json, StackOptions, StoreHash, complete_hook_scope, to_type, unfolded
from storehooks_cli.output import colour_of, print_line, print_table
from storehooks_cli.times import moment, relative_time

VECTOR = json.loads(Path(__file__).with_name("signature_vector.json").read_text())
# Not pydantic: Typer itself loads it, to convert arguments.
HEAVY = {"boto3", "botocore", "aiohttp", "requests"}


@pytest.mark.parametrize("arguments", [["--help"], ["event", "list-scopes"]])
def test_a_command_that_needs_no_stack_loads_no_client(arguments):
    script = (
        "import json, sys\n"
        "from storehooks_cli.commands import commands\n"
        "try:\n"
        f"    commands({arguments!r})\n"
        "finally:\n"
        "    print(json.dumps(sorted(sys.modules)), file=sys.stderr)\n"
    )
    response = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert response.stdout
    assert not HEAVY & set(json.loads(response.stderr))


def test_a_command_gets_a_group_of_options_whole():
    app = typer.Typer()

    @app.command()
    @unfolded
    def show(deployment: StackOptions, store_hash: StoreHash, as_json: Json = False) -> None:
        """Show them."""
        typer.echo(f"{deployment} {store_hash} {as_json}")

    response = CliRunner(env={"STACK_NAME": "mine"}).invoke(app, ["--store-hash", "h", "--local"])
    assert response.stdout == (
        "StackOptions(local=True, data_dir=PosixPath('.local'), stack_name='mine') h False\n"
    )
    assert "Show them." in CliRunner().invoke(app, ["--help"]).stdout


def test_a_command_to_type_next_names_the_client_that_was_named():
    client = {"client_id": "0" * 32}
    by_client = ["--client-id", "0" * 32]
    assert ApiOptions("h1", **client).words == ["--store-hash", "h1", *by_client]
    assert ApiOptions("h1", local=True, **client).words == ["--store-hash", "h1", "--local", *by_client]
    assert ApiOptions("h1", local=True).words == ["--store-hash", "h1", "--local"]
    assert ApiOptions("h1", "https://x", "t0ken").words == ["--store-hash", "h1", "--url", "https://x"]


@pytest.mark.parametrize(
    ("typed", "said", "help_of"),
    [
        (["hooks"], "No such command 'hooks'. Did you mean 'hook'?", ""),
        (["hook", "get"], "Missing argument 'ID'.", "hook get "),
        (
            ["hook", "list", "--data-dir", "nowhere"],
            "--store-hash is missing; it names the store, as STOREHOOKS_STORE_HASH and storehooks.toml do",
            "hook list ",
        ),
        (
            ["listen", "--port", "-1"],
            "Invalid value for '--port': accepted: greater than or equal to 0",
            "listen ",
        ),
        (["event", "send", "--local"], "SCOPE is missing; ", "event send "),
        (["hook", "get", "one"], "Invalid value for 'ID': accepted: a whole number", "hook get "),
        (
            ["hook", "create", "--max-per-second", "few"],
            "Invalid value for '--max-per-second': accepted: a number",
            "hook create ",
        ),
    ],
)
def test_wrong_use_is_said_on_a_line_with_the_command_that_helps(typed, said, help_of):
    response = CliRunner().invoke(commands, typed)
    assert (response.exit_code, response.stdout) == (2, "")
    mistake, helping = response.stderr.splitlines()
    assert mistake.startswith(f"storehooks: {said}")
    assert helping == f"storehooks: help: storehooks {help_of}-h"


def test_who_names_no_store_while_a_local_stack_runs_is_told_of_it_first(tmp_path):
    (tmp_path / "stack.json").write_text("{}")
    typed = ["hook", "list", "--data-dir", str(tmp_path)]
    first, second, _ = CliRunner().invoke(commands, typed).stderr.splitlines()
    assert first == "storehooks: a local stack is running; --local works on it"
    assert "--store-hash is missing" in second
    elsewhere = CliRunner().invoke(commands, [*typed, "--url", "https://hooks.example.com"])
    assert "--local" not in elsewhere.stderr


@pytest.mark.parametrize(
    ("typed", "on_the_path", "said"),
    [
        (".venv/bin/storehooks", None, ".venv/bin/storehooks"),
        ("/opt/bin/storehooks", "/opt/bin/storehooks", "storehooks"),
        ("/opt/bin/storehooks", None, "/opt/bin/storehooks"),
        ("/opt/bin/storehooks", "/usr/bin/storehooks", "/opt/bin/storehooks"),
        ("/opt/bin/pytest", None, "storehooks"),
    ],
)
def test_a_command_to_type_next_begins_with_what_the_shell_finds(typed, on_the_path, said, monkeypatch):
    monkeypatch.setattr(sys, "argv", [typed])
    monkeypatch.setattr(shutil, "which", lambda _name: on_the_path)
    assert to_type("hook", "list") == f"{said} hook list"


@pytest.fixture
def access(monkeypatch):
    """What a stack knows of clients and tokens, for the commands."""
    known = SimpleNamespace()
    monkeypatch.setattr(StackOptions, "find", lambda _self: SimpleNamespace(access=lambda: known))
    return known


def test_who_has_to_choose_a_client_sees_what_people_call_them(access):
    clients = [
        SimpleNamespace(client_id="a" * 32, name=None),
        SimpleNamespace(client_id="b" * 32, name="Shop"),
    ]
    access.list_clients = lambda _store: clients
    said = CliRunner().invoke(commands, ["hook", "list", "--local"]).stderr
    assert said.endswith(f"--client-id names one: {'a' * 32}, {'b' * 32} (Shop)\n")


def test_a_token_for_a_new_client_says_that_it_is_new(access):
    new = NewToken("5ueh97", "a" * 32, "secret", "token", ("default",), None)
    access.create_token = lambda *_arguments, **_options: new
    typed = ["token", "create", "--local"]
    assert "the client is new; --client-id makes" in CliRunner().invoke(commands, typed).stderr
    assert "new" not in CliRunner().invoke(commands, [*typed, "--client-id", "a" * 32]).stderr


def test_tables_of_stores_and_tokens_have_this_machines_times(access, monkeypatch):
    access.list_stores = lambda _is_temporary: [StoreClients("5ueh97", 1, 0)]
    access.list_tokens = lambda _store: [Token("d" * 64, "5ueh97", "a" * 32, ("read",), 0, 60)]
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Asia/Tokyo")
        time.tzset()
        shown = [
            CliRunner().invoke(commands, [what, "list", "--local"]).stdout for what in ("store", "token")
        ]
    time.tzset()
    assert "1970-01-01 09:00:00" in shown[0]
    assert "1970-01-01 09:00:00  1970-01-01 09:01:00" in shown[1]


def test_a_group_without_a_command_prints_its_help_alone():
    response = CliRunner().invoke(commands, ["hook"])
    assert (response.exit_code, response.stderr) == (2, "")
    assert "Commands" in response.stdout


def test_the_secret_for_libraries_is_the_base64_of_its_bytes_behind_a_prefix():
    """https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md"""
    assert library_secret("a key") == "whsec_YSBrZXk="


@pytest.mark.parametrize("secret", ["k" * 32, VECTOR["client_secret"], "ü?>" * 10])
def test_a_standard_webhooks_library_takes_the_secret_for_libraries(secret):
    headers = signature_headers("msg_1", b"{}", secrets=[secret], now=time.time())
    assert Webhook(library_secret(secret)).verify(b"{}", headers) == {}


def test_the_scopes_are_listed_with_an_example_by_their_beginning():
    arguments = ["event", "list-scopes", "store/order/st"]
    (scope,) = json.loads(CliRunner().invoke(commands, [*arguments, "--json"]).stdout)
    assert scope["scope"] == "store/order/statusUpdated"
    assert (scope["type"], scope["example"]["id"]) == ("order", 250)
    _, row = CliRunner().invoke(commands, arguments).stdout.splitlines()
    assert row.split(maxsplit=1) == [scope["scope"], json.dumps(scope["example"])]


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("hoo", ["hook"]),
        ("hook up", ["update"]),
        ("hook create --desti", ["--destination"]),
        ("hook create --scope store/order/ref", ["store/order/refund/*", "store/order/refund/created"]),
        ("event send store/order/ref", ["store/order/refund/created"]),
        ("delivery list --status e", ["exhausted"]),
    ],
)
def test_bash_completes_commands_options_and_scopes(typed, completed, tmp_path):
    script = (
        f"source <(storehooks --show-completion); COMP_WORDS=(storehooks {typed}); "
        "COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _storehooks_completion storehooks; "
        """printf '%s\\n' "${COMPREPLY[@]}" """
    )
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    response = subprocess.run(
        ["bash", "-c", script], env={"PATH": path}, cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert response.stdout.split() == completed


def test_the_scopes_that_a_hook_may_have_are_completed_in_order_each_once():
    scopes = complete_hook_scope("store/")
    assert scopes == sorted(set(scopes))
    assert set(scopes) == {*catalogue(), *wildcards()}


@pytest.mark.parametrize(
    ("ago", "time"), [("90m", {"minutes": 90}), ("2h", {"hours": 2}), ("1d", {"days": 1})]
)
def test_a_moment_may_be_how_long_ago_it_was(ago, time):
    before = datetime.now(UTC)
    assert before <= moment(ago) + timedelta(**time) <= datetime.now(UTC)


def test_a_moment_may_be_a_time_with_its_offset():
    assert moment("2026-11-24T02:00:00+02:00") == datetime(2026, 11, 24, tzinfo=UTC)
    assert moment("2026-11-24t00:00:00z") == datetime(2026, 11, 24, tzinfo=UTC)


@pytest.mark.parametrize(
    "text", ["", "2026-11-24", "2026-11-24T02:00:00", "h", "-1h", "0001-01-01T00:00:00+23:00"]
)
def test_what_is_no_moment_is_told_with_what_is_accepted(text):
    with pytest.raises(typer.BadParameter, match="ISO 8601"):
        moment(text)


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0, "now"),
        (59, "in 59 s"),
        (61, "in 1 min"),
        (-170, "3 min ago"),
        (7200, "in 2 h"),
        (-90000, "1 d ago"),
    ],
)
def test_a_time_is_told_as_people_say_it(seconds, told):
    now = datetime.now(UTC)
    assert relative_time((now + timedelta(seconds=seconds)).isoformat(), now) == told


def test_a_table_has_whole_cells_on_lines_of_their_own_and_nothing_that_steers_a_terminal(capsys):
    print_table(["A", "B"], [["[bold]:smile:", "\x1b[2J\n" + "x" * 300], ["short", ""]])
    heading, first, second = capsys.readouterr().out.splitlines()
    assert heading == "A              B"
    assert first == "[bold]:smile:  ?[2J?" + "x" * 300
    assert second == "short"


@pytest.mark.parametrize(
    ("environment", "has_colours"),
    [
        ({"TERM": "xterm"}, True),
        ({"TERM": "xterm", "NO_COLOR": "1"}, False),
        ({"TERM": "dumb"}, False),
        (None, False),
    ],
)
def test_a_status_has_a_colour_on_a_terminal_unless_no_color_is_set(environment, has_colours):
    script = (
        "from storehooks_cli.output import colour_of, print_line, print_table\n"
        "print_table(['ID', 'STATUS', 'REASON'], [['1', 'active', 'failed'], ['2', 'inactive', '']])\n"
        "print_line([('failed', colour_of('failed')), ('failed', None)])\n"
    )
    command = [sys.executable, "-c", script]
    path = {"PYTHONPATH": os.environ.get("PYTHONPATH", "")}
    if environment is None:
        shown = subprocess.run(command, env=path, capture_output=True, text=True, check=True).stdout
    else:
        ours, theirs = pty.openpty()
        with os.fdopen(ours, "rb", buffering=0) as terminal, os.fdopen(theirs, "wb") as output:
            subprocess.run(command, env=path | environment, stdout=output, check=True)
            shown = terminal.read(100_000).decode()
    assert ("\x1b[32mactive" in shown) == has_colours
    assert ("\x1b[31mfailed" in shown) == has_colours
    assert shown.count("\x1b[3") == 2 * has_colours
    plain = shown.replace("\x1b[32m", "").replace("\x1b[31m", "").replace("\x1b[0m", "").splitlines()
    assert plain == ["ID  STATUS    REASON", "1   active    failed", "2   inactive", "failed  failed"]


def test_a_closed_standard_output_is_no_terminal(monkeypatch):
    monkeypatch.setattr("sys.stdout", None)
    print_line([("failed", colour_of("failed"))])


def test_progress_is_shown_on_a_terminal_once_it_takes_its_time():
    script = (
        "import time\n"
        "from storehooks_cli import output\n"
        "output._SILENT_SECONDS = {}\n"
        "with output.progress('counting', 3) as tell:\n"
        "    tell(2)\n"
        "    time.sleep(0.3)\n"
    )

    def shown(silent: float) -> str:
        ours, theirs = pty.openpty()
        with os.fdopen(ours, "rb", buffering=0) as terminal, os.fdopen(theirs, "wb") as error:
            command = [sys.executable, "-c", script.format(silent)]
            subprocess.run(command, env={"TERM": "xterm"}, stderr=error, check=True)
            error.write(b"|")
            error.flush()
            return terminal.read(100_000).decode()

    early, late = shown(0), shown(60)
    assert "counting" in early
    assert "2/3" in early
    assert late == "|"
