"""The admin API: clients and their tokens, made and removed by the platform."""

import itertools
import json
import time

import pytest

from storehooks.domain.errors import InvalidValueError, TokenNotFoundError
from storehooks.domain.identity import token_digest
from storehooks.flows.remove_client import MAX_SECONDS
from tests.faults import Killed, around_aws
from tests.integration.conftest import Client, load_event
from tests.integration.earlier_release import forget_lists
from tests.integration.interleaving import interleavings
from tests.integration.wholeness import check_whole

STORE = "5ueh97"
CLIENT = "40c672b9177b5d3a8dbfad24321be15d"
OTHER = "f" * 32
NOW = 1_795_428_000.0


class Platform:
    """Whoever has an admin token."""

    def __init__(self, functions) -> None:
        self.functions = functions

    def call(self, name, client_id=CLIENT, *, store_hash=STORE, body=None, token_id=None, query=None):
        event = load_event(name)
        named = event["pathParameters"]
        named["store_hash"] = store_hash
        if "client_id" in named:
            named["client_id"] = client_id
        if token_id is not None:
            named["token_id"] = token_id
        if body is not None:
            event["body"] = body if isinstance(body, str) else json.dumps(body)
        event["queryStringParameters"] = query
        return self.functions.invoke(name, event)

    def put(self, client_id=CLIENT, *, store_hash=STORE, name="Order sync"):
        return self.call("put_client", client_id, store_hash=store_hash, body={"name": name})

    def token(self, client_id=CLIENT, *, store_hash=STORE, oauth_scopes=("default",), **fields):
        body = {"oauth_scopes": list(oauth_scopes), **fields}
        return self.call("create_token", client_id, store_hash=store_hash, body=body)

    def clients(self, **query):
        found = self.call("list_clients", query={name: str(value) for name, value in query.items()})[1]
        return found["data"], found["next_cursor"]

    def tokens(self, client_id=CLIENT, **query):
        found = self.call("list_tokens", client_id, query={name: str(value) for name, value in query.items()})
        return found[1]["data"], found[1]["next_cursor"]


@pytest.fixture
def platform(functions):
    functions.clock = lambda: NOW
    functions.sleep = lambda _: None
    return Platform(functions)


@pytest.fixture
def caller_of(functions):
    """Whom the authorizer finds behind a token; None if nobody."""

    def found(token):
        try:
            return functions.parts("authorizer").tokens.caller(token)
        except Exception as error:  # noqa: BLE001
            return type(error).__name__

    return found


# ---------------------------------------------------------------- clients


def test_a_client_is_made_once_and_its_secret_shown_once(platform, aws):
    status, made = platform.put()
    assert status == 201
    secret = made["data"].pop("client_secret")
    assert made == {
        "data": {
            "store_hash": STORE,
            "client_id": CLIENT,
            "name": "Order sync",
            "created_at": "2026-11-23T10:00:00+00:00",
            "previous_secret_until": None,
        }
    }
    platform.functions.clock = lambda: NOW + 60
    assert platform.put() == (200, made)
    (item,) = aws.scan("ClientsTable")
    assert item["client_secret"]["S"] == secret


def test_of_two_puts_at_once_one_makes_the_client(platform, aws, monkeypatch):
    def begin():
        aws.empty("ClientsTable")

    def put():
        return platform.put()

    for first, second in interleavings(monkeypatch, begin, put, put):
        assert sorted([first[0], second[0]]) == [200, 201]
        (item,) = aws.scan("ClientsTable")
        shown = [answer["data"]["client_secret"] for status, answer in (first, second) if status == 201]
        assert shown == [item["client_secret"]["S"]]


def test_a_put_names_a_client_anew(platform):
    platform.put(name="Old")
    status, shown = platform.put(name="Neu – ☃")
    assert (status, shown["data"]["name"]) == (200, "Neu – ☃")
    ((client,), _) = platform.clients()
    assert client["name"] == "Neu – ☃"


