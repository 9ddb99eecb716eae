"""storehooks hook, delivery, recover and listen, against the running stack."""

import json
import os
import re
import signal
import subprocess

import pytest

from storehooks_cli.client_secret import library_secret
from tests.e2e.command_line import RunningCommand, storehooks
from tests.e2e.store import Destination, Store

pytestmark = pytest.mark.toolchain


def run(stack, store_hash, *arguments, **options):
    return storehooks(stack, *arguments, "--store-hash", store_hash, **options)


def as_json(stack, store_hash, *arguments):
    return json.loads(run(stack, store_hash, *arguments, "--json").stdout)


def test_hooks_are_managed_with_a_token_that_is_gone_afterwards(stack):
    assert "has no client yet" in run(stack, "cl1hooks", "hook", "list", check=False).stderr
    client = as_json(stack, "cl1hooks", "token", "create")["client_id"]
    given = ("--scope", "store/order/*", "--destination", "https://app.example.com/a", "--header", "X-Key: k")
    hook = as_json(stack, "cl1hooks", "hook", "create", *given)
    number = str(hook["id"])
    assert (hook["client_id"], hook["is_active"], hook["headers"]) == (client, True, {"X-Key": "k"})
    duplicate = run(stack, "cl1hooks", "hook", "create", *given, check=False)
    assert duplicate.returncode == 1
    assert number in duplicate.stderr
    assert duplicate.stderr.count("\n") == 1
    assert not as_json(stack, "cl1hooks", "hook", "update", number, "--inactive")["is_active"]
    run(stack, "cl1hooks", "hook", "delete", number)
    gone = run(stack, "cl1hooks", "hook", "get", number, check=False)
    assert number in gone.stderr
    assert "cl1hooks" in gone.stderr
    assert gone.stderr.count("\n") == 1
    assert len(as_json(stack, "cl1hooks", "token", "list")) == 1

    other = as_json(stack, "cl1hooks", "token", "create")["client_id"]
    several = run(stack, "cl1hooks", "hook", "list", check=False)
    assert several.returncode == 1
    assert {client, other} <= set(re.findall(r"[0-9a-f]{32}", several.stderr))


def test_hooks_are_as_a_file_says_and_an_export_is_such_a_file(stack, tmp_path):
    store, file = "cl1sync", tmp_path / "hooks.yaml"
    run(stack, store, "token", "create")
    file.write_text(
        "hooks:\n"
        "  - {scope: store/order/*, destination: 'https://app.example.com/a', headers: {X-Key: '${HOME}'}}\n"
        "  - {scope: store/cart/*, destination: 'https://app.example.com/b', is_paused: true}\n"
    )
    assert run(stack, store, "hook", "sync", file, "--dry-run", check=False).returncode == 2
    assert run(stack, store, "hook", "sync", file).stderr == "storehooks: 2 created\n"
    assert [hook["headers"] for hook in as_json(stack, store, "hook", "list")] == [
        {"X-Key": stack.environment["HOME"]},
        None,
    ]
    written = run(stack, store, "hook", "export", "--with-secrets").stdout
    file.write_text(written)
    assert "nothing to do" in run(stack, store, "hook", "sync", file, "--dry-run").stderr
    file.write_text(written.replace("/b", "/c").replace("is_paused: true", "is_paused: false"))
    changed = run(stack, store, "hook", "sync", file, "--prune")
    assert changed.stderr == "storehooks: 1 created, 1 removed\n"
    assert [line.split()[0] for line in changed.stdout.splitlines()] == ["ACTION", "create", "remove"]
    assert run(stack, store, "hook", "sync", tmp_path / "none", check=False).returncode == 1
    assert run(stack, store, "hook", "sync", "--prune", check=False).returncode == 1


def test_a_token_and_a_url_are_enough_over_https(stack):
    token = as_json(stack, "cl1url", "token", "create")["access_token"]
    command = [stack.command, "hook", "list", "--json", "--store-hash", "cl1url", "--url", stack.tls_base_url]
    without_aws = {"STOREHOOKS_TOKEN": token, "HOME": "/nowhere", "PATH": os.environ["PATH"]}
    response = subprocess.run(command, env=without_aws, capture_output=True, text=True, check=False)
    assert response.returncode == 1
    assert "its certificate is not trusted" in response.stderr
    trusting = without_aws | {"REQUESTS_CA_BUNDLE": str(stack.ca_path)}
    response = subprocess.run(command, env=trusting, capture_output=True, text=True, check=False)
    assert (response.returncode, response.stdout) == (0, "[]\n")


def test_what_a_hook_missed_is_sent_again(stack):
    store = Store(stack, "cl1again")
    with Destination(status=500) as broken:
        hook = str(store.hook("store/order/*", broken.url))
        delivery = store.delivery(int(hook), store.publish("store/order/created"))
        ping = run(stack, "cl1again", "hook", "ping", hook, check=False)
        assert (ping.returncode, ping.stderr) == (1, "")
        assert "result    answered 500" in ping.stdout
    shown = run(stack, "cl1again", "delivery", "list", hook).stdout.splitlines()[1]
    assert shown.startswith(f"{delivery['id']}  store/order/created  retrying  ")
    assert shown.endswith(" 500")

    with Destination(port=int(broken.url.split(":")[2].split("/")[0])) as mended:
        assert as_json(stack, "cl1again", "hook", "ping", hook)["attempt"]["status"] == 200
        assert json.loads(mended.next()[1])["scope"] == "store/hook/ping"
        run(stack, "cl1again", "delivery", "redeliver", delivery["id"])
        assert mended.next()[0]["webhook-id"] == delivery["id"]
        while as_json(stack, "cl1again", "delivery", "list", hook)[0]["status"] != "delivered":
            pass
        recovery = as_json(stack, "cl1again", "recover", hook, "--since", "1h", "--status", "delivered")
        assert (recovery["state"], recovery["recovered"]) == ("finished", 1)
        assert mended.next()[0]["webhook-id"] == delivery["id"]


