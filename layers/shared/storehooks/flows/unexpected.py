"""Mistakes of ours in a batch: the message that meets one fails alone, and the others go on.

Flows catch unexpected errors with these functions. The message is retried, and becomes a dead letter in the
end. The caller logs and counts the error with :meth:`storehooks.flows.meter.Meter.unexpected`.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager


@contextmanager
def alone(fail: Callable[[Exception], None]) -> Iterator[None]:
    """Catch an error in the body of a ``with`` statement, call ``fail`` with it, and go on."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 - see above
        fail(error)


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
