"""Ends a call of libcurl that a destination keeps from ending.

OpenSSL reads on for as long as there is more, and passes over what says nothing: a server may
greet a client any number of times before it shakes hands, or change its key any number of times
on a connection that is being closed. One that does so without end, faster than it is read, would
hold the thread that drives all transfers, past every deadline.
"""

import fcntl
import os
import socket
import struct
import sys
import termios
from collections.abc import Container, Iterator
from contextlib import suppress
from threading import Event, Thread

MAX_BYTES = 128 * 1024
"""That come on one socket within one call. A handshake takes some KB, with the longest chain of certificates
that OpenSSL admits 100 KB; of a response less is read, and unread a socket of the sender's holds 64 KB."""
MAX_IDLE_BYTES = 4 * 1024
"""That wait on a connection on which nothing was asked. A session's end or resumption takes some hundred."""
LOOK_SECONDS = 0.01
"""A call that is shorter is not looked at; almost every one takes less than a thousandth."""

_ENDED = 1 << 64  # more than can come
_DISCARD = socket.MSG_DONTWAIT | socket.MSG_TRUNC
_BYTES_RECEIVED = struct.Struct("=128xQ")  # where Linux has them in its tcp_info, since 4.1


class FloodGuard:
    """Watches the calls of one thread from another: a socket on which too much comes in one is shut down.

    That a call is long is no reason by itself: it may begin two hundred handshakes, or wait for the
    processor. Systems other than Linux do not say what has come, and no call is ended there.
    """

    def __init__(self) -> None:
        # By descriptor, the inode of its socket: once that is closed, another file may have the number.
        self._sockets: dict[int, int] = {}
        self._turn = 0  # odd within a call
        self.ended = 0
        """How many sockets it has shut down."""
        self._closed = Event()
        self._thread = Thread(target=self._watch, name="flood guard", daemon=True)
        self._thread.start()

    def watch(self, descriptor: int) -> None:
        """A socket from its opening until it is closed, so those as well that libcurl keeps."""
        self._sockets[descriptor] = os.fstat(descriptor).st_ino

    def __enter__(self) -> None:
        """What is done within is one call."""
        self._turn += 1

    def __exit__(self, *_error: object) -> None:
        self._turn += 1

    def end_idle(self, busy: Container[object]) -> None:
        """Shut down what has filled while nothing was asked on it: libcurl closes all those in one call, and
        reads each to its end.

        :param busy: the descriptors of those on which something was asked.
        """
        for descriptor, inode in list(self._sockets.items()):
            if descriptor in busy or _waiting(descriptor) <= MAX_IDLE_BYTES:
                continue
            if connection := _shared(descriptor, inode):
                with connection:
                    self._end(connection)

    def end_all(self) -> None:
        """Shut down every socket, when nothing is asked on any: libcurl then takes a new one."""
        for _, connection in self._open():
            self._end(connection)

    def close(self) -> None:
        """Watch no longer."""
        self._closed.set()
        self._thread.join()

    def _watch(self) -> None:
        turn = looks = 0
        before: dict[int, int] = {}
        while not self._closed.wait(LOOK_SECONDS):
            # A call that ends while it is looked at was flooded all the same.
            last, turn = turn, self._turn
            looks = looks + 1 if turn == last and turn % 2 else 0
            if looks == 1:
                before = {inode: _received(connection) for inode, connection in self._open()}
            elif looks > 1:
                for inode, connection in self._open():
                    # One that was not there before was opened in this call.
                    if _received(connection) - before.get(inode, 0) > MAX_BYTES:
                        self._end(connection)
                        before[inode] = _ENDED

    def _open(self) -> Iterator[tuple[int, socket.socket]]:
        """The sockets that are open, with their inodes."""
        for descriptor, inode in list(self._sockets.items()):
            if connection := _shared(descriptor, inode):
                with connection:
                    yield inode, connection

    def _end(self, connection: socket.socket) -> None:
        self.ended += 1
        with suppress(OSError):  # it has just broken off by itself, or nothing is left
            connection.shutdown(socket.SHUT_RDWR)
            # What is there already could still be read.
            while connection.recv(1024 * 1024, _DISCARD):
                pass


def _shared(descriptor: int, inode: int) -> socket.socket | None:
    """Another handle of libcurl's socket: to close it leaves that one open. None when that was closed."""
    try:
        duplicate = os.dup(descriptor)
    except OSError:
        return None
    if os.fstat(duplicate).st_ino != inode:
        os.close(duplicate)
        return None
    return socket.socket(socket.AF_INET, socket.SOCK_STREAM, 0, fileno=duplicate)


def _waiting(descriptor: int) -> int:
    """The bytes that have come and were not read; 0 for one that was closed, or is no socket."""
    try:
        return int.from_bytes(fcntl.ioctl(descriptor, termios.FIONREAD, bytes(4)), sys.byteorder)
    except OSError:
        return 0


def _received(connection: socket.socket) -> int:
    """The bytes that have come on it; 0 where that is not known."""
    if sys.platform != "linux":
        return 0
    try:
        information = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _BYTES_RECEIVED.size)
    except OSError:
        return 0
    if len(information) < _BYTES_RECEIVED.size:
        return 0
    received: int = _BYTES_RECEIVED.unpack(information)[0]
    return received
