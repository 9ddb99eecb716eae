"""The tree of errors, and which error is which answer."""

import inspect
import re

import pytest

from storehooks.adapters.dynamodb import ConditionFailedError, TransactionCancelledError, reads_item
from storehooks.api.errors import error_response, unexpected_error_response
from storehooks.api.response import Response
from storehooks.api.version import Version
from storehooks.domain import errors
from storehooks.domain.errors import (
    CallerError,
    CorruptItemError,
    FaultError,
    Problem,
    StorehooksError,
    TransientError,
    fault_keys,
)

ANSWERS = [
    (errors.InvalidRequestError(Problem("scope", "is required", "a scope")), 400),
    (errors.NotAllowedError(), 403),
    (errors.TooManyHooksError("store/*", 10), 403),
    (errors.TooManyAddressesError(10, 30), 403),
    (errors.HookQuotaError("max_hooks_per_client", 250), 403),
    (errors.HookNotFoundError(7), 404),
    (errors.DeliveryNotFoundError(), 404),
    (errors.RecoveryNotFoundError(), 404),
    (errors.DuplicateHookError(7), 409),
    (errors.HookInactiveError(7, None), 409),
    (errors.HookInactiveError(7, "12 attempts failed"), 409),
    (errors.BodyTooLargeError(65536), 413),
    (errors.UnsupportedMediaTypeError("text/plain"), 415),
    (errors.UnsupportedContentEncodingError("gzip"), 415),
    (errors.StoreBusyError(), 429),
    (errors.TooManyAtOnceError("pings", 2, 5), 429),
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


# ---------------------------------------------------------------- the tree

BRANCHES = (TransientError, CallerError, FaultError)
ERRORS = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, StorehooksError) and kind is not StorehooksError
]
ARGUMENTS = {
    "problems": Problem("scope", "is required", "a scope"),
    "failed": frozenset(),
    "limit": 10,
    "until": 10,
}


def made(kind: type[StorehooksError]) -> StorehooksError:
    """An error of this class, with something for each thing that it carries."""
    if kind.__init__ is Exception.__init__:
        return kind()
    return kind(
        *(
            ARGUMENTS.get(name, "7")
            for name, one in inspect.signature(kind).parameters.items()
            if one.default is inspect.Parameter.empty and one.kind is not one.VAR_KEYWORD
        )
    )


def drawn() -> dict[str, str]:
    """The tree in the module's docstring: from each error to the one above it."""
    above: dict[str, str] = {}
    path: list[str] = []
    for indent, name in re.findall(r"^    (\W*)(\w+Error)\b", errors.__doc__.split("::\n")[1], re.MULTILINE):
        path[len(indent) // 4 :] = [name]
        above[name] = path[-2] if len(path) > 1 else ""
    return above


def test_the_tree_that_is_drawn_is_the_one_there_is():
    assert drawn() == {"StorehooksError": ""} | {kind.__name__: kind.__bases__[0].__name__ for kind in ERRORS}


@pytest.mark.parametrize("kind", ERRORS)
def test_each_error_is_of_one_branch(kind):
    assert sum(issubclass(kind, branch) for branch in BRANCHES) == 1


STATUSES = {TransientError: {429, 503}, CallerError: set(range(400, 430)), FaultError: {500}}


@pytest.mark.parametrize("kind", ERRORS)
@pytest.mark.parametrize("version", Version)
def test_the_status_of_an_error_is_one_of_its_branch(kind, version):
    (statuses,) = [statuses for branch, statuses in STATUSES.items() if issubclass(kind, branch)]
    assert error_response(made(kind), version).status in statuses


@pytest.mark.parametrize("kind", [ConditionFailedError, TransactionCancelledError])
def test_what_an_adapter_tells_itself_is_caught_as_no_error_of_the_domain(kind):
    assert not issubclass(kind, StorehooksError)


def test_an_item_that_cannot_be_read_is_named_without_what_is_in_it():
    @reads_item
    def read(item):
        return int(item["secret"]["N"])

    item = {"hook": {"S": "5ueh97#7"}, "id": {"S": "msg_1"}, "secret": {"N": "hunter2"}}
    with pytest.raises(CorruptItemError, match=r"^hook=5ueh97#7, id=msg_1: ValueError$") as raised:
        read(item)
    keys = fault_keys(raised.value)
    assert (keys["error"], keys["item"]) == ("CorruptItemError", "hook=5ueh97#7, id=msg_1: ValueError")
    assert "hunter2" not in str(keys)
    assert read(item | {"secret": {"N": "7"}}) == 7


# ---------------------------------------------------------------- what V3 says

MISSING = Problem("scope", "is required", "a scope")
WRONG = Problem("destination", "is not public", "a public host", given="https://localhost/")


@pytest.mark.parametrize(
    ("error", "status", "title", "told"),
    [
        (
            errors.InvalidRequestError(Problem("limit", "is not a number in range", "a number", given="x")),
            400,
            "Input is invalid.",
            {"limit": "'x' is not a number in range. Accepted: a number."},
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
            "The hook 7 has the same scope and destination, and the same filter or none.",
            {"destination": "The hook 7 has the same scope and destination, and the same filter or none."},
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
    response = error_response(kind(*many), version).to_gateway()
    assert len(response["body"].encode()) < 20_000


def test_nobody_may_store_a_response_with_a_body():
    for response in (Response(200, {"a": 1}), error_response(errors.NotAllowedError(), Version.V2)):
        assert response.to_gateway()["headers"]["Cache-Control"] == "no-store"
    assert Response(204).to_gateway()["headers"] == {}
