"""Ends a call of libcurl that a destination keeps from ending.

OpenSSL reads on for as long as there is more, and passes over what says nothing: a server may
greet a client any number of times before it shakes hands. One that does so without end, faster than
it is read, would hold the thread that drives all transfers, past every deadline.
"""

import os
import socket
import struct
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from threading import Event, Thread

MOST_BYTES = 256 * 1024
"""That come on one socket within one call. A handshake takes some KB, with the longest chain of certificates
that OpenSSL admits 100 KB; of an answer less is read, and unread a socket holds half as much."""
LOOK_SECONDS = 0.05

_BYTES_RECEIVED = struct.Struct("=128xQ")  # where Linux has them in it, since 4.1


class FloodGuard:
    """Watches the calls of one thread from another: a socket on which too much comes in one is shut down.

    That a call is long is no reason by itself: it may begin two hundred handshakes, or wait for the
    processor. Systems other than Linux do not tell what has come, and nothing is done there.

    :param sockets: the descriptors of those that lead to destinations.
    """

    def __init__(self, sockets: Callable[[], Iterable[int]]) -> None:
        self._sockets = sockets
        self._turn = 0  # odd within a call
        self._closed = Event()
        self._thread = Thread(target=self._watch, name="flood guard", daemon=True)
        self._thread.start()

    def __enter__(self) -> None:
        """What is done within is one call."""
        self._turn += 1

    def __exit__(self, *_error: object) -> None:
        self._turn += 1

    def close(self) -> None:
        """Watch no longer."""
        self._closed.set()
        self._thread.join()

    def _watch(self) -> None:
        turn, before = 0, dict[int, int]()
        while not self._closed.wait(LOOK_SECONDS):
            now = self._turn
            if now % 2 == 0:
                continue
            if now != turn:
                before.clear()
            for descriptor in self._sockets():
                with suppress(OSError), _shared(descriptor) as connection:  # it may be closed by now
                    received = _received(connection)
                    if now != turn:
                        before[descriptor] = received
                    # Should the call end here, this was its flood all the same.
                    elif received - before.get(descriptor, 0) > MOST_BYTES:
                        connection.shutdown(socket.SHUT_RDWR)
            turn = now


def _shared(descriptor: int) -> socket.socket:
    """Another handle of libcurl's socket: to close it leaves that one open."""
    return socket.socket(fileno=os.dup(descriptor))


def _received(connection: socket.socket) -> int:
    """The bytes that have come on it."""
    if sys.platform != "linux":
        return 0
    information = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _BYTES_RECEIVED.size)
    received: int = _BYTES_RECEIVED.unpack(information)[0]
    return received