def test_clients_are_listed_by_id_with_the_number_of_their_hooks_and_without_secrets(platform, functions):
    for client_id in (OTHER, CLIENT):
        platform.put(client_id)
    platform.put("0" * 32, store_hash="x0ther")
    for number in range(3):
        Client(functions, STORE, CLIENT).create(destination=f"https://app.example.com/{number}")
    clients, next_cursor = platform.clients()
    assert next_cursor is None
    assert [(one["client_id"], one["hook_count"]) for one in clients] == [(CLIENT, 3), (OTHER, 0)]
    assert "secret" not in json.dumps(clients).replace("previous_secret_until", "")
    assert platform.call("list_clients", store_hash="n0ne")[1] == {"data": [], "next_cursor": None}


def test_pages_of_clients_have_each_once(platform):
    ids = [f"{number:032x}" for number in range(5)]
    for client_id in ids:
        platform.put(client_id)
    first, cursor = platform.clients(limit=2)
    second, further = platform.clients(limit=2, cursor=cursor)
    third, end = platform.clients(limit=2, cursor=further)
    assert [one["client_id"] for page in (first, second, third) for one in page] == ids
    assert end is None
    assert platform.clients(limit=5)[1] is None


def test_hooks_are_counted_though_an_earlier_release_kept_no_lists(platform, functions, aws):
    platform.put()
    client = Client(functions, STORE, CLIENT)
    client.create()
    client.create(destination="https://app.example.com/2")
    Client(functions, STORE, OTHER).create()
    forget_lists(aws)
    ((listed,), _) = platform.clients()
    assert listed["hook_count"] == 2


def test_a_client_of_the_command_is_listed_without_a_name(platform, access):
    client_id = access.create_token(STORE).client_id
    ((listed,), _) = platform.clients()
    assert (listed["client_id"], listed["name"]) == (client_id, None)


# ---------------------------------------------------------------- secrets


def test_a_secret_is_rotated_with_an_overlap_or_without(platform, aws):
    old = platform.put()[1]["data"]["client_secret"]
    status, rotated = platform.call("rotate_client_secret", body={"overlap_hours": 168})
    assert status == 200
    assert rotated["data"]["previous_secret_until"] == "2026-11-30T10:00:00+00:00"
    secrets = platform.functions.parts("ping_hook").secrets
    assert secrets.valid_now(STORE, CLIENT) == (rotated["data"]["client_secret"], old)
    status, ended = platform.call("rotate_client_secret", body={"overlap_hours": 0})
    assert status == 200
    assert ended["data"]["previous_secret_until"] is None
    assert secrets.valid_now(STORE, CLIENT) == (ended["data"]["client_secret"],)


def test_a_second_overlap_is_refused_until_the_first_is_over(platform):
    platform.put()
    platform.call("rotate_client_secret", body={"overlap_hours": 24})
    status, refused = platform.call("rotate_client_secret", body={"overlap_hours": 1})
    assert status == 409
    assert "2026-11-24T10:00:00" in refused["errors"]["overlap_hours"]
    platform.functions.clock = lambda: NOW + 24 * 3600
    assert platform.call("rotate_client_secret", body={"overlap_hours": 1})[0] == 200


# ---------------------------------------------------------------- tokens


def test_a_token_is_shown_once_and_opens_what_it_says(platform, caller_of, aws):
    platform.put()
    status, made = platform.token(oauth_scopes=["events", "default", "events"], expires_in_seconds=60)
    assert status == 201
    token = made["data"].pop("access_token")
    assert made["data"] == {
        "id": token_digest(token),
        "oauth_scopes": ["default", "events"],
        "created_at": "2026-11-23T10:00:00+00:00",
        "expires_at": "2026-11-23T10:01:00+00:00",
    }
    assert platform.tokens() == ([made["data"]], None)
    assert token not in repr(aws.scan("TokensTable"))
    caller = caller_of(token)
    assert (caller.store_hash, caller.client_id, caller.oauth_scopes) == (
        STORE,
        CLIENT,
        {"default", "events"},
    )


def test_a_token_without_an_end_has_none(platform):
    platform.put()
    for end in ({}, {"expires_in_seconds": None}):
        assert platform.token(**end)[1]["data"]["expires_at"] is None


