"""Nothing that a client can send is answered with a 5xx, and a refusal leaves nothing behind."""

import json

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from storehooks.domain.event_filter import OPERATORS
from storehooks.domain.scope import catalogue
from tests.integration.conftest import load_event

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=5,
)
scopes = st.sampled_from(sorted(catalogue())) | st.sampled_from(["store/*", "store/order/*", "*"]) | anything
destinations = st.text(max_size=30).map("https://{}".format) | st.just("https://app.example.com/") | anything
headers = st.dictionaries(st.text(max_size=10), st.text(max_size=10), max_size=3) | anything
filters = (
    st.recursive(
        st.lists(
            st.fixed_dictionaries({}, optional=dict.fromkeys(OPERATORS, anything)) | anything, max_size=3
        ),
        lambda inner: (
            st.dictionaries(st.sampled_from(["a", "$or", "prefix"]) | st.text(max_size=5), inner, max_size=3)
            | st.lists(inner, max_size=3).map(lambda patterns: {"$or": patterns})
        ),
        max_leaves=4,
    )
    | anything
)
near_hooks = st.fixed_dictionaries(
    {},
    optional={
        "scope": scopes,
        "destination": destinations,
        "headers": headers,
        "is_active": st.booleans() | anything,
        "filter": filters,
        "id": anything,
        "other": anything,
    },
)
# The tables live as long as the test: what one example leaves is part of the next one's world.
hostile = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=150
)


def nested(depth):
    return json.loads('{"a":' * depth + "[1]" + "}" * depth)


def well_formed(status, body, version="v2"):
    if status < 400:
        assert isinstance(body, dict)
    elif version == "v2":
        assert isinstance(body, list)
        assert all(entry["status"] == status and entry["message"] for entry in body)
    else:
        assert body["status"] == status
        assert body["title"]
        assert body["type"]
    return status < 500


@hostile
@given(near_hooks | anything)
@example({"scope": "store/order/*", "destination": "https://app.example.com/", "headers": {"a": "\ud800"}})
@example({"scope": "store/order/*", "destination": "https://app.example.com/", "filter": {"a": ["\ud800"]}})
@example({"scope": "store/order/*", "destination": "https://app.example.com/", "filter": nested(2_000)})
def test_any_json_is_created_or_refused(client, aws, body):
    before = len(aws.calls)
    status, response = client.call("create_hook", body=json.dumps(body))
    assert well_formed(status, response)
    if status == 400:
        assert len(aws.calls) == before


@hostile
@given(near_hooks | anything)
def test_any_json_is_created_or_refused_in_v3(v3_client, body):
    assert well_formed(*v3_client.call("create_hook", body=json.dumps(body)), version="v3")


@hostile
@given(near_hooks)
def test_any_json_changes_a_hook_or_is_refused(client, body):
    client.create()
    (hook, *_) = client.list()[1]
    status, response = client.call("update_hook", hook_id=hook["id"], body=json.dumps(body))
    assert well_formed(status, response)
    if status >= 400:
        assert client.get(hook["id"])[1] == hook


@hostile
@given(
    st.text(max_size=40),
    st.text(max_size=40),
    st.text(max_size=40),
    st.booleans(),
    st.sampled_from(["v2", "v3"]),
)
def test_any_path_query_header_or_body_is_answered(functions, text, other, body, encoded, version):
    for name in ("list_hooks", "get_hook", "create_hook", "update_hook", "delete_hook"):
        event = load_event(name)
        event["resource"] = event["resource"].replace("/v2/", f"/{version}/")
        event["pathParameters"]["id"] = text
        event["queryStringParameters"] = {"page": "1", "scope": text, "destination": text, other: text}
        event["headers"] |= {"Content-Type": other, text: other}
        event["body"], event["isBase64Encoded"] = body, encoded
        assert functions.invoke(name, event)[0] < 500
