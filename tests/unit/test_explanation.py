"""Why a hook would get an event or not, and that publishing decides the same."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storehooks.domain.event import Event
from storehooks.domain.event_filter import check_filter
from storehooks.domain.explanation import Code, explain
from storehooks.domain.hook import Hook
from storehooks.domain.scope import subscriptions_to
from storehooks.domain.state_machine import new_deliveries, refusal_of

HOOK = Hook(
    id=7,
    store_hash="5ueh97",
    client_id="a" * 32,
    scope="store/order/*",
    destination="https://app.example.com/",
    headers=None,
    is_active=True,
    created_at=1,
    updated_at=1,
)
EVENT = Event(
    id="e", has_given_id=False, publication="p", store_hash="5ueh97", scope="store/order/created",
    data={"id": 250, "status": "paid"}, store_id=None, created_at=1, accepted_at=1_000_000,
)  # fmt: skip
INACTIVE = {"is_active": False}
DEACTIVATED = {"is_active": False, "deactivated_at": 1, "deactivation_reason": "it fails"}
PAUSED = {"paused_at": 1}
OTHER_SCOPE = {"scope": "store/cart/*"}
OTHER_STATUS = {"filter": check_filter({"data": {"status": ["shipped"]}})}


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        ({}, None, None),
        ({"filter": check_filter({"data": {"status": ["paid"]}})}, None, None),
        (OTHER_SCOPE, Code.SCOPE, "store/cart/*"),
        (INACTIVE, Code.INACTIVE, "inactive"),
        (DEACTIVATED, Code.DEACTIVATED, "it fails"),
        (OTHER_STATUS, Code.FILTER, 'data.status is "paid", and the filter asks for ["shipped"]'),
        (OTHER_SCOPE | INACTIVE | OTHER_STATUS, Code.SCOPE, None),
        (INACTIVE | OTHER_STATUS, Code.INACTIVE, None),
        (DEACTIVATED | OTHER_STATUS, Code.DEACTIVATED, None),
        (PAUSED, Code.PAUSED, "it is paused"),
        (DEACTIVATED | PAUSED, Code.DEACTIVATED, None),
        (INACTIVE | PAUSED, Code.INACTIVE, None),
        (PAUSED | OTHER_STATUS, Code.PAUSED, None),
    ],
)
def test_the_first_reason_is_named(changes, code, words):
    explanation = explain(replace(HOOK, **changes), EVENT.scope, EVENT.callback())

    assert (explanation.hook_id, explanation.code) == (HOOK.id, code)
    assert (explanation.reason is None) == (code is None)
    assert words is None or words in explanation.reason


def test_an_event_that_a_filter_takes_too_long_for_is_sent_and_the_reason_says_so():
    slow = replace(HOOK, filter=check_filter({"data": {"ids": [{"numeric": [">", 5]}]}}))
    event = replace(EVENT, data={"ids": [1.5] * 10_000})

    explanation = explain(slow, event.scope, event.callback())

    assert explanation.code is None
    assert (
        explanation.reason
        == "its filter would take more than 20,000 comparisons, so the event is sent unfiltered"
    )
    made = new_deliveries(event, [slow])
    assert [one.hook_id for one in made.deliveries] == made.undecided == [slow.id]


@given(
    st.lists(
        st.sampled_from(
            [{}, OTHER_SCOPE, INACTIVE, DEACTIVATED, PAUSED, OTHER_STATUS, DEACTIVATED | OTHER_STATUS]
        ),
        max_size=6,
    )
)
def test_what_is_explained_is_what_publishing_does(changed):
    hooks = [replace(HOOK, id=number, **changes) for number, changes in enumerate(changed, start=1)]
    subscribed = [h for h in hooks if h.scope in subscriptions_to(EVENT.scope) and h.status != "inactive"]

    made = {delivery.hook_id for delivery in new_deliveries(EVENT, subscribed).deliveries}
    active = {hook.id for hook in hooks if refusal_of(hook) is None}

    sent = {hook.id for hook in hooks if explain(hook, EVENT.scope, EVENT.callback()).code is None}
    assert sent == made & active