def test_a_deleted_token_is_nobodys_and_another_clients_stays(platform, caller_of):
    for client_id in (CLIENT, OTHER):
        platform.put(client_id)
    mine, others = (platform.token(client_id)[1]["data"] for client_id in (CLIENT, OTHER))
    assert platform.call("delete_token", token_id=others["id"])[0] == 404
    assert platform.call("delete_token", token_id=mine["id"], store_hash="x0ther")[0] == 404
    assert caller_of(others["access_token"]).client_id == OTHER
    assert platform.call("delete_token", token_id=mine["id"])[0] == 204
    assert caller_of(mine["access_token"]) == "UnauthenticatedError"
    assert platform.call("delete_token", token_id=mine["id"])[0] == 404
    assert platform.tokens() == ([], None)


def test_pages_of_tokens_have_each_of_the_clients_once(platform):
    for client_id in (CLIENT, OTHER):
        platform.put(client_id)
        for _ in range(3):
            platform.token(client_id)
    first, cursor = platform.tokens(limit=2)
    second, end = platform.tokens(limit=2, cursor=cursor)
    assert len({one["id"] for one in first + second}) == 3
    assert end is None


# ---------------------------------------------------------------- the end of a client


def test_a_removed_client_leaves_nothing_but_the_stores_counter(platform, functions, caller_of, aws):
    for client_id in (CLIENT, OTHER):
        platform.put(client_id)
    tokens = [platform.token(client_id)[1]["data"]["access_token"] for client_id in (CLIENT, CLIENT, OTHER)]
    client, other = (Client(functions, STORE, client_id) for client_id in (CLIENT, OTHER))
    for number in range(120):
        scope = f"store/channel/{number // 3 + 1}/order/*"
        client.create(scope=scope, destination=f"https://app.example.com/{number}")
    other.create()
    client.version = "v3"
    client.call("update_admin", body={"emails": ["a@example.com"]})
    assert platform.call("delete_client") == (204, None)
    check_whole(aws)
    assert CLIENT not in repr([aws.scan(table) for table in ("HooksTable", "TokensTable", "ClientsTable")])
    (counter,) = [
        item for item in aws.scan("HooksTable") if (item["store_hash"]["S"], item["id"]["N"]) == (STORE, "0")
    ]
    assert int(counter["last_id"]["N"]) - int(counter["gone"]["N"]) == 1
    assert [caller_of(token) == "UnauthenticatedError" for token in tokens] == [True, True, False]
    assert other.get(121)[0] == 200


def test_a_removal_that_is_killed_at_any_call_is_finished_by_its_repeat(
    platform, functions, aws, monkeypatch
):
    client = Client(functions, STORE, CLIENT)
    calls = 0

    def begin():
        aws.empty("HooksTable", "TokensTable", "ClientsTable")
        assert platform.put()[0] == 201
        platform.token()
        for number in range(3):
            client.create(scope=f"store/channel/{number + 1}/order/*", destination="https://app.example.com/")

    while True:
        begin()
        made = iter(range(calls))

        def killed(_operation, given, call, made=made):
            if next(made, None) is None:
                raise Killed
            return call(given)

        with monkeypatch.context() as patched:
            around_aws(patched, killed)
            try:
                platform.call("delete_client")
            except Killed:
                calls += 1
            else:
                break
        check_whole(aws)
        is_listed = [one["client_id"] for one in platform.clients()[0]] == [CLIENT]
        assert is_listed == (CLIENT in repr(aws.stored())), "it is listed until all is gone"
        assert platform.call("delete_client")[0] == 204
        assert CLIENT not in repr(aws.stored())
    assert calls >= 8


def test_a_removal_that_takes_too_long_says_so_and_goes_on_when_it_is_asked_again(platform, functions):
    platform.put()
    client = Client(functions, STORE, CLIENT)
    for number in range(60):
        client.create(scope=f"store/channel/{number + 1}/order/*", destination="https://app.example.com/")
    times = itertools.count(int(NOW), MAX_SECONDS)
    functions.clock = lambda: next(times)
    assert platform.call("delete_client")[0] == 429
    functions.clock = lambda: NOW
    assert 0 < len(client.list(limit=250)[1]) < 60
    assert platform.call("delete_client")[0] == 204
    assert client.list()[1] == []


