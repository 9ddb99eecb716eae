"""Requests at once, without luck: one is broken into between two of its calls to AWS by another."""

from collections.abc import Callable, Iterator
from typing import Any

import botocore.client

type Work = Callable[[], Any]


def broken_into(monkeypatch, first: Work, second: Work, calls: int) -> tuple[Any, Any, bool]:
    """What both come to when the second comes once the first has made so many calls; and if it made more.

    If it did not, the second comes after it.
    """
    made, of_second = 0, []
    api_call = botocore.client.BaseClient._make_api_call

    def between(client, operation, kwargs):
        nonlocal made
        if made == calls:
            patched.undo()
            of_second.append(second())
        made += 1
        return api_call(client, operation, kwargs)

    with monkeypatch.context() as patched:
        patched.setattr(botocore.client.BaseClient, "_make_api_call", between)
        of_first = first()
    return (of_first, of_second[0], True) if of_second else (of_first, second(), False)


def interleavings(monkeypatch, begin: Work, first: Work, second: Work) -> Iterator[tuple[Any, Any]]:
    """What both come to, for each place in the first where the second may break in, and after it.

    :param begin: makes all as it was before either.
    """
    calls, is_between = 0, True
    while is_between:
        begin()
        of_first, of_second, is_between = broken_into(monkeypatch, first, second, calls)
        yield of_first, of_second
        calls += 1
    assert calls > 1, "it makes no call that something could come before"
