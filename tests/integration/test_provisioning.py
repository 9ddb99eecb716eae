"""The admin API: clients and their tokens, made and removed by the platform."""

import json
import time

import pytest

from storehooks.domain.identity import token_digest
from tests.integration.conftest import Client, load_event
from tests.integration.earlier_release import forget_lists
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


def test_to_remove_what_is_gone_or_never_was_is_a_204(platform):
    platform.put()
    assert [platform.call("delete_client")[0] for _ in range(2)] == [204, 204]
    assert platform.put()[0] == 201


# ---------------------------------------------------------------- who may


def test_a_clients_token_is_refused_by_the_functions_too(functions, aws):
    before = aws.stored()
    for name in ("put_client", "list_clients", "delete_client", "rotate_client_secret", "create_token"):
        for store_hash, scopes in ((STORE, "default events"), (STORE, "admin"), ("#admin", "admin default")):
            event = load_event(name)
            event["requestContext"]["authorizer"] |= {"store_hash": store_hash, "oauth_scopes": scopes}
            status, refused = functions.invoke(name, event)
            assert (status, refused["status"]) == (403, 403)
    assert aws.stored() == before


def test_an_end_is_counted_from_now(platform, functions):
    functions.clock = time.time
    platform.put()
    assert platform.token(expires_in_seconds=3600)[0] == 201
