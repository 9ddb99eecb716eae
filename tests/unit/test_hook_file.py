"""Files with a client's hooks: what is read, what is refused and where, and what is written."""

from typing import Any

import pytest
from hypothesis import given

from storehooks.domain.event_filter import check_filter
from storehooks.domain.hook import Hook, hook_digest
from storehooks_cli.hook_file import (
    HIDDEN,
    InvalidHookFileError,
    as_yaml,
    exported,
    identity_of,
    read_hooks,
)
from tests.made_up_hooks import bodies, shown

HOOK = "hooks:\n  - scope: store/order/*\n    destination: https://app.example.com/a\n"


def refused(text: str, **environment: str) -> list[str]:
    """What is wrong in a file, a line for each."""
    with pytest.raises(InvalidHookFileError) as caught:
        read_hooks(text, environment)
    return [f"{one.line} {one.place} {one.reason}" for one in caught.value.problems]


def test_a_hook_has_the_fields_of_the_api():
    text = HOOK + (
        "    headers: {X-Key: k}\n    filter: {data: {id: [1.50]}}\n    max_per_second: 2.5\n"
        "    is_active: false\n    is_paused: true\n"
    )
    (hook,) = read_hooks(text, {})
    assert (hook.scope, hook.destination) == ("store/order/*", "https://app.example.com/a")
    assert (hook.headers, hook.max_per_second) == ({"X-Key": "k"}, 2.5)
    assert hook.filter.text == '{"data":{"id":[1.50]}}'
    assert (hook.is_active, hook.is_paused) == (False, True)
    assert "k'" not in repr(hook)


def test_what_a_hook_does_not_name_it_has_not_or_keeps():
    (hook,) = read_hooks(HOOK, {})
    assert (hook.headers, hook.filter, hook.max_per_second) == ({}, None, None)
    assert (hook.is_active, hook.is_paused) == (None, None)


def test_a_client_may_have_no_hooks():
    assert read_hooks("hooks: []", {}) == []


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("${A}", "one"),
        ("Bearer ${A}${B_2}", "Bearer onetwo"),
        ("$A $$ $", "$A $$ $"),
        ("$${A}", "${A}"),
        ("$$${A}", "$${A}"),
    ],
)
def test_a_headers_value_has_variables_of_the_environment(written, value):
    (hook,) = read_hooks(f"{HOOK}    headers: {{X-Key: '{written}'}}", {"A": "one", "B_2": "two"})
    assert hook.headers == {"X-Key": value}


def test_a_variable_is_one_in_the_value_of_a_header_alone():
    text = HOOK + "    headers: {'X-${A}': b}\n    filter: {data: {id: ['${A}']}}\n"
    assert "not an HTTP token" in refused(text, A="one")[0]
    (hook,) = read_hooks(text.replace("X-${A}", "X-A"), {"A": "one"})
    assert hook.filter_json == {"data": {"id": ["${A}"]}}


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("${NOT_SET}", "names the environment variable NOT_SET, which is not set"),
        ("${EMPTY}", "names the environment variable EMPTY, which is empty"),
        ("${", "has ${ without a variable's name"),
        ("${1}", "has ${ without a variable's name"),
        ("${A-b}", "has ${ without a variable's name"),
        (HIDDEN, "hidden value"),
    ],
)
def test_a_value_that_is_none_is_refused_with_its_header(written, reason):
    (problem,) = refused(f"{HOOK}    headers:\n      X-Key: '{written}'", EMPTY="")
    assert problem.startswith("5 hooks[0].headers.X-Key ")
    assert reason in problem


