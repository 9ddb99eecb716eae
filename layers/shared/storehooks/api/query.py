"""The query of a request: it selects and narrows a list.

Each method checks every parameter before it raises, so that an error names all invalid ones. Any empty
parameter is invalid: as a filter it would match nothing, and ignored it would match everything. Imports that
only requests about deliveries need are inside their methods, so that other functions do not load them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from storehooks.api.iso_time import microseconds_of
from storehooks.api.wanted import DeliveriesWanted, EventsWanted, HooksWanted, ListWanted, Page
from storehooks.domain.errors import InvalidRequestError, InvalidValueError, Problem
from storehooks.domain.event import LATEST, check_created_at
from storehooks.domain.hook import HookFilter

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from storehooks.domain.hook_stats import StatsWanted

MAX_PAGE_SIZE = 250
V3_PAGE_SIZE = 50
DELIVERIES_PAGE_SIZE = 50
MAX_FIND_LENGTH = 256

_FILTERS = ("is_active", "scope", "destination")
# A number of at most 18 digits, without sign or leading zeros.
_NUMBER = re.compile(r"[1-9][0-9]{0,17}", re.ASCII)
_MAX_NUMBER = 10**18 - 1
_SECONDS = re.compile(r"[0-9]{1,12}", re.ASCII)
# The gateway decodes an unescaped plus as a space, as in forms. This finds the one before an offset.
_OFFSET_WITHOUT_PLUS = re.compile(r" (?=[0-9]{2}(?::?[0-9]{2})?\Z)", re.ASCII)
# PHP's http_build_query writes 1 and 0, Python's str() True and False.
_SWITCH = {"true": True, "1": True, "false": False, "0": False}
_SWITCH_ACCEPTED = "true or false, in any letter case, or 1 or 0"
_SCOPE_ACCEPTED = "a scope as the hook shows it, such as store/order/created"
_FIND_ACCEPTED = (
    f"the id of an event, or the id in its data, of at most {MAX_FIND_LENGTH} characters, letter by letter"
)
_TIME_ACCEPTED = (
    f"seconds since 1970, up to {LATEST}, or ISO 8601 with an offset such as 2026-11-24T10:00:00Z"
)


class Query:
    """The parameters of one query. Each method ignores the parameters that it does not name."""

    def __init__(self, parameters: Mapping[str, str], contradicted: Collection[str] = ()) -> None:
        """
        :param contradicted: the parameters that the query has several times, with different values.
        """
        self._parameters = parameters
        self._contradicted = contradicted

    def hooks_wanted(self) -> HooksWanted:
        """Read ``page`` and ``limit``.

        :raises InvalidRequestError: with each that is not a number in range.
        """
        problems: list[Problem] = []
        page = self._page(MAX_PAGE_SIZE, problems)
        _raise_any(problems)
        return HooksWanted(page)

    def filtered_hooks_wanted(self, page_size: int | None = None) -> HooksWanted:
        """Read ``page``, ``limit``, ``is_active``, ``scope`` and ``destination``.

        :param page_size: the default of ``limit``; 50 if it is None.
        :raises InvalidRequestError: with each that is empty, not a number in range, or neither true nor
            false.
        """
        problems: list[Problem] = []
        only = HookFilter(
            is_active=self._switch("is_active", problems),
            scope=self._text("scope", _SCOPE_ACCEPTED, problems),
            destination=self._destination(problems),
        )
        page = self._page(page_size or V3_PAGE_SIZE, problems, narrowed_by=_FILTERS)
        _raise_any(problems)
        return HooksWanted(page, only, is_counted=True)

    def deliveries_wanted(self) -> DeliveriesWanted:
        """Read ``status``, ``limit``, ``cursor`` and ``find``.

        :raises InvalidRequestError: with each that is out of range.
        """
        from storehooks.domain.delivery import Status, is_delivery_id

        problems: list[Problem] = []
        limit = self._count("limit", default=DELIVERIES_PAGE_SIZE, limit=MAX_PAGE_SIZE, problems=problems)
        status = self._text("status", accepted := " or ".join(Status), problems)
        if status is not None and status not in set(Status):
            problems.append(Problem("status", "is not a status", accepted, given=status))
        cursor = self._text("cursor", accepted := "next_cursor of the page before", problems)
        if cursor is not None and not is_delivery_id(cursor):
            problems.append(Problem("cursor", "is not a cursor", accepted, given=cursor))
        find = self._text("find", accepted := _FIND_ACCEPTED, problems)
        if find is not None and len(find) > MAX_FIND_LENGTH:
            problems.append(Problem("find", "is too long", accepted))
        _raise_any(problems)
        return DeliveriesWanted(None if status is None else Status(status), limit, cursor, find)

    def list_wanted(self, check_cursor: Callable[[str], str]) -> ListWanted:
        """Read ``limit`` and ``cursor``.

        :param check_cursor: returns a valid cursor unchanged, and raises :class:`InvalidValueError` for
            another text.
        :raises InvalidRequestError: with each that is out of range.
        """
        problems: list[Problem] = []
        limit = self._count("limit", default=MAX_PAGE_SIZE, limit=MAX_PAGE_SIZE, problems=problems)
        cursor = self._text("cursor", accepted := "next_cursor of the page before", problems)
        if cursor is not None:
            try:
                check_cursor(cursor)
            except InvalidValueError:
                problems.append(Problem("cursor", "is not a cursor", accepted, given=cursor))
        _raise_any(problems)
        return ListWanted(limit, cursor)

    def events_wanted(self) -> EventsWanted:
        """Read ``page``, ``limit``, ``created_at:min`` and ``created_at:max``.

        :raises InvalidRequestError: with each that is out of range.
        """
        problems: list[Problem] = []
        since = self._time("created_at:min", default=0, problems=problems)
        until = self._time("created_at:max", default=LATEST, problems=problems)
        if since > until:
            problems.append(Problem("created_at:min", "is after created_at:max", "an earlier time"))
        page = self._page(V3_PAGE_SIZE, problems, narrowed_by=("created_at:min", "created_at:max"))
        _raise_any(problems)
        return EventsWanted(page, since, until)

    def stats_wanted(self, now: float) -> StatsWanted:
        """Read ``since``, ``until`` and ``step``. The default is the last 24 hours.

        :raises InvalidRequestError: with each that is out of range.
        """
        from storehooks.domain.hook_stats import DEFAULT_SECONDS, MAX_STEPS, StatsWanted

        problems: list[Problem] = []
        until = self._time("until", default=int(now) + 1, problems=problems)
        since = self._time("since", default=max(0, until - DEFAULT_SECONDS), problems=problems)
        if since >= until and not problems:
            problems.append(Problem("since", "is not before until", "an earlier time"))
        step = self._count("step", default=0, problems=problems)
        least = -(-(until - since) // MAX_STEPS)
        if 0 < step < least:
            accepted = f"{least} or more for this time, which makes {MAX_STEPS} steps or fewer"
            problems.append(Problem("step", "makes too many steps", accepted, given=str(step)))
        _raise_any(problems)
        return StatsWanted(since, until, step or None)

    def _text(self, name: str, accepted: str, problems: list[Problem]) -> str | None:
        """A parameter, unchanged; None if it is absent, or empty or contradicted, which is a problem."""
        text = self._given(name)
        if name in self._contradicted:
            problems.append(Problem(name, "is given several times, with different values", accepted))
            return None
        if text is not None and not text.strip(" "):
            problems.append(Problem(name, "is empty", f"{accepted}; or leave it out"))
            return None
        return text

    def _given(self, name: str) -> str | None:
        text = self._parameters.get(name)
        # A lone surrogate is not a character: it can be neither searched for nor sent back.
        return None if text is None else text.encode("utf-8", "replace").decode()

    def _page(self, size: int, problems: list[Problem], *, narrowed_by: Sequence[str] = ()) -> Page:
        """
        :param size: the default of ``limit``.
        :param narrowed_by: the names of the parameters that narrow the list.
        """
        number = self._count("page", default=1, problems=problems)
        size = self._count("limit", default=size, limit=MAX_PAGE_SIZE, problems=problems)
        given = {name: value for name in narrowed_by if (value := self._given(name)) is not None}
        return Page(number, size, given)

    def _switch(self, name: str, problems: list[Problem]) -> bool | None:
        text = self._text(name, _SWITCH_ACCEPTED, problems)
        if text is None:
            return None
        if text.lower() not in _SWITCH:
            problems.append(Problem(name, "is neither true nor false", _SWITCH_ACCEPTED, given=text))
        return _SWITCH.get(text.lower())

    def _destination(self, problems: list[Problem]) -> str | None:
        text = self._text("destination", "a destination as the hook shows it", problems)
        # No destination has a space.
        return None if text is None else text.replace(" ", "+")

    def _count(self, name: str, *, default: int, problems: list[Problem], limit: int = _MAX_NUMBER) -> int:
        text = self._text(name, accepted := f"a number from 1 to {limit}", problems)
        if text is None:
            return default
        if _NUMBER.fullmatch(text) and int(text) <= limit:
            return int(text)
        problems.append(Problem(name, "is not a number in range", accepted, given=text))
        return default

    def _time(self, name: str, *, default: int, problems: list[Problem]) -> int:
        text = self._text(name, _TIME_ACCEPTED, problems)
        if text is None:
            return default
        try:
            seconds = int(text) if _SECONDS.fullmatch(text) else _seconds_of(text)
            return check_created_at(seconds)
        except ValueError:
            problems.append(Problem(name, "is not a time", _TIME_ACCEPTED, given=text))
            return default


def _seconds_of(text: str) -> int:
    return microseconds_of(_OFFSET_WITHOUT_PLUS.sub("+", text)) // 1_000_000


def _raise_any(problems: Sequence[Problem]) -> None:
    if problems:
        raise InvalidRequestError(*problems)
