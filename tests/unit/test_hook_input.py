"""What a client may say of a hook."""

import pytest

from storehooks.api.hook_input import LIBRARIES_FIELDS, READ_ONLY_FIELDS, HookChanges, NewHook
from storehooks.domain.errors import InvalidRequestError

GIVEN = {"scope": "store/order/*", "destination": "https://app.example.com/orders"}


def problems(model, body, *, allow_private=False):
    with pytest.raises(InvalidRequestError) as caught:
        model.parse(body, allow_private=allow_private)
    return {problem.field: problem for problem in caught.value.problems}


def test_a_new_hook_is_inactive_and_has_no_headers_unless_said_otherwise():
    new = NewHook.parse(GIVEN, allow_private=False)
    assert new.model_dump() == {
        **GIVEN,
        "headers": None,
        "is_active": False,
        "filter": None,
        "max_per_second": None,
        "is_paused": False,
    }


def test_a_new_hook_takes_all_four_fields():
    body = {**GIVEN, "headers": {"X-A": "1"}, "is_active": True}
    assert NewHook.parse(body, allow_private=False).fields() == body


def test_every_problem_is_told_at_once():
    found = problems(
        NewHook,
        {
            "scope": "x",
            "destination": "http://a",
            "headers": {"Host": "x"},
            "is_active": 1,
            "is_paused": "yes",
            "colour": "red",
        },
    )
    assert set(found) == {"scope", "destination", "headers", "is_active", "is_paused", "colour"}
    assert all(problem.reason and problem.accepted for problem in found.values())


@pytest.mark.parametrize(("allow_private", "kind"), [(False, "https URL"), (True, "http or https URL")])
def test_what_a_destination_may_be_is_told_as_it_is_here(allow_private, kind):
    for body in ({}, {"destination": 7}, {"destination": "no URL"}):
        problem = problems(NewHook, {"scope": "store/order/*"} | body, allow_private=allow_private)[
            "destination"
        ]
        assert f"an absolute {kind} of at most" in problem.accepted


def test_what_is_missing_is_named():
    assert {field: problem.reason for field, problem in problems(NewHook, {}).items()} == {
        "scope": "is required",
        "destination": "is required",
    }


@pytest.mark.parametrize("value", ["true", "false", 1, 0, 1.0, None, [], {}, "yes"])
def test_only_a_boolean_is_a_boolean(value):
    for model in (NewHook, HookChanges):
        assert problems(model, {**GIVEN, "is_active": value})["is_active"].accepted == "true or false"


@pytest.mark.parametrize("value", [1, 1.5, True, None, [], {}, ["store/order/*"]])
@pytest.mark.parametrize("field", ["scope", "destination"])
def test_only_a_string_is_a_string(field, value):
    for model in (NewHook, HookChanges):
        assert problems(model, {**GIVEN, field: value}).keys() == {field}


@pytest.mark.parametrize("value", [1, "x", True, "", 0, False, [[]], [{}], ["a"], [None]])
def test_only_an_object_is_headers(value):
    for model in (NewHook, HookChanges):
        assert set(problems(model, {**GIVEN, "headers": value})) == {"headers"}


@pytest.mark.parametrize("value", [1, 1.5, True, None, ["b"], {"b": "secret"}, []])
def test_a_header_that_is_no_string_is_named_and_its_value_is_not(value):
    for model in (NewHook, HookChanges):
        (problem,) = problems(model, {**GIVEN, "headers": {"X-A": "1", "X-B": value, "X-C": 2}}).values()
        assert (problem.field, problem.reason) == ("headers", "has a value that is not a string for 'X-B'")
        assert "secret" not in repr(problem)


def test_the_name_of_such_a_header_is_shown_in_part_and_printable():
    for name in ("n" * 10_000, "\ud800\n"):
        (problem,) = problems(NewHook, {**GIVEN, "headers": {name: 1}}).values()
        assert len(problem.reason) < 200
        assert problem.reason.isprintable()


def test_an_empty_array_is_empty_headers_as_php_writes_them():
    assert NewHook.parse({**GIVEN, "headers": []}, allow_private=False).headers == {}
    assert HookChanges.parse({"headers": []}, allow_private=False).fields() == {"headers": {}}


def test_a_hook_may_be_sent_back_as_the_official_ruby_gem_has_it():
    """Its model, lib/bigcommerce/resources/webhooks/webhook.rb of 2.0.0, has these fields alone."""
    hook = {
        "id": 7,
        "client_id": "40c672b9177b5d3a8dbfad24321be15d",
        "store_hash": "5ueh97",
        **GIVEN,
        "headers": None,
        "is_active": True,
        "created_at": "2026-11-23T10:00:00+00:00",
        "update_at": None,
    }
    changes = HookChanges.parse(hook, allow_private=False).fields()
    assert changes == {**GIVEN, "headers": None, "is_active": True}


@pytest.mark.parametrize(
    "typo",
    [
        *("update", "updateat", "updated", "upated_at", "update_At", "UPDATE_AT", "create_at"),
        *("isActive", "is_actve", "active", "header", "Headers", "destinations", "url", "statuses"),
    ],
)
def test_a_typo_is_refused_by_name(typo):
    for model in (NewHook, HookChanges):
        assert problems(model, {**GIVEN, typo: "x"})[typo].reason == "is unknown"


@pytest.mark.parametrize("field", sorted(READ_ONLY_FIELDS | LIBRARIES_FIELDS))
def test_fields_that_only_the_service_or_a_library_sets_are_ignored(field):
    assert HookChanges.parse({field: object(), "is_active": True}, allow_private=False).fields() == {
        "is_active": True
    }
    assert field not in NewHook.parse({**GIVEN, field: "x"}, allow_private=False).fields()


@pytest.mark.parametrize("body", [{}, {"id": 1}, {"update_at": 1}, {"status": "inactive"}])
def test_changing_nothing_is_refused(body):
    assert problems(HookChanges, body)["body"].reason == "changes nothing"


def test_a_change_has_the_given_fields_alone_and_null_clears_the_headers():
    assert HookChanges.parse({"headers": None}, allow_private=False).fields() == {"headers": None}


def test_private_destinations_pass_only_where_they_are_allowed():
    body = {**GIVEN, "destination": "http://127.0.0.1:8000/"}
    assert NewHook.parse(body, allow_private=True).destination == body["destination"]
    assert set(problems(NewHook, body)) == {"destination"}


def test_the_secret_in_a_header_shows_in_no_error_and_no_text_of_a_hook():
    body = {**GIVEN, "headers": {"X-Auth": "hunter2\n"}}
    with pytest.raises(InvalidRequestError) as caught:
        NewHook.parse(body, allow_private=False)
    assert "hunter2" not in repr(caught.value.problems)
    assert "hunter2" not in f"{caught.value} {caught.value.__cause__}"


@pytest.mark.parametrize("model", [NewHook, HookChanges])
def test_a_rate_is_a_number_with_one_decimal_or_null(model):
    for value in (5, 0.1, 1000, None):
        assert model.parse(GIVEN | {"max_per_second": value}, allow_private=False).max_per_second == value
    for value in (0, 0.05, 1000.5, "5", True):
        problem = problems(model, GIVEN | {"max_per_second": value})["max_per_second"]
        assert "from 0.1 to 1000" in problem.accepted
    assert problems(model, GIVEN | {"max_per_second": 0.25})["max_per_second"].given == "0.25"
