"""Pydantic's errors as problems of the domain."""

from collections.abc import Mapping

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from storehooks.domain.errors import InvalidValueError, Problem
from storehooks.domain.event_filter import InvalidFilterError


def problems_of(error: ValidationError, accepted: Mapping[str, str], *, where: str = "") -> list[Problem]:
    """One problem per field: an element's wrong type is a problem of its array, and names the element.

    Each mistake in a filter is a problem of its own.

    :param accepted: all fields, with the accepted values of each.
    :param where: the prefix of field names, such as ``[3].`` for one object of an array.
    """
    found: dict[str, Problem] = {}
    within: list[Problem] = []
    for detail in error.errors(include_url=False):
        field = str(detail["loc"][0]) if detail["loc"] else "body"
        # A lone surrogate is not a character and could not be logged.
        field = field.encode(errors="replace").decode()
        cause = detail.get("ctx", {}).get("error")
        if isinstance(cause, InvalidFilterError):
            within += cause.problems
            continue
        found.setdefault(field, _problem(detail, field, accepted, where))
    return [*found.values(), *within]


def _problem(detail: ErrorDetails, field: str, accepted: Mapping[str, str], where: str) -> Problem:
    named = where + field
    if detail["type"] == "extra_forbidden":
        return Problem(named, "is unknown", ", ".join(accepted))
    if detail["type"] == "missing":
        return Problem(named, "is required", accepted[field])
    cause = detail.get("ctx", {}).get("error")
    if isinstance(cause, InvalidValueError):
        return Problem(named, cause.reason, cause.accepted, cause.given)
    if field not in accepted:
        return Problem(where.rstrip(".") or "body", "is not a JSON object", ", ".join(accepted))
    return Problem(named, f"has the wrong type{_within(detail['loc'][1:])}", accepted[field])


def _within(inner: tuple[int | str, ...]) -> str:
    """The position of an array's element. Other parts of pydantic's location are names of types."""
    return f" in [{inner[0]}]" if inner and isinstance(inner[0], int) else ""
