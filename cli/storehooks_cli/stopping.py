"""Being stopped from outside, without leaving things half done."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def exit_on_signals() -> None:
    """Let Ctrl-C, SIGTERM and a closed terminal raise SystemExit from now on, so that all is tidied up."""
    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:  # as nohup has it
            signal.signal(number, lambda number, _frame: sys.exit(128 + number))


@contextmanager
def stops_deferred() -> Iterator[None]:
    """Finish what stands in the context before a signal ends the command."""
    received: list[int] = []
    before = {number: signal.getsignal(number) for number in SIGNALS}
    for number, handler in before.items():
        if handler is not signal.SIG_IGN:
            signal.signal(number, lambda number, _frame: received.append(number))
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if received:
            sys.exit(128 + received[0])
