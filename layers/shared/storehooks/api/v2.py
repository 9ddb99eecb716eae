"""A hook as version 2 of the API shows it."""

from datetime import UTC, datetime
from typing import Any

from storehooks.domain.hook import Hook


def hook_to_v2(hook: Hook) -> dict[str, Any]:
    """The nine fields of a V2 hook; times are ISO 8601 with an offset, in UTC."""
    return {
        "id": hook.id,
        "store_hash": hook.store_hash,
        "client_id": hook.client_id,
        "scope": hook.scope,
        "headers": None if hook.headers is None else dict(hook.headers),
        "destination": hook.destination,
        "created_at": iso_utc(hook.created_at),
        "updated_at": iso_utc(hook.updated_at),
        "is_active": hook.is_active,
    }


def iso_utc(seconds: int) -> str:
    """A time in seconds since 1970 as ISO 8601 with an offset, in UTC."""
    return datetime.fromtimestamp(seconds, UTC).isoformat()
