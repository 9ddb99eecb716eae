"""The front of the local stack: API Gateway's outer layers, and the only way to the emulator behind."""

import gzip
import json
import socket
import ssl
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
import requests

from storehooks_cli.local.gateway_responses import read_gateway_responses

RESPONSES = read_gateway_responses()
HOOKS = "/stores/5ueh97/v2/hooks"


def raw(stack, target, *headers, method="GET", body=b""):
    """Send a request as it is; clients would tidy it up. The status and the body of the answer."""
    lines = [
        f"{method} {target} HTTP/1.1", "Host: 127.0.0.1", "Connection: close",
        f"X-Auth-Token: {stack.token}", *headers, "", "",
    ]  # fmt: skip
    with socket.create_connection(("127.0.0.1", stack.run.port), timeout=60) as connection:
        connection.sendall("\r\n".join(lines).encode("latin-1") + body)
        with connection.makefile("rb") as response:
            head, _, content = response.read().partition(b"\r\n\r\n")
    return int(head.split()[1]), content


@contextmanager
def handler(stack, function, name):
    """A function whose handler is another one for a while."""
    functions, function = stack.run.aws("lambda"), f"storehooks-{function}"
    functions.update_function_configuration(FunctionName=function, Handler=name)
    try:
        yield
    finally:
        functions.update_function_configuration(FunctionName=function, Handler="app.handler")


def test_https_is_trusted_by_who_trusts_the_authority(stack):
    for host in ("localhost", "127.0.0.1"):
        response = requests.get(
            f"https://{host}:{stack.run.tls_port}{HOOKS}",
            headers={"X-Auth-Token": stack.token},
            verify=stack.ca_path,
            timeout=60,
        )
        assert response.status_code == 200
    with (
        pytest.raises(ssl.SSLError),
        socket.create_connection(("127.0.0.1", stack.run.tls_port)) as connection,
    ):
        ssl.create_default_context().wrap_socket(connection, server_hostname="localhost")


@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS", "HEAD"])
@pytest.mark.parametrize(
    "target",
    [
        "/",
        "//",
        "/_ministack/health",
        "//_ministack/reset",
        "/../../../_ministack/reset",
        "/../../../../_ministack/health",
        "/%2e%2e/%2e%2e/%2e%2e/_ministack/reset",
        "/..%2f..%2f..%2f_ministack/reset",
        "/stores/5ueh97/v2/hooks/../../../../_ministack/reset",
        "/stores/5ueh97/.well-known/openid-configuration",
        "/@connections/1",
        "/%40connections/1",
        "//@connections/1",
    ],
)
def test_no_path_leads_out_of_the_api(stack, method, target):
    status, body = raw(stack, target, method=method)
    assert status == 404
    if method != "HEAD":
        assert json.loads(body) == json.loads(RESPONSES["MISSING_AUTHENTICATION_TOKEN"].body)
    assert raw(stack, HOOKS)[0] == 200, "the emulator was reset"


def test_it_is_no_proxy(stack):
    status, body = raw(stack, f"{stack.endpoint_url}/_ministack/health")
    assert status == 400
    assert json.loads(body)[0]["status"] == 400


@pytest.mark.parametrize(
    "header",
    [
        "Authorization: AWS4-HMAC-SHA256 Credential=123456789012/20260101/eu-west-1/s3/aws4_request",
        "X-Amz-Target: DynamoDB_20120810.ListTables",
        "X-Amz-Content-Sha256: STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
        "Upgrade: websocket",
        "X-Odd: \xff",
    ],
)
def test_no_header_changes_where_a_request_goes(stack, header):
    status, body = raw(stack, HOOKS, header)
    assert status == 200
    assert isinstance(json.loads(body), list)


@pytest.mark.parametrize(
    "query",
    [
        "Action=ListQueues&Version=2012-11-05",
        "X-Amz-Credential=123456789012/20260101/eu-west-1/s3/aws4_request&X-Amz-Algorithm=AWS4-HMAC-SHA256",
        "x%2Damz-credential=123456789012/20260101/eu-west-1/s3/aws4_request",
        "AWSAccessKeyId=123456789012",
        "limit=5&%ff=%zz",
    ],
)
def test_no_query_changes_where_a_request_goes(stack, query):
    status, body = raw(stack, f"{HOOKS}?{query}")
    assert status == 200
    assert isinstance(json.loads(body), list)


def test_no_host_changes_where_a_request_goes(stack):
    """One that http does not take; https does, for the certificate says who it is for."""
    headers = {"Host": "bucket.s3.amazonaws.com", "X-Auth-Token": stack.token}
    response = requests.get(f"{stack.tls_base_url}{HOOKS}", headers=headers, verify=stack.ca_path, timeout=60)
    assert response.status_code == 200
    assert isinstance(response.json(), list)
    response = requests.get(f"{stack.base_url}{HOOKS}", headers=headers, timeout=60)
    assert response.status_code == 403
    assert "ALLOWED_HOSTS" in response.text


def test_headers_that_are_the_connections_own_are_not_forwarded(stack):
    assert raw(stack, HOOKS, "Connection: X-Auth-Token")[0] == 401


@pytest.mark.parametrize("body", [b"\x1f\x8b not gzip", gzip.compress(b"{}")], ids=["malformed", "gzip"])
def test_a_body_arrives_with_the_encoding_that_it_was_sent_with(stack, body):
    status, response = raw(
        stack, HOOKS, "Content-Encoding: gzip", f"Content-Length: {len(body)}", method="POST", body=body
    )
    assert status == 415
    (error,) = json.loads(response)
    assert (error["details"]["field"], error["details"]["given"]) == ("Content-Encoding", "gzip")


@pytest.mark.parametrize("framing", ["Content-Length: {length}", "Transfer-Encoding: chunked"])
def test_a_body_over_10_mb_is_refused(stack, framing):
    length = 10 * 1024 * 1024 + 1
    content = b"x" * length
    body = b"%x\r\n%s\r\n0\r\n\r\n" % (length, content) if "chunked" in framing else content
    status, response = raw(stack, HOOKS, framing.format(length=length), method="POST", body=body)
    assert status == 413
    assert json.loads(response) == json.loads(RESPONSES["REQUEST_TOO_LARGE"].body)


@pytest.mark.parametrize(
    ("function", "kind"), [("list_hooks", "INTEGRATION_FAILURE"), ("authorizer", "AUTHORIZER_FAILURE")]
)
def test_a_crash_tells_nothing_of_its_cause(stack, function, kind):
    with handler(stack, function, "app.no_such_handler"):
        # Another token than before: the gateway remembers what the authorizer said of one.
        response = requests.get(
            f"{stack.base_url}{HOOKS}",
            headers={"X-Auth-Token": stack.token if function != "authorizer" else "unknown"},
            timeout=60,
        )
    assert response.status_code == RESPONSES[kind].status
    assert response.json() == json.loads(RESPONSES[kind].body)
    assert response.headers["Content-Type"].startswith("application/json")


def test_answers_have_no_headers_that_aws_would_not_send(stack):
    response = stack.run.request("GET")
    assert not [name for name in response.headers if name.lower().startswith(("access-control-", "x-amz-"))]


def test_a_burst_waits_for_its_turn(stack):
    with ThreadPoolExecutor(30) as clients:
        responses = list(clients.map(lambda _: stack.run.request("GET").status_code, range(30)))
    assert set(responses) == {200}
