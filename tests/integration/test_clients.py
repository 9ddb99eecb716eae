"""Clients in DynamoDB, and the rotation of their secrets."""

import json
import time

import pytest
from standardwebhooks import Webhook
from typer.testing import CliRunner

from storehooks.adapters.access import client_key, valid_secrets
from storehooks.domain.errors import ClientNotFoundError, InvalidValueError, SecretOverlapError
from storehooks.domain.signature import signature_headers
from storehooks_cli.access import AccessTables, StoreClients
from storehooks_cli.commands import commands
from storehooks_cli.connection import LISTENER, is_listener
from storehooks_cli.options import StackOptions

STORE = "5ueh97"
CLIENT = "40c672b9177b5d3a8dbfad24321be15d"
DAY = 24 * 60 * 60


class Time:
    now = 1_795_428_000.5

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Time()


@pytest.fixture
def access(aws, clock):
    return AccessTables("TokensTable", "ClientsTable", dynamodb=aws.dynamodb, clock=clock)


@pytest.fixture
def secret(access):
    """The first secret of the client."""
    return access.create_token(STORE, CLIENT).client_secret


@pytest.fixture
def valid(aws, clock):
    """What signs the client's deliveries now."""

    def read():
        item = aws.dynamodb.get_item(TableName="ClientsTable", Key=client_key(STORE, CLIENT))["Item"]
        return valid_secrets(item, clock())

    return read


def test_the_former_secret_signs_until_the_overlap_is_over(access, clock, secret, valid):
    assert valid() == (secret,)
    new = access.rotate_secret(STORE, CLIENT, overlap_seconds=DAY)
    assert new.previous_secret_until == int(clock.now) + DAY
    assert valid() == (new.client_secret, secret)
    clock.now = new.previous_secret_until - 0.001
    assert valid() == (new.client_secret, secret)
    clock.now = new.previous_secret_until
    assert valid() == (new.client_secret,)


def test_without_an_overlap_the_former_secret_ends_at_once(access, secret, valid, aws):
    new = access.rotate_secret(STORE, CLIENT, overlap_seconds=0)
    assert new.previous_secret_until is None
    assert valid() == (new.client_secret,)
    assert secret not in repr(aws.scan("ClientsTable"))


def test_a_rotation_while_an_overlap_runs_changes_nothing_unless_it_is_forced(access, clock, secret, valid):
    new = access.rotate_secret(STORE, CLIENT, overlap_seconds=DAY)
    for overlap_seconds in (DAY, 0):
        with pytest.raises(SecretOverlapError) as refused:
            access.rotate_secret(STORE, CLIENT, overlap_seconds=overlap_seconds)
        assert refused.value.until == new.previous_secret_until
        assert valid() == (new.client_secret, secret)
    newest = access.rotate_secret(STORE, CLIENT, overlap_seconds=DAY, force=True)
    assert valid() == (newest.client_secret, new.client_secret)
    clock.now = newest.previous_secret_until
    assert access.rotate_secret(STORE, CLIENT, overlap_seconds=0).client_secret not in {
        secret,
        new.client_secret,
    }


@pytest.mark.parametrize("force", [True, False])
def test_a_rotation_that_is_repeated_because_its_answer_was_lost_happens_once(
    access, secret, valid, monkeypatch, force
):
    update = access._dynamodb.update_item

    def update_twice(**arguments):
        update(**arguments)
        return update(**arguments)

    monkeypatch.setattr(access._dynamodb, "update_item", update_twice)
    new = access.rotate_secret(STORE, CLIENT, overlap_seconds=DAY, force=force)
    assert valid() == (new.client_secret, secret)


def test_what_is_no_client_of_the_store_has_no_secret_to_rotate(access, secret, aws):
    before = aws.scan("ClientsTable")
    for store_hash, client_id in (("x0ther", CLIENT), (STORE, "f" * 32)):
        with pytest.raises(ClientNotFoundError):
            access.rotate_secret(store_hash, client_id, overlap_seconds=DAY)
    with pytest.raises(InvalidValueError):
        access.rotate_secret(STORE, "short", overlap_seconds=DAY)
    assert aws.scan("ClientsTable") == before


def test_a_further_token_shows_the_newest_secret(access, secret):
    new = access.rotate_secret(STORE, CLIENT, overlap_seconds=DAY)
    assert access.create_token(STORE, CLIENT).client_secret == new.client_secret
    assert new.client_secret not in repr(new)


