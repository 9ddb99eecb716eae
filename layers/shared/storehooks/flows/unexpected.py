"""Mistakes of ours in the middle of a batch: a message that meets one fails alone, and the others go on.

Flows catch unexpected errors by these functions. The message comes again, and is a dead letter in the end.
Who calls them logs the error and counts it, with :meth:`storehooks.flows.meter.Meter.unexpected`.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager


@contextmanager
def alone(fail: Callable[[Exception], None]) -> Iterator[None]:
    """Catch an error of what is done within, call ``fail`` with it, and go on."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 - see above
        fail(error)


def each_alone[T](
    do: Callable[[Sequence[T]], None], things: Sequence[T], fail: Callable[[T, Exception], None]
) -> None:
    """Do something for all things at once; if that meets an unexpected error, for each of them by itself.

    :param do: may have done a part of it when it fails, so a repetition has to be idempotent.
    :param fail: called for each thing that meets an error when it is alone.
    """
    try:
        do(things)
    except Exception as error:  # noqa: BLE001 - see above
        if len(things) > 1:
            for thing in things:
                each_alone(do, [thing], fail)
        else:
            fail(things[0], error)
