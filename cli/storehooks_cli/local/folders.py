"""Where things are: the project, and what the local stack keeps in its data folder."""

from dataclasses import dataclass
from pathlib import Path

from storehooks_cli.local.errors import LocalError

PROJECT = Path(__file__).resolve().parents[3]


@dataclass(frozen=True, slots=True)
class DataFolder:
    """The data folder of one local stack."""

    root: Path

    @classmethod
    def open(cls, root: Path) -> "DataFolder":
        """The data folder at this path, made if it is not there.

        :raises LocalError: when it cannot be made.
        """
        folder = cls(root.resolve())
        try:
            for path in (folder.root, folder.logs, folder.build):
                path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise LocalError(f"cannot keep data in {folder.root}: {error.strerror}") from error
        return folder

    @property
    def lock(self) -> Path:
        return self.root / "lock"

    @property
    def state(self) -> Path:
        """All that outlives a stop: the tables, what is deployed, the demo token."""
        return self.root / "state"

    @property
    def last_clean_state(self) -> Path:
        """A copy of the state as the last clean stop left it."""
        return self.root / "state.last-clean"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def build(self) -> Path:
        """Where SAM builds; also its cache."""
        return self.root / "build"

    @property
    def built(self) -> Path:
        """The fingerprint of the sources that the build folder was built from."""
        return self.build / "built"

    @property
    def scratch(self) -> Path:
        """The temporary folder of everything that is started, emptied at each start."""
        return self.root / "tmp"

    @property
    def ca_certificate(self) -> Path:
        return self.root / "ca.pem"

    @property
    def ca_key(self) -> Path:
        return self.root / "ca-key.pem"

    @property
    def emulator_port(self) -> Path:
        return self.root / "emulator-port"

    @property
    def stack_file(self) -> Path:
        """Says how to reach the stack; there while it is ready."""
        return self.root / "stack.json"

    @property
    def credentials(self) -> Path:
        """The credentials of the local AWS, as SDKs read them from a file; there while it is ready."""
        return self.root / "credentials"

    def forget_stack(self) -> None:
        """Delete what says how to reach a stack that runs no more."""
        for file in (self.stack_file, self.credentials):
            file.unlink(missing_ok=True)