NO_CLIENT = "storehooks: the store {} has no client; the stores that have one: storehooks store list --local"


def listening_to(stack, store_hash, *arguments):
    """A `storehooks listen` that runs."""
    options = ("--store-hash", store_hash, "--scope", "store/order/*")
    return RunningCommand(stack, "listen", *options, *arguments)


def test_deliveries_are_listened_to_until_ctrl_c_and_nothing_is_left(stack):
    store = "cl1listen"
    with (
        Destination(status=202) as app,
        listening_to(stack, store, "--json", "--forward", app.url) as listening,
    ):
        assert listening.said().startswith(NO_CLIENT.format(store))
        assert f"listening for store/order/* of the store {store} on http://127.0.0.1:" in listening.said()
        run(stack, store, "event", "send", "--scope", "store/order/created", "--data", '{"id": 5}')
        shown = json.loads(listening.line())
        headers, body = app.next()
        assert listening.end(signal.SIGINT) == (0, "")
    assert shown["is_signature_valid"]
    assert (shown["was_forwarded"], shown["answered"]) == (True, 202)
    assert shown["payload"] == json.loads(body)
    assert (shown["payload"]["scope"], shown["payload"]["data"]) == ("store/order/created", {"id": 5})
    assert headers["webhook-id"] == shown["id"]
    assert as_json(stack, store, "client", "list") == []
    assert as_json(stack, store, "token", "list") == []


def test_the_secret_is_the_same_in_each_run_or_that_of_an_apps_own_client(stack):
    store, said = "cl1secret", []
    for _ in range(2):
        with listening_to(stack, store) as listening:
            assert listening.said().startswith(NO_CLIENT.format(store))
            said.append(re.findall(r"signed with (whsec_\S+);", listening.said()))
            assert listening.end(signal.SIGTERM) == (0, "")
    assert said[0] == said[1] != []
    client = as_json(stack, store, "token", "create")
    with listening_to(stack, store, "--client-id", client["client_id"]) as listening:
        assert f"signed with {library_secret(client['client_secret'])};" in listening.said()
        assert listening.end(signal.SIGTERM) == (0, "")
    assert as_json(stack, store, "hook", "list") == []
    with listening_to(stack, store, "--client-id", "0" * 32) as unknown:
        said = unknown.said()
        assert said.startswith(f"storehooks: the store {store} has no client {'0' * 32}; those that it has: ")
        assert f"storehooks client list --store-hash {store} --local" in said


def test_a_hook_that_is_inactive_paused_or_removed_is_said_and_gets_deliveries_again(stack):
    store = "cl1watch"
    client = ("--client-id", as_json(stack, store, "token", "create")["client_id"])
    with listening_to(stack, store, *client) as listening:
        assert "listening" in listening.said()
        (hook,) = as_json(stack, store, "hook", "list")
        number = str(hook["id"])
        for change, said in (
            (("update", number, "--inactive"), "made inactive; it is active again"),
            (("pause", number), "paused; it is resumed"),
            (("delete", number), f"removed, and hook {hook['id'] + 1} takes its place"),
        ):
            run(stack, store, "hook", *change)
            assert f"hook {number} was {said}" in listening.said()
        run(stack, store, "event", "send", "store/order/created")
        assert "signature valid" in listening.line()
        assert listening.end(signal.SIGTERM) == (0, "")
    assert as_json(stack, store, "hook", "list") == []


def test_the_client_of_a_run_that_is_removed_is_made_again_with_its_secret(stack):
    store = "cl1gone"
    with listening_to(stack, store) as listening:
        assert "no client" in listening.said()
        assert "listening" in listening.said()
        run(stack, store, "store", "remove", "--yes")
        assert "was removed" in listening.said()
        run(stack, store, "event", "send", "store/order/created")
        assert "signature valid" in listening.line()
        assert listening.end(signal.SIGTERM) == (0, "")
    assert as_json(stack, store, "client", "list") == []


def test_the_next_run_removes_what_one_that_was_killed_has_left_and_no_other(stack):
    with listening_to(stack, "cl1killed") as killed, listening_to(stack, "cl1killed") as living:
        for one in (killed, living):
            assert "no client" in one.said()
            assert "listening" in one.said()
        killed.end(signal.SIGKILL)
        with listening_to(stack, "cl1killed") as next_one:
            assert "which a killed run had left" in next_one.said()
            assert "no client" in next_one.said()
            assert "listening" in next_one.said()
            assert len(as_json(stack, "cl1killed", "client", "list")) == 2
            assert next_one.end(signal.SIGTERM) == (0, "")
        assert living.end(signal.SIGHUP) == (0, "")
    assert as_json(stack, "cl1killed", "client", "list") == []


def test_a_stack_in_aws_cannot_be_listened_to(stack):
    command = [stack.command, "listen", "--store-hash", "x", "--scope", "store/*"]
    response = subprocess.run(command, capture_output=True, text=True, check=False)
    assert response.returncode == 2
    assert "listen needs --local" in response.stderr
