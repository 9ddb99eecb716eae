"""Being asked to stop."""

import asyncio
import signal
from collections.abc import Callable
from types import FrameType


class StopRequest:
    """Turns the first signal to stop into one cancellation. Further ones change nothing.

    Ctrl-C comes from the terminal and once more from make, and the impatient press it
    twice. What a second cancellation would interrupt is the saving of the state.
    """

    def __init__(self) -> None:
        self._requested = False
        self._cancel: Callable[[], object] | None = None
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._handle)

    def cancels_current_task(self) -> None:
        """Cancel the task that calls this when the signal comes; at once if it has come."""
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("there is no task to cancel")
        self._cancel = lambda: task.get_loop().call_soon_threadsafe(task.cancel)
        if self._requested:
            self._cancel()

    def _handle(self, _number: int, _frame: FrameType | None) -> None:
        if not self._requested:
            self._requested = True
            if self._cancel:
                self._cancel()
