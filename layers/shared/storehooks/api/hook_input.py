"""The input for hooks: to create one (``NewHook``) and to change one (``HookChanges``).

It is separate from the stored form and the output. Unknown fields are refused by name, so that a typo is
noticed. Fields that only the service sets, and those that client libraries add, are ignored, so that a
response can be sent back unchanged.
"""

from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    StrictBool,
    StrictStr,
    ValidationError,
    ValidationInfo,
)

from storehooks.api.problems import problems_of
from storehooks.domain import destination, event_filter, headers, hook, rate, scope
from storehooks.domain.errors import InvalidFieldsError, InvalidValueError, NothingToChangeError, Problem

# The third version of the API carries events_history_enabled, and status in the list of `hooks/admin`.
READ_ONLY_FIELDS = frozenset(
    {
        "id",
        "store_hash",
        "client_id",
        "created_at",
        "updated_at",
        "events_history_enabled",
        "deactivated_at",
        "deactivation_reason",
        "paused_at",
        "status",
    }
)
# Fields that client libraries add to a hook: the official Ruby gem has update_at in its model.
LIBRARIES_FIELDS = frozenset({"update_at"})


def _check_destination(url: str, info: ValidationInfo) -> str:
    return destination.check_destination(url, allow_private=(info.context or {}).get("allow_private", False))


def _object_of_strings(given: object) -> object:
    """Headers in the form that pydantic accepts: PHP writes an empty object as an empty array.

    :raises InvalidValueError: with the name of a header whose value is not a string.
    """
    if given == []:
        return {}
    for name, value in given.items() if isinstance(given, dict) else ():
        if not isinstance(value, str):
            raise InvalidValueError(
                f"has a value that is not a string for {name[: headers.MAX_NAME_BYTES]!r}", headers.ACCEPTED
            )
    return given


def _check_filter(value: Any) -> event_filter.EventFilter | None:
    return None if value is None else event_filter.check_filter(value)


def _check_rate(value: Any) -> float | None:
    return None if value is None else rate.check_rate(value)


Scope = Annotated[StrictStr, AfterValidator(scope.check_scope)]
Destination = Annotated[StrictStr, AfterValidator(_check_destination)]
Headers = Annotated[
    dict[StrictStr, StrictStr], BeforeValidator(_object_of_strings), AfterValidator(headers.check_headers)
]
Filter = Annotated[Any, AfterValidator(_check_filter)]
Rate = Annotated[Any, AfterValidator(_check_rate)]


class _HookInput(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    @classmethod
    def parse(cls, body: dict[str, Any], *, allow_private: bool) -> Self:
        """Parse a JSON object.

        :raises InvalidFieldsError: with every problem in it.
        """
        ignored = READ_ONLY_FIELDS | LIBRARIES_FIELDS
        given = {field: value for field, value in body.items() if field not in ignored}
        try:
            return cls.model_validate(given, context={"allow_private": allow_private})
        except ValidationError as error:
            raise InvalidFieldsError(*problems_of(error, _accepted(allow_private=allow_private))) from None

    def fields(self) -> dict[str, Any]:
        """Only the given fields, by their names in :class:`storehooks.domain.hook.Hook`."""
        return {name: getattr(self, name) for name in self.model_fields_set}


class NewHook(_HookInput):
    """The input for a new hook."""

    scope: Scope
    destination: Destination
    headers: Headers | None = None
    is_active: StrictBool = False
    filter: Filter = None
    max_per_second: Rate = None
    is_paused: StrictBool = False

    @classmethod
    def parse(cls, body: dict[str, Any], *, allow_private: bool) -> Self:
        """Parse a JSON object. A pulled hook may have no rate."""
        new = super().parse(body, allow_private=allow_private)
        hook.check_rate_of(new.destination, new.max_per_second)
        return new


class HookChanges(_HookInput):
    """The fields of a hook to change; the others stay as they are."""

    # The defaults only make the fields optional: a field that was not given is left out.
    scope: Scope = ""
    destination: Destination = ""
    headers: Headers | None = None
    is_active: StrictBool = False
    filter: Filter = None
    max_per_second: Rate = None
    is_paused: StrictBool = False

    @classmethod
    def parse(cls, body: dict[str, Any], *, allow_private: bool) -> Self:
        """Parse a JSON object. It must change something."""
        changes = super().parse(body, allow_private=allow_private)
        if not changes.model_fields_set:
            raise NothingToChangeError(Problem("body", "changes nothing", f"one or more of {_FIELDS}"))
        return changes


def _accepted(*, allow_private: bool) -> dict[str, str]:
    return {
        "scope": f"a string: {scope.ACCEPTED}",
        "destination": f"a string: {destination.accepted(allow_private=allow_private)}",
        "headers": headers.ACCEPTED,
        "is_active": "true or false",
        "filter": event_filter.ACCEPTED,
        "max_per_second": rate.ACCEPTED,
        "is_paused": "true or false",
    }


_FIELDS = ", ".join(NewHook.model_fields)
