"""The batch calls by libcurl: they ask what botocore asks, and end as botocore's whatever DynamoDB does."""

import datetime
import json
import ssl
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import trustme
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials, RefreshableCredentials
from moto import mock_aws

from storehooks.adapters import aws, direct_dynamodb
from storehooks.adapters.dynamodb import read_batch, write_batch
from storehooks.domain.errors import StoreBusyError, StoreFailedError
from tests.integration.receivers import Connection, Received, Receiver

KEY = {"store_hash": {"S": "5ueh97"}, "id": {"N": "1"}}
ITEM = KEY | {"text": {"S": 'Grüße "世界" \\ \n'}, "bytes": {"B": "AAH/"}, "none": {"NULL": True}}
READ = {"Hooks": {"Keys": [KEY], "ConsistentRead": True}, "Clients": {"Keys": [KEY]}}
WRITE = {"Hooks": [{"PutRequest": {"Item": ITEM}}, {"DeleteRequest": {"Key": KEY}}]}
FOUND = {"Responses": {"Hooks": [ITEM], "Clients": []}, "UnprocessedKeys": {}}
FOUND_IN_PART = FOUND | {"UnprocessedKeys": {"Clients": READ["Clients"]}}
WRITTEN: dict[str, Any] = {"UnprocessedItems": {}}
WRITTEN_IN_PART = {"UnprocessedItems": {"Hooks": WRITE["Hooks"][:1]}}


