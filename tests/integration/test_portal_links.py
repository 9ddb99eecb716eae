"""Links that open the console signed in as a client: made by the admin API, and by the command."""

import json
import time
from urllib.parse import parse_qs, urlsplit

import pytest

from storehooks.domain.errors import ClientNotFoundError
from storehooks.domain.identity import token_digest
from tests.integration.conftest import load_event

STORE = "5ueh97"
CLIENT = "40c672b9177b5d3a8dbfad24321be15d"
NOW = 1_795_428_000


@pytest.fixture
def ask(functions):
    """Asks the admin API for a link to the client of the event files."""
    functions.clock = lambda: NOW

    def call(body, **context):
        event = load_event("create_portal_link")
        event["body"] = json.dumps(body)
        event["requestContext"] |= context
        return functions.invoke("create_portal_link", event)

    return call


@pytest.fixture
def client_there(functions):
    assert functions.invoke("put_client", load_event("put_client"))[0] == 201


def token_of(url):
    """The token in a link's fragment."""
    (token,) = parse_qs(urlsplit(url).fragment.partition("?")[2])["token"]
    return token


@pytest.mark.usefixtures("client_there")
@pytest.mark.parametrize(
    ("given", "oauth_scope"), [({}, "read"), ({"read_only": True}, "read"), ({"read_only": False}, "default")]
)
def test_a_link_has_a_token_of_the_client_that_ends(ask, functions, given, oauth_scope):
    status, made = ask({"expires_in_seconds": 60} | given)
    assert status == 201
    token = token_of(made["data"]["url"])
    assert made["data"] == {
        "url": "https://a1b2c3d4e5.execute-api.us-east-1.amazonaws.com/live/console"
        f"#/stores/{STORE}/hooks?token={token}",
        "expires_at": "2026-11-23T10:01:00+00:00",
    }
    caller = functions.parts("authorizer").tokens.caller(token)
    assert (caller.store_hash, caller.client_id, caller.oauth_scopes) == (STORE, CLIENT, {oauth_scope})
    functions.clock = lambda: NOW + 60
    with pytest.raises(Exception, match=r"^Unauthorized$"):
        functions.handler("authorizer")(load_event("authorizer") | {"authorizationToken": token}, None)


@pytest.mark.usefixtures("client_there")
def test_a_link_leads_to_where_the_platform_reached_the_api(ask):
    own_domain = {
        "domainName": "hooks.example.com",
        "path": f"/admin/v1/stores/{STORE}/clients/{CLIENT}/portal-links",
    }
    _, made = ask({"expires_in_seconds": 60}, **own_domain)
    assert made["data"]["url"].startswith("https://hooks.example.com/console#/stores/5ueh97/hooks?token=")


@pytest.mark.usefixtures("client_there")
def test_a_links_token_is_listed_as_such_and_deleted_as_any(ask, functions):
    token = token_of(ask({"expires_in_seconds": 604_800})[1]["data"]["url"])
    functions.invoke("create_token", load_event("create_token"))
    listed = functions.invoke("list_tokens", load_event("list_tokens"))[1]["data"]
    assert len(listed) == 2
    assert [(one["id"], one["is_portal_link"]) for one in listed if "is_portal_link" in one] == [
        (token_digest(token), True)
    ]
    event = load_event("delete_token")
    event["pathParameters"]["token_id"] = token_digest(token)
    assert functions.invoke("delete_token", event)[0] == 204
    with pytest.raises(Exception, match=r"^Unauthorized$"):
        functions.handler("authorizer")(load_event("authorizer") | {"authorizationToken": token}, None)


@pytest.mark.usefixtures("client_there")
@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, {"expires_in_seconds"}),
        ({"expires_in_seconds": None}, {"expires_in_seconds"}),
        ({"expires_in_seconds": 59}, {"expires_in_seconds"}),
        ({"expires_in_seconds": 604_801}, {"expires_in_seconds"}),
        ({"expires_in_seconds": 60.5}, {"expires_in_seconds"}),
        ({"expires_in_seconds": "60", "read_only": "yes"}, {"expires_in_seconds", "read_only"}),
        ({"expires_in_seconds": 60, "read_only": None}, {"read_only"}),
        ({"expires_in_seconds": 60, "url": "https://example.com"}, {"url"}),
    ],
)
def test_what_is_no_wish_for_a_link_is_refused_by_its_field_and_makes_none(ask, aws, body, fields):
    status, refused = ask(body)
    assert (status, refused["errors"].keys()) == (422, fields)
    assert aws.scan("TokensTable") == []


def test_a_client_that_is_not_there_gets_no_link(ask, aws, access):
    assert ask({"expires_in_seconds": 60})[0] == 404
    with pytest.raises(ClientNotFoundError):
        access.create_portal_link(STORE, CLIENT, expires_at=int(time.time()) + 60, read_only=True)
    assert aws.scan("TokensTable") == aws.scan("ClientsTable") == []


def test_a_clients_own_token_makes_no_link(functions, aws):
    event = load_event("create_portal_link")
    for scopes in ("default events read", "admin"):
        event["requestContext"]["authorizer"] |= {"store_hash": STORE, "oauth_scopes": scopes}
        assert functions.invoke("create_portal_link", event)[0] == 403
    assert aws.calls == []


@pytest.mark.usefixtures("client_there")
def test_the_command_makes_the_same_token(ask, access, aws):
    by_api = token_of(ask({"expires_in_seconds": 3600})[1]["data"]["url"])
    now = int(time.time())
    by_command = access.create_portal_link(STORE, CLIENT, expires_at=now + 3600, read_only=True).access_token
    items = {item["token_sha256"]["S"]: item for item in aws.scan("TokensTable")}
    own = {"token_sha256", "created_at", "expires_at"}
    shown = [
        {name: value for name, value in items[token_digest(token)].items() if name not in own}
        for token in (by_api, by_command)
    ]
    assert shown[0] == shown[1]
    assert [one.is_portal_link for one in access.list_tokens(STORE)] == [True, True]