def test_clients_are_listed_by_store_with_the_overlap_that_runs(access, clock, secret):
    clock.now += 10
    other = access.create_token(STORE).client_id
    access.create_token("x0ther")
    until = access.rotate_secret(STORE, CLIENT, overlap_seconds=DAY).previous_secret_until
    shown = [(client.client_id, client.previous_secret_until) for client in access.list_clients(STORE)]
    assert shown == [(CLIENT, until), (other, None)]
    assert secret not in repr(access.list_clients(STORE))
    clock.now += DAY
    assert [client.previous_secret_until for client in access.list_clients(STORE)] == [None, None]
    assert access.list_clients("n0ne") == []


def test_the_stores_that_have_clients_are_listed_by_hash_with_their_number(access, clock, monkeypatch):
    access.create_client("x0ther")
    first = int(clock.now)
    clock.now += 10
    for _ in range(2):
        access.create_client(STORE)
    scan = access._dynamodb.scan
    monkeypatch.setattr(access._dynamodb, "scan", lambda **given: scan(**given, Limit=1))
    listed = access.list_stores(is_listener)
    assert listed == [StoreClients(STORE, 2, first + 10), StoreClients("x0ther", 1, first)]


def test_a_client_is_made_with_a_name_or_given_another_and_keeps_its_secret(access):
    made = access.create_client(STORE, CLIENT, "Ship It")
    renamed = access.create_client(STORE, CLIENT, "Ship It 2")
    unnamed = access.create_client(STORE, CLIENT)
    assert (made.is_new, renamed.is_new, unnamed.is_new) == (True, False, False)
    assert made.secret == renamed.secret == unnamed.secret
    assert [client.name for client in access.list_clients(STORE)] == ["Ship It 2"]
    with pytest.raises(InvalidValueError):
        access.create_client(STORE, CLIENT, "a\nb")


class Stack:
    """A deployment, as far as the commands about access need one."""

    def __init__(self, access):
        self._access = access

    def access(self):
        return self._access


COMMANDS = {
    "client create": (
        ["store_hash", "client_id", "name", "client_secret", "is_new"],
        ["client", "create", "--store-hash", STORE, "--client-id", CLIENT, "--name", "Ship It"],
    ),
    "token create": (
        ["store_hash", "client_id", "client_secret", "access_token", "scopes", "expires_at"],
        ["token", "create", "--store-hash", STORE, "--client-id", CLIENT],
    ),
    "client rotate-secret": (
        ["store_hash", "client_id", "client_secret", "previous_secret_until"],
        ["client", "rotate-secret", "--store-hash", STORE, "--client-id", CLIENT],
    ),
}


@pytest.fixture
def command(access, secret, monkeypatch):
    """What a command prints about the client."""
    monkeypatch.setattr(StackOptions, "find", lambda _: Stack(access))

    def run(*arguments):
        ended = CliRunner().invoke(commands, arguments)
        assert ended.exit_code == 0, ended.output
        return ended.stdout

    return run


def test_a_store_that_listen_alone_has_made_is_not_listed(access, command):
    access.create_client("l1sten", LISTENER + "0" * 20)
    access.create_client("l1sten", LISTENER + "1" * 20)
    access.create_client(STORE, LISTENER + "0" * 20)
    access.create_client(STORE, CLIENT)
    listed = json.loads(command("store", "list", "--json"))
    assert [(one["store_hash"], one["clients"]) for one in listed] == [(STORE, 2)]


@pytest.mark.parametrize("arguments", [arguments for _, arguments in COMMANDS.values()], ids=COMMANDS)
def test_a_standard_webhooks_library_takes_the_secret_that_a_command_prints_for_it(command, valid, arguments):
    printed = dict(line.split(None, 1) for line in command(*arguments).splitlines())
    (secret, *_) = valid()
    assert printed["client_secret"] == secret
    headers = signature_headers("msg_1", b'{"a": 1}', secrets=[secret], now=time.time())
    assert Webhook(printed["standard_webhooks_secret"]).verify(b'{"a": 1}', headers) == {"a": 1}


@pytest.mark.parametrize(("keys", "arguments"), COMMANDS.values(), ids=COMMANDS)
def test_json_has_the_secret_as_it_is_alone(command, valid, keys, arguments):
    shown = json.loads(command(*arguments, "--json"))
    assert list(shown) == keys
    assert shown["client_secret"] == valid()[0]
