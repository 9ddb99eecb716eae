"""What storehooks reaches into of botocore, gone through with the botocore of this interpreter.

A program for the Python of .venv-botocore-oldest and -newest: it imports nothing of the tests. It
compares our client with a plain one, call by call, by what a stub of DynamoDB on this machine was
asked and by what came of it. It prints a line for each that is the same, and botocore's version;
anything else is an error.
"""

import http.server
import json
import os
import sys
import threading
import time
from typing import Any

import botocore
import botocore.session
from botocore.config import Config
from botocore.exceptions import ClientError, HTTPClientError

KEY = {"store_hash": {"S": "5ueh97"}, "id": {"N": "1"}}
# Each of DynamoDB's types, and text of more than ASCII.
ITEM = KEY | {
    "text": {"S": 'Grüße "世界" \\ \n'},
    "bytes": {"B": "AAH/"},
    "none": {"NULL": True},
    "set": {"SS": ["a", "b"]},
    "list": {"L": [{"M": {"is_active": {"BOOL": False}}}, {"N": "-1.5"}]},
}
READ = {"RequestItems": {"Hooks": {"Keys": [KEY], "ConsistentRead": True, "ProjectionExpression": "id"}}}
WRITE = {
    "RequestItems": {
        "Hooks": [{"PutRequest": {"Item": ITEM}}, {"DeleteRequest": {"Key": KEY}}],
        "Deliveries": [{"DeleteRequest": {"Key": KEY}}],
    }
}
FOUND = {"Responses": {"Hooks": [ITEM]}, "UnprocessedKeys": {}}
FOUND_IN_PART = {"Responses": {"Hooks": []}, "UnprocessedKeys": READ["RequestItems"]}
WRITTEN = {"UnprocessedItems": {}}
WRITTEN_IN_PART = {"UnprocessedItems": {"Hooks": WRITE["RequestItems"]["Hooks"][:1]}}
THROTTLED = {"__type": "com.amazonaws.dynamodb.v20120810#ThrottlingException", "message": "slow down"}
REFUSED = {"__type": "com.amazon.coral.validate#ValidationException", "message": "no such table"}
FAILED = {"__type": "com.amazonaws.dynamodb.v20120810#InternalServerError"}

type Answer = tuple[int, dict[str, Any]]
CASES: dict[str, tuple[str, dict[str, Any], list[Answer]]] = {
    "a read": ("batch_get_item", READ, [(200, FOUND)]),
    "a read of which some is left": ("batch_get_item", READ, [(200, FOUND_IN_PART)]),
    "a write": ("batch_write_item", WRITE, [(200, WRITTEN)]),
    "a write of which some is left": ("batch_write_item", WRITE, [(200, WRITTEN_IN_PART)]),
    "a read after a throttle": ("batch_get_item", READ, [(400, THROTTLED), (200, FOUND)]),
    "a write after a throttle": ("batch_write_item", WRITE, [(400, THROTTLED), (200, WRITTEN)]),
    "a write after a failure": ("batch_write_item", WRITE, [(500, FAILED), (200, WRITTEN)]),
    "a read that is refused": ("batch_get_item", READ, [(400, REFUSED)]),
    "a write that is refused": ("batch_write_item", WRITE, [(400, REFUSED)]),
    "a read throttled for good": ("batch_get_item", READ, [(400, THROTTLED), (400, THROTTLED)]),
    # An operation that is not passed on, through the same handlers.
    "a query": ("query", {"TableName": "Hooks", "KeyConditionExpression": "id = :id"},
                [(200, {"Items": [KEY], "Count": 1, "ScannedCount": 1})]),
    "a query that is refused": ("query", {"TableName": "Hooks"}, [(400, REFUSED)]),
}  # fmt: skip


