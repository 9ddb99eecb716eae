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


# The texts are those of adapters/sender.py, in the log since release 0.1.0.
_TIMEOUT = re.compile(r" within [0-9.e+]+ s\Z", re.ASCII)
_DNS = re.compile(r"\Athe name \S* does not resolve\Z", re.ASCII)
_REFUSED = re.compile(
    r" not public\Z|\Athe port [0-9]+ is not |\Athe address is none |\Athe URL's scheme is not ", re.ASCII
)
_TLS = re.compile(r"\Athe certificate is not valid|\Athe TLS handshake failed", re.ASCII)
_RESPONSE = re.compile(r"\Athe answer|\Aanswered ", re.ASCII)
_OTHER = re.compile(r"\Athe request failed|\Athe URL is malformed\Z|\Aa malformed header\Z", re.ASCII)
_PATTERNS = (
    (FailureKind.TIMEOUT, _TIMEOUT),
    (FailureKind.DNS, _DNS),
    (FailureKind.REFUSED, _REFUSED),
    (FailureKind.TLS, _TLS),
    (FailureKind.RESPONSE, _RESPONSE),
    (FailureKind.OTHER, _OTHER),
)
"""The first that fits decides."""


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
