"""The guard before the local AWS, without a server: what it lets through, and what it refuses."""

import json
import re

import pytest
import typer
from botocore.parsers import create_parser
from hypothesis import example, given
from hypothesis import strategies as st

from storehooks_cli.local.guard import Guard
from storehooks_cli.local.hosts import host_of, parse_hosts
from storehooks_cli.local.running import endpoint_of, running_stack

KEY = "0123456789abcdef0123456789abcdef"
SIGNED = (
    f"AWS4-HMAC-SHA256 Credential={KEY}/20260101/us-east-1/sqs/aws4_request, SignedHeaders=host, Signature=0"
)
HOSTS = [
    *("127.0.0.1", "localhost", "[::1]", "LocalHost", "127.0.0.1:40123", "localhost:1", "[::1]:65535"),
    *("host.docker.internal:40123", "hooks.test", "Hooks.Test:1"),
]
OTHER_HOSTS = [
    *("", "evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "evillocalhost", "localhost."),
    *(
        "127.0.0.1:",
        "127.0.0.1:x",
        "127.0.0.1@evil.example",
        "127.0.0.1, evil.example",
        "127.0.0.2",
        "0.0.0.0",
    ),
    *("::1", "[::]", "[::ffff:127.0.0.1]", "2130706433", "127.1", "127.0.0.1 ", "localhost\t", "localhost/"),
    *("execute-api.localhost", "a.b.execute-api.localhost", "a.execute-api.localhost.evil.example"),
    *("bucket.s3.amazonaws.com", "metadata.google.internal", "hooks.test.evil.example", "\u0131ocalhost"),
]
FOR_ANY_SDK = st.sampled_from(
    [
        ("/", "", {"authorization": SIGNED}),
        ("/", f"X-Amz-Credential={KEY}%2F20260101%2Fus-east-1%2Fs3%2Faws4_request", {}),
        ("/bucket/key", f"AWSAccessKeyId={KEY}&Signature=0", {}),
    ]
)
TEXT = st.text(st.characters(max_codepoint=255), max_size=60)


def scope_of(path="/", query="", *headers, kind="http"):
    encoded = [(name.encode(), value.encode("latin-1", "replace")) for name, value in headers]
    return {"type": kind, "path": path, "query_string": query.encode("latin-1"), "headers": encoded}


def reached(scope):
    """What the application behind the guard gets of a request, and what the guard itself responds."""
    behind, sent = [], []

    async def app(scope, receive, send):
        behind.append(scope)

    async def receive():
        return {"type": f"{scope['type']}.connect"}

    async def send(message):
        sent.append(message)

    # Nothing in it waits, so it needs no event loop.
    with pytest.raises(StopIteration):
        Guard(app, KEY, {"hooks.test"})(scope, receive, send).send(None)
    return behind, sent


def assert_refused(scope, says):
    behind, sent = reached(scope)
    assert behind == []
    start, body = sent
    assert start["status"] == 403
    assert not [name for name, _ in start["headers"] if name.lower().startswith(b"access-control-")]
    assert int(dict(start["headers"])[b"content-length"]) == len(body["body"])
    assert says in json.loads(body["body"])["message"]
    assert KEY.encode() not in body["body"]


@given(st.sampled_from(HOSTS), FOR_ANY_SDK, st.sampled_from([(), (("sec-fetch-site", "none"),)]))
def test_a_request_of_a_program_with_the_key_passes_unchanged(host, request, more):
    path, query, headers = request
    scope = scope_of(path, query, ("host", host), *headers.items(), *more)
    behind, sent = reached(scope)
    assert behind == [scope]
    assert sent == []


@given(st.sampled_from(OTHER_HOSTS) | TEXT.filter(lambda text: text.lower().partition(":")[0] not in HOSTS))
@example("[::1")
def test_another_host_is_refused_even_with_the_key(host):
    assert_refused(scope_of("/", "", ("host", host), ("authorization", SIGNED)), "ALLOWED_HOSTS")


@pytest.mark.parametrize("hosts", [[], ["127.0.0.1", "127.0.0.1"], ["127.0.0.1", "evil.example"]])
def test_a_request_without_a_host_or_with_two_is_refused(hosts):
    headers = [("host", host) for host in hosts]
    assert_refused(scope_of("/", "", *headers, ("authorization", SIGNED)), "ALLOWED_HOSTS")


@given(st.sampled_from(["", "null", "http://127.0.0.1:3000", "https://evil.example"]) | TEXT)
def test_a_request_with_any_origin_is_refused_even_with_the_key(origin):
    headers = [("host", "127.0.0.1:1"), ("authorization", SIGNED), ("origin", origin)]
    assert_refused(scope_of("/", "", *headers), "web pages")


@given(st.sampled_from(["cross-site", "same-site", "same-origin", "None", "none, none", ""]) | TEXT)
def test_a_request_that_a_page_causes_is_refused_even_with_the_key(site):
    headers = [("host", "127.0.0.1:1"), ("authorization", SIGNED), ("sec-fetch-site", site)]
    behind, _ = reached(scope_of("/", "", *headers))
    assert (behind != []) == (site == "none")
    both = scope_of("/", "", *headers, ("sec-fetch-site", "cross-site"))
    assert_refused(both, "web pages")


@given(TEXT.filter(lambda text: KEY not in text))
@example("test")
@example(KEY[:-1])
@example(f"{KEY}0")
@example(f"x{KEY}")
@example(KEY.upper())
def test_who_lacks_the_key_reaches_nothing(key):
    signed = SIGNED.replace(KEY, key)
    assert_refused(scope_of("/", "", ("host", "127.0.0.1"), ("authorization", signed)), "access key id")
    query = f"X-Amz-Credential={key}/20260101&AWSAccessKeyId={key}&X-Amz-Signature={KEY}"
    assert_refused(scope_of("/", query, ("host", "127.0.0.1")), "access key id")


@pytest.mark.parametrize(
    "headers",
    [[], [("authorization", KEY)], [("authorization", f"Bearer {KEY}")], [("x-amz-credential", KEY)]],
)
def test_the_key_elsewhere_than_where_an_sdk_puts_it_is_none(headers):
    assert_refused(scope_of("/", "", ("host", "127.0.0.1"), *headers), "access key id")


def test_an_sdk_that_sends_a_form_can_read_why_it_is_refused():
    form = ("content-type", "application/x-www-form-urlencoded; charset=utf-8")
    _, (start, body) = reached(scope_of("/", "", ("host", "127.0.0.1"), form))
    assert start["status"] == 403
    response = {"status_code": 403, "headers": {}, "body": body["body"]}
    error = create_parser("query").parse(response, None)["Error"]
    assert error["Code"] == "AccessDenied"
    assert "access key id" in error["Message"]


@pytest.mark.parametrize(
    ("headers", "passes"),
    [
        ([("host", "127.0.0.1"), ("authorization", SIGNED)], True),
        ([("host", "127.0.0.1")], False),
        ([("host", "127.0.0.1"), ("authorization", SIGNED), ("origin", "null")], False),
        ([("host", "evil.example"), ("authorization", SIGNED)], False),
    ],
)
def test_a_websocket_needs_the_same(headers, passes):
    behind, sent = reached(scope_of("/_aws/execute-api/a/live", "", *headers, kind="websocket"))
    assert (behind != []) == passes
    assert sent == ([] if passes else [{"type": "websocket.close"}])


def test_the_servers_own_start_and_stop_pass():
    assert reached({"type": "lifespan"}) == ([{"type": "lifespan"}], [])


@pytest.mark.parametrize(
    ("path", "host"),
    [
        ("/_aws/execute-api/a1b2c3d4/live/stores", "127.0.0.1:1"),
        ("/live", "a1b2c3d4.execute-api.localhost:1"),
    ],
)
def test_an_apis_functions_do_not_get_the_key(path, host):
    token = ("x-auth-token", "token")
    (scope,), _ = reached(scope_of(path, "", ("host", host), ("authorization", SIGNED), token))
    assert scope == scope_of(path, "", ("host", host), token)


@pytest.mark.parametrize(
    ("text", "hosts"),
    [
        ("", set()),
        ("hooks.test", {"hooks.test"}),
        ("Hooks.test,10.0.0.5,[FD00::1]", {"hooks.test", "10.0.0.5", "[fd00::1]"}),
    ],
)
def test_a_list_of_hosts_is_taken(text, hosts):
    assert parse_hosts(text) == hosts
    for host in hosts:
        assert host_of([f"{host}:3000"]) == host


@pytest.mark.parametrize(
    "text", [",", "a,", "a, b", "a:3000", "http://a", "*", "*.test", "a/b", "fd00::1", "\u0131"]
)
def test_what_is_no_list_of_hosts_is_refused(text):
    with pytest.raises(ValueError, match=re.escape(text)):
        parse_hosts(text)


@pytest.mark.parametrize("content", ["", '{"endpoint_url": "htt', "[]", "\x00"])
def test_a_damaged_file_of_the_stack_is_said_with_what_writes_it_again(tmp_path, capsys, content):
    (tmp_path / "stack.json").write_text(content)
    with pytest.raises(typer.Exit):
        running_stack(tmp_path)
    said = capsys.readouterr().err
    assert f"{tmp_path / 'stack.json'} is malformed" in said
    assert "make run" in said


def test_a_stack_of_an_earlier_release_is_to_be_started_again(tmp_path, capsys):
    (tmp_path / "stack.json").write_text('{"endpoint_url": "http://127.0.0.1:1"}')
    with pytest.raises(typer.Exit):
        endpoint_of(running_stack(tmp_path))
    assert "make run" in capsys.readouterr().err
