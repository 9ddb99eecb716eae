"""The entries of the bus by which the owners of hooks are notified.

Others can put entries on the bus as well. So an entry only names a hook, or a client and a day. The tables
decide what is written, and whether.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from storehooks.domain.deactivation_day import FIRST, LATER
from storehooks.domain.delivery import TIME_END
from storehooks.domain.errors import InvalidRequestError, Problem
from storehooks.domain.hook import MAX_HOOK_ID, is_hook_of_client
from storehooks.domain.scope import DELIVERY_EXCEPTION


@dataclass(frozen=True, slots=True)
class DeactivatedHook:
    """An entry that names a hook, and the end of the day whose first deactivation it claims to be.

    ``until`` is None in the entries of releases which did not count by days.
    """

    store_hash: str
    hook_id: int
    until: int | None


@dataclass(frozen=True, slots=True)
class DayOver:
    """An entry that names a client and a day that ended at ``until``, in seconds since 1970."""

    store_hash: str
    client_id: str
    until: int


def read_entry(entry: Mapping[str, Any]) -> DeactivatedHook | DayOver:
    """Read an entry.

    :raises InvalidRequestError: if it names neither a hook nor a day.
    """
    match entry:
        case {
            "detail-type": str(kind),
            "detail": {"store_hash": store_hash, "client_id": client_id, "until": int(until)},
        } if kind == LATER and _is_day(store_hash, client_id, until):
            return DayOver(store_hash, client_id, until)
        case {
            "detail-type": str(kind),
            "detail": {
                "store_hash": store_hash,
                "client_id": client_id,
                "until": int(until),
                "data": {"id": hook_id},
            },
        } if kind == FIRST and _is_day(store_hash, client_id, until, hook_id):
            return DeactivatedHook(store_hash, hook_id, until)
        case {"detail": {"store_hash": store_hash, "data": {"id": hook_id}}} if entry.get(
            "detail-type", DELIVERY_EXCEPTION
        ) == DELIVERY_EXCEPTION and is_hook_of_client(store_hash, _NO_CLIENT, hook_id):
            return DeactivatedHook(store_hash, hook_id, None)
    raise InvalidRequestError(Problem("detail", "names no hook and no day", "a notice of a deactivation"))


_NO_CLIENT = "0"  # an entry of an earlier release names none


def _is_day(store_hash: object, client_id: object, until: int, hook_id: object = MAX_HOOK_ID) -> bool:
    return is_hook_of_client(store_hash, client_id, hook_id) and 0 <= until < TIME_END // 1_000_000
