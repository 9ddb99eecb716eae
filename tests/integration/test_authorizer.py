"""What the authorizer answers the gateway."""

import fnmatch
import time

import pytest

from storehooks.api.access_policy import access_policy
from storehooks.domain.errors import InvalidValueError, TokenNotFoundError
from storehooks.domain.identity import ADMIN_OAUTH_SCOPE, ADMIN_STORE, Caller
from storehooks_cli.openapi.operations import OPERATIONS
from tests.integration.conftest import load_event

API = "arn:aws:execute-api:us-east-1:123456789012:a1b2c3d4e5/live"
CLIENT = "40c672b9177b5d3a8dbfad24321be15d"


def authorize(functions, token, arn=f"{API}/GET/stores/5ueh97/v2/hooks"):
    event = load_event("authorizer") | {"authorizationToken": token, "methodArn": arn}
    return functions.handler("authorizer")(event, None)


def allows(response, arn):
    """Whether the policy lets a request through, by the gateway's rule: `*` matches anything."""
    (statement,) = response["policyDocument"]["Statement"]
    matches = any(fnmatch.fnmatchcase(arn, resource) for resource in statement["Resource"])
    return matches and statement["Effect"] == "Allow"


@pytest.fixture
def response(functions, access):
    """What a token of the store 5ueh97 gets."""
    return authorize(functions, access.create_token("5ueh97", CLIENT).access_token)


@pytest.mark.parametrize(
    "route",
    [
        "GET/stores/5ueh97/v2/hooks",
        "POST/stores/5ueh97/v2/hooks",
        "GET/stores/5ueh97/v2/hooks/1",
        "PUT/stores/5ueh97/v2/hooks/1",
        "DELETE/stores/5ueh97/v2/hooks/1",
        "GET/stores/5ueh97/v3/hooks",
        "POST/stores/5ueh97/v3/hooks",
        "GET/stores/5ueh97/v3/hooks/1",
        "PUT/stores/5ueh97/v3/hooks/1",
        "DELETE/stores/5ueh97/v3/hooks/1",
        "GET/stores/5ueh97/v3/hooks/admin",
        "PUT/stores/5ueh97/v3/hooks/admin",
        "GET/stores/5ueh97/v3/hooks/events",
        # A slash at the end is no other route, and no matter of the token.
        "GET/stores/5ueh97/v2/hooks/",
        "POST/stores/5ueh97/v2/hooks/",
        "GET/stores/5ueh97/v3/hooks/",
        "POST/stores/5ueh97/v3/hooks/",
        "POST/stores/5ueh97/v2/events/explain",
    ],
)
def test_a_token_may_use_its_own_stores_hooks(response, route):
    assert allows(response, f"{API}/{route}")


@pytest.mark.parametrize(
    "arn",
    [
        f"{API}/GET/stores/x0ther/v2/hooks",
        f"{API}/GET/stores/5ueh97x/v2/hooks",
        f"{API}/GET/stores/5UEH97/v2/hooks",
        f"{API}/GET/stores/x0ther/stores/5ueh97/v2/hooks",
        f"{API}/PATCH/stores/5ueh97/v2/hooks",
        f"{API}/POST/stores/5ueh97/v2/events",
        f"{API}/POST/stores/5ueh97/v2/events/",
        f"{API}/GET/stores/5ueh97/v2/orders",
        f"{API}/GET/stores/x0ther/v3/hooks",
        f"{API}/GET/stores/x0ther/v3/hooks/admin",
        f"{API}/POST/stores/5ueh97/v3/hooks/admin",
        f"{API}/GET/stores/5ueh97/v3/orders",
        API.replace("live", "test") + "/GET/stores/5ueh97/v2/hooks",
        API.replace("a1b2c3d4e5", "0therapi00") + "/GET/stores/5ueh97/v2/hooks",
    ],
)
def test_a_token_may_use_nothing_else(response, arn):
    assert not allows(response, arn)


@pytest.mark.parametrize(
    ("method", "path"), [route for route, described in OPERATIONS.items() if described.right]
)
def test_a_route_is_open_to_the_oauth_scope_that_its_description_names(method, path):
    right = OPERATIONS[method, path].right
    of = ADMIN_STORE if right == ADMIN_OAUTH_SCOPE else "5ueh97"
    caller = Caller(of, CLIENT, frozenset({right}))
    asked = f"{API}/{method.upper()}" + path.replace("{store_hash}", "5ueh97").replace("{id}", "1")
    assert allows(access_policy(caller, asked), asked)


