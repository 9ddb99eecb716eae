"""Times in ISO 8601 with an offset, which includes RFC 3339."""

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def to_iso(microseconds: int) -> str:
    """The time as text, in UTC.

    :param microseconds: since 1970.
    """
    return (_EPOCH + microseconds * _MICROSECOND).isoformat()


def microseconds_of(text: str) -> int:
    """The time in microseconds since 1970; below 0 when it is before that.

    :raises ValueError: if it is not a time, or has no offset.
    """
    # RFC 3339 accepts a lower-case t and z; Python accepts only the t.
    time = datetime.fromisoformat(text.upper())
    if time.tzinfo is None:
        raise ValueError("without an offset")
    return (time - _EPOCH) // _MICROSECOND
