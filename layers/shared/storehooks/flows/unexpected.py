"""Mistakes of ours in a batch: the message that meets one fails alone, and the others go on.

Flows catch unexpected errors with these two. The message is retried, and becomes a dead letter in the
end. The caller logs and counts the error with :meth:`storehooks.flows.meter.Meter.unexpected`.
"""

from collections.abc import Callable, Sequence


class alone:  # noqa: N801 - used like a function
    """A block that may fail: its error is passed to ``fail``, and the code after it goes on.

    A class, because ``contextlib.contextmanager`` takes four times as long, and each attempt has a block.
    """

    def __init__(self, fail: Callable[[Exception], None]) -> None:
        self._fail = fail

    def __enter__(self) -> None:
        pass

    def __exit__(self, _type: object, error: BaseException | None, _traceback: object) -> bool:
        if not isinstance(error, Exception):
            return False
        self._fail(error)
        return True


def each_alone[T](
    do: Callable[[Sequence[T]], None], things: Sequence[T], fail: Callable[[T, Exception], None]
) -> None:
    """Call ``do`` with all things; if that raises an unexpected error, with each of them alone.

    :param do: must be idempotent, because it may have done a part before it failed.
    :param fail: called for each thing for which ``do`` fails alone.
    """
    try:
        do(things)
    except Exception as error:  # noqa: BLE001 - see above
        if len(things) > 1:
            for thing in things:
                each_alone(do, [thing], fail)
        else:
            fail(things[0], error)
