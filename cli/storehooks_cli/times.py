"""Times as people read and write them."""

from datetime import UTC, datetime, timedelta

import typer

from storehooks_cli.options import duration

_UNITS = ((24 * 60 * 60, "d"), (60 * 60, "h"), (60, "min"), (1, "s"))
_MOMENT_ACCEPTED = (
    "an ISO 8601 time with an offset, such as 2026-11-24T02:00:00Z, "
    "or how long ago in minutes, hours or days, such as 30m, 2h or 1d"
)


def moment(text: str) -> datetime:
    """When ``2026-11-24T02:00:00Z`` or ``2h`` (ago) was, as the parser of an option."""
    try:
        when = datetime.fromisoformat(text.upper())  # RFC 3339 takes a lower-case t and z
        if when.tzinfo is not None:
            return when.astimezone(UTC)
    except (ValueError, OverflowError):
        try:
            return datetime.now(UTC) - timedelta(seconds=duration(text))
        except (typer.BadParameter, OverflowError):
            pass
    raise typer.BadParameter(f"{text!r} is not a time; accepted: {_MOMENT_ACCEPTED}")


def local_time(iso: str) -> str:
    """A time of the API on the clock of this machine, to the second."""
    return datetime.fromisoformat(iso).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def relative_time(iso: str, now: datetime) -> str:
    """How far from now a time of the API is, in its largest unit: ``in 3 min``, ``2 h ago``."""
    seconds = round((datetime.fromisoformat(iso) - now).total_seconds())
    for size, unit in _UNITS:
        if (count := round(abs(seconds) / size)) and abs(seconds) >= size:
            return f"in {count} {unit}" if seconds > 0 else f"{count} {unit} ago"
    return "now"
