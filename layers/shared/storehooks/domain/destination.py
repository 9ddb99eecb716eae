"""The destination of a hook: the URL to which its events are sent, or ``pull:``.

A URL must follow RFC 3986 exactly, so that every parser reads the same host in it. The host must be a public
name, or a public address in plain form.
"""

import hashlib
import re
import unicodedata
from functools import lru_cache
from ipaddress import IPv6Address
from urllib.parse import unquote, urlsplit

from storehooks.domain.address import is_public, parse_loose_ipv4, parse_plain
from storehooks.domain.errors import InvalidValueError

MAX_LENGTH = 2048

PULLED = "pull:"
"""The destination of a hook whose deliveries wait until a consumer pulls them."""

ACCEPTED = (
    "an absolute https URL of at most 2048 characters, port 443 or none, with a public host name or address; "
    f"or {PULLED}"
)
ACCEPTED_LOCALLY = f"an absolute http or https URL of at most 2048 characters; or {PULLED}"

# The table has it in the form of a URL: earlier releases can compare it, and fail to send to it.
_STORED_PULLED = "pull://"

# Names that resolve inside a network or nowhere (RFC 6761, 6762, 7686, 8375, common use), and subdomains.
_REFUSED_NAMES = (
    "localhost",
    "localdomain",
    "local",
    "internal",
    "intranet",
    "private",
    "corp",
    "home",
    "lan",
    "svc",
    "test",
    "invalid",
    "onion",
    "arpa",
)

_URL = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.\-]*)://(?P<authority>[^/?#]*)(?P<rest>[^#]*)(?P<fragment>#.*)?",
    re.DOTALL,
)
_AUTHORITY = re.compile(r"(?P<host>\[[^\[\]]*\]|[^:\[\]]*)(?::(?P<port>[0-9]*))?")
# The characters of a path and a query (RFC 3986).
_PATH_AND_QUERY = re.compile(r"(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/?]|%[0-9A-Fa-f]{2})*", re.ASCII)
_NUMBER = re.compile(r"[0-9]+|0[xX][0-9A-Fa-f]*", re.ASCII)
_IDEOGRAPHIC_FULL_STOP = "\u3002"  # the one dot of IDNA that NFKC leaves alone
_IGNORED_CATEGORIES = {"Cf", "Mn"}  # zero-width characters and marks, which mappings drop
# Underscores are allowed: names of Compose and some subdomains have them, as DNS permits (RFC 2181, 11).
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_\-]{0,61}[a-z0-9_])?", re.ASCII)
_ENCODED = "xn--"  # the prefix of an internationalised label in its ASCII form


def check_destination(url: str, *, allow_private: bool = False) -> str:
    """Check a destination, and return it as it is stored: an internationalised name in its ASCII form.

    :param allow_private: also accept http, any port, and private addresses and names
        (``AllowPrivateDestinations``, for use on one machine).
    :raises InvalidValueError: if it breaks a rule.
    """
    if url == PULLED:
        return url
    try:
        return _checked(url, allow_private=allow_private)
    except _Refused as refused:
        # The error does not repeat the URL, which may hold a password or a key.
        raise InvalidValueError(refused.reason, accepted(allow_private=allow_private)) from None


def accepted(*, allow_private: bool) -> str:
    """The accepted destinations, in words."""
    return ACCEPTED_LOCALLY if allow_private else ACCEPTED


def destination_digest(destination: str) -> str:
    """A SHA-256 in hex that is equal for two destinations if, and only if, they name the same resource.

    The letter case of scheme and host, a default port and an empty path make no difference. Path and query
    are compared byte for byte, as they are sent: ``/a%2fb`` and ``/a%2Fb`` are two destinations.
    """
    match = _URL.fullmatch(to_stored(destination))
    authority = _AUTHORITY.fullmatch(match["authority"]) if match else None
    if match is None or authority is None:
        raise ValueError("not a checked destination")
    scheme = match["scheme"].lower()
    default_port = "443" if scheme == "https" else "80"
    port = authority["port"] or default_port
    host = parse_plain(authority["host"].strip("[]")) or authority["host"].lower()
    canonical = f"{scheme}://{host}:{port}{_target(match['rest'])}"
    return hashlib.sha256(canonical.encode()).hexdigest()


def to_stored(destination: str) -> str:
    """A destination in the form of the table of hooks."""
    return _STORED_PULLED if destination == PULLED else destination


def from_stored(destination: str) -> str:
    """A destination read from the table of hooks."""
    return PULLED if destination == _STORED_PULLED else destination


def origin(destination: str) -> str:
    """Scheme, host and port of a destination, without path and query, which may hold a key."""
    parts = urlsplit(destination)
    return f"{parts.scheme}://{parts.netloc}"


@lru_cache(maxsize=256)
def split_target(destination: str) -> tuple[str, str]:
    """The origin to connect to (scheme, host and port), and the request target.

    The target is path and query, byte for byte; without a path it begins with a slash (RFC 9112, 3.2.1).

    :raises ValueError: if the text cannot be a destination, such as one with a line break.
    """
    match = _URL.fullmatch(destination)
    if match is None or match["fragment"] is not None or not _PATH_AND_QUERY.fullmatch(match["rest"]):
        raise ValueError("not a checked destination")
    return f"{match['scheme']}://{match['authority']}", _target(match["rest"])


def _target(rest: str) -> str:
    return rest if rest.startswith("/") else f"/{rest}"


