"""What has to happen for a client to have the hooks of a file, and in which order."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storehooks.domain.hook import MAX_HOOKS_PER_SCOPE
from storehooks_cli.hook_file import HIDDEN, WantedHook, as_yaml, identity_of, read_hooks
from storehooks_cli.hook_plan import NoPlanError, Plan, Step, in_order, make_plan
from tests.made_up_hooks import bodies, shown

SCOPE, DESTINATION = "store/order/*", "https://app.example.com/a"


def wanted(*hooks: dict[str, Any]) -> list[WantedHook]:
    """Hooks as a file has them."""
    escaped = [
        hook | ({"headers": {name: value.replace("${", "$${") for name, value in hook["headers"].items()}})
        if hook.get("headers")
        else hook
        for hook in hooks
    ]
    return read_hooks(as_yaml({"hooks": escaped}), {})


def existing(*hooks: dict[str, Any]) -> list[dict[str, Any]]:
    """The same hooks as the API shows them, if they were created so."""
    return [shown(hook, number) for number, hook in enumerate(hooks, start=1)]


def hook(**fields: Any) -> dict[str, Any]:
    return {"scope": SCOPE, "destination": DESTINATION} | fields


def plan_of(before: Sequence[dict[str, Any]], after: Sequence[dict[str, Any]], *, prune: bool = True) -> Plan:
    return make_plan(wanted(*after), existing(*before), prune=prune)


def taken(hooks: Sequence[dict[str, Any]], steps: Sequence[Step]) -> list[dict[str, Any]]:
    """A client's hooks after these steps, none of which the API refuses."""
    after = {hook["id"]: dict(hook) for hook in hooks}
    for number, step in enumerate(steps, start=1000):
        if step.action == "create":
            after[number] = shown(dict(step.body), number)
        elif step.action == "remove":
            del after[step.hook_id]
        else:
            changed = after[step.hook_id] | step.body
            if "is_active" in step.body:
                changed.pop("deactivated_at", None)
            after[step.hook_id] = shown(changed, step.hook_id)
        assert max(Counter(one["scope"] for one in after.values()).values(), default=0) <= MAX_HOOKS_PER_SCOPE
        assert len({identity_of(one) for one in after.values()}) == len(after)
    return list(after.values())