class Stub(http.server.ThreadingHTTPServer):
    """Gives the answers that it is told to, in turn, and keeps what was asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.responses: list[tuple[int, bytes]] = []
        self.asked: list[tuple[str, str, str | None, Any]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(http.server.BaseHTTPRequestHandler):
    server: Stub
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        assert self.headers["Authorization"].startswith("AWS4-HMAC-SHA256 Credential=test/")
        self.server.asked.append(
            (self.path, self.headers["X-Amz-Target"], self.headers["Content-Type"], json.loads(body))
        )
        status, response = self.server.responses.pop(0)
        self.send_response(status)
        self.send_header("Content-Type", "application/x-amz-json-1.0")
        self.send_header("Content-Length", str(len(response)))
        self.end_headers()
        self.wfile.write(response)

    def log_message(self, *_: Any) -> None:
        """Nothing."""


def without_metadata(response: dict[str, Any]) -> dict[str, Any]:
    metadata = response["ResponseMetadata"]
    kept = {name: metadata.get(name) for name in ("HTTPStatusCode", "RetryAttempts")}
    return response | {"ResponseMetadata": kept}


def outcome(client: Any, call: str, given: dict[str, Any]) -> Any:
    """What a call returns or raises."""
    try:
        return without_metadata(getattr(client, call)(**given))
    except ClientError as error:
        return type(error).__name__, str(error), without_metadata(error.response)
    except HTTPClientError as error:
        return error


def as_sent(value: Any) -> Any:
    """Bytes as DynamoDB's JSON has them: a plain client takes them, and gives them, as they are."""
    if isinstance(value, dict):
        return {name: as_sent(one) for name, one in value.items()}
    if isinstance(value, list):
        return [as_sent(one) for one in value]
    if isinstance(value, bytes):
        return {b"\x00\x01\xff": "AAH/"}[value]
    return value


def as_plain_takes_it(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            name: b"\x00\x01\xff" if name == "B" else as_plain_takes_it(one) for name, one in value.items()
        }
    if isinstance(value, list):
        return [as_plain_takes_it(one) for one in value]
    return value


def main() -> None:
    time.sleep = lambda _: None  # between botocore's tries
    stub = Stub()
    threading.Thread(target=stub.serve_forever, daemon=True).start()
    os.environ |= {
        "AWS_ENDPOINT_URL": "",  # as sam local invoke sets it where nobody says another
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
    }
    from storehooks.adapters import aws

    assert aws.sqs_client().meta.endpoint_url == "https://sqs.us-east-1.amazonaws.com"
    aws.sqs_client.cache_clear()
    os.environ["AWS_ENDPOINT_URL"] = stub.url
    clients = [aws.dynamodb_client(), aws.sqs_client(), aws.events_client(), aws.ses_client()]
    names = [client.meta.service_model.service_name for client in clients]
    assert names == ["dynamodb", "sqs", "events", "sesv2"], names
    assert {client.meta.endpoint_url for client in clients} == {stub.url}
    print("all clients")  # noqa: T201

    ours = clients[0]
    retries = {"mode": "standard", "total_max_attempts": 2}
    plain = botocore.session.Session().create_client(
        "dynamodb", region_name="us-east-1", config=Config(retries=retries)
    )
    direct = aws.direct_dynamodb(time.time, time.sleep)
    for name, (call, given, responses) in CASES.items():
        seen = []
        for client, its_given in ((ours, given), (plain, as_plain_takes_it(given))):
            stub.responses = [(status, json.dumps(body).encode()) for status, body in responses]
            came_of_it = as_sent(outcome(client, call, its_given))
            assert not stub.responses, f"{name}: {len(stub.responses)} answers were not asked for"
            seen.append((stub.asked, came_of_it))
            stub.asked = []
        assert seen[0] == seen[1], f"{name}:\n{seen[0]}\nof a plain client:\n{seen[1]}"
        if hasattr(direct, call) and responses[-1][0] == 200:
            stub.responses = [(status, json.dumps(body).encode()) for status, body in responses]
            found = getattr(direct, call)(**given)
            assert (stub.asked, found.items() >= responses[-1][1].items()) == (seen[1][0], True), name
            stub.asked = []
        print(name)  # noqa: T201

    stub.responses = [(200, json.dumps(FOUND).encode())]
    assert ours.batch_get_item(**READ)["Responses"] == FOUND["Responses"]  # bytes too, as they were sent
    print("a read without a look at its values")  # noqa: T201

    for call, given in (("batch_get_item", READ), ("batch_write_item", WRITE)):
        # A plain client takes it for an answer without anything in it.
        for body in (b'{"Responses": {"Hooks', b"<html>a proxy</html>", b"\xff\xfe", b"[]", b""):
            stub.responses = [(200, body)]
            came_of_it = outcome(ours, call, given)
            assert isinstance(came_of_it, HTTPClientError), f"{call} makes {came_of_it} of {body!r}"
        print(f"{call} and a 2xx that is not a JSON object")  # noqa: T201
    print(botocore.__version__)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
