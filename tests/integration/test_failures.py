"""What a caller sees, and what is left behind, when DynamoDB fails."""

import pytest
from botocore.exceptions import ConnectTimeoutError, ReadTimeoutError

from storehooks.domain.errors import StoreBusyError
from tests.faults import around_aws, faulty, refused
from tests.integration.conftest import load_event


@pytest.fixture
def fail(monkeypatch, aws):
    """Make the next calls of an API operation fail, before or after their effect."""

    def fail(operation, error, *, after_effect=False, times=1):
        left = iter(range(times))

        def meet(name, given, call):
            if name != operation or next(left, None) is None:
                return call(given)
            return faulty(call, lambda: error, has_effect=after_effect)(given)

        around_aws(monkeypatch, meet)

    return fail


def hooks_left(aws):
    return [item for item in aws.scan("HooksTable") if "scope" in item]


@pytest.mark.parametrize(
    "code", ["ProvisionedThroughputExceededException", "ThrottlingException", "RequestLimitExceeded"]
)
@pytest.mark.parametrize("operation", ["UpdateItem", "TransactWriteItems"])
def test_a_throttled_create_is_429_and_leaves_no_hook(client, aws, functions, fail, operation, code):
    fail(operation, refused(code))
    status, body = client.create()
    assert (status, body[0]["status"]) == (429, 429)
    assert hooks_left(aws) == []
    assert client.create()[0] == 201


def test_a_429_says_when_to_come_back(functions, fail, aws):
    fail("GetItem", refused("ThrottlingException"))
    response = functions.handler("get_hook")(load_event("get_hook"), None)
    assert response["statusCode"] == 429
    assert response["headers"]["X-Retry-After"] == "1"


@pytest.mark.parametrize(
    "error",
    [
        refused("InternalServerError"),
        refused("AccessDeniedException"),
        ConnectTimeoutError(endpoint_url="x"),
        ReadTimeoutError(endpoint_url="x"),
    ],
)
def test_a_failure_of_aws_is_503_and_tells_nothing_of_it(client, aws, fail, error):
    fail("TransactWriteItems", error)
    status, body = client.create()
    assert status == 503
    assert "hunter2" not in str(body)
    assert hooks_left(aws) == []


def test_a_write_whose_answer_was_lost_has_taken_effect_whole(client, aws, fail):
    fail("TransactWriteItems", ReadTimeoutError(endpoint_url="x"), after_effect=True)
    assert client.create()[0] == 503
    assert len(hooks_left(aws)) == 1
    assert client.create()[0] == 409
    hook_id = client.list()[1][0]["id"]
    assert client.delete(hook_id)[0] == 200
    assert client.create()[0] == 201


def test_a_transaction_that_met_another_is_tried_again(client, fail):
    reasons = [{"Code": "None"}, {"Code": "TransactionConflict"}]
    fail("TransactWriteItems", refused("TransactionCanceledException", CancellationReasons=reasons), times=3)
    assert client.create()[0] == 201


def test_a_hook_that_never_stops_changing_is_429_in_the_end(client, functions, fail):
    hook_id = client.create()[1]["id"]
    pauses = []
    functions.sleep = pauses.append
    fail("PutItem", refused("ConditionalCheckFailedException"), times=100)
    assert client.update(hook_id, is_active=True)[0] == 429
    assert 5 <= len(pauses) < 20
    assert sum(pauses) < 10


def test_an_update_that_lost_a_race_works_on_the_newer_hook(client, aws, functions, fail):
    hook_id = client.create()[1]["id"]
    functions.sleep = lambda _pause: client.call(
        "update_hook", hook_id=hook_id, body={"headers": {"X-A": "1"}}
    )
    fail("PutItem", refused("ConditionalCheckFailedException"))
    status, hook = client.update(hook_id, is_active=True)
    assert (status, hook["is_active"], hook["headers"]) == (200, True, {"X-A": "1"})


def test_the_authorizer_does_not_turn_a_failure_into_a_refusal(functions, access, fail):
    event = load_event("authorizer") | {"authorizationToken": access.create_token("5ueh97").access_token}
    fail("GetItem", refused("ThrottlingException"))
    with pytest.raises(StoreBusyError):
        functions.handler("authorizer")(event, None)


def test_a_change_that_met_a_transaction_is_tried_again(client, fail):
    hook_id = client.create()[1]["id"]
    fail("PutItem", refused("TransactionConflictException"), times=3)
    assert client.update(hook_id, is_active=True)[0] == 200


@pytest.mark.parametrize(
    ("code", "status"),
    [("ThrottlingError", 429), ("ProvisionedThroughputExceeded", 429), ("ValidationError", 503)],
)
def test_a_transaction_that_fails_for_good_is_not_tried_again(client, aws, functions, fail, code, status):
    functions.handler("create_hook")
    before = len(aws.calls)
    fail(
        "TransactWriteItems",
        refused("TransactionCanceledException", CancellationReasons=[{"Code": code}] * 2),
    )
    assert client.create()[0] == status
    assert aws.calls[before:] == ["UpdateItem"], "and the failing one, which never got through"


def test_a_transaction_whose_first_try_still_runs_is_503_not_429(client, fail):
    fail("TransactWriteItems", refused("TransactionInProgressException"), after_effect=True)
    assert client.create()[0] == 503