def test_a_value_of_the_environment_is_checked_and_not_repeated():
    (problem,) = refused(f"{HOOK}    headers:\n      X-Key: '${{A}}'", A="s3cret\n")
    assert problem.startswith("4 hooks[0].headers has a control character in the value of X-Key")
    assert "s3cret" not in problem


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "1  has no hooks; accepted: an object with hooks, an array"),
        ("- a", "1  has no hooks"),
        ("hook: []", "1  has no hooks"),
        ("\nhooks: {}", "2 hooks is not an array"),
        ("hooks:\n", "1 hooks is not an array"),
        (f"{HOOK}x: 1", "4 x is unknown; accepted: hooks"),
        (f"{HOOK}  - a", "4 hooks[1] is not an object; accepted: an object with scope, destination"),
        (f"{HOOK}    id: 1", "4 hooks[0].id is unknown; accepted: scope, destination, headers"),
        ("hooks:\n  - scope: store/*", "2 hooks[0].destination is required"),
        (HOOK.replace("order", "orders"), "2 hooks[0].scope 'store/orders/*' stands above no scope"),
        (HOOK.replace("https:", "ftp:"), "3 hooks[0].destination does not start with http:// or https://"),
        (f"{HOOK}    is_active: 1", "4 hooks[0].is_active has the wrong type; accepted: true or false"),
        (f"{HOOK}    is_paused: null", "4 hooks[0].is_paused has the wrong type"),
        (f"{HOOK}    max_per_second: 0.05", "4 hooks[0].max_per_second '0.05' is out of range"),
        (f"{HOOK}    headers: {{X: 5}}", "4 hooks[0].headers has a value that is not a string for 'X'"),
        (f"{HOOK}    headers: {{X: no}}", "4 hooks[0].headers.X is nothing that all YAML reads alike"),
        (f"{HOOK}    filter:\n      data:\n        id: [1, {{}}]", "6 hooks[0].filter.data.id[1] has no"),
        (f"{HOOK}    filter:\n      data:\n        id: no", "6 hooks[0].filter.data.id is nothing that"),
        (f"{HOOK}    scope: store/*", "4 hooks[0].scope stands here for the second time; the first is on l"),
        ("hooks: [", "1  is not YAML"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_line_and_field(text, problem):
    (told,) = refused(text)
    assert told.startswith(problem)


def test_every_mistake_is_told_in_the_order_of_the_lines():
    text = (
        HOOK
        + "    filter: {a: []}\n    headers: {A: '${NO}'}\n    x: 1\n  - scope: store\n    destination: 5\n"
    )
    found = [problem.split(" ")[:2] for problem in refused(text)]
    assert found == [
        ["4", "hooks[0].filter.a"],
        ["5", "hooks[0].headers.A"],
        ["6", "hooks[0].x"],
        ["7", "hooks[1].scope"],
        ["8", "hooks[1].destination"],
    ]


def test_one_hook_may_stand_in_a_file_once():
    same = HOOK.removeprefix("hooks:\n").replace("https://app", "HTTPS://APP").replace("com/", "com:443/")
    (problem,) = refused(HOOK + same)
    assert problem.startswith("4 hooks[1] has the scope, destination and filter of hooks[0] on line 2")
    assert len(read_hooks(HOOK + same + "    filter: {a: [1]}", {})) == 2


def test_a_file_has_at_most_ten_hooks_of_a_scope():
    hooks = [f"  - {{scope: store/*, destination: 'https://app.example.com/{path}'}}\n" for path in range(11)]
    assert len(read_hooks("hooks:\n" + "".join(hooks[:10]), {})) == 10
    (problem,) = refused("hooks:\n" + "".join(hooks))
    assert problem.startswith("12 hooks[10].scope is one hook too many for store/*; accepted: at most 10")


@given(bodies(), bodies())
def test_two_hooks_are_the_same_where_the_service_has_them_for_the_same(one, other):
    other |= {"scope": one["scope"]}
    hooks = [identity_of(shown(body)) for body in (one, other)]
    assert (hooks[0] == hooks[1]) == (digest(one) == digest(other))


def digest(body: dict[str, Any]) -> str:
    hook = Hook(
        id=1,
        store_hash="h",
        client_id="c",
        scope=body["scope"],
        destination=body["destination"],
        headers=None,
        is_active=True,
        created_at=0,
        updated_at=0,
        filter=None if body.get("filter") is None else check_filter(body["filter"]),
    )
    return hook_digest(hook)


@given(bodies())
def test_what_is_exported_is_read_as_the_hook_that_it_was(body):
    hook = shown(body)
    text = as_yaml(exported([hook], with_secrets=True)[0])
    (read,) = read_hooks(text, {})
    assert read.identity == identity_of(hook)
    assert read.headers == (hook["headers"] or {})
    assert read.max_per_second == hook.get("max_per_second")
    assert read.is_active is (None if hook["is_active"] else False)
    assert read.is_paused is (True if hook.get("is_paused") else None)


def test_the_values_of_headers_are_left_out_and_equal_ones_have_one_name():
    body = {"scope": "store/*", "destination": "https://app.example.com"}
    values = [
        {"X-Key": "s3cret-1", "1-x": "s3cret-2", "X-None": ""},
        {"x_key": "s3cret-1"},
        {"X-Key": "s3cret-3"},
        {"X-Key": HIDDEN},
        {"X-Key": HIDDEN},
    ]
    hooks = [shown(body, number, headers=headers) for number, headers in enumerate(values)]
    file, variables = exported(hooks, with_secrets=False)
    assert [hook["headers"] for hook in file["hooks"]] == [
        {"X-Key": "${X_KEY}", "1-x": "${_1_X}", "X-None": ""},
        {"x_key": "${X_KEY}"},
        {"X-Key": "${X_KEY_2}"},
        {"X-Key": "${X_KEY_3}"},
        {"X-Key": "${X_KEY_4}"},
    ]
    assert variables == ["X_KEY", "_1_X", "X_KEY_2", "X_KEY_3", "X_KEY_4"]
    assert "s3cret" not in as_yaml(file)


def test_what_is_exported_is_for_people():
    hook = {
        "id": 7,
        "scope": "store/order/*",
        "destination": "https://app.example.com/a",
        "headers": {"X-Key": "k"},
        "is_active": False,
        "filter": {"data": {"id": [1, {"prefix": "a"}]}},
        "max_per_second": 5,
        "created_at": "2026-11-24T02:24:24+00:00",
    }
    assert as_yaml(exported([hook], with_secrets=False)[0]) == (
        "hooks:\n"
        "- scope: store/order/*\n"
        "  destination: https://app.example.com/a\n"
        "  headers:\n"
        "    X-Key: ${X_KEY}\n"
        "  filter:\n"
        "    data:\n"
        "      id: [1, {prefix: a}]\n"
        "  max_per_second: 5\n"
        "  is_active: false\n"
    )


def test_a_deactivation_is_not_what_the_owner_wants():
    hook = {"id": 7, "scope": "store/*", "destination": "https://app.example.com", "headers": None}
    hook |= {"is_active": False, "deactivated_at": "2026-11-24T02:24:24+00:00", "deactivation_reason": "410"}
    (written,) = exported([hook], with_secrets=False)[0]["hooks"]
    assert written.keys() == {"scope", "destination"}
