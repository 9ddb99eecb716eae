"""Being stopped from outside, without leaving things half done."""

import signal
import sys


def exit_on_signals() -> None:
    """Let Ctrl-C and SIGTERM raise SystemExit from now on, so that what was begun is tidied up."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _frame: sys.exit(128 + number))
