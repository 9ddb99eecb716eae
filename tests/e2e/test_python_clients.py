"""The client libraries for Python that speak to no host but BigCommerce's, unchanged.

Their environment is made of requirements/clients.txt. What leads them to the local stack stands in
tests/e2e/python/sitecustomize.py, for a process what a line in the hosts file is for a machine.
"""

import json
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.e2e.local_run import ROOT
from tests.e2e.test_api import new_token

pytestmark = pytest.mark.toolchain

SOURCES = Path(__file__).with_name("python")
PROGRAMS = ROOT / ".venv-clients/bin"
TIMEOUT = 120

# An editor that a person works with: it moves the hook and switches it on.
EDITOR = """
import json, pathlib, sys

file = pathlib.Path(sys.argv[1])
hook = json.loads(file.read_text())
file.write_text(json.dumps(hook | {"destination": "https://app.example.com/moved", "is_active": True}))
"""


def run(stack, *command, said="", **environment):
    return subprocess.run(
        command,
        input=said,
        env={
            "PYTHONPATH": str(SOURCES),
            "TLS_PORT": str(urlsplit(stack.tls_base_url).port),
            "REQUESTS_CA_BUNDLE": str(stack.ca_path),
            **environment,
        },
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )


# ---------------------------------------------------------------- bigc


@pytest.fixture(scope="module")
def bigc(stack):
    """What an app saw that used bigc."""
    token = new_token(stack, "--store-hash", "b1gc")["access_token"]
    ended = run(stack, PROGRAMS / "python", SOURCES / "bigc_app.py", "b1gc", token)
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


def test_bigc_creates_lists_gets_updates_and_deletes_in_v3(bigc):
    seen = bigc["v3"]
    hook = seen["created"]
    assert (hook["scope"], hook["is_active"], hook["headers"]) == ("store/order/*", True, {"X-A": "1"})
    assert seen["got"] == hook
    assert seen["updated"]["destination"] == "https://app.example.com/moved"
    assert seen["deleted"] == hook["id"]
    assert seen["gone"] == ["DoesNotExistError", 404, f"Webhook with id [{hook['id']}] not found", None]
    assert seen["left"] == []


def test_bigc_goes_through_pages_and_narrows_lists_in_v3(bigc):
    seen = bigc["v3"]
    first, *others = seen["all"]
    assert len(others) == 3
    assert seen["in_pages_of_3"] == seen["all"]
    assert seen["active"] == seen["of_scope"] == [first], "it writes True with a capital letter"
    assert seen["inactive"] == others
    assert seen["of_destination"] == others[2:]


def test_bigc_shows_which_field_is_wrong_in_v3(bigc):
    seen = bigc["v3"]
    assert seen["duplicate"][:2] == ["ConflictError", 409]
    assert "same scope and destination" in seen["duplicate"][3]["destination"]
    assert seen["invalid"][:3] == ["InvalidDataError", 422, "JSON data is missing or invalid"]
    assert seen["invalid"][3]["destination"].startswith("It is required.")
    assert seen["invalid_query"][:3] == ["BadRequestError", 400, "Input is invalid."]
    assert seen["invalid_query"][3]["is_active"].startswith("'maybe' is neither true nor false.")
    error, status, message, fields = seen["stranger"]
    assert (error, status, fields) == ("UnauthorizedError", 401, None)
    assert message, "though it is the gateway's own, in the form of version 2"


def test_bigc_names_addresses_and_lists_what_was_missed(bigc):
    seen = bigc["v3"]
    assert seen["notified"] is None
    assert seen["admin"] == "active"
    assert seen["missed"] == []


def test_bigc_works_in_v2(bigc):
    seen = bigc["v2"]
    hook = seen["created"]
    assert hook["created_at"].endswith("+00:00")
    assert seen["all"] == seen["in_pages_of_2"]
    assert len(seen["all"]) == 4
    assert seen["got"] == hook
    assert seen["updated"] is False
    error, status, message, _ = seen["invalid"]
    assert (error, status) == ("BadRequestError", 400)
    assert message.startswith("The field 'destination' is invalid: it is required.")
    assert seen["deleted"] == hook["id"]
    assert seen["gone"] == ["DoesNotExistError", 404, "The requested resource was not found.", None]
    assert seen["left"] == []


# ---------------------------------------------------------------- bigcommerce-cli


@pytest.fixture
def bcli(stack, tmp_path):
    """The command of bigcommerce-cli, with a store saved in its own files under this home."""
    (tmp_path / "editor.py").write_text(EDITOR)
    editor = f"{sys.executable} {tmp_path / 'editor.py'}"

    def call(*arguments, said=""):
        return run(stack, PROGRAMS / "bcli", *arguments, said=said, HOME=str(tmp_path), EDITOR=editor)

    def save(name, token):
        assert call("settings", "add-store", said=f"{name}\nbc11\n{token}\n").returncode == 0
        assert call("settings", "active-store", name).returncode == 0

    save("stranger", "unknown")
    call.stranger = call("get", "webhooks")
    save("shop", new_token(stack, "--store-hash", "bc11")["access_token"])
    return call


def test_bcli_creates_lists_gets_edits_and_deletes(bcli):
    orders = 'store/order/*\nhttps://app.example.com/orders\n{"X-A": "1"}\n'
    (number,) = re.findall(
        r"Created \((\d+)\) with scope 'store/order/\*'", bcli("post", "webhooks", said=orders).stdout
    )
    products = "store/product/*\nhttps://app.example.com/products\n\n"
    (other,) = re.findall(r"Created \((\d+)\)", bcli("post", "webhooks", said=products).stdout)
    rows = re.findall(r"(?m)^\| (\d+) +\| (\S+) +\| (\S+) +\| (\S+) +\|$", bcli("get", "webhooks").stdout)
    assert rows == [
        (number, "store/order/*", "https://app.example.com/orders", "False"),
        (other, "store/product/*", "https://app.example.com/products", "False"),
    ]
    hook = json.loads(bcli("get", "webhooks", number).stdout)
    assert (hook["id"], hook["headers"]) == (int(number), {"X-A": "1"})
    edited = json.loads(bcli("put", "webhooks", number).stdout)
    assert edited == {"destination": "https://app.example.com/moved", "is_active": True}
    assert json.loads(bcli("get", "webhooks", number).stdout).items() >= edited.items()
    for one in (number, other):
        assert bcli("delete", "webhooks", one, said="y\n").stdout.endswith(f"Deleted ({one})\n")
    gone = bcli("get", "webhooks", number)
    assert gone.returncode == 1
    assert gone.stderr == f"Error: BigCommerce exception (404) 'Webhook with id [{number}] not found'\n"


def test_bcli_shows_the_title_of_an_error(bcli):
    refused = bcli("post", "webhooks", said="store/orders/*\nhttps://app.example.com/\n\n")
    assert refused.returncode == 1
    assert refused.stderr == "Error: BigCommerce exception (422) 'JSON data is missing or invalid'\n"


def test_bcli_cannot_read_what_the_gateway_itself_responds(bcli):
    """The gateway has one form for all paths, that of version 2; docs/api-v3.md names this exception."""
    assert bcli.stranger.returncode == 1
    assert "AttributeError: 'list' object has no attribute 'get'" in bcli.stranger.stderr
