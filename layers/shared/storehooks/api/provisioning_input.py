"""The input of the admin API: a client's name, the rotation of its secret, its tokens and portal links."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, StrictBool, StrictStr, ValidationError

from storehooks.api.problems import problems_of
from storehooks.api.whole_number import Whole
from storehooks.domain import portal_link
from storehooks.domain.client import (
    MAX_OVERLAP_HOURS,
    MAX_TOKEN_SECONDS,
    MIN_TOKEN_SECONDS,
    NAME_ACCEPTED,
    check_name,
)
from storehooks.domain.errors import InvalidFieldsError, InvalidValueError
from storehooks.domain.identity import OAUTH_SCOPES, check_oauth_scope

_OVERLAP_ACCEPTED = f"a whole number from 0 to {MAX_OVERLAP_HOURS}"
_SCOPES_ACCEPTED = f"a non-empty array of {' or '.join(OAUTH_SCOPES)}"
_LINK_ACCEPTED = f"a whole number from {portal_link.MIN_SECONDS} to {portal_link.MAX_SECONDS}"
_EXPIRY_ACCEPTED = f"null or a whole number from {MIN_TOKEN_SECONDS} to {MAX_TOKEN_SECONDS}"


def check_overlap_hours(hours: int) -> int:
    """Check a number, and return it unchanged.

    :raises InvalidValueError: if it is out of range.
    """
    return _within(hours, 0, MAX_OVERLAP_HOURS, _OVERLAP_ACCEPTED)


def check_expiry(seconds: int) -> int:
    """Check a number, and return it unchanged.

    :raises InvalidValueError: if it is out of range.
    """
    return _within(seconds, MIN_TOKEN_SECONDS, MAX_TOKEN_SECONDS, _EXPIRY_ACCEPTED)


def check_link_expiry(seconds: int) -> int:
    """Check a number, and return it unchanged.

    :raises InvalidValueError: if it is out of range.
    """
    return _within(seconds, portal_link.MIN_SECONDS, portal_link.MAX_SECONDS, _LINK_ACCEPTED)


def check_oauth_scopes(given: list[str]) -> list[str]:
    """Check OAuth scopes, and return them without repeats.

    :raises InvalidValueError: if there are none, or one is unknown.
    """
    if not given:
        raise InvalidValueError("is an empty array", _SCOPES_ACCEPTED)
    return [check_oauth_scope(one) for one in given]


class _Input(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)
    _accepted: ClassVar[Mapping[str, str]]

    @classmethod
    def parse(cls, body: dict[str, Any]) -> Self:
        """Parse a JSON object.

        :raises InvalidFieldsError: with every problem in it.
        """
        try:
            return cls.model_validate(body)
        except ValidationError as error:
            raise InvalidFieldsError(*problems_of(error, cls._accepted)) from None


class ClientChanges(_Input):
    """The settings of a client."""

    _accepted = {"name": NAME_ACCEPTED}

    name: Annotated[StrictStr, AfterValidator(check_name)]


class SecretRotation(_Input):
    """The hours for which the former secret signs as well."""

    _accepted = {"overlap_hours": _OVERLAP_ACCEPTED}

    overlap_hours: Annotated[Whole, AfterValidator(check_overlap_hours)]


class TokenWanted(_Input):
    """The OAuth scopes and the lifetime of a token; it never expires by default."""

    _accepted = {"oauth_scopes": _SCOPES_ACCEPTED, "expires_in_seconds": _EXPIRY_ACCEPTED}

    oauth_scopes: Annotated[list[StrictStr], AfterValidator(check_oauth_scopes)]
    expires_in_seconds: Annotated[Whole, AfterValidator(check_expiry)] | None = None

    def expires_at(self, now: int) -> int | None:
        """When the token expires, in seconds since 1970; None if never."""
        return None if self.expires_in_seconds is None else now + self.expires_in_seconds


class PortalLinkWanted(_Input):
    """The lifetime of a portal link, and whether it is read-only."""

    _accepted = {"expires_in_seconds": _LINK_ACCEPTED, "read_only": "true or false"}

    expires_in_seconds: Annotated[Whole, AfterValidator(check_link_expiry)]
    read_only: StrictBool = True

    def expires_at(self, now: int) -> int:
        """When the link expires, in seconds since 1970."""
        return now + self.expires_in_seconds


def _within(number: int, least: int, most: int, accepted: str) -> int:
    if not least <= number <= most:
        raise InvalidValueError("is not a number in range", accepted, given=str(number))
    return number
