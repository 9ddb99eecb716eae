"""What a token with the OAuth scope `read` alone may do: see everything but the values of headers."""

import fnmatch
import itertools
import json
from dataclasses import replace
from pathlib import Path

import pytest

from storehooks.adapters.delivery_log.items import to_item
from storehooks.api.access_policy import access_policy
from storehooks.domain.attempt import Attempt, Times
from storehooks.domain.delivery import Status
from storehooks.domain.identity import Caller
from storehooks_cli.openapi.operations import OPERATIONS
from tests.event_files import load_event
from tests.integration.conftest import Client
from tests.world import World

CLIENT = "40c672b9177b5d3a8dbfad24321be15d"
API = "arn:aws:execute-api:us-east-1:123456789012:a1b2c3d4e5/live"
ROUTES = [route for route in OPERATIONS if route[1].startswith("/stores/")]
EVENTS = Path(__file__).parents[2] / "events"
FUNCTIONS = sorted(
    path.parent.name
    for path in EVENTS.parent.glob("functions/*/app.py")
    if load_event(path.parent.name).get("resource", "").startswith("/stores/")
)
VALUES = {"X-Key": "a secret", "X-Longer": "a secret and more", "X-Empty": ""}
HIDDEN = {"X-Key": "***", "X-Longer": "***", "X-Empty": "***"}


class Reader(Client):
    """A client whose token may only read."""

    oauth_scopes = "read"


@pytest.fixture
def reader(client):
    """The client of the fixture `client`, by a token that may only read."""
    return Reader(client.functions, client.store_hash, client.client_id)


def opens(method, path, store_hash, *oauth_scopes):
    """Whether the gateway lets a token of the store 5ueh97 through to a route of a store."""
    asked = f"{API}/{method.upper()}{path}".replace("{store_hash}", store_hash)
    policy = access_policy(Caller("5ueh97", CLIENT, frozenset(oauth_scopes)), asked)
    (statement,) = policy["policyDocument"]["Statement"]
    assert statement["Effect"] == "Allow"
    return any(fnmatch.fnmatchcase(asked, resource) for resource in statement["Resource"])


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_the_gateway_lets_it_through_to_each_get_of_its_own_store_alone(method, path):
    assert opens(method, path, "5ueh97", "read") is (method == "get")
    assert not opens(method, path, "x0ther", "read")


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_a_further_oauth_scope_opens_what_it_opens_by_itself(method, path):
    for other in ("default", "events"):
        alone = opens(method, path, "5ueh97", other) or method == "get"
        assert opens(method, path, "5ueh97", "read", other) is alone


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_that_does_more_than_read_refuses_it_too_before_it_calls_aws(functions, aws, name):
    event = load_event(name)
    event["requestContext"]["authorizer"]["oauth_scopes"] = "read"
    status, _ = functions.invoke(name, event)
    if event["httpMethod"] == "GET":
        assert status in {200, 404}
    else:
        assert (status, aws.calls) == (403, [])


@pytest.mark.parametrize("version", ["v2", "v3"])
def test_values_of_headers_are_hidden_from_it_alone(client, reader, version):
    client.version = reader.version = version
    hook = client.create(headers=VALUES)[1]
    hook = hook["data"] if version == "v3" else hook
    assert hook["headers"] == VALUES
    client.create(scope="store/cart/*")

    def seen(one):
        _, single = one.get(hook["id"])
        _, listed = one.list()
        return (single["data"], listed["data"]) if version == "v3" else (single, listed)

    single, listed = seen(reader)
    assert single == hook | {"headers": HIDDEN}
    assert [one["headers"] for one in listed] == [HIDDEN, None]
    reader.oauth_scopes = "default read"
    assert seen(reader)[0] == hook
    assert seen(client)[1][0] == hook


def test_values_of_headers_are_hidden_beside_the_notification_emails(client, reader):
    client.create(headers=VALUES)
    for one in (client, reader):
        one.version = "v3"
    (hook,) = reader.call("get_admin")[1]["data"]["hooks_list"]
    assert hook["headers"] == HIDDEN
    (hook,) = client.call("get_admin")[1]["data"]["hooks_list"]
    assert hook["headers"] == VALUES


