"""Delays writes to a socket until the end of a ``with`` block, so that they are sent together.

A TLS 1.3 server learns only from a client's last flight that the client has no certificate. It sends an alert
and closes, which resets the connection if more was sent to it. If the reset comes before libcurl has written
the request, the write fails, and libcurl does not read the alert. If flight and request are sent together, no
write is left that could fail, and libcurl reads next.
"""

import socket
from contextlib import suppress

# Only Linux has it. Elsewhere such an alert may be missed.
_TCP_CORK = getattr(socket, "TCP_CORK", None)


class Corked:
    """A block in which small writes to a descriptor are delayed. Any descriptor is accepted."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def __enter__(self) -> None:
        self._set(1)

    def __exit__(self, *_error: object) -> None:
        self._set(0)

    def _set(self, value: int) -> None:
        if _TCP_CORK is None:
            return
        with suppress(OSError):  # no TCP socket, or closed within the block
            connection = socket.socket(socket.AF_INET, socket.SOCK_STREAM, 0, fileno=self._descriptor)
            try:
                connection.setsockopt(socket.IPPROTO_TCP, _TCP_CORK, value)
            finally:
                connection.detach()  # the descriptor is libcurl's to close
