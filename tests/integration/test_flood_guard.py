"""A socket on which too much comes within one call is shut down; a call that takes long is left alone."""

import os
import socket
import time
from contextlib import ExitStack, suppress

import pytest

from storehooks.adapters.flood_guard import LOOK_SECONDS, MAX_BYTES, FloodGuard
from tests.optional import tells_what_came_on_a_socket

pytestmark = tells_what_came_on_a_socket

SEVERAL_LOOKS = 10 * LOOK_SECONDS
SURELY_SECONDS = 30


class Connection:
    """Both ends of a connection; the near one is ours."""

    def __init__(self, stack: ExitStack) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.near = stack.enter_context(socket.create_connection(listener.getsockname()))
            self.far = stack.enter_context(listener.accept()[0])

    def bring(self, size: int) -> None:
        """So many bytes from the far end, all of which are read."""
        for _ in range(size // 1024):
            self.far.send(bytes(1024))
            assert self.near.recv(1024, socket.MSG_WAITALL)

    @property
    def is_open(self) -> bool:
        self.far.setblocking(False)
        with suppress(BlockingIOError):
            return self.far.recv(1) != b""
        return True


@pytest.fixture
def opened():
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def one(opened):
    return Connection(opened)


@pytest.fixture
def other(opened):
    return Connection(opened)


@pytest.fixture
def guard(one, other):
    guard = FloodGuard()
    for connection in (one, other):
        guard.watch(connection.near.fileno())
    yield guard
    guard.close()


def flood(connection, guard) -> None:
    """Within one call, until it is ended."""
    until = time.monotonic() + SURELY_SECONDS
    with guard, suppress(ConnectionError, AssertionError):
        while time.monotonic() < until:
            connection.bring(MAX_BYTES // 64)
    assert time.monotonic() < until


def test_a_socket_on_which_too_much_comes_within_one_call_is_shut_down_and_no_other(guard, one, other):
    flood(one, guard)
    assert not one.is_open
    assert other.is_open
    assert guard.ended == 1


def test_a_call_that_takes_long_is_left_alone(guard, one):
    """It may begin many handshakes, or wait for a processor that others use."""
    with guard:
        one.bring(MAX_BYTES // 2)
        time.sleep(SEVERAL_LOOKS)
        one.bring(MAX_BYTES // 2)
        time.sleep(SEVERAL_LOOKS)
    assert one.is_open


def test_what_comes_in_many_calls_is_not_added_up(guard, one):
    for _ in range(8):
        with guard:
            one.bring(MAX_BYTES // 4)
            time.sleep(SEVERAL_LOOKS)
    assert one.is_open


def test_between_calls_nobody_is_watched(guard, one):
    for _ in range(8):
        one.bring(MAX_BYTES)
        time.sleep(SEVERAL_LOOKS)
    assert one.is_open


def test_a_socket_that_is_closed_meanwhile_is_no_error(guard, one, other):
    os.close(other.near.detach())
    flood(one, guard)
    assert not one.is_open


def test_another_socket_that_has_got_the_number_is_left_alone(guard, one, other):
    number = other.near.fileno()
    os.dup2(one.near.fileno(), number)  # what was there is closed
    one.near.close()
    with guard:
        time.sleep(SEVERAL_LOOKS)
        for _ in range(4):
            one.far.send(bytes(1024))
        time.sleep(SEVERAL_LOOKS)
    assert one.is_open
