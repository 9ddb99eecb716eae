"""The entries of the bus that say which hook was deactivated.

Others can put entries on the bus as well. So an entry only names a hook, which is looked up.
"""

from collections.abc import Mapping
from typing import Any

from storehooks.domain.errors import InvalidRequestError, Problem
from storehooks.domain.hook import MAX_HOOK_ID, HookKey
from storehooks.domain.identity import is_store_hash


def hook_of_entry(entry: Mapping[str, Any]) -> HookKey:
    """The hook that an entry names.

    :raises InvalidRequestError: when it names none.
    """
    match entry:
        case {"detail": {"store_hash": str(store_hash), "data": {"id": int(hook_id)}}} if (
            is_store_hash(store_hash) and not isinstance(hook_id, bool) and 1 <= hook_id <= MAX_HOOK_ID
        ):
            return store_hash, hook_id
    raise InvalidRequestError(Problem("detail", "names no hook", "an entry of a deactivated hook"))