@pytest.mark.parametrize("version", ["v2", "v3"])
@pytest.mark.parametrize("scopes", ["read", "default", "default events"])
def test_a_list_of_hooks_names_the_oauth_scopes_of_the_token(functions, version, scopes):
    event = load_event("list_hooks")
    event["resource"] = event["resource"].replace("/v2/", f"/{version}/")
    event["requestContext"]["authorizer"]["oauth_scopes"] = scopes
    response = functions.handler("list_hooks")(event, None)
    assert response["headers"]["X-OAuth-Scopes"] == scopes.replace(" ", ", ")


@pytest.fixture
def answer_shown(aws, functions):
    """A response of a destination to a hook with headers, as tokens with these OAuth scopes see it."""
    world, numbers = World(aws), itertools.count()
    functions.clock = world.clock

    def shown(headers, response, oauth_scopes="read"):
        hook = world.hook(f"https://app.example.com/{next(numbers)}", headers=headers)
        attempt = Attempt(at=1.0, status=200, error=None, times=Times(total_ms=1.0), response=response)
        delivery = replace(
            world.event(hook), status=Status.DELIVERED, next_attempt_at=None, attempts=(attempt,)
        )
        aws.dynamodb.put_item(TableName="DeliveriesTable", Item=to_item(delivery, expires_at=2**31))
        event = load_event("get_delivery")
        event["pathParameters"] |= {"id": str(hook.id), "delivery_id": delivery.id}
        event["requestContext"]["authorizer"] |= {
            "client_id": world.caller.client_id,
            "oauth_scopes": oauth_scopes,
        }
        status, whole = functions.invoke("get_delivery", event)
        assert status == 200
        return whole["attempts"][0]["answer"]

    return shown


def test_values_of_headers_are_hidden_in_a_response_that_repeats_its_request(answer_shown):
    answer = json.dumps({"got": VALUES, "status": "fine"})
    for scopes in ("default", "default read"):
        assert answer_shown(VALUES, answer, scopes) == answer
    assert json.loads(answer_shown(VALUES, answer)) == {"got": HIDDEN | {"X-Empty": ""}, "status": "fine"}


@pytest.mark.parametrize("escaped", ['{"a": "Key \\"a/b\\\\c\\""}', '{"a": "Key \\"a\\/b\\\\c\\""}'])
def test_a_value_that_json_escapes_is_hidden_too(answer_shown, escaped):
    assert json.loads(escaped) == {"a": 'Key "a/b\\c"'}
    assert answer_shown({"X-Key": 'Key "a/b\\c"'}, escaped) == '{"a": "***"}'


@pytest.mark.parametrize("length", range(1, 9))
def test_what_is_left_of_a_value_where_a_response_was_cut_is_hidden(answer_shown, length):
    """But for three characters, which any response may end with."""
    cut = "s3cr3t-s3"[:length]
    expected = f'{{"got": "{cut if length < 4 else "***"}'
    assert answer_shown({"X-Key": "s3cr3t-s3cr3t"}, f'{{"got": "{cut}') == expected


def test_no_get_shows_it_a_value_of_a_header(aws, functions):
    """Each that there is, in both versions, of a hook whose destination has repeated its request."""
    world = World(aws)
    functions.clock = world.clock
    hook = world.hook(headers={"X-Key": "s3cr3t"})
    attempt = Attempt(at=1.0, status=500, error="answered 500", times=Times(total_ms=1.0), response="s3cr3t")
    delivery = replace(world.event(hook), attempts=(attempt,))
    aws.dynamodb.put_item(TableName="DeliveriesTable", Item=to_item(delivery, expires_at=2**31))

    def whole(name, version, oauth_scopes):
        event = load_event(name)
        event["resource"] = event["resource"].replace("/v2/", f"/{version}/")
        event["pathParameters"] |= {"id": str(hook.id), "delivery_id": delivery.id}
        event["requestContext"]["authorizer"] |= {
            "client_id": world.caller.client_id,
            "oauth_scopes": oauth_scopes,
        }
        event["queryStringParameters"] = None
        return json.dumps(functions.handler(name)(event, None))

    gets = [name for name in FUNCTIONS if load_event(name)["httpMethod"] == "GET"]
    shown = {name for name in gets for version in ("v2", "v3") if "s3cr3t" in whole(name, version, "default")}
    assert shown == {"get_admin", "get_delivery", "get_hook", "list_hooks"}
    for name, version in itertools.product(gets, ("v2", "v3")):
        assert "s3cr3t" not in whole(name, version, "read"), name
