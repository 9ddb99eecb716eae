"""The retry schedule: when a failed delivery is attempted again."""

import re
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime

from storehooks.domain.errors import InvalidValueError

BIGCOMMERCE_SCHEDULE = "60,180,300,600,900,1800,3600,7200,21600,50400,86400"
"""BigCommerce's schedule: 11 retries over 48 hours and 4 minutes."""

_ACCEPTED = "up to 30 numbers of seconds from 1 to 999999 between commas, as in 60,300,3600"
_SLOTS = re.compile(r"[1-9][0-9]{0,5}(?:,[1-9][0-9]{0,5}){0,29}", re.ASCII)
_SECONDS = re.compile(r"[0-9]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class RetrySchedule:
    """The seconds to wait after each failed attempt except the last."""

    slots: tuple[int, ...]

    @classmethod
    def parse(cls, text: str) -> "RetrySchedule":
        """Read ``60,180,...``.

        :raises InvalidValueError: if the text is not such a list.
        """
        compact = text.replace(" ", "")
        if not _SLOTS.fullmatch(compact):
            raise InvalidValueError("is not a retry schedule", _ACCEPTED, given=text)
        return cls(tuple(int(slot) for slot in compact.split(",")))

    def wait_after(self, attempts: int, *, retry_after: str | None, now: float) -> float | None:
        """Seconds to wait after this many failed attempts; None if that was the last.

        A ``Retry-After`` of the destination moves the next attempt to between one and two slots, as Svix
        does: sooner would break the schedule, and later could outlast it.
        """
        if attempts > len(self.slots):
            return None
        slot = self.slots[attempts - 1]
        asked = _seconds(retry_after, now)
        return slot if asked is None else min(max(asked, slot), 2.0 * slot)

    def slot_before(self, attempt: int) -> int:
        """Seconds of the wait before an attempt, counted from 1; for the first, of the wait after it."""
        # If a longer schedule was in force, there may be more attempts than this schedule has.
        return self.slots[min(max(attempt - 2, 0), len(self.slots) - 1)]


def _seconds(retry_after: str | None, now: float) -> float | None:
    """The seconds that ``Retry-After`` asks for, in either of its forms (RFC 9110, 10.2.3).

    A date may have any of its three forms (RFC 9110, 5.6.7). One that names no zone is GMT.
    """
    if retry_after is None:
        return None
    text = retry_after.strip()
    if _SECONDS.fullmatch(text):
        return float(text)  # infinite if it has more digits than a number may have
    try:
        date = parsedate_to_datetime(text)
        return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp() - now
    except (ValueError, OverflowError, OSError):
        return None
