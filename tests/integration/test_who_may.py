"""Which token opens which route: every kind, every route, every method, in the gateway and behind it."""

import fnmatch
import itertools

import pytest

from storehooks.api.access_policy import access_policy
from storehooks.domain.identity import ADMIN_STORE, Caller
from storehooks_cli.openapi.operations import OPERATIONS
from tests.integration.conftest import load_event
from tests.template.test_template import ROUTES, V3_ROUTES

API = "arn:aws:execute-api:us-east-1:123456789012:a1b2c3d4e5/live"
STORE = "5ueh97"
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
NAMED = {
    "id": "1",
    "delivery_id": "msg_0660f86b44ba90d95f5c2a2b1c0c4d8e",
    "recovery_id": "rec_5b1b2c5a1f0e4d0f9d3c4b7f8a6e2d10",
    "client_id": "40c672b9177b5d3a8dbfad24321be15d",
    "token_id": "0" * 64,
}
# What stands in the item of a token: its store, and what it may do. The last three are never made.
KINDS = {
    "default": (STORE, {"default"}),
    "events": (STORE, {"events"}),
    "read": (STORE, {"read"}),
    "default and events": (STORE, {"default", "events"}),
    "read and events": (STORE, {"read", "events"}),
    "of another store": ("x0ther", {"default", "events", "read"}),
    "of a store called admin": ("admin", {"default", "events"}),
    "admin": (ADMIN_STORE, {"admin"}),
    "a store's with admin": (STORE, {"admin"}),
    "a store's with all": (STORE, {"default", "events", "read", "admin"}),
    "admin with all": (ADMIN_STORE, {"default", "events", "read", "admin"}),
}
OPERATIONS_OF = {route: name for routes in (ROUTES, V3_ROUTES) for name, route in routes.items()}
PATHS = sorted({path for (_, path), operation in OPERATIONS.items() if operation.right})


def expected(kind, method, path):
    """Whether a token opens a route, by what the documentation says of the route alone."""
    store, scopes = KINDS[kind]
    operation = OPERATIONS.get((method.lower(), path))
    if operation is None or kind == "admin with all":
        return False
    if path.startswith("/admin/"):
        return kind == "admin"
    granted = scopes | {"read"} if "default" in scopes else scopes
    return store == STORE and operation.right in granted


def opened(caller, method, path):
    """Whether the gateway lets a token's request through, and has a function for it."""
    arn = f"{API}/{method}{path.format(store_hash=STORE, **NAMED)}"
    (statement,) = access_policy(caller, arn)["policyDocument"]["Statement"]
    matches = any(fnmatch.fnmatchcase(arn, resource) for resource in statement["Resource"])
    return matches and statement["Effect"] == "Allow" and (method.lower(), path) in OPERATIONS_OF


@pytest.mark.parametrize("kind", KINDS)
def test_the_gateway_opens_to_a_token_what_is_documented_and_nothing_else(kind):
    store, scopes = KINDS[kind]
    caller = Caller(store, NAMED["client_id"], frozenset(scopes))
    leaks = [
        (method, path)
        for method, path in itertools.product(METHODS, PATHS)
        if opened(caller, method, path) != expected(kind, method, path)
    ]
    assert leaks == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_function_refuses_what_the_gateway_should_not_have_let_through(kind, functions, aws):
    store, scopes = KINDS[kind]
    tried = 0
    for (method, path), name in OPERATIONS_OF.items():
        if name == "console" or expected(kind, method.upper(), path):
            continue
        event = load_event(name) | {"resource": path}
        event["requestContext"]["authorizer"] |= {"store_hash": store, "oauth_scopes": " ".join(scopes)}
        status, _ = functions.invoke(name, event)
        assert status == 403, (name, path)
        tried += 1
    assert tried
    assert aws.calls == []
