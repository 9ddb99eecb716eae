"""Why an attempt failed, by kind: what figures count, where an attempt's ``error`` has the words."""

import re
from enum import StrEnum


class FailureKind(StrEnum):
    """The kinds of failures. Only ``status`` has a response of HTTP."""

    STATUS = "status"
    """A response came, and its status was no 2xx."""
    TIMEOUT = "timeout"
    """The time for an attempt was over, in whichever step."""
    DNS = "dns"
    """The name does not resolve."""
    CONNECTION = "connection"
    """There was no connection, or it was closed before a response."""
    TLS = "tls"
    """The certificate is not valid, or the handshake failed."""
    RESPONSE = "response"
    """What came is no valid response of HTTP."""
    REFUSED = "refused"
    """The service does not send there: to an address that is not public, for one."""
    OTHER = "other"


# The texts are those of adapters/sender.py, in the log since release 0.1.0. The first that fits decides.
_PATTERNS = (
    (FailureKind.TIMEOUT, re.compile(r" within [0-9.e+]+ s$")),
    (FailureKind.DNS, re.compile(r"^the name \S* does not resolve$")),
    (
        FailureKind.REFUSED,
        re.compile(r" not public$|^the port \d+ is not |^the address is none |^the URL's scheme is not "),
    ),
    (FailureKind.TLS, re.compile(r"^the certificate is not valid|^the TLS handshake failed")),
    (FailureKind.RESPONSE, re.compile(r"^the answer|^answered ")),
    (FailureKind.OTHER, re.compile(r"^the request failed|^the URL is malformed$|^a malformed header$")),
)


def failure_kind(status: int | None, error: str) -> FailureKind:
    """Of which kind an attempt's failure is.

    What no pattern knows is a connection that failed: its words are the operating system's.
    """
    if status is not None:
        return FailureKind.STATUS
    for kind, pattern in _PATTERNS:
        if pattern.search(error):
            return kind
    return FailureKind.CONNECTION
