"""One stack at a time in a data folder."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager

from storehooks_cli.local.errors import LocalError
from storehooks_cli.local.folders import DataFolder


@contextmanager
def exclusive(folder: DataFolder) -> Iterator[None]:
    """Hold the data folder. The system lets go of it however this process ends.

    :raises LocalError: when another process holds it.
    """
    with folder.lock.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise LocalError(
                f"{folder.root} is in use by another local stack (process {file.read().strip()}). "
                "Stop it, or use another folder: make run DATA_DIR=..."
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield
