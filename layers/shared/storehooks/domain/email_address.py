"""A client's notification emails.

Accepted is the part of RFC 5321 that every mail server forwards and SES takes: ASCII, without quotes and
comments, at a host name instead of an IP address. Such an address cannot inject headers into an e-mail.
"""

import re
from collections.abc import Mapping, Sequence

from storehooks.domain.errors import InvalidValueError, TooManyAddressesError

MAX_ADDRESSES = 10
MAX_NEW_ADDRESSES = 10
NEW_ADDRESSES_DAYS = 30
"""Days over which a client's new addresses are counted for their limit. Nobody confirms an address."""
MAX_LENGTH = 254  # RFC 5321 allows 256 for a path, with its angle brackets
MAX_LOCAL_LENGTH = 64

ACCEPTED = (
    f"an array of at most {MAX_ADDRESSES} different addresses such as hooks@example.com, in ASCII, "
    f"of at most {MAX_LENGTH} characters, {MAX_LOCAL_LENGTH} of them before the @"
)

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\-]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9\-]{0,61}[A-Za-z0-9])?"
_TOP = r"[A-Za-z][A-Za-z0-9\-]{0,61}[A-Za-z0-9]"
_ADDRESS = re.compile(rf"(?P<local>{_ATOM}(?:\.{_ATOM})*)@(?:{_LABEL}\.)+{_TOP}", re.ASCII)


def check_addresses(addresses: list[str]) -> list[str]:
    """Check addresses, and return them unchanged.

    :raises InvalidValueError: if one breaks a rule, is there twice, or there are too many.
    """
    if len(addresses) > MAX_ADDRESSES:
        raise InvalidValueError(f"has {len(addresses)} addresses", ACCEPTED)
    seen: set[str] = set()
    for address in addresses:
        if not _is_address(address):
            raise InvalidValueError("is not an e-mail address", ACCEPTED, given=address)
        if address.lower() in seen:
            raise InvalidValueError("is there twice", ACCEPTED, given=address)
        seen.add(address.lower())
    return addresses


def first_named(before: Mapping[str, int], addresses: Sequence[str], now: int) -> dict[str, int]:
    """When a client first named each address that counts for its limit, once it names these.

    The addresses it names now count, and those that were new within the last 30 days. Letter case makes no
    difference. Times are in seconds since 1970.

    :raises TooManyAddressesError: if too many of them are new.
    """
    since = now - NEW_ADDRESSES_DAYS * 24 * 60 * 60
    named = {address.lower() for address in addresses}
    new = named - before.keys()
    recent = {address: at for address, at in before.items() if at > since}
    if new and len(recent) + len(new) > MAX_NEW_ADDRESSES:
        raise TooManyAddressesError(MAX_NEW_ADDRESSES, NEW_ADDRESSES_DAYS)
    kept = {address: at for address, at in before.items() if address in named or address in recent}
    return kept | dict.fromkeys(new, now)


_LOCAL_PART = re.compile(r"""(identity/)?[^\s:;,<>()\[\]"@]+@""")


def masked(text: str) -> str:
    """A text with the local part of each address in it masked: ``***@example.com``.

    In the ARN of an SES identity, too, only the local part is masked.
    """
    return _LOCAL_PART.sub(r"\1***@", text)


def _is_address(text: str) -> bool:
    if len(text) > MAX_LENGTH:
        return False
    match = _ADDRESS.fullmatch(text)
    return match is not None and len(match["local"]) <= MAX_LOCAL_LENGTH
