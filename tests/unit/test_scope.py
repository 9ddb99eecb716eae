"""Which scopes a hook may name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storehooks.domain.errors import InvalidValueError
from storehooks.domain.scope import (
    catalogue,
    check_event_scope,
    check_published_scope,
    check_scope,
    published,
    subscriptions_to,
    wildcards,
    wildcards_above,
)

SCOPES_OF_2013 = (
    [f"store/order/{name}" for name in ("*", "created", "updated", "archived", "statusUpdated")]
    + [f"store/product/{name}" for name in ("*", "created", "updated", "deleted")]
    + [f"store/customer/{name}" for name in ("*", "created", "updated", "deleted")]
    + ["store/app/uninstalled"]
)


@pytest.mark.parametrize("scope", SCOPES_OF_2013)
def test_the_scopes_of_2013_are_accepted(scope):
    assert check_scope(scope) == scope


@pytest.mark.parametrize("scope", sorted(catalogue()))
def test_every_scope_of_the_catalogue_and_every_wildcard_above_it_is_accepted(scope):
    real = scope.replace("{channel_id}", "12")
    assert check_scope(real) == real
    if scope != "store/hook/deliveryException":
        for wildcard in wildcards_above(real):
            assert check_scope(wildcard) == wildcard


def test_the_catalogue_has_the_data_example_of_each_scope():
    assert len(catalogue()) == 202 - 23
    assert all(isinstance(entry["example"], dict | list) for entry in catalogue().values())


def test_the_examples_have_what_bigcommerce_documents_beside_type_and_id():
    """docs/integrations/webhooks/events/index.mdx and reference/webhooks.v3.yml of bigcommerce/docs."""
    assert set(catalogue()["store/cart/abandoned"]["example"]) == {"type", "id", "token"}
    product = catalogue()["store/product/updated"]["example"]
    assert product["properties"] == ["warranty", "is_featured", "custom_fields"]
    assert product["context"] == {"channel_id": 2, "locale": "fr"}


@pytest.mark.parametrize(
    "scope",
    [
        "",
        "*",
        "*/*",
        "store",
        "store/",
        "/store/*",
        "store/*/",
        "store/**",
        "store/hook/*",
        "store/order",
        "store/order/",
        "store/order/Created",
        "store/order/created/*",
        "store/order/created ",
        "store/*/created",
        "store/nothing/*",
        "store/channel/{channel_id}/order/created",
        "store/channel/{channel_id}/*",
        "store/channel/0/order/created",
        "store/channel/01/order/created",
        "store/channel/-1/order/created",
        "store/channel/١/order/created",
        "store/channel/1a/order/created",
        "store/channel/*/order/created",
        "store/channel/1/nothing",
        "store/channel/" + "9" * 19 + "/order/created",
        "store/order/created\n",
    ],
)
def test_any_other_scope_is_refused_with_what_is_accepted(scope):
    with pytest.raises(InvalidValueError) as caught:
        check_scope(scope)
    assert "store/order/created" in caught.value.accepted
    assert caught.value.given == scope


@pytest.mark.parametrize(
    ("scope", "reason"),
    [
        ("*", "is wider than a store: name store/* for all of a store's events"),
        ("*/*", "is wider than a store: name store/* for all of a store's events"),
        ("store/hook/*", "is not a wildcard: name store/hook/deliveryException in full"),
        ("store/channel/x/order/created", "is not in the catalogue, or its channel is not a number"),
        ("store/nothing/*", "stands above no scope of the catalogue"),
        ("store/nothing", "is not in the catalogue of scopes"),
    ],
)
def test_a_refused_scope_is_told_why(scope, reason):
    with pytest.raises(InvalidValueError) as refused:
        check_scope(scope)
    assert refused.value.reason == reason


def test_an_event_has_one_scope_of_the_catalogue():
    for scope in ("store/order/created", "store/channel/7/order/created", "store/hook/deliveryException"):
        assert check_event_scope(scope) == scope


@pytest.mark.parametrize(
    ("scope", "reason"),
    [
        ("store/order/*", "is a wildcard; an event has one scope"),
        (
            "store/channel/{channel_id}/order/created",
            "is not in the catalogue, or its channel is not a number",
        ),
        ("store/nothing", "is not in the catalogue of scopes"),
    ],
)
def test_an_events_refused_scope_is_told_why_and_no_wildcard_is_offered(scope, reason):
    with pytest.raises(InvalidValueError) as refused:
        check_event_scope(scope)
    assert (refused.value.reason, refused.value.given) == (reason, scope)
    assert "a scope of the catalogue" in refused.value.accepted
    assert "wildcard" not in refused.value.accepted


def test_what_is_published_has_a_scope_of_the_catalogue_that_is_not_of_storehooks_own_events():
    assert check_published_scope("store/order/created") == "store/order/created"
    for scope in ("store/order/*", "store/nothing", "store/hook/deliveryException"):
        with pytest.raises(InvalidValueError) as refused:
            check_published_scope(scope)
        assert refused.value.given == scope
    assert set(published()) == set(catalogue()) - {"store/hook/deliveryException"}


def test_an_event_is_for_its_scope_and_the_wildcards_above_but_an_exception_for_its_own_alone():
    assert subscriptions_to("store/order/created") == ["store/order/created", "store/order/*", "store/*"]
    assert subscriptions_to("store/hook/deliveryException") == ["store/hook/deliveryException"]


def test_the_wildcards_are_those_above_scopes_but_not_the_one_above_the_exception():
    assert {"store/*", "store/order/*"} < wildcards()
    assert "store/hook/*" not in wildcards()


def test_the_wildcards_above_a_scope_go_from_the_narrowest_to_the_widest():
    assert wildcards_above("store/cart/lineItem/created") == [
        "store/cart/lineItem/*",
        "store/cart/*",
        "store/*",
    ]


@given(st.text(max_size=50) | st.text(max_size=30).map(lambda text: f"store/channel/{text}/order/created"))
def test_any_text_is_a_scope_or_refused(text):
    try:
        assert check_scope(text) == text
    except InvalidValueError as refused:
        assert refused.reason  # noqa: PT017