class _Refused(Exception):  # noqa: N818 - never leaves this module
    """Why a destination is refused."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def _checked(url: str, *, allow_private: bool) -> str:
    if len(url) > MAX_LENGTH:
        raise _Refused(f"is longer than {MAX_LENGTH} characters")
    match = _URL.fullmatch(url)
    if match is None:
        raise _Refused("is not an absolute URL")
    scheme = match["scheme"].lower()
    if scheme not in ({"http", "https"} if allow_private else {"https"}):
        raise _Refused(f"does not start with {'http:// or ' if allow_private else ''}https://")
    if "@" in match["authority"]:
        raise _Refused("holds a user name or password; send credentials in headers")
    if match["fragment"] is not None:
        raise _Refused("has a fragment (#...), which is never sent")
    if not _PATH_AND_QUERY.fullmatch(match["rest"]):
        raise _Refused("has characters in its path or query that must be percent-encoded")
    authority = _AUTHORITY.fullmatch(match["authority"])
    if authority is None:
        raise _Refused("has a malformed host or port")
    host = _checked_host(authority["host"], allow_private=allow_private)
    port = authority["port"]
    if port is not None:
        _check_port(port, allow_private=allow_private)
    destination = f"{match['scheme']}://{host}{'' if port is None else ':' + port}{match['rest']}"
    if len(destination) > MAX_LENGTH:
        raise _Refused(f"is longer than {MAX_LENGTH} characters in its ASCII form")
    return destination


def _check_port(port: str, *, allow_private: bool) -> None:
    if allow_private:
        if not (port.isdigit() and len(port) <= 5 and 1 <= int(port) <= 65535 and port[0] != "0"):
            raise _Refused("has a port that is not a number from 1 to 65535")
    elif port != "443":
        raise _Refused("has a port other than 443")


def _checked_host(host: str, *, allow_private: bool) -> str:
    if not host:
        raise _Refused("has no host")
    literal = host.startswith("[")
    address = parse_plain(host[1:-1] if literal else host)
    if literal and (not isinstance(address, IPv6Address) or address.scope_id is not None):
        raise _Refused("has a malformed IPv6 address")
    if address is not None:
        if not (allow_private or is_public(address)):
            raise _Refused(f"has the address {address}, which is not public")
        return host
    _refuse_disguised_address(host, allow_private=allow_private)
    if "%" in host:
        raise _Refused("has a percent-encoded host")
    name = host.lower() if host.isascii() else _ascii_name(host)
    _refuse_disguised_address(name, allow_private=allow_private)
    _check_name(name)
    if not allow_private:
        _check_public_name(name)
    shown = _decoded(name)
    if shown != name:
        _refuse_disguised_address(shown, allow_private=allow_private)
        if not allow_private:
            _check_public_name(_fold(shown).lower().rstrip("."))
    return host if host.isascii() else name


def _refuse_disguised_address(host: str, *, allow_private: bool) -> None:
    """Refuse a host that some parser reads as an IPv4 address although it is not in plain form."""
    folded = _fold(host)
    address = parse_loose_ipv4(folded)
    if address is not None:
        if allow_private or is_public(address):
            raise _Refused(f"has the address {address} in another spelling; write it as {address}")
        raise _Refused(f"has the address {address} in another spelling, which is not public")
    last_label = folded.removesuffix(".").rpartition(".")[2]
    if _NUMBER.fullmatch(last_label):
        raise _Refused("has a host that ends in a number but is not an IPv4 address")


def _fold(host: str) -> str:
    """The host as lenient software reads it: percent-decoded, with digits and dots in ASCII."""
    normal = unicodedata.normalize("NFKC", unquote(host))
    visible = (char for char in normal if unicodedata.category(char) not in _IGNORED_CATEGORIES)
    return "".join(_fold_character(char) for char in visible)


def _fold_character(char: str) -> str:
    digit = unicodedata.decimal(char, None)
    if digit is not None:
        return str(digit)
    return "." if char == _IDEOGRAPHIC_FULL_STOP else char


def _ascii_name(host: str) -> str:
    """An internationalised name in its ASCII form, mapped by UTS 46 and checked by IDNA 2008 (RFC 5891).

    Labels that are ASCII stay as they are.
    """
    import idna  # imported here because few destinations need its tables

    try:
        labels = idna.uts46_remap(host, std3_rules=False).split(".")
        return ".".join(label if label.isascii() else idna.alabel(label).decode("ascii") for label in labels)
    except (idna.IDNAError, UnicodeError):
        raise _Refused("has a host that is not a valid internationalised name") from None


def _decoded(name: str) -> str:
    """The name with labels in ASCII form decoded, valid or not, as some software reads it."""
    return ".".join(map(_decoded_label, name.split(".")))


def _decoded_label(label: str) -> str:
    if not label.startswith(_ENCODED):
        return label
    try:
        return label.removeprefix(_ENCODED).encode().decode("punycode")
    except UnicodeError:
        return label


def _check_name(name: str) -> None:
    if name.endswith("."):
        raise _Refused("has a host name that ends in a dot")
    if len(name) > 253 or not all(_LABEL.fullmatch(label) for label in name.split(".")):
        raise _Refused("has a host that is not a valid name")


def _check_public_name(name: str) -> None:
    labels = name.split(".")
    if len(labels) == 1:
        raise _Refused("has a host name of a single label, which is not public")
    if any(name == refused or name.endswith("." + refused) for refused in _REFUSED_NAMES):
        raise _Refused(f"has a host name at or under .{labels[-1]}, which is not public")
