"""docs/openapi.yaml is what the template, the models and the errors make of it today."""

from typing import Any

import pytest
from schemathesis.specs.openapi.definitions import OPENAPI_31_VALIDATOR

from storehooks.api.errors import error_response
from storehooks.api.version import Version
from storehooks.domain import errors
from storehooks_cli.openapi import document, operations
from storehooks_cli.openapi.examples import errors as shown_errors
from tests.openapi_file import OPENAPI, openapi, resolved, validate
from tests.template.test_template import ROUTES, V3_ROUTES

OPERATIONS = [
    (path, method, operation)
    for path, operations in openapi()["paths"].items()
    for method, operation in operations.items()
    if method != "parameters"
]
# What the authorizer or notify_owners meets, and no operation of the API.
NO_OPERATIONS = {"UnauthenticatedError", "MailFailedError"}


def test_it_is_up_to_date():
    assert document.as_yaml() == OPENAPI.read_text(), "run `make openapi`, and look what has changed"


def test_it_is_openapi_3_1():
    OPENAPI_31_VALIDATOR.validate(openapi())


def test_it_has_every_route_and_no_other():
    described = {(method, path) for path, method, _ in OPERATIONS}
    assert described == {*ROUTES.values(), *V3_ROUTES.values()}


def test_a_route_without_a_description_is_told_and_what_to_add(monkeypatch):
    route = ("get", "/stores/{store_hash}/v2/hooks/{id}")
    monkeypatch.setattr(
        document, "OPERATIONS", {key: value for key, value in operations.OPERATIONS.items() if key != route}
    )
    with pytest.raises(document.UndescribedRouteError, match=r"GET /stores/"):
        document.document()


def test_a_description_without_a_route_is_told(monkeypatch):
    gone = {("get", "/gone"): operations.OPERATIONS["get", "/console"]}
    monkeypatch.setattr(document, "OPERATIONS", operations.OPERATIONS | gone)
    with pytest.raises(document.UndescribedRouteError, match="/gone"):
        document.document()


def test_every_operation_has_a_name_of_its_own_and_a_summary():
    names = [operation["operationId"] for _, _, operation in OPERATIONS]
    assert len(set(names)) == len(names)
    assert all(operation["summary"] for _, _, operation in OPERATIONS)


def test_every_error_of_the_domain_is_shown():
    every = {
        name
        for name, kind in vars(errors).items()
        if isinstance(kind, type) and issubclass(kind, errors.StorehooksError)
    }
    in_words = {"InvalidValueError", "InvalidRequestError", "CallerError"}  # what others are made of
    bodies = [error_response(error, Version.V2).body for error in shown_errors().values()]
    for name in every - in_words - NO_OPERATIONS:
        kinds = {type(error).__name__ for error in shown_errors().values()}
        same = error_response(kind_of(name), Version.V2).body if name not in kinds else None
        assert name in kinds or same in bodies, name


def kind_of(name: str) -> errors.StorehooksError:
    """An error of this kind."""
    given = {"QueueFailedError": ("code", frozenset()), "CorruptItemError": ("key", "KeyError")}
    error: errors.StorehooksError = getattr(errors, name)(*given.get(name, ()))
    return error


@pytest.mark.parametrize(
    ("path", "method", "operation"),
    OPERATIONS,
    ids=[operation["operationId"] for *_, operation in OPERATIONS],
)
def test_every_example_is_as_its_schema_says(path, method, operation):
    contents = [resolved(response).get("content", {}) for response in operation["responses"].values()]
    contents.append(operation.get("requestBody", {}).get("content", {}))
    for content in contents:
        for media in content.values():
            for example in examples_of(media):
                validate(media["schema"], example)
    for parameter in openapi()["paths"][path].get("parameters", []):
        if "example" in parameter:
            validate(parameter["schema"], parameter["example"])


def test_every_callback_is_as_its_schema_says():
    (media,) = openapi()["webhooks"]["event"]["post"]["requestBody"]["content"].values()
    assert len(examples_of(media)) > 10
    for example in examples_of(media):
        validate(media["schema"], example)


def examples_of(media: dict[str, Any]) -> list[Any]:
    single = [media["example"]] if "example" in media else []
    return single + [example["value"] for example in media.get("examples", {}).values()]


def test_every_object_is_closed():
    """But for the data of an event, which is the publisher's, and a pattern over it."""
    for name, schema in openapi()["components"]["schemas"].items():
        if schema.get("type") == "object" and name != "EventPattern":
            assert "additionalProperties" in schema, name
            assert schema["additionalProperties"] is False, name
