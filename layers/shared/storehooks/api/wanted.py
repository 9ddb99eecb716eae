"""What a client wants of a list: which part of it, and what narrows it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from storehooks.domain.hook import ALL_HOOKS, HookFilter

if TYPE_CHECKING:
    from collections.abc import Mapping

    from storehooks.domain.delivery import Status


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of a list is asked for: ``number`` counts from 1, ``size`` is at most 250.

    ``given`` is what narrows the list besides, as the query has it.
    """

    number: int
    size: int
    given: Mapping[str, str] = field(default_factory=dict)

    @property
    def skip(self) -> int:
        """How many go before this part."""
        return (self.number - 1) * self.size


@dataclass(frozen=True, slots=True)
class HooksWanted:
    """Which of the caller's hooks are asked for, which part of their list, and whether to count them all."""

    page: Page
    only: HookFilter = ALL_HOOKS
    is_counted: bool = False


@dataclass(frozen=True, slots=True)
class DeliveriesWanted:
    """Which of a hook's deliveries are asked for; ``cursor`` is the id of the last one seen.

    ``find`` is the id of an event, or of what it is about.
    """

    status: Status | None
    limit: int
    cursor: str | None
    find: str | None = None


@dataclass(frozen=True, slots=True)
class EventsWanted:
    """Which part of a list of events is asked for, and of which time, in whole seconds since 1970."""

    page: Page
    since: int
    until: int


@dataclass(frozen=True, slots=True)
class ListWanted:
    """Which part of a list is asked for, at most 250; ``cursor`` is the id of the last one seen."""

    limit: int
    cursor: str | None
