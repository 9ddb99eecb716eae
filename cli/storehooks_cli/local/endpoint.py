"""Where the emulator is, and what it asks of its clients."""

from dataclasses import dataclass, field


def credentials(access_key_id: str) -> dict[str, str]:
    """The variables from which every SDK takes its credentials. The emulator checks no signature."""
    return {"AWS_ACCESS_KEY_ID": access_key_id, "AWS_SECRET_ACCESS_KEY": "test"}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A running emulator.

    Without the access key id, which is another at each start, it refuses every request.
    """

    url: str
    access_key_id: str = field(repr=False)

    @property
    def credentials(self) -> dict[str, str]:
        """The environment of an SDK that may use it."""
        return credentials(self.access_key_id)

    @property
    def headers(self) -> dict[str, str]:
        """The headers of a client that is no SDK."""
        return {"Authorization": f"AWS4-HMAC-SHA256 Credential={self.access_key_id}/"}
