"""storehooks token, against the running stack."""

import json
import subprocess
import time
from datetime import UTC, datetime

import pytest
import requests

from storehooks_cli.times import local_time
from tests.e2e.command_line import storehooks

pytestmark = pytest.mark.toolchain


def status(stack, token):
    url = f"{stack.base_url}/stores/c0mmand/v2/hooks"
    return requests.get(url, headers={"X-Auth-Token": token}, timeout=60).status_code


def test_a_token_is_shown_once_as_one_json_object(stack):
    created = json.loads(storehooks(stack, "token", "create", "--store-hash", "c0mmand", "--json").stdout)
    assert list(created) == [
        "store_hash",
        "client_id",
        "client_secret",
        "access_token",
        "scopes",
        "expires_at",
    ]
    assert created["store_hash"] == "c0mmand"
    assert created["scopes"] == ["default"]
    assert status(stack, created["access_token"]) == 200
    listed = storehooks(stack, "token", "list", "--store-hash", "c0mmand", "--json").stdout
    assert created["access_token"] not in listed
    assert created["client_secret"] not in listed
    assert created["client_id"] in [record["client_id"] for record in json.loads(listed)]


def test_what_people_see_can_be_copied_whole(stack):
    created = storehooks(stack, "token", "create", "--store-hash", "c0mmand").stdout
    token = created.split("access_token")[1].split()[0]
    assert status(stack, token) == 200
    assert created.split("standard_webhooks_secret")[1].split()[0].startswith("whsec_")
    listed = storehooks(stack, "token", "list", "--store-hash", "c0mmand").stdout
    digest = listed.splitlines()[1].split()[0]
    assert len(digest) == 64
    assert digest in storehooks(stack, "token", "revoke", "--store-hash", "c0mmand", digest).stdout


def test_a_token_with_an_end_shows_it(stack):
    arguments = ("--store-hash", "c0mmand", "--expires-in", "90d")
    created = json.loads(storehooks(stack, "token", "create", *arguments, "--json").stdout)
    days = (datetime.fromisoformat(created["expires_at"]) - datetime.now(UTC)).total_seconds() / 86400
    assert 89.9 < days <= 90
    assert status(stack, created["access_token"]) == 200
    assert (
        local_time(created["expires_at"])
        in storehooks(stack, "token", "list", "--store-hash", "c0mmand").stdout
    )


@pytest.mark.parametrize("by_client", [True, False])
def test_a_revoked_token_stops_working_within_the_cache_time(stack, by_client):
    created = json.loads(storehooks(stack, "token", "create", "--store-hash", "c0mmand", "--json").stdout)
    token = created["access_token"]
    assert status(stack, token) == 200
    named = ("--client-id", created["client_id"]) if by_client else (token,)
    storehooks(stack, "token", "revoke", "--store-hash", "c0mmand", *named)
    deadline = time.monotonic() + stack.authorizer_cache_seconds + 5
    while status(stack, token) != 401:
        assert time.monotonic() < deadline
        time.sleep(0.2)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("create", "--store-hash", "a/b"), "64 letters"),
        (("create", "--store-hash", "c0mmand", "--client-id", "x"), "32 hexadecimal"),
        (("create", "--store-hash", "c0mmand", "--scope", "admin"), "OAuth scope"),
        (("create", "--store-hash", "c0mmand", "--expires-in", "soon"), "90d"),
        (("revoke", "--store-hash", "c0mmand"), "--client-id"),
        (("revoke", "--store-hash", "c0mmand", "nothing"), "store c0mmand"),
    ],
)
def test_a_mistake_gets_one_clear_message(stack, arguments, named):
    response = storehooks(stack, "token", *arguments, check=False)
    assert response.returncode != 0
    assert named in response.stderr
    assert "Traceback" not in response.stderr


def test_the_users_own_aws_settings_do_not_matter_to_the_local_stack(stack):
    broken = {
        "AWS_PROFILE": "nobody",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        "AWS_DEFAULT_REGION": "eu-west-1",
    }
    response = subprocess.run(
        [stack.command, "token", "list", "--store-hash", "5ueh97", "--local", "--data-dir", stack.data_dir],
        env=stack.environment | broken,
        capture_output=True,
        text=True,
        check=False,
    )
    assert response.returncode == 0, response.stderr


@pytest.mark.parametrize("settings", [{"AWS_PROFILE": "nobody"}, {"AWS_DEFAULT_REGION": "us-east-1"}])
def test_a_stack_in_aws_that_cannot_be_read_is_one_clear_message(stack, settings):
    nowhere = {
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        "AWS_MAX_ATTEMPTS": "1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    response = subprocess.run(
        [stack.command, "token", "list", "--store-hash", "5ueh97", "--stack-name", "mine"],
        env=stack.environment | nowhere | settings,
        capture_output=True,
        text=True,
        check=False,
    )
    assert response.returncode == 1
    assert response.stderr.startswith("storehooks: ")
    assert "mine" in response.stderr
    assert "Traceback" not in response.stderr


def test_without_a_running_stack_the_command_says_how_to_start_one(stack, tmp_path):
    response = subprocess.run(
        [stack.command, "token", "list", "--store-hash", "c0mmand", "--local", "--data-dir", tmp_path],
        capture_output=True,
        text=True,
        check=False,
    )
    assert response.returncode == 1
    assert "make run" in response.stderr
    assert "Traceback" not in response.stderr