def test_whatever_a_removal_and_a_create_do_at_once_leaves_the_table_whole(
    platform, functions, aws, monkeypatch
):
    client = Client(functions, STORE, CLIENT)

    def begin():
        aws.empty("HooksTable", "TokensTable", "ClientsTable")
        platform.put()
        client.create()

    def create():
        return client.create(destination="https://app.example.com/2")[0]

    removals = interleavings(monkeypatch, begin, lambda: platform.call("delete_client")[0], create)
    for removed, created in removals:
        assert (removed, created) == (204, 201)
        check_whole(aws)
        assert platform.call("delete_client")[0] == 204
        assert CLIENT not in repr(aws.scan("HooksTable"))


def test_of_a_token_and_a_removal_at_once_none_leaves_a_token_of_nobody(platform, aws, monkeypatch):
    def begin():
        aws.empty("HooksTable", "TokensTable", "ClientsTable")
        platform.put()

    def issue():
        return platform.token()[0]

    removals = interleavings(monkeypatch, begin, issue, lambda: platform.call("delete_client")[0])
    for issued, removed in removals:
        assert removed == 204
        assert issued in {201, 404}
        assert aws.scan("TokensTable") == []


def test_to_remove_what_is_gone_or_never_was_is_a_204(platform):
    platform.put()
    assert [platform.call("delete_client")[0] for _ in range(2)] == [204, 204]
    assert platform.put()[0] == 201


# ---------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("name", "body", "field"),
    [
        ("put_client", {}, "name"),
        ("put_client", {"name": ""}, "name"),
        ("put_client", {"name": "a" * 101}, "name"),
        ("put_client", {"name": "a\nb"}, "name"),
        ("put_client", {"name": None}, "name"),
        ("put_client", {"name": "a", "secret": "b"}, "secret"),
        ("rotate_client_secret", {}, "overlap_hours"),
        ("rotate_client_secret", {"overlap_hours": -1}, "overlap_hours"),
        ("rotate_client_secret", {"overlap_hours": 169}, "overlap_hours"),
        ("rotate_client_secret", {"overlap_hours": True}, "overlap_hours"),
        ("rotate_client_secret", {"overlap_hours": "1"}, "overlap_hours"),
        ("rotate_client_secret", '{"overlap_hours": 1.5}', "overlap_hours"),
        ("rotate_client_secret", '{"overlap_hours": 1e400}', "overlap_hours"),
        ("create_token", {}, "oauth_scopes"),
        ("create_token", {"oauth_scopes": []}, "oauth_scopes"),
        ("create_token", {"oauth_scopes": "default"}, "oauth_scopes"),
        ("create_token", {"oauth_scopes": ["admin"]}, "oauth_scopes"),
        ("create_token", {"oauth_scopes": ["default", 1]}, "oauth_scopes"),
        ("create_token", {"oauth_scopes": ["default"], "expires_in_seconds": 59}, "expires_in_seconds"),
        ("create_token", {"oauth_scopes": ["default"], "expires_in_seconds": 10**9}, "expires_in_seconds"),
        ("create_token", {"oauth_scopes": ["default"], "expires_in_seconds": False}, "expires_in_seconds"),
    ],
)
def test_an_error_names_the_field_and_nothing_is_done(platform, aws, name, body, field):
    platform.put()
    before = aws.stored()
    status, refused = platform.call(name, body=body)
    assert status == refused["status"] == 422
    assert list(refused["errors"]) == [field] or field in refused["errors"]
    assert aws.stored() == before


@pytest.mark.parametrize("body", ['{"name": "a", "name": "b"}', "[]", "", "{", '{"name": "\\ud800"}'])
def test_what_is_no_json_object_is_refused(platform, aws, body):
    status, refused = platform.call("put_client", body=body)
    assert (status, list(refused["errors"])) == (400, ["body"])
    assert aws.calls == []