def response(body: object, status: int = 200, checksum: int | None = None) -> bytes:
    """A response as DynamoDB sends it."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    head = (
        f"HTTP/1.1 {status} Whatever\r\nContent-Type: application/x-amz-json-1.0\r\n"
        f"x-amz-crc32: {zlib.crc32(content) if checksum is None else checksum}\r\n"
        f"Content-Length: {len(content)}\r\n\r\n"
    )
    return head.encode() + content


def error(code: str, status: int = 400) -> bytes:
    return response({"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": "no"}, status)


def cut_off(start: bytes = b"") -> Callable[[Connection], None]:
    """Answers so far, and closes the connection."""
    return lambda connection: (connection.send(start), connection.close())[1]


type Answer = bytes | Callable[[Connection], None]


class DynamoDB:
    """Gives the answers that it is told to, in turn, whatever connection asks; from then on the last one."""

    def __init__(self) -> None:
        self.answers: list[Answer] = []

    def __call__(self, connection: Connection) -> None:
        while connection.read_request():
            answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
            if callable(answer):
                answer(connection)
                return
            connection.send(answer)


@contextmanager
def cut_from(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """An environment without what this machine may have of AWS, and clients made in it."""
    for name in ("AWS_SESSION_TOKEN", "AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wJalr/XUtnFEMI+K7MDENG:bPxRfiCYEXAMPLEKEY")
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    monkeypatch.setattr(time, "sleep", lambda _seconds: None)  # between botocore's tries
    caches = (aws.dynamodb_client, aws._session)
    for cache in caches:
        cache.cache_clear()
    yield monkeypatch
    for cache in caches:
        cache.cache_clear()


@pytest.fixture
def environment(monkeypatch):
    with cut_from(monkeypatch) as environment:
        yield environment


@pytest.fixture
def dynamodb():
    return DynamoDB()


@pytest.fixture
def receiver(dynamodb, environment):
    with Receiver(dynamodb, None) as receiver:
        environment.setenv("AWS_ENDPOINT_URL", receiver.url(""))
        yield receiver


def new_direct(clock: Callable[[], float] = lambda: 0.0) -> direct_dynamodb.DirectDynamoDB:
    return aws.direct_dynamodb(clock, lambda _seconds: None)


CLIENTS: dict[str, Callable[[], Any]] = {"direct": new_direct, "botocore": aws.dynamodb_client}


def read(client: Any) -> Any:
    return read_batch(client, READ, tries=1, sleep=lambda _: None)


def write(client: Any) -> None:
    write_batch(client, "Hooks", WRITE["Hooks"], tries=1, sleep=lambda _: None)


def headers(received: Received) -> dict[str, str]:
    return {name.lower(): value for name, _, value in (line.partition(": ") for line in received.headers)}


# ---------------------------------------------------------------- what is asked


@pytest.mark.parametrize("token", [None, "FwoGZXIvYXdzE//token=="])
def test_dynamodb_is_asked_what_botocore_would_ask(receiver, dynamodb, environment, token):
    if token is not None:
        environment.setenv("AWS_SESSION_TOKEN", token)
    dynamodb.answers = [response(FOUND), response(WRITTEN)] * 2
    for client in (aws.dynamodb_client(), new_direct()):
        client.batch_get_item(RequestItems=READ)
        client.batch_write_item(RequestItems=WRITE)
    of_botocore, ours = receiver.requests[:2], receiver.requests[2:]
    compared = {"host", "content-type", "x-amz-target", "x-amz-security-token"}
    for theirs, our in zip(of_botocore, ours, strict=True):
        assert our.line == theirs.line
        assert json.loads(our.body) == json.loads(theirs.body)
        of_theirs, of_ours = headers(theirs), headers(our)
        assert {name: of_ours.get(name) for name in compared} == {
            name: of_theirs.get(name) for name in compared
        }
        assert set(of_ours) <= set(of_theirs)
        # To botocore's, Powertools adds its own.
        assert of_theirs["user-agent"].startswith(of_ours["user-agent"])
        assert signed(of_ours) == signed(of_theirs)


def signed(of: dict[str, str]) -> str:
    """All of a signature but the signature itself, which has the second in it."""
    return of["authorization"].partition("Signature=")[0]


@pytest.mark.parametrize("token", [None, "FwoGZXIvYXdzE//token=="])
def test_botocores_signer_signs_the_same_request_alike(receiver, dynamodb, environment, token):
    if token is not None:
        environment.setenv("AWS_SESSION_TOKEN", token)
    dynamodb.answers = [response(FOUND), response(WRITTEN)]
    direct = new_direct()
    direct.batch_get_item(RequestItems=READ)
    direct.batch_write_item(RequestItems=WRITE)
    for received in receiver.requests:
        assert_signed_by(received, aws._session().get_credentials())


def assert_signed_by(received: Received, credentials: Credentials) -> None:
    of = headers(received)
    names = of["authorization"].partition("SignedHeaders=")[2].partition(",")[0].split(";")
    assert {"content-type", "host", "x-amz-date", "x-amz-target"} <= set(names)
    request = AWSRequest("POST", f"http://{of['host']}/", data=received.body)
    for name in names:
        request.headers[name] = of[name]
    request.context["timestamp"] = of["x-amz-date"]
    signer = SigV4Auth(credentials, "dynamodb", "eu-west-1")
    signature = signer.signature(signer.string_to_sign(request, signer.canonical_request(request)), request)
    assert of["authorization"].endswith(f"Signature={signature}")


def test_refreshed_credentials_sign_from_then_on(receiver, dynamodb):
    def keys(number: int, hours: int) -> dict[str, str]:
        expires = datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=hours)
        return {
            "access_key": f"key-{number}",
            "secret_key": f"secret-{number}",
            "token": f"token-{number}",
            "expiry_time": expires.isoformat(),
        }

    given = [keys(1, -1), keys(2, 6)]
    credentials = RefreshableCredentials.create_from_metadata(keys(0, 6), given.pop, "test")
    aws._session()._credentials = credentials
    dynamodb.answers = [response(FOUND)]
    direct = new_direct()
    read(direct)
    credentials._expiry_time = datetime.datetime.now(datetime.UTC)
    read(direct)
    before, after = receiver.requests
    assert (headers(before)["x-amz-security-token"], headers(after)["x-amz-security-token"]) == (
        "token-0",
        "token-2",
    )
    assert_signed_by(before, Credentials("key-0", "secret-0", "token-0"))
    assert_signed_by(after, Credentials("key-2", "secret-2", "token-2"))


def test_without_credentials_nothing_is_asked_and_botocore_says_so(receiver, environment):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        environment.delenv(name)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        environment.setenv(name, "/nowhere")
    environment.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(StoreFailedError, match="NoCredentialsError"):
        read(new_direct())
    assert receiver.requests == []


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"AWS_USE_FIPS_ENDPOINT": "true"},
        {"AWS_USE_DUALSTACK_ENDPOINT": "true"},
        {"AWS_REGION": "cn-north-1"},
    ],
)
def test_the_endpoint_is_the_one_that_botocore_calls(environment, variables):
    for name, value in variables.items():
        environment.setenv(name, value)
    called: list[str] = []

    def keep(request: Any, **_: Any) -> None:
        called.append(request.url)
        raise ConnectionError

    client = aws.dynamodb_client()
    client.meta.events.register("before-send.dynamodb", keep)
    with pytest.raises(ConnectionError):
        client.batch_get_item(RequestItems=READ)
    assert called == [f"{new_direct()._options[direct_dynamodb.pycurl.URL]}/"]


# ---------------------------------------------------------------- what comes of it

OK = "it is done"
THROTTLED = error("ThrottlingException")
FAILED = error("InternalServerError", 500)
HALF = response(FOUND)[:-40]
NO_JSON = StoreFailedError("HTTPClientError")
# What it answers once, if that is mended by a second try; else what it answers for good.
CASES: dict[str, tuple[Answer, object]] = {
    "done": (response({**FOUND, **WRITTEN}), OK),
    "throttled": (THROTTLED, OK),
    "throttled for good": (THROTTLED, StoreBusyError()),
    "busy for good": (error("ProvisionedThroughputExceededException"), StoreBusyError()),
    "failed": (FAILED, OK),
    "failed for good": (FAILED, StoreFailedError("InternalServerError")),
    "unavailable for good": (response(b"<html>", 503), StoreFailedError("503")),
    "cut off": (cut_off(), OK),
    "cut off for good": (cut_off(), StoreFailedError("ConnectionClosedError")),
    "cut off in the head for good": (cut_off(HALF[:30]), NO_JSON),
    "cut off in the body for good": (cut_off(HALF), NO_JSON),
    "a wrong checksum": (response(FOUND, checksum=1), OK),
    "half a response": (response(b'{"Responses": {"Hooks'), NO_JSON),
    "no JSON": (response(b"<html>a proxy</html>"), NO_JSON),
    "no object": (response(b"[]"), NO_JSON),
    "no UTF-8": (response(b"\xff\xfe"), NO_JSON),
} | {
    code: (error(code), StoreFailedError(code))
    for code in (
        "ValidationException",
        "ResourceNotFoundException",
        "AccessDeniedException",
        "ExpiredTokenException",
        "InvalidSignatureException",  # also for a clock that is off
    )
}


@pytest.fixture(scope="module")
def both() -> Iterator[tuple[Receiver, DynamoDB, dict[str, Any]]]:
    """One socket for many cases, and both clients."""
    dynamodb = DynamoDB()
    with (
        pytest.MonkeyPatch.context() as patched,
        cut_from(patched) as environment,
        Receiver(dynamodb, None) as receiver,
    ):
        environment.setenv("AWS_ENDPOINT_URL", receiver.url(""))
        yield receiver, dynamodb, {name: make() for name, make in CLIENTS.items()}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("call", [read, write])
def test_whatever_dynamodb_does_ends_alike_within_two_tries(both, call, client, case):
    receiver, dynamodb, clients = both
    answer, expected = CASES[case]
    dynamodb.answers = [answer, response(FOUND if call is read else WRITTEN)] if expected == OK else [answer]
    receiver.requests.clear()
    if isinstance(expected, Exception):
        with pytest.raises(type(expected)) as raised:
            call(clients[client])
        assert raised.value.args == expected.args
    else:
        assert call(clients[client]) == (FOUND["Responses"] if call is read else None)
    tries = [json.loads(one.body) for one in receiver.requests]
    # libcurl asks anew by itself when a connection that was kept closes.
    assert 1 <= len(tries) <= (3 if client == "direct" and case == "cut off for good" else 2)
    assert tries == tries[:1] * len(tries), "what took effect unanswered has the same effect again"


@pytest.mark.parametrize("start", [b"", HALF[:30], HALF])
def test_what_breaks_off_once_is_asked_again(receiver, dynamodb, start):
    dynamodb.answers = [cut_off(start), response(FOUND)]
    assert read(new_direct()) == FOUND["Responses"]


@pytest.mark.parametrize("client", CLIENTS)
def test_what_is_left_undone_is_returned(receiver, dynamodb, client):
    dynamodb.answers = [response(FOUND_IN_PART), response(WRITTEN_IN_PART)]
    made = CLIENTS[client]()
    found = made.batch_get_item(RequestItems=READ)
    assert {name: found[name] for name in FOUND_IN_PART} == FOUND_IN_PART
    assert (
        made.batch_write_item(RequestItems=WRITE)["UnprocessedItems"] == WRITTEN_IN_PART["UnprocessedItems"]
    )
    assert len(receiver.requests) == 2


def test_who_does_not_respond_is_given_up_for_the_second_try(receiver, dynamodb, environment):
    environment.setattr(direct_dynamodb, "_SECONDS", 0.2)
    dynamodb.answers = [Connection.pause, response(FOUND)]
    assert read(new_direct()) == FOUND["Responses"]
    assert len(receiver.requests) == 2


@pytest.mark.parametrize(("answer", "longest"), [(THROTTLED, 1.0), (FAILED, 0.025), (cut_off(), 0.025)])
def test_before_the_second_try_it_waits_as_botocore_does(receiver, dynamodb, answer, longest):
    waits: list[float] = []
    for _ in range(30):
        dynamodb.answers = [answer, response(FOUND)]
        read(aws.direct_dynamodb(lambda: 0.0, waits.append))
    assert len(waits) == 30
    assert longest / 2 < max(waits) <= longest
    assert min(waits) < longest / 2


# ---------------------------------------------------------------- connections


def test_a_connection_is_kept(receiver, dynamodb):
    dynamodb.answers = [response(FOUND)]
    direct = new_direct()
    for _ in range(3):
        read(direct)
    assert (receiver.connections, len(receiver.requests)) == (1, 3)


def test_a_connection_that_dynamodb_has_closed_meanwhile_is_no_failure(receiver, dynamodb):
    dynamodb.answers = [cut_off(response(FOUND))]
    direct = new_direct()
    direct._second = None  # there is no second try
    for _ in range(3):
        read(direct)
    assert receiver.connections == 3


def test_a_connection_that_was_idle_for_long_is_not_used(receiver, dynamodb):
    """Its death while Lambda had the process frozen may be unknown here."""
    now = [1000.0]
    dynamodb.answers = [response(FOUND)]
    direct = new_direct(lambda: now[0])
    for passed, connections in ((0, 1), (50, 1), (51, 2), (-1, 3), (0, 3)):
        now[0] += passed
        read(direct)
        assert receiver.connections == connections


@pytest.mark.parametrize("variable", ["AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"])
def test_certificates_are_verified_as_botocore_verifies_them(dynamodb, environment, tmp_path, variable):
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    dynamodb.answers = [response(FOUND)]
    with Receiver(dynamodb, context) as receiver:
        environment.setenv("AWS_ENDPOINT_URL", receiver.url(""))
        with pytest.raises(StoreFailedError, match="SSLError"):
            read(new_direct())
        assert receiver.requests == []
        environment.setenv(variable, str(tmp_path / "ca.pem"))
        direct = new_direct()
        direct._second = None
        assert read(direct) == FOUND["Responses"]


def test_a_proxy_of_the_environment_is_used(receiver, dynamodb, environment):
    environment.setenv("AWS_ENDPOINT_URL", "http://dynamodb.example.com")
    environment.setenv("http_proxy", receiver.url(""))
    environment.setenv("no_proxy", "example.org")
    dynamodb.answers = [response(FOUND)]
    for client in CLIENTS.values():
        read(client())
    assert {one.line for one in receiver.requests} == {"POST http://dynamodb.example.com/ HTTP/1.1"}
    assert len(receiver.requests) == 2


@pytest.fixture
def before_moto(environment):
    """A socket before moto, which is in this process."""
    calls = {"BatchGetItem": "batch_get_item", "BatchWriteItem": "batch_write_item"}
    with mock_aws():
        moto = aws.dynamodb_client(tries=3)
        moto.create_table(
            TableName="Hooks",
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "N"}],
            BillingMode="PAY_PER_REQUEST",
        )

        def relay(connection: Connection) -> None:
            while received := connection.read_request():
                call = calls[headers(received)["x-amz-target"].partition(".")[2]]
                came_of_it = getattr(moto, call)(**json.loads(received.body))
                del came_of_it["ResponseMetadata"]
                connection.send(response(came_of_it))

        with Receiver(relay, None) as receiver:
            environment.setenv("AWS_ENDPOINT_URL", receiver.url(""))
            yield receiver


def test_what_one_client_writes_the_other_reads(before_moto):
    plain, direct = aws.dynamodb_client(), new_direct()
    for writer, reader, number in ((plain, direct, "1"), (direct, plain, "2")):
        item = ITEM | {"id": {"N": number}}
        write_batch(writer, "Hooks", [{"PutRequest": {"Item": item}}], tries=1, sleep=time.sleep)
        wanted = {"Hooks": {"Keys": [{"id": {"N": number}}]}}
        assert read_batch(reader, wanted, tries=1, sleep=time.sleep) == {"Hooks": [item]}
    assert len(before_moto.requests) == 4
