"""Where a process spends its core: at each millisecond of it, what is being done is looked at.

A profiler that is called at each function's start and end makes code of many small functions
look slower than it is; this one costs all alike.
"""

import signal
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType

INTERVAL_SECONDS = 0.001


@contextmanager
def sampled(kinds: Mapping[str, str], rest: str) -> Iterator[Counter[str]]:
    """Count, while it is entered, what was found being done.

    :param kinds: what a function's work is called, by the end of its module's file or
        ``file:function``; the outermost one that is known decides.
    :param rest: what all else is called.
    """
    found: Counter[str] = Counter()
    name_of = _names(kinds, rest)

    def look(_signal: int, frame: FrameType | None) -> None:
        found[name_of(frame)] += 1

    before = signal.signal(signal.SIGPROF, look)
    signal.setitimer(signal.ITIMER_PROF, INTERVAL_SECONDS, INTERVAL_SECONDS)
    try:
        yield found
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def _names(kinds: Mapping[str, str], rest: str) -> Callable[[FrameType | None], str]:
    def name_of(frame: FrameType | None) -> str:
        name = rest
        while frame is not None:
            code = frame.f_code
            # Up to the folder of the module's own: storehooks/adapters/sender.py is adapters/sender.py.
            file = "/".join(code.co_filename.split("/")[-2:])
            name = kinds.get(f"{file}:{code.co_name}") or kinds.get(file) or name
            frame = frame.f_back
        return name

    return name_of
