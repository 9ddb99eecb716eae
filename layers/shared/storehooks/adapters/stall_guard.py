"""Ends a call of libcurl that a destination keeps from ending.

OpenSSL reads on for as long as there is more, and passes over what says nothing: a server may
greet a client any number of times before it shakes hands. One that does so without end, faster than
it is read, would hold the thread that drives all transfers, past every deadline.
"""

import os
import struct
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from socket import AF_INET, AF_INET6, IPPROTO_TCP, SHUT_RDWR, socket
from threading import Event, Lock, Thread, get_ident

LONGEST_SECONDS = 0.1
"""Of the processor's time, in one call: a handshake takes a few thousandths."""
_LOOK_SECONDS = 0.05
_INTERNET = {AF_INET, AF_INET6}  # libcurl has sockets of its own besides
_TCP_INFO = 11
_BYTES_RECEIVED = struct.Struct("=128xQ")  # where Linux has them in it, since 4.1


class StallGuard:
    """Watches the calls of one thread from another. Of one that takes too long, it shuts down the socket
    that most has come on; and then the next, until the call ends. A call may be about any of them.

    :param sockets: the descriptors of those that lead to destinations, and others.
    """

    def __init__(self, sockets: Callable[[], Iterable[int]]) -> None:
        self._sockets = sockets
        self._lock = Lock()
        self._number = 0
        self._caller: int | None = None
        """The thread that is within a call."""
        self._closed = Event()
        self._thread = Thread(target=self._watch, name="stall guard", daemon=True)
        self._thread.start()

    @contextmanager
    def call(self) -> Iterator[None]:
        """What is done within is watched."""
        with self._lock:
            self._number += 1
            self._caller = get_ident()
        try:
            yield
        finally:
            with self._lock:
                self._caller = None

    def close(self) -> None:
        self._closed.set()
        self._thread.join()

    def _watch(self) -> None:
        number, began = 0, 0.0
        ended: set[int] = set()
        while not self._closed.wait(_LOOK_SECONDS):
            with self._lock:  # so that the call does not end meanwhile, and its sockets are no others'
                if self._caller is None:
                    continue
                now = _processor_seconds(self._caller)
                if self._number != number:
                    number, began = self._number, now
                    ended.clear()
                elif now - began > LONGEST_SECONDS:
                    self._shut_down_one(ended)

    def _shut_down_one(self, ended: set[int]) -> None:
        received = {one: _received(one) for one in self._sockets() if one not in ended}
        if not received:
            return
        busiest = max(received, key=received.__getitem__)
        ended.add(busiest)
        with suppress(OSError), _shared(busiest) as connection:
            if connection.family in _INTERNET:
                connection.shutdown(SHUT_RDWR)


def _received(descriptor: int) -> int:
    """The bytes that have come on a socket; -1 where that is not known."""
    with suppress(OSError), _shared(descriptor) as connection:
        if sys.platform == "linux" and connection.family in _INTERNET:
            info = connection.getsockopt(IPPROTO_TCP, _TCP_INFO, _BYTES_RECEIVED.size)
            received: int = _BYTES_RECEIVED.unpack(info)[0]
            return received
    return -1


def _shared(descriptor: int) -> socket:
    """Another handle of libcurl's socket: to close it leaves that one open."""
    return socket(fileno=os.dup(descriptor))


def _processor_seconds(thread: int) -> float:
    if sys.platform == "linux":
        return time.clock_gettime(time.pthread_getcpuclockid(thread))
    return time.process_time()
