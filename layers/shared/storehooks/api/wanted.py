"""Selections of a list: a page, and the filters that narrow the list."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from storehooks.domain.hook import ALL_HOOKS, HookFilter

if TYPE_CHECKING:
    from collections.abc import Mapping

    from storehooks.domain.delivery import Status


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a list: ``number`` counts from 1, ``size`` is at most 250.

    ``given`` has the other parameters of the query that narrow the list.
    """

    number: int
    size: int
    given: Mapping[str, str] = field(default_factory=dict)

    @property
    def skip(self) -> int:
        """The number of items before this page."""
        return (self.number - 1) * self.size


@dataclass(frozen=True, slots=True)
class HooksWanted:
    """A page of the caller's hooks, a filter of them, and whether to count them all."""

    page: Page
    only: HookFilter = ALL_HOOKS
    is_counted: bool = False


@dataclass(frozen=True, slots=True)
class DeliveriesWanted:
    """A page of a hook's deliveries; ``cursor`` is the id of the last one seen.

    ``find`` is the id of an event, or the ``id`` in its data.
    """

    status: Status | None
    limit: int
    cursor: str | None
    find: str | None = None


@dataclass(frozen=True, slots=True)
class EventsWanted:
    """A page of a list of events, and the time of the events in whole seconds since 1970."""

    page: Page
    since: int
    until: int


@dataclass(frozen=True, slots=True)
class ListWanted:
    """A page of a list, of at most 250; ``cursor`` is the id of the last one seen."""

    limit: int
    cursor: str | None
