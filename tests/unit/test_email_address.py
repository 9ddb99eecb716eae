"""Which e-mail addresses can be named."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storehooks.domain.email_address import (
    MAX_NEW_ADDRESSES,
    NEW_ADDRESSES_DAYS,
    check_addresses,
    first_named,
    masked,
)
from storehooks.domain.errors import InvalidValueError, TooManyAddressesError

MONTH = NEW_ADDRESSES_DAYS * 24 * 60 * 60
NOW = 1_795_428_000


@pytest.mark.parametrize(
    "address",
    [
        "hooks@example.com",
        "first.last+tag@mail.example.co.uk",
        "o'neill=x/y@xn--bcher-kva.example",
        "A1_-~`{|}!#$%&*?^@1a-b.example",
        f"{'x' * 64}@example.com",
        f"x@{'a' * 63}.{'b' * 63}.{'c' * 63}.{'d' * 54}.com",
    ],
)
def test_an_address_of_ordinary_ascii_is_taken_as_it_is(address):
    assert check_addresses([address]) == [address]


@pytest.mark.parametrize(
    "address",
    [
        "",
        "hooks",
        "@example.com",
        "hooks@",
        "hooks@localhost",
        "hooks@example.c",
        "hooks@example.com.",
        "hooks@.example.com",
        "hooks@exa_mple.com",
        "hooks@-example.com",
        "hooks@example-.com",
        "hooks@example.123",
        "hooks@[192.0.2.1]",
        "hooks@192.0.2.1",
        ".hooks@example.com",
        "hooks.@example.com",
        "ho..oks@example.com",
        "ho oks@example.com",
        '"ho oks"@example.com',
        "hooks@example.com ",
        " hooks@example.com",
        "hooks@example.com\n",
        "hooks@example.com\r\nBcc: x@example.com",
        "hooks@example.com,other@example.com",
        "Hooks <hooks@example.com>",
        "hooks@example.com(comment)",
        "a@b@example.com",
        "h\u00f6ks@example.com",
        "hooks@b\u00fccher.example",
        "hooks@ex\u0430mple.com",
        "hooks@example.com\0",
        f"{'x' * 65}@example.com",
        f"x@{'a' * 64}.com",
        f"x@{'a' * 63}.{'b' * 63}.{'c' * 63}.{'d' * 58}.com",
    ],
)
def test_anything_else_is_refused_with_what_it_is(address):
    with pytest.raises(InvalidValueError) as caught:
        check_addresses(["fine@example.com", address])
    assert caught.value.given == address


def test_there_are_at_most_ten_and_each_once():
    assert check_addresses([]) == []
    ten = [f"{number}@example.com" for number in range(10)]
    assert check_addresses(ten) == ten
    with pytest.raises(InvalidValueError, match="11"):
        check_addresses([*ten, "11@example.com"])
    with pytest.raises(InvalidValueError):
        check_addresses(["hooks@example.com", "Hooks@Example.com"])


@given(st.text(max_size=300))
def test_whatever_is_taken_has_one_at_and_nothing_that_could_end_a_header(text):
    try:
        (address,) = check_addresses([text])
    except InvalidValueError:
        return
    assert address.count("@") == 1
    assert address.isascii()
    assert address.isprintable()
    assert not set(address) & set(' ,;:<>()[]\\"')


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (
            "Email address is not verified: kevin@example.com",
            "Email address is not verified: ***@example.com",
        ),
        (
            "on resource `arn:aws:ses:us-east-1:123456789012:identity/kevin@example.com'",
            "on resource `arn:aws:ses:us-east-1:123456789012:identity/***@example.com'",
        ),
        (
            "on resource `arn:aws:ses:us-east-1:123456789012:configuration-set/default'",
            "on resource `arn:aws:ses:us-east-1:123456789012:configuration-set/default'",
        ),
        (
            "Kevin <kevin@example.com>, <o'neill=x/y@a-b.example>",
            "Kevin <***@example.com>, <***@a-b.example>",
        ),
        ("identity/identity/kevin@example.com", "identity/***@example.com"),
        ("k\u00e9vin@example.com", "***@example.com"),
    ],
)
def test_a_masked_text_has_the_domains_of_its_addresses_and_the_rest_as_it_was(text, shown):
    assert masked(text) == shown


@given(
    st.from_regex(
        r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]{9,20}(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]{9})?", fullmatch=True
    ),
    st.sampled_from(
        ["{}", "<{}>", "to {}.", "a@b.example,{}", "arn:aws:ses:r:1:identity/{}'", "[{}]", '"{}"']
    ),
)
def test_no_local_part_is_left_in_a_masked_text(local, text):
    address = f"{local}@example.com"
    assert check_addresses([address])
    shown = masked(text.format(address))
    assert local not in shown
    assert "***@example.com" in shown


def addresses(first: int, last: int) -> list[str]:
    return [f"{number}@example.com" for number in range(first, last + 1)]


def test_ten_addresses_are_new_in_thirty_days_and_the_eleventh_is_refused():
    named = first_named(first_named({}, addresses(1, 6), NOW), addresses(5, 10), NOW + 60)
    assert set(named) == set(addresses(1, 10))
    with pytest.raises(TooManyAddressesError):
        first_named(named, ["11@example.com"], NOW + MONTH - 1)
    assert "11@example.com" in first_named(named, ["11@example.com"], NOW + MONTH)


def test_an_address_that_was_named_before_is_not_new_in_whatever_case():
    named = first_named({}, addresses(1, 10), NOW)
    assert first_named(named, [], NOW) == named
    assert first_named(named, ["1@EXAMPLE.com"], NOW + 5) == named


def test_what_is_named_now_stays_known_and_what_left_long_ago_is_forgotten():
    named = first_named({}, addresses(1, 2), NOW)
    later = first_named(named, ["1@example.com"], NOW + MONTH)
    assert later == {"1@example.com": NOW}
    assert first_named(later, addresses(1, 2), NOW + MONTH) == {
        "1@example.com": NOW,
        "2@example.com": NOW + MONTH,
    }


@given(
    st.lists(
        st.tuples(
            st.integers(0, 10 * 24 * 60 * 60),
            st.lists(st.sampled_from(addresses(1, 30)), unique=True, max_size=10),
        ),
        max_size=30,
    )
)
def test_whatever_a_client_names_no_thirty_days_have_more_than_ten_that_it_had_not_named_in_those_before(
    steps,
):
    named: dict[str, int] = {}
    new: list[int] = []
    now = NOW
    for pause, emails in steps:
        now += pause
        try:
            after = first_named(named, emails, now)
        except TooManyAddressesError:
            continue
        new += [now] * len(after.keys() - named.keys())
        named = after
        assert set(emails) <= named.keys()
        assert sum(at > now - MONTH for at in new) <= MAX_NEW_ADDRESSES
        assert len(named) <= 2 * MAX_NEW_ADDRESSES
