"""What DynamoDB, or something before it, answers instead of what it should."""

import pytest
from botocore.awsrequest import AWSResponse

from storehooks.adapters.dynamodb import read_batch, write_batch
from storehooks.domain.errors import StoreBusyError, StoreFailedError

KEY = {"store_hash": {"S": "5ueh97"}, "id": {"N": "1"}}


class Answer:
    """What comes in place of DynamoDB's answers, each time, and how often that was."""

    def __init__(self, status: int, body: bytes) -> None:
        self.status, self.body, self.given = status, body, 0

    def __call__(self, request, **_):
        self.given += 1
        response = AWSResponse(request.url, self.status, {"content-type": "application/x-amz-json-1.0"}, None)
        response._content = self.body
        return response


@pytest.fixture
def responded(aws):
    """Has DynamoDB answer this from now on."""
    events, responses = aws.dynamodb.meta.events, []

    def response(status, body):
        responses.append(Answer(status, body))
        events.register_first("before-send.dynamodb", responses[-1])
        return responses[-1]

    yield response
    for one in responses:
        events.unregister("before-send.dynamodb", one)


def read(aws):
    requests = {"HooksTable": {"Keys": [KEY]}}
    return read_batch(aws.dynamodb, requests, tries=1, sleep=lambda _: None)


def write(aws):
    requests = [{"DeleteRequest": {"Key": KEY}}]
    return write_batch(aws.dynamodb, "HooksTable", requests, tries=1, sleep=lambda _: None)


@pytest.mark.parametrize("call", [read, write])
@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (200, b'{"Responses": {"Hooks', StoreFailedError),
        (200, b"<html>a proxy</html>", StoreFailedError),
        (200, b"\xff\xfe", StoreFailedError),
        (400, b'{"__type": "com.amazonaws.dynamodb.v20120810#ThrottlingException"}', StoreBusyError),
        (400, b'{"__type": "com.amazonaws.dynamodb.v20120810#ValidationException"}', StoreFailedError),
        (503, b"<html>unavailable</html>", StoreFailedError),
    ],
)
def test_an_answer_that_is_none_of_dynamodbs_is_an_error_of_ours(aws, responded, call, status, body, error):
    response = responded(status, body)
    with pytest.raises(error):
        call(aws)
    assert response.given


def test_an_answer_is_taken_as_it_comes(aws, responded):
    responded(200, b'{"Responses": {"HooksTable": [{"id": {"N": "1"}}]}, "UnprocessedKeys": {}}')
    assert read(aws) == {"HooksTable": [{"id": {"N": "1"}}]}
