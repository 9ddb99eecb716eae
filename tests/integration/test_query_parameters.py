"""Every query parameter of every operation, as docs/openapi.yaml has them, against the functions."""

from urllib.parse import parse_qsl

import pytest

from tests.integration.conftest import Client, load_event
from tests.openapi_file import openapi
from tests.template.test_template import ROUTES, V3_ROUTES

FUNCTIONS = {
    (path, method): name for routes in (ROUTES, V3_ROUTES) for name, (method, path) in routes.items()
}
PARAMETERS = [
    (FUNCTIONS[path, method], path, parameter["name"], parameter["schema"])
    for path, operations in openapi()["paths"].items()
    for method, operation in operations.items()
    if method != "parameters"
    for parameter in operation.get("parameters", [])
    if parameter["in"] == "query"
]
BOOLEANS = [
    (name, path, parameter)
    for name, path, parameter, schema in PARAMETERS
    if {"type": "boolean"} in [schema, *schema.get("anyOf", [])]
]
EMPTY = ["", "+", "%20", "%20+"]


@pytest.fixture
def status_of(functions, client):
    """What an operation responds with, given a query as it stands in a URL."""
    v3_client = Client(functions, client.store_hash, client.client_id, version="v3")
    v3_client.create(is_active=True)

    def call(name, path, query):
        parameters = dict(parse_qsl(query, keep_blank_values=True))
        if path.startswith("/admin/"):
            return functions.invoke(name, load_event(name) | {"queryStringParameters": parameters})
        caller = v3_client if "/v3/" in path else client
        hook_id = 1 if "{id}" in path else None
        return caller.call(name, hook_id=hook_id, query=parameters)

    return call


def test_all_parameters_there_are_are_tried():
    assert {(path, name) for _, path, name in BOOLEANS} == {
        ("/stores/{store_hash}/v3/hooks", "is_active"),
        ("/stores/{store_hash}/v3/hooks/admin", "is_active"),
    }
    assert len({path for _, path, *_ in PARAMETERS}) == 8
    assert {parameter for *_, parameter, _ in PARAMETERS} == {
        *("page", "limit", "is_active", "scope", "destination", "status", "cursor"),
        *("created_at:min", "created_at:max", "find", "since", "until", "step"),
    }


@pytest.mark.parametrize(
    ("name", "path", "parameter"),
    [entry[:3] for entry in PARAMETERS],
    ids=[f"{path}?{parameter}" for _, path, parameter, _ in PARAMETERS],
)
def test_an_empty_query_parameter_is_a_400_that_names_it(status_of, name, path, parameter):
    for value in EMPTY:
        status, body = status_of(name, path, f"{parameter}={value}")
        assert status == 400
        if "/v3/" in path or path.startswith("/admin/"):
            assert list(body["errors"]) == [parameter]
            assert "empty" in body["errors"][parameter]
        else:
            (error,) = body
            assert (error["details"]["field"], error["details"]["invalid_reason"]) == (parameter, "is empty")
    assert status_of(name, path, "")[0] == 200


@pytest.mark.parametrize(("name", "path", "parameter"), BOOLEANS)
def test_every_boolean_is_true_or_false_in_any_case_or_one_or_zero(status_of, name, path, parameter):
    totals = {}
    for value in ("true", "True", "TRUE", "tRuE", "1", "false", "False", "FALSE", "fAlSe", "0"):
        status, body = status_of(name, path, f"{parameter}={value}")
        assert status == 200
        totals[value] = body["meta"]["pagination"]["total"]
    assert [value for value, total in totals.items() if total] == ["true", "True", "TRUE", "tRuE", "1"]


def test_a_plus_that_is_not_escaped_is_taken_in_a_time_and_in_a_destination(status_of, client):
    path = "/stores/{store_hash}/v3/hooks/events"
    query = "created_at:min=2026-11-24T00:00:00+00:00&created_at:max=2026-11-24t01:00:00z"
    assert status_of("list_undelivered_events", path, query)[0] == 200
    client.create(destination="https://app.example.com/?a=b+c")
    _, found = status_of(
        "list_hooks", "/stores/{store_hash}/v3/hooks", "destination=https://app.example.com/?a=b+c"
    )
    assert found["meta"]["pagination"]["total"] == 1