def test_the_functions_are_told_whom_the_token_stands_for(response):
    assert response["principalId"] == CLIENT
    assert response["context"] == {"store_hash": "5ueh97", "client_id": CLIENT, "oauth_scopes": "default"}


def test_an_unknown_or_revoked_token_is_nobodys(functions, access):
    token = access.create_token("5ueh97").access_token
    (record,) = access.list_tokens("5ueh97")
    access.revoke_token("5ueh97", record.id)
    for text in (token, "unknown", "", "ü", "\ud800", "x" * 10_000):
        with pytest.raises(Exception, match=r"^Unauthorized$"):
            authorize(functions, text)


def test_a_token_is_nobodys_from_its_end_on(functions, access):
    expires_at = int(time.time()) + 3600
    token = access.create_token("5ueh97", CLIENT, expires_at=expires_at).access_token
    assert authorize(functions, token)["principalId"] == CLIENT
    functions.clock = lambda: expires_at - 0.001
    assert authorize(functions, token)["principalId"] == CLIENT
    functions.clock = lambda: expires_at
    with pytest.raises(Exception, match=r"^Unauthorized$"):
        authorize(functions, token)
    assert [record.expires_at for record in access.list_tokens("5ueh97")] == [expires_at]


def test_a_token_whose_end_is_over_is_not_made(access, aws):
    with pytest.raises(InvalidValueError):
        access.create_token("5ueh97", CLIENT, expires_at=int(time.time()))
    assert aws.scan("ClientsTable") == aws.scan("TokensTable") == []


def test_a_token_without_a_known_scope_is_denied_everything(functions, access, aws):
    token = access.create_token("5ueh97").access_token
    (record,) = access.list_tokens("5ueh97")
    aws.dynamodb.update_item(
        TableName="TokensTable",
        Key={"token_sha256": {"S": record.id}},
        UpdateExpression="SET oauth_scopes = :other",
        ExpressionAttributeValues={":other": {"SS": ["other"]}},
    )
    denied = authorize(functions, token)
    (statement,) = denied["policyDocument"]["Statement"]
    assert statement["Effect"] == "Deny"
    assert not allows(denied, f"{API}/GET/stores/5ueh97/v2/hooks")


def test_a_store_hash_that_is_a_pattern_is_never_allowed(functions, access, aws):
    token = access.create_token("5ueh97").access_token
    (record,) = access.list_tokens("5ueh97")
    aws.dynamodb.update_item(
        TableName="TokensTable",
        Key={"token_sha256": {"S": record.id}},
        UpdateExpression="SET store_hash = :any",
        ExpressionAttributeValues={":any": {"S": "*"}},
    )
    assert not allows(authorize(functions, token), f"{API}/GET/stores/5ueh97/v2/hooks")


def test_a_token_is_stored_as_its_digest_alone(access, aws):
    new = access.create_token("5ueh97")
    stored = repr(aws.scan("TokensTable"))
    assert new.access_token not in stored
    assert new.client_secret not in stored
    assert new.access_token not in repr(aws.scan("ClientsTable"))
    assert new.access_token not in repr(new)
    assert new.client_secret not in repr(new)


def test_a_further_token_of_a_client_shares_its_secret(access):
    first = access.create_token("5ueh97", CLIENT)
    second = access.create_token("5ueh97", CLIENT)
    assert second.access_token != first.access_token
    assert second.client_secret == first.client_secret
    assert access.create_token("x0ther", CLIENT).client_secret != first.client_secret


def test_tokens_are_listed_by_store(access):
    new = access.create_token("5ueh97")
    access.create_token("x0ther")
    (record,) = access.list_tokens("5ueh97")
    assert (record.store_hash, record.client_id, record.oauth_scopes) == (
        "5ueh97",
        new.client_id,
        ("default",),
    )
    assert access.list_tokens("n0ne") == []


def test_what_is_no_token_of_the_store_cannot_be_revoked(access):
    access.create_token("x0ther")
    (record,) = access.list_tokens("x0ther")
    for digest in ("0" * 64, record.id):
        with pytest.raises(TokenNotFoundError):
            access.revoke_token("5ueh97", digest)
    assert access.list_tokens("x0ther") == [record]


@pytest.mark.parametrize(
    "arguments",
    [
        ("",),
        ("a/b",),
        ("*",),
        ("x" * 65,),
        ("5ueh97", "short"),
        ("5ueh97", "F" * 32),
        ("5ueh97", CLIENT, ["admin"]),
    ],
)
def test_a_malformed_store_client_or_scope_is_refused(access, aws, arguments):
    with pytest.raises(InvalidValueError):
        access.create_token(*arguments)
    assert aws.scan("ClientsTable") == aws.scan("TokensTable") == []
