"""Being stopped from outside, without leaving things half done."""

import signal
import sys

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def exit_on_signals() -> None:
    """Let Ctrl-C, SIGTERM and a closed terminal raise SystemExit from now on, so that all is tidied up."""
    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:  # as nohup has it
            signal.signal(number, lambda number, _frame: sys.exit(128 + number))
