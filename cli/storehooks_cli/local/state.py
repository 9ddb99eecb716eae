"""The state that outlives a stop, and getting it back after a stop that was none.

ministack writes its state only when it is stopped cleanly, many files one after the
other, so whatever a killed run has left in the folder cannot be trusted. A marker says
that the folder is whole; it is absent while a stack runs. Before a run starts to change
the folder, a copy is kept of it, and that copy is what a killed run falls back on.
"""

import shutil
import time
from pathlib import Path

from storehooks_cli.local.folders import DataFolder

_MARKER = "CLEAN"


class State:
    """The state folder of one data folder."""

    def __init__(self, folder: DataFolder) -> None:
        self.path = folder.state
        self._last_clean = folder.last_clean_state

    @property
    def deployed(self) -> Path:
        """The fingerprint of what is deployed. It is absent while that is being changed."""
        return self.path / "deployed"

    def recover(self, *, saved_by_orphan: bool) -> str | None:
        """Make the folder whole, and say so if the last run did not.

        :param saved_by_orphan: whether the killed run's emulator could be stopped cleanly.
        """
        if _is_whole(self.path):
            return None
        if saved_by_orphan and self.deployed.exists():
            _marker(self.path).touch()
            return "the last run was killed; its local AWS was still there and has saved everything"
        was_killed = self.path.exists() or self._last_clean.exists()
        if self._roll_back():
            stopped = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(_marker(self.path).stat().st_mtime))
            return (
                "the last run was killed: everything is as the last clean stop left it "
                f"({stopped}); hooks and tokens made after it are missing"
            )
        if was_killed:
            return "the last run was killed before its first clean stop: starting from nothing"
        return None

    def begin(self) -> None:
        """Keep a copy of the whole folder, and from now on expect it to be changed."""
        if not _is_whole(self.path):  # there is no state yet
            self.path.mkdir(mode=0o700)
            return
        _copy(self.path, self._last_clean)
        _marker(self.path).unlink()

    def end(self) -> None:
        """Call this when everything is written.

        A state that was left in the middle of a deployment is given up. What its tables
        held is in the copy, for no request is served before the deployment is complete.
        """
        if self.deployed.exists():
            _marker(self.path).touch()
        else:
            self._roll_back()

    def _roll_back(self) -> bool:
        """Go back to the copy; without one, to nothing. Whether there was one."""
        if _is_whole(self._last_clean):
            _copy(self._last_clean, self.path)
            return True
        shutil.rmtree(self.path, ignore_errors=True)
        return False


def _marker(state: Path) -> Path:
    return state / _MARKER


def _is_whole(state: Path) -> bool:
    return _marker(state).exists()


def _copy(source: Path, target: Path) -> None:
    """Replace a folder by a copy of another. A target that is there is always a finished one."""
    unfinished = target.with_name(f"{target.name}.new")
    shutil.rmtree(unfinished, ignore_errors=True)
    shutil.copytree(source, unfinished)
    shutil.rmtree(target, ignore_errors=True)
    unfinished.rename(target)
