"""Which addresses a delivery may reach: whole ranges, and every way to hide one."""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storehooks.domain.address import is_public, parse_loose_ipv4

REFUSED_IPV4 = [
    *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
    *("192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15"),
    *("198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
]
REFUSED_IPV6 = ["2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"]

refused_ipv4 = st.sampled_from(REFUSED_IPV4).flatmap(lambda network: st.ip_addresses(network=network))


@pytest.mark.parametrize("network", REFUSED_IPV4)
def test_an_ipv4_range_is_refused_from_its_first_to_its_last_address_and_no_further(network):
    net = IPv4Network(network)
    assert not is_public(net[0])
    assert not is_public(net[-1])
    for neighbour in (int(net[0]) - 1, int(net[-1]) + 1):
        if 0 <= neighbour < 2**32:
            in_another = any(IPv4Address(neighbour) in IPv4Network(other) for other in REFUSED_IPV4)
            assert is_public(IPv4Address(neighbour)) is not in_another


@pytest.mark.parametrize("network", REFUSED_IPV6)
def test_an_ipv6_range_is_refused_from_its_first_to_its_last_address(network):
    net = IPv6Network(network)
    assert not is_public(net[0])
    assert not is_public(net[-1])


@given(refused_ipv4)
def test_every_address_of_a_refused_range_is_refused(address):
    assert not is_public(address)


@given(st.ip_addresses(v=6))
def test_ipv6_is_refused_outside_2000_3(address):
    if address not in IPv6Network("2000::/3"):
        assert not is_public(address)


def carriers(address: IPv4Address) -> list[IPv6Address]:
    """The forms of RFC 4291, 6145, 3056, 4380, 6052 and 5214 that carry an IPv4 address."""
    number = int(address)
    prefixes = {"::ffff:0:0": 0, "::": 0, "::ffff:0:0:0": 0, "64:ff9b::": 0, "64:ff9b:1::": 0}
    found = [IPv6Address(int(IPv6Address(prefix)) | number << shift) for prefix, shift in prefixes.items()]
    found.append(IPv6Address(int(IPv6Address("2002::")) | number << 80))
    found.append(IPv6Address(int(IPv6Address("2001::")) | (number ^ 0xFFFFFFFF)))
    found += [
        IPv6Address(int(IPv6Address(f"2606:4700::{marker}:5efe:0:0")) | number) for marker in ("0", "200")
    ]
    return found


@given(refused_ipv4)
def test_no_ipv6_form_of_a_refused_ipv4_address_gets_through(address):
    for carrier in carriers(address):
        assert not is_public(carrier), carrier


@pytest.mark.parametrize(
    "text", ["8.8.8.8", "1.1.1.1", "93.184.215.14", "2606:4700:4700::1111", "2a00:1450:4001::200e"]
)
def test_addresses_of_the_public_internet_are_allowed(text):
    assert is_public(ip_address(text))


def test_an_isatap_form_of_a_public_address_is_allowed():
    assert is_public(IPv6Address("2606:4700::5efe:808:808"))


def test_an_address_with_a_zone_is_refused():
    assert not is_public(IPv6Address("2606:4700::1%1"))


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("0x7f.1", "127.0.0.1"),
        ("0X7F.0.0.0x1", "127.0.0.1"),
        ("2130706433", "127.0.0.1"),
        ("017700000001", "127.0.0.1"),
        ("0177.0.0.1.", "127.0.0.1"),
        ("127.1", "127.0.0.1"),
        ("10.1.258", "10.1.1.2"),
        ("255.1", "255.0.0.1"),
        ("0x" + "1".zfill(32), "0.0.0.1"),
        ("0x", "0.0.0.0"),
        ("0", "0.0.0.0"),
    ],
)
def test_lenient_spellings_are_read_as_what_they_stand_for(text, address):
    assert parse_loose_ipv4(text) == IPv4Address(address)


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "1..2",
        "256.1.1.1",
        "1.2.3.256",
        "1.2.3.4.5",
        "1.2.3.4.0",
        "08",
        "0xg",
        "1_0",
        "+1",
        "a.b",
        "4294967296",
        "١",
        "0x" + "1".zfill(33),
    ],
)
def test_what_no_parser_takes_for_an_address_is_a_name(text):
    assert parse_loose_ipv4(text) is None


@given(st.text(max_size=40))
def test_reading_an_address_never_fails(text):
    assert parse_loose_ipv4(text) is None or isinstance(parse_loose_ipv4(text), IPv4Address)
