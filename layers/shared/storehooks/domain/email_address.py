"""The e-mail addresses that a client's owners are told at.

The part of RFC 5321 that every mail server hands on and that SES takes: ASCII, no quotes, no
comments, a host name and no number. So an address can never say anything to what carries it.
"""

import re

from storehooks.domain.errors import InvalidValueError

MAX_ADDRESSES = 10
MAX_LENGTH = 254  # RFC 5321 has 256 for a path, with its angle brackets
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
    """The addresses as they are, or :class:`InvalidValueError`."""
    if len(addresses) > MAX_ADDRESSES:
        raise InvalidValueError(f"has {len(addresses)} addresses", ACCEPTED)
    seen: set[str] = set()
    for address in addresses:
        if not _is_address(address):
            raise InvalidValueError("is no e-mail address", ACCEPTED, given=address)
        if address.lower() in seen:
            raise InvalidValueError("is there twice", ACCEPTED, given=address)
        seen.add(address.lower())
    return addresses


_LOCAL_PART = re.compile(r"""(identity/)?[^\s:;,<>()\[\]"@]+@""")


def masked(text: str) -> str:
    """A text without the local part of any address in it: ``***@example.com``.

    In the ARN of an identity of SES too, of which nothing else is masked.
    """
    return _LOCAL_PART.sub(r"\1***@", text)


def _is_address(text: str) -> bool:
    if len(text) > MAX_LENGTH:
        return False
    match = _ADDRESS.fullmatch(text)
    return match is not None and len(match["local"]) <= MAX_LOCAL_LENGTH
