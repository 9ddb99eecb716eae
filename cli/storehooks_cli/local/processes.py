"""The processes that a stack started, found again by their mark."""

from collections.abc import Iterable
from contextlib import suppress

import psutil

from storehooks_cli.local.environment import MARK
from storehooks_cli.local.folders import DataFolder

EMULATOR = "ministack_main.py"

# ministack writes its state in two seconds, once its last requests have their responses.
SAVING_SECONDS = 6.0
_KILL_SECONDS = 1.0
_KILL_ROUNDS = 3


def _marked(folder: DataFolder) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK) == str(folder.root):
                found.append(process)
        except psutil.Error:
            continue  # ended meanwhile, or another user's
    return found


def kill_leftovers(folder: DataFolder) -> None:
    """End at once all that a stack of this data folder started and that still runs.

    Looks again each time, because what was being killed may have started another.
    """
    for _ in range(_KILL_ROUNDS):
        if not (processes := _marked(folder)):
            return
        _kill(processes)
        psutil.wait_procs(processes, timeout=_KILL_SECONDS)


def kill_functions(emulator: int) -> None:
    """End the functions that an emulator runs. It waits for them when it stops, and they may take long."""
    with suppress(psutil.NoSuchProcess):
        _kill(psutil.Process(emulator).children(recursive=True))


def end_orphans(folder: DataFolder) -> bool:
    """End what a killed stack left behind. Whether its emulator could still save its state."""
    emulators = [process for process in _marked(folder) if _is_emulator(process)]
    for process in emulators:
        with suppress(psutil.NoSuchProcess):
            process.terminate()
            kill_functions(process.pid)
    _, alive = psutil.wait_procs(emulators, timeout=SAVING_SECONDS)
    kill_leftovers(folder)
    return bool(emulators) and not alive


def _kill(processes: Iterable[psutil.Process]) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.kill()


def _is_emulator(process: psutil.Process) -> bool:
    try:
        return any(argument.endswith(f"/{EMULATOR}") for argument in process.cmdline())
    except psutil.Error:
        return False
