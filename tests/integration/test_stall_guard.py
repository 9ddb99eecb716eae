"""A call that a destination keeps from ending loses its socket; one that waits does not."""

import os
import socket
import time
from contextlib import ExitStack

import pytest

from storehooks.adapters.stall_guard import LONGEST_SECONDS, StallGuard

SURELY_SECONDS = 5


@pytest.fixture
def opened():
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def connections(opened):
    """Two connections, each with its other end."""
    listener = opened.enter_context(socket.create_server(("127.0.0.1", 0)))
    pairs = []
    for _ in range(2):
        near = opened.enter_context(socket.create_connection(listener.getsockname()))
        far = opened.enter_context(listener.accept()[0])
        far.setblocking(False)
        pairs.append((near, far))
    return pairs


@pytest.fixture
def guard(opened, connections):
    ours, theirs = socket.socketpair()
    opened.enter_context(ours)
    opened.enter_context(theirs)
    descriptors = [*(near.fileno() for near, _ in connections), ours.fileno()]
    guard = StallGuard(lambda: descriptors)
    yield guard
    guard.close()
    ours.send(b"still there")
    assert theirs.recv(100) == b"still there", "only what leads to a destination is shut down"


def is_open(far) -> bool:
    try:
        return far.recv(1) != b""
    except BlockingIOError:
        return True


def work(seconds: float) -> None:
    """Keep the processor busy for so long."""
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        pass


def work_until_closed(far) -> None:
    until = time.thread_time() + SURELY_SECONDS
    while is_open(far):
        assert time.thread_time() < until


def test_a_call_that_works_without_end_loses_the_socket_that_most_has_come_on(guard, connections):
    (_, quiet), (near, busy) = connections
    busy.send(b"x" * 10_000)
    assert near.recv(10_000, socket.MSG_WAITALL)
    with guard.call():
        work_until_closed(busy)
        assert is_open(quiet)


def test_while_it_goes_on_it_loses_one_after_the_other(guard, connections):
    with guard.call():
        for _, far in connections:
            work_until_closed(far)


def test_a_call_that_waits_is_left_alone(guard, connections):
    """Or that is kept from the processor, as a function is that has used its share."""
    with guard.call():
        time.sleep(4 * LONGEST_SECONDS)
    assert all(is_open(far) for _, far in connections)


def test_many_short_calls_are_left_alone_and_so_is_work_between_them(guard, connections):
    for _ in range(10):
        with guard.call():
            work(LONGEST_SECONDS / 5)
    work(3 * LONGEST_SECONDS)
    assert all(is_open(far) for _, far in connections)


def test_a_socket_that_is_closed_meanwhile_is_no_error(guard, connections):
    (_, far), (other, _) = connections
    os.close(other.detach())
    with guard.call():
        work_until_closed(far)


def test_a_call_that_raises_is_over(guard, connections):
    with pytest.raises(ZeroDivisionError), guard.call():
        _ = 1 / 0
    work(3 * LONGEST_SECONDS)
    assert all(is_open(far) for _, far in connections)