@pytest.mark.parametrize("name", ["put_client", "delete_client", "rotate_client_secret", "list_tokens"])
@pytest.mark.parametrize("client_id", ["A" * 32, "a" * 31, "a" * 33, "", "٣" * 32, "a" * 32 + "\n"])
def test_what_is_no_client_id_is_refused(platform, aws, name, client_id):
    status, refused = platform.call(name, client_id)
    assert (status, list(refused["errors"])) == (400, ["client_id"])
    assert aws.calls == []


@pytest.mark.parametrize("store_hash", ["#admin", "a/b", "", "*", "x" * 65])
def test_what_is_no_store_hash_is_refused(platform, aws, store_hash):
    for name in ("put_client", "list_clients", "delete_client", "create_token", "delete_token"):
        status, refused = platform.call(name, store_hash=store_hash)
        assert (status, list(refused["errors"])) == (400, ["store_hash"])
    assert aws.calls == []


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"limit": 0}, "limit"),
        ({"limit": 251}, "limit"),
        ({"cursor": "x"}, "cursor"),
        ({"cursor": ""}, "cursor"),
    ],
)
def test_an_invalid_query_is_refused(platform, query, field):
    given = {name: str(value) for name, value in query.items()}
    for name in ("list_clients", "list_tokens"):
        status, refused = platform.call(name, query=given)
        assert (status, list(refused["errors"])) == (400, [field])


def test_what_is_about_no_client_of_the_store_is_a_404(platform):
    platform.put(store_hash="x0ther")
    assert platform.call("rotate_client_secret")[0] == 404
    assert platform.token()[0] == 404
    for token_id in ("0" * 64, "x"):
        assert platform.call("delete_token", token_id=token_id)[0] == 404


# ---------------------------------------------------------------- admin tokens, and who may


def test_an_admin_token_is_kept_as_a_digest_and_ends(access, caller_of, functions, aws):
    issued = access.create_admin_token(expires_at=int(time.time()) + 60)
    assert issued.access_token not in repr(aws.scan("TokensTable")) + repr(issued)
    assert issued.token.id == token_digest(issued.access_token)
    assert caller_of(issued.access_token).is_admin
    assert access.list_admin_tokens() == [issued.token]
    functions.clock = lambda: time.time() + 60
    assert caller_of(issued.access_token) == "UnauthenticatedError"


def test_a_revoked_admin_token_is_nobodys(access, caller_of):
    first, second = (access.create_admin_token() for _ in range(2))
    access.revoke_admin_token(first.token.id)
    assert caller_of(first.access_token) == "UnauthenticatedError"
    assert caller_of(second.access_token).is_admin


def test_tokens_of_clients_and_admin_tokens_are_managed_apart(access, platform):
    admin = access.create_admin_token().token
    access.create_token(STORE, CLIENT)
    (of_client,) = access.list_tokens(STORE)
    assert access.list_admin_tokens() == [admin]
    with pytest.raises(TokenNotFoundError):
        access.revoke_admin_token(of_client.id)
    with pytest.raises(TokenNotFoundError):
        access.revoke_token(STORE, admin.id)
    assert platform.call("delete_token", token_id=admin.id)[0] == 404
    with pytest.raises(InvalidValueError):
        access.list_tokens("#admin")
    with pytest.raises(InvalidValueError):
        access.create_admin_token(expires_at=int(time.time()))
    assert access.list_admin_tokens() == [admin]


def test_each_line_of_the_log_names_the_admin_token_and_the_client(platform, log):
    platform.put()
    line = json.loads(log()[-1])
    granted = load_event("put_client")["requestContext"]["authorizer"]
    named = {"admin_token_id": granted["client_id"], "store_hash": STORE, "client_id": CLIENT}
    assert line.items() >= named.items()


@pytest.mark.parametrize("hours", ["24", "24.0", "2.4e1"])
def test_a_whole_number_is_one_however_it_is_written(platform, hours):
    platform.put()
    status, rotated = platform.call("rotate_client_secret", body=f'{{"overlap_hours": {hours}}}')
    assert status == 200
    assert rotated["data"]["previous_secret_until"] == "2026-11-24T10:00:00+00:00"


def test_an_end_is_counted_from_now(platform, functions):
    functions.clock = time.time
    platform.put()
    assert platform.token(expires_in_seconds=3600)[0] == 201
