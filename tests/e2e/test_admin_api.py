"""Who reaches the admin API of the running stack, by which path."""

import http.client
import json
from urllib.parse import urlsplit

import pytest

from tests.e2e.command_line import storehooks
from tests.e2e.test_api import new_token

pytestmark = pytest.mark.toolchain

STORE = "tr1cks"
CLIENT = "5f0c2b7d9e1a4c3b8d6f7a9012e4c6b1"
CLIENTS = f"/admin/v1/stores/{STORE}/clients"
TRICKS = [
    CLIENTS,
    f"{CLIENTS}/",
    f"/admin/v1/stores/../../../stores/{STORE}/v2/hooks",
    f"/admin/v1/stores/..%2f..%2f..%2fstores%2f{STORE}%2fv2%2fhooks",
    f"/admin/v1/stores/{STORE}%2fclients",
    f"/admin/v1/stores//{STORE}/clients",
    f"//admin/v1/stores/{STORE}/clients",
    f"/ADMIN/v1/stores/{STORE}/clients",
    f"/admin%2fv1/stores/{STORE}/clients",
    f"/%61dmin/v1/stores/{STORE}/clients",
    f"/stores/{STORE}/v2/hooks/../../../../admin/v1/stores/{STORE}/clients",
    f"/stores/{STORE}/v2/hooks/..%2f..%2f..%2f..%2fadmin%2fv1%2fstores%2f{STORE}%2fclients",
    f"/stores/{STORE}/v3/hooks/%2e%2e/%2e%2e/%2e%2e/%2e%2e/admin/v1/stores/{STORE}/clients",
]


@pytest.fixture(scope="module")
def tokens(stack):
    """An admin token, and others by what they may do."""
    admin = storehooks(stack, "admin-token", "create", "--expires-in", "1h", "--json")
    scopes = {"default": ["default"], "events": ["events"], "read": ["read"], "more": ["default", "events"]}
    options = {kind: [word for one in given for word in ("--scope", one)] for kind, given in scopes.items()}
    found = {kind: new_token(stack, "--store-hash", STORE, *given) for kind, given in options.items()}
    found["other"] = new_token(stack, "--store-hash", "x0ther", *options["more"])
    return {"admin": json.loads(admin.stdout)["access_token"]} | {
        kind: token["access_token"] for kind, token in found.items()
    }


def asked(stack, token, method, path, body=None):
    """The status and the body of a response to a path as it is written."""
    connection = http.client.HTTPConnection(urlsplit(stack.base_url).netloc, timeout=60)
    headers = {"X-Auth-Token": token, "Content-Type": "application/json"}
    connection.request(method, path, body, headers)
    response = connection.getresponse()
    found = response.status, response.read().decode()
    connection.close()
    return found


@pytest.mark.parametrize("path", TRICKS)
def test_no_path_leads_a_token_to_what_is_not_its_own(stack, tokens, path):
    for kind, token in tokens.items():
        status, body = asked(stack, token, "GET", path)
        if kind == "admin":
            assert status in {200, 404}
            assert status == 404 or json.loads(body)["data"][0]["hook_count"] == 0
        else:
            assert status in {403, 404}, kind


def test_an_admin_token_opens_no_route_of_a_store_and_no_other_token_changes_a_client(stack, tokens):
    event = json.dumps({"scope": "store/order/created", "data": {}})
    for method, path in [
        ("GET", "v2/hooks"),
        ("GET", "v3/hooks"),
        ("GET", "v3/hooks/admin"),
        ("POST", "v2/events"),
        ("POST", "v2/events/"),
        ("POST", "v2/events/explain"),
    ]:
        status, _ = asked(stack, tokens["admin"], method, f"/stores/{STORE}/{path}", event)
        assert status == 403, path
    for method, rest, body in [
        ("PUT", "", {"name": "Mine"}),
        ("POST", "/rotate-secret", {"overlap_hours": 0}),
        ("POST", "/tokens", {"oauth_scopes": ["default"]}),
        ("POST", "/portal-links", {"expires_in_seconds": 60}),
        ("DELETE", "", None),
    ]:
        for kind in tokens.keys() - {"admin"}:
            given = None if body is None else json.dumps(body)
            status, _ = asked(stack, tokens[kind], method, f"{CLIENTS}/{CLIENT}{rest}", given)
            assert status == 403, (kind, method, rest)