@st.composite
def lists(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Hooks as one client may have them: often as many of a scope as it may."""
    hooks: list[dict[str, Any]] = []
    for scope in ("store/order/*", "store/cart/*"):
        paths = draw(st.lists(st.sampled_from("abcdefghijkl"), unique=True, max_size=MAX_HOOKS_PER_SCOPE))
        for path in paths:
            fields = draw(
                st.sampled_from([{}, {"headers": {"A": "b"}}, {"filter": {"a": [1]}}, {"max_per_second": 5}])
            )
            switches = draw(st.sampled_from([{}, {"is_active": False}, {"is_paused": True}]))
            hooks.append(
                {"scope": scope, "destination": f"https://app.example.com/{path}"} | fields | switches
            )
    return hooks


LISTS = lists()
FEW = settings(max_examples=30)


@FEW
@given(LISTS, LISTS)
def test_after_its_steps_the_client_has_the_hooks_of_the_file_and_no_limit_was_broken(before, after):
    plan = plan_of(before, after)
    hooks = taken(existing(*before), plan.steps)
    assert {identity_of(one) for one in hooks} == {one.identity for one in wanted(*after)}
    again = make_plan(wanted(*after), hooks, prune=True)
    assert (again.steps, again.unlisted) == ((), ())


@FEW
@given(LISTS, LISTS)
def test_without_pruning_nothing_is_removed_and_what_stays_is_named(before, after):
    try:
        plan = plan_of(before, after, prune=False)
    except NoPlanError as error:
        assert "--prune" in str(error)  # noqa: PT017 - it is one of two ways
        return
    assert all(step.action != "remove" for step in plan.steps)
    hooks = taken(existing(*before), plan.steps)
    listed = {one.identity for one in wanted(*after)}
    assert {one["id"] for one in plan.unlisted} == {
        one["id"] for one in hooks if identity_of(one) not in listed
    }


@given(bodies())
def test_there_is_nothing_to_do_for_a_hook_that_is_as_the_file_has_it(body):
    assert plan_of([body], [body]).steps == ()


def test_what_replaces_a_hook_is_created_before_that_is_removed():
    """So that no event of their scope is missed."""
    plan = plan_of([hook()], [hook(destination="https://app.example.com/b")])
    assert [(step.action, step.hook_id) for step in plan.steps] == [("create", None), ("remove", 1)]


@pytest.mark.parametrize(
    "change",
    [{"scope": "store/*"}, {"destination": "https://app.example.com/A"}, {"filter": {"data": {"id": [1]}}}],
)
def test_another_scope_destination_or_filter_is_another_hook(change):
    plan = plan_of([hook()], [hook(**change)], prune=False)
    assert [step.action for step in plan.steps] == ["create"]
    assert [one["id"] for one in plan.unlisted] == [1]


def test_a_filter_in_another_order_and_a_destination_in_other_letters_are_the_same_hook():
    before = hook(filter={"a": [1], "b": [2]})
    after = {"scope": SCOPE, "destination": "HTTPS://App.example.com:443/a", "filter": {"b": [2], "a": [1]}}
    assert plan_of([before], [after]).steps == ()


def test_where_a_scope_is_full_one_hook_is_removed_before_each_that_is_created():
    def full(start: int) -> list[dict[str, Any]]:
        return [hook(destination=f"https://app.example.com/{number}") for number in range(start, start + 10)]

    steps = plan_of(full(0), full(8)).steps
    assert [(step.action, step.hook_id) for step in steps] == [
        pair for number in range(1, 9) for pair in (("remove", number), ("create", None))
    ]


def test_without_pruning_a_scope_with_too_many_hooks_is_refused_before_anything_is_done():
    before = [hook(destination=f"https://app.example.com/{number}") for number in range(9)]
    after = [hook(destination=f"https://app.example.com/{number}") for number in range(7, 10)]
    with pytest.raises(NoPlanError, match=r"store/order/\* would have 12 hooks, 4 of the file") as caught:
        plan_of([*before, hook(destination="https://app.example.com/x")], [*after, hook()], prune=False)
    assert "1, 2, 3, 4, 5, 6, 7, 10" in str(caught.value)
    assert "--prune" in str(caught.value)
    assert len(plan_of(before, after, prune=False).steps) == 1


def test_where_the_client_may_have_no_more_hooks_one_is_removed_first_of_the_same_scope_if_there_is_one():
    steps = plan_of(
        [hook(scope="store/*"), hook(), hook(scope="store/cart/*")],
        [hook(headers={"A": "b"}, destination="https://app.example.com/b")],
    ).steps
    assert [(step.action, step.hook_id) for step in steps][:1] == [("create", None)]
    ordered = in_order(steps, Counter(), room=0)
    assert [(step.action, step.hook_id) for step in ordered] == [
        ("remove", 2),
        ("create", None),
        ("remove", 1),
        ("remove", 3),
    ]


def test_a_change_names_its_fields_and_no_value_of_a_header():
    before = hook(headers={"A": "s3cret-a", "B": "s3cret-b", "C": "c"}, max_per_second=5)
    after = hook(headers={"B": "s3cret-c", "C": "c", "D": "s3cret-d"}, is_active=False, is_paused=True)
    (step,) = plan_of([before], [after]).steps
    assert step.fields == {
        "headers": "D added, B changed, A removed",
        "max_per_second": "5 -> none",
        "is_active": "true -> false",
        "is_paused": "false -> true",
    }
    assert step.body == {
        "headers": {"B": "s3cret-c", "C": "c", "D": "s3cret-d"},
        "max_per_second": None,
        "is_active": False,
        "is_paused": True,
    }
    assert "s3cret" not in repr(step)


def test_a_hook_without_headers_loses_those_that_it_has():
    (step,) = plan_of([hook(headers={"A": "b"})], [hook()]).steps
    assert (step.body, step.fields) == ({"headers": None}, {"headers": "A removed"})


def test_a_creation_names_what_the_hook_has():
    new = hook(headers={"A": "s3cret"}, filter={"a": [1]}, max_per_second=5, is_active=False, is_paused=True)
    (step,) = plan_of([], [new]).steps
    assert step.body == new
    assert step.filter == {"a": [1]}
    assert step.fields == {"headers": "A", "max_per_second": "5", "is_active": "false", "is_paused": "true"}
    assert "s3cret" not in repr(step)


def test_a_new_hook_is_active_unless_the_file_says_otherwise():
    (step,) = plan_of([], [hook()]).steps
    assert step.body == hook(is_active=True)


@pytest.mark.parametrize("state", [{"is_active": False}, {"is_paused": True}])
def test_a_hook_stays_inactive_or_paused_where_the_file_does_not_say(state):
    plan = plan_of([hook(**state)], [hook()])
    assert (plan.steps, plan.deactivated) == ((), ())
    ((field, value),) = state.items()
    (step,) = plan_of([hook(**state)], [hook(**{field: not value})]).steps
    assert step.body == {field: not value}


DEACTIVATED = {"deactivated_at": "2026-11-24T02:24:24+00:00", "deactivation_reason": "answered 410"}


@pytest.mark.parametrize("is_active", [True, False])
def test_a_hook_that_failures_have_deactivated_stays_so_unless_the_file_says_otherwise(is_active):
    known = existing(hook(is_active=False))[0] | DEACTIVATED
    plan = make_plan(wanted(hook()), [known], prune=True)
    assert (plan.steps, plan.deactivated) == ((), (known,))
    plan = make_plan(wanted(hook(is_active=is_active)), [known], prune=True)
    (step,) = plan.steps
    assert step.body == {"is_active": is_active}
    assert step.fields == {"is_active": f"deactivated -> {str(is_active).lower()}"}
    assert plan.deactivated == ()


def test_headers_that_the_token_does_not_see_are_not_compared():
    hidden = hook(headers={"A": HIDDEN, "B": HIDDEN})
    with pytest.raises(NoPlanError, match="does not see the values of headers"):
        plan_of([hidden], [hook(headers={"A": "b"})])
    assert len(plan_of([hidden], []).steps) == 1
