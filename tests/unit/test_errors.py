"""Which error is which answer."""

import pytest

from storehooks.api.errors import error_response
from storehooks.domain import errors
from storehooks.domain.errors import Problem

ANSWERS = [
    (errors.InvalidRequestError(Problem("scope", "is required", "a scope")), 400),
    (errors.NotAllowedError(), 403),
    (errors.TooManyHooksError("store/*", 10), 403),
    (errors.HookNotFoundError(), 404),
    (errors.DuplicateHookError(7), 409),
    (errors.BodyTooLargeError(65536), 413),
    (errors.UnsupportedMediaTypeError("text/plain"), 415),
    (errors.StoreBusyError(), 429),
    (errors.StoreFailedError("InternalServerError"), 503),
]


@pytest.mark.parametrize(("error", "status"), ANSWERS, ids=lambda value: type(value).__name__)
def test_an_error_has_its_status_and_the_v2_form(error, status):
    response = error_response(error)
    assert response.status == status
    (entry,) = response.body
    assert entry["status"] == status
    assert entry["message"]
    assert ("X-Retry-After" in response.headers) == (status in {429, 503})


def test_an_answer_is_short_whatever_was_sent():
    many = [Problem("x" * 10_000, "is unknown", "scope", given="\ud800" * 10_000)] * 10_000
    answer = error_response(errors.InvalidRequestError(*many)).to_gateway()
    assert len(answer["body"].encode()) < 20_000
