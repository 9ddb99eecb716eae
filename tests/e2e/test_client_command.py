"""storehooks client, against the running stack."""

import json

import pytest

from storehooks_cli.times import local_time
from tests.e2e.command_line import storehooks

pytestmark = pytest.mark.toolchain

STORE_HASH = "c1ient"


def test_a_clients_secret_is_rotated_and_its_overlap_shown(stack):
    created = json.loads(storehooks(stack, "token", "create", "--store-hash", STORE_HASH, "--json").stdout)
    named = ("--store-hash", STORE_HASH, "--client-id", created["client_id"])
    new = json.loads(storehooks(stack, "client", "rotate-secret", *named, "--json").stdout)
    assert new["client_secret"] != created["client_secret"]

    refused = storehooks(stack, "client", "rotate-secret", *named, check=False)
    assert refused.returncode == 1
    assert f"signs until {new['previous_secret_until']}" in refused.stderr
    listed = storehooks(stack, "client", "list", "--store-hash", STORE_HASH).stdout
    (line,) = listed.splitlines()[1:]
    assert line.split()[0] == created["client_id"]
    until = local_time(new["previous_secret_until"]).split()
    assert line.split()[3:] == ["1", "until", *until]

    forced = storehooks(stack, "client", "rotate-secret", *named, "--overlap-hours", "0", "--force").stdout
    assert "signs no more" in forced
    (client,) = json.loads(storehooks(stack, "client", "list", "--store-hash", STORE_HASH, "--json").stdout)
    assert (client["tokens"], client["previous_secret_until"]) == (1, None)
    shown = storehooks(stack, "token", "create", *named, "--json").stdout
    assert json.loads(shown)["client_secret"] in forced


def test_an_unknown_client_is_one_clear_message(stack):
    named = ("--store-hash", STORE_HASH, "--client-id", "f" * 32)
    response = storehooks(stack, "client", "rotate-secret", *named, check=False)
    assert response.returncode == 1
    assert {STORE_HASH, "f" * 32} <= set(response.stderr.split())
    assert response.stderr.count("\n") == 1
