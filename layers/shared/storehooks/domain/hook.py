"""A hook: a client's subscription, which sends a store's events of one scope to a destination."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import field, replace
from typing import Any, Literal

from storehooks.domain.destination import PULLED, destination_digest
from storehooks.domain.errors import InvalidFieldsError, Problem
from storehooks.domain.event_filter import EventFilter, Mismatch
from storehooks.domain.identity import is_client_id, is_store_hash
from storehooks.domain.values import dataclass

MAX_HOOKS_PER_SCOPE = 10
"""Hooks of one client for one scope of one store (BigCommerce, since 2025-04)."""

HIDDEN = "***"
"""Shown in place of a header's value that the caller may not see."""

MAX_HOOK_ID = 10**18 - 1
"""The largest id of a hook: 18 digits."""

_ID = re.compile(r"[1-9][0-9]{0,17}", re.ASCII)

type HookKey = tuple[str, int]
"""A store's hash and the id of one of its hooks."""

type HookStatus = Literal["active", "inactive", "deactivated"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hook:
    """A registered hook.

    Times are whole seconds since 1970. ``version`` counts the hook's changes from 1; a change is written only
    over the version that it was made from. Header values may be credentials, so they are not in the hook's
    ``repr``. ``max_per_second`` is an int if it is whole.
    """

    id: int
    store_hash: str
    client_id: str
    scope: str
    destination: str
    headers: Mapping[str, str] | None = field(repr=False)
    is_active: bool
    created_at: int
    updated_at: int
    version: int = 1
    deactivated_at: int | None = None
    deactivation_reason: str | None = None
    filter: EventFilter | None = None
    max_per_second: float | None = None
    paused_at: int | None = None
    resumption: str | None = None
    """The id of the recovery that the hook's last resumption started."""

    @property
    def is_paused(self) -> bool:
        """Whether its owner has paused it, so that its deliveries are held."""
        return self.paused_at is not None

    @property
    def is_pulled(self) -> bool:
        """Whether consumers pull its deliveries; nothing is sent to it."""
        return self.destination == PULLED

    @property
    def is_deactivated(self) -> bool:
        """Whether failures deactivated it, so that its deliveries are held."""
        return self.deactivated_at is not None

    def mismatch(self, body: Mapping[str, Any]) -> Mismatch | None:
        """Why a callback's body does not match its filter; None if it does, or if there is no filter.

        :raises storehooks.domain.event_filter.FilterTooLongError: if the filter would take too long.
        """
        return None if self.filter is None else self.filter.mismatch(body)

    def without_header_values(self) -> "Hook":
        """The same hook with each header's value replaced by ``***``."""
        return self if self.headers is None else replace(self, headers=dict.fromkeys(self.headers, HIDDEN))

    @property
    def status(self) -> HookStatus:
        """``active``, ``deactivated`` by failures, or ``inactive`` by its owner."""
        if self.is_active:
            return "active"
        return "deactivated" if self.is_deactivated else "inactive"


@dataclass(frozen=True, slots=True, kw_only=True)
class HookFilter:
    """A selection of hooks: those that match every field that is not None."""

    is_active: bool | None = None
    scope: str | None = None
    destination: str | None = None

    def has(self, hook: Hook) -> bool:
        """Whether a hook matches."""
        return (
            self.is_active in {None, hook.is_active}
            and self.scope in {None, hook.scope}
            and self.destination in {None, hook.destination}
        )


ALL_HOOKS = HookFilter()


@dataclass(frozen=True, slots=True, kw_only=True)
class HookQuotas:
    """How many hooks a client of a store may have, and all clients of a store together."""

    per_client: int
    per_store: int


DEFAULT_QUOTAS = HookQuotas(per_client=250, per_store=2_000)
"""The quotas of a deployment that sets no others."""


@dataclass(frozen=True, slots=True)
class HookPage:
    """A page of a list of hooks, with the number of all if that was asked for."""

    hooks: tuple[Hook, ...]
    total: int | None = None


def changed(hook: Hook, changes: Mapping[str, Any], now: int) -> Hook:
    """A hook after its owner's change.

    :param changes: new values by field; ``is_paused`` says whether it is paused from now on.
    :param now: seconds since 1970. Clocks of machines differ, but a hook's time never goes back.
    :raises InvalidFieldsError: if a pulled hook would get a URL or a rate, or another hook would be pulled.
    """
    now = max(now, hook.updated_at)
    fields = dict(changes)
    is_paused = fields.pop("is_paused", hook.is_paused)
    pauses_since = hook.paused_at or now
    if "is_active" in fields:
        # Whatever its owner decides replaces the deactivation by failures.
        fields |= {"deactivated_at": None, "deactivation_reason": None}
        if not fields["is_active"] and hook.status != "inactive":
            # An earlier resumption's recovery must not send what is held from now on.
            pauses_since, fields["resumption"] = now, None
    paused_at = pauses_since if is_paused else None
    new = replace(hook, **fields, paused_at=paused_at, updated_at=now, version=hook.version + 1)
    if new.is_pulled != hook.is_pulled:
        accepted = f"{PULLED}, as it is" if hook.is_pulled else f"a URL; only a new hook can have {PULLED}"
        raise InvalidFieldsError(
            Problem("destination", f"cannot change between a URL and {PULLED}", accepted)
        )
    check_rate_of(new.destination, new.max_per_second)
    return new


def check_rate_of(destination: str, max_per_second: float | None) -> None:
    """Check that a hook with this destination may have this rate.

    :raises InvalidFieldsError: if it is pulled, because its consumers decide how fast.
    """
    if destination == PULLED and max_per_second is not None:
        reason = f"is for attempts, which a hook with the destination {PULLED} has none of"
        raise InvalidFieldsError(Problem("max_per_second", reason, "null", str(max_per_second)))


def hook_digest(hook: Hook) -> str:
    """A digest that is equal for two hooks of a client and scope that have the same destination and filter.

    Only one of them may exist.
    """
    destination = destination_digest(hook.destination)
    if hook.filter is None:
        return destination
    return hashlib.sha256(f"{destination}\0{hook.filter.text}".encode()).hexdigest()[: len(destination)]


def is_hook_id(text: str) -> bool:
    """Whether a text has the form of a hook's id: decimal digits without sign or leading zeros."""
    return _ID.fullmatch(text) is not None


def is_hook_of_client(store_hash: object, client_id: object, hook_id: object) -> bool:
    """Whether these have the forms of a store hash, a client id and a hook id: keys of tables have them."""
    return (
        isinstance(store_hash, str)
        and is_store_hash(store_hash)
        and isinstance(client_id, str)
        and is_client_id(client_id)
        and isinstance(hook_id, int)
        and not isinstance(hook_id, bool)
        and 1 <= hook_id <= MAX_HOOK_ID
    )
