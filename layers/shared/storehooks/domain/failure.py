"""The kind of an attempt's failure, which figures count. The attempt's ``error`` has the words."""

import re
from enum import StrEnum


class FailureKind(StrEnum):
    """The kinds of failures. Only ``status`` has an HTTP response."""

    STATUS = "status"
    """A response came, with a status other than 2xx."""
    TIMEOUT = "timeout"
    """The attempt took too long, in any step."""
    DNS = "dns"
    """The name does not resolve."""
    CONNECTION = "connection"
    """The connection failed, or was closed before a response."""
    TLS = "tls"
    """The certificate is not valid, or the handshake failed."""
    RESPONSE = "response"
    """The response is not valid HTTP."""
    REFUSED = "refused"
    """storehooks does not send to the destination, for example because its address is not public."""
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
"""The first pattern that matches decides."""


def failure_kind(status: int | None, error: str) -> FailureKind:
    """The kind of an attempt's failure.

    A text that matches no pattern is a failed connection, in the operating system's words.
    """
    if status is not None:
        return FailureKind.STATUS
    for kind, pattern in _PATTERNS:
        if pattern.search(error):
            return kind
    return FailureKind.CONNECTION
