"""Which error is which answer."""

import pytest

from storehooks.api.errors import error_response, unexpected_error_response
from storehooks.api.version import Version
from storehooks.domain import errors
from storehooks.domain.errors import Problem

ANSWERS = [
    (errors.InvalidRequestError(Problem("scope", "is required", "a scope")), 400),
    (errors.NotAllowedError(), 403),
    (errors.TooManyHooksError("store/*", 10), 403),
    (errors.HookNotFoundError(7), 404),
    (errors.DeliveryNotFoundError(), 404),
    (errors.RecoveryNotFoundError(), 404),
    (errors.DuplicateHookError(7), 409),
    (errors.HookInactiveError(7, None), 409),
    (errors.HookInactiveError(7, "12 attempts failed"), 409),
    (errors.BodyTooLargeError(65536), 413),
    (errors.UnsupportedMediaTypeError("text/plain"), 415),
    (errors.StoreBusyError(), 429),
    (errors.StoreFailedError("InternalServerError"), 503),
]


@pytest.mark.parametrize(("error", "status"), ANSWERS, ids=lambda value: type(value).__name__)
def test_an_error_has_its_status_and_the_v2_form(error, status):
    response = error_response(error, Version.V2)
    assert response.status == status
    (entry,) = response.body
    assert entry["status"] == status
    assert entry["message"]
    assert ("X-Retry-After" in response.headers) == (status in {429, 503})


@pytest.mark.parametrize(("error", "status"), ANSWERS, ids=lambda value: type(value).__name__)
def test_an_error_has_the_same_status_in_v3_and_its_form(error, status):
    response = error_response(error, Version.V3)
    assert response.status == response.body["status"] == status
    assert list(response.body)[:3] == ["status", "title", "type"]
    assert response.body["title"]
    assert ("X-Retry-After" in response.headers) == (status in {429, 503})


@pytest.mark.parametrize("version", Version)
def test_a_fault_of_ours_is_a_500_that_says_nothing_of_its_cause(version):
    response = unexpected_error_response(version)
    assert response.status == 500
    assert "The service failed." in str(response.body)


MISSING = Problem("scope", "is required", "a scope")
WRONG = Problem("destination", "is not public", "a public host", given="https://localhost/")


@pytest.mark.parametrize(
    ("error", "status", "title", "told"),
    [
        (
            errors.InvalidRequestError(Problem("limit", "is no number in range", "a number", given="x")),
            400,
            "Input is invalid.",
            {"limit": "'x' is no number in range. Accepted: a number."},
        ),
        (
            errors.InvalidFieldsError(MISSING, WRONG),
            422,
            "JSON data is missing or invalid",
            {
                "scope": "It is required. Accepted: a scope.",
                "destination": "'https://localhost/' is not public. Accepted: a public host.",
            },
        ),
        (
            errors.NothingToChangeError(Problem("body", "changes nothing", "a field")),
            422,
            "The following fields are invalid: data",
            {"data": "Update webhook request should not be empty. It changes nothing. Accepted: a field."},
        ),
        (errors.HookNotFoundError(7), 404, "Webhook with id [7] not found", None),
        (errors.HookNotFoundError("x" * 500), 404, f"Webhook with id [{'x' * 100}...] not found", None),
        (
            errors.DuplicateHookError(7),
            409,
            "The hook 7 has the same scope and destination.",
            {"destination": "The hook 7 has the same scope and destination."},
        ),
    ],
)
def test_v3_tells_what_is_wrong_field_by_field(error, status, title, told):
    response = error_response(error, Version.V3)
    assert (response.status, response.body["title"], response.body.get("errors")) == (status, title, told)


@pytest.mark.parametrize("version", Version)
@pytest.mark.parametrize("kind", [errors.InvalidRequestError, errors.InvalidFieldsError])
def test_an_answer_is_short_whatever_was_sent(kind, version):
    many = [
        Problem(f"{number}" * 10_000, "is unknown", "scope", given="\ud800" * 10_000) for number in range(99)
    ]
    answer = error_response(kind(*many), version).to_gateway()
    assert len(answer["body"].encode()) < 20_000
