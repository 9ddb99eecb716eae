"""Which IP addresses a delivery may reach.

``ipaddress.is_global`` does not suffice: on Python 3.9 to 3.13 it accepts addresses that must be
refused. The ranges below are from the IANA special-purpose registries.
"""

import ipaddress
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

_REFUSED_IPV4 = tuple(
    IPv4Network(network)
    for network in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # carrier-grade NAT
        "127.0.0.0/8",  # loopback
        "169.254.0.0/16",  # link-local, cloud metadata
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments
        "192.0.2.0/24",  # documentation
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",  # private
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, broadcast
    )
)
# The only block assigned to the internet. It excludes loopback, private, link-local and
# multicast addresses, and the forms that carry an IPv4 address in ::/8 (mapped,
# compatible, translated, NAT64).
_ALLOWED_IPV6 = IPv6Network("2000::/3")
_REFUSED_IPV6 = tuple(
    IPv6Network(network)
    for network in (
        "2001::/23",  # protocol assignments, Teredo
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4
        "3fff::/20",  # documentation
    )
)
# The interface identifier of an ISATAP address (RFC 5214, 6.1) ends in an IPv4 address.
_ISATAP = (b"\x00\x00\x5e\xfe", b"\x02\x00\x5e\xfe")


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Whether an address is on the public internet, so that a delivery may connect to it."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _REFUSED_IPV4)
    if address.scope_id is not None or address not in _ALLOWED_IPV6:
        return False
    if any(address in network for network in _REFUSED_IPV6):
        return False
    interface = address.packed[8:]
    return interface[:4] not in _ISATAP or is_public(IPv4Address(interface[4:]))


def parse_loose_ipv4(text: str) -> IPv4Address | None:
    """The address that lenient parsers read in ``text``; None if they read a name.

    Numbers may be octal or hexadecimal, the last may stand for several bytes, and a dot may end it.
    ``0x7f.1``, ``2130706433`` and ``0177.0.0.1.`` are all 127.0.0.1 (the IPv4 parser of the WHATWG URL
    standard, and inet_aton).
    """
    parts = text.removesuffix(".").split(".")
    if not 1 <= len(parts) <= 4:
        return None
    numbers = [_loose_number(part) for part in parts]
    if any(number is None for number in numbers):
        return None
    *leading, last = [number for number in numbers if number is not None]
    if any(number > 255 for number in leading) or last >= 256 ** (4 - len(leading)):
        return None
    value = sum(number << (8 * (3 - position)) for position, number in enumerate(leading)) + last
    return IPv4Address(value)


def _loose_number(text: str) -> int | None:
    digits, base = text.lower(), 10
    if digits.startswith("0x"):
        digits, base = digits[2:] or "0", 16
    elif len(digits) > 1 and digits.startswith("0"):
        digits, base = digits[1:], 8
    # No address has more digits; int() would also take "_" and signs.
    if len(digits) > 32 or not digits.isascii() or not digits.isalnum():
        return None
    try:
        return int(digits, base)
    except ValueError:
        return None


def parse_plain(text: str) -> IPv4Address | IPv6Address | None:
    """The address in its plain form (four decimal numbers; IPv6 without brackets or zone)."""
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None
