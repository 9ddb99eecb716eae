"""The settings that a client may change: its notification emails."""

from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, StrictStr, ValidationError

from storehooks.api.problems import problems_of
from storehooks.domain import email_address
from storehooks.domain.errors import InvalidFieldsError

READ_ONLY_FIELDS = frozenset({"hooks_list", "blocked_domains"})


class AdminChanges(BaseModel):
    """The addresses that replace the earlier ones; without any, no e-mails are sent."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    emails: Annotated[list[StrictStr], AfterValidator(email_address.check_addresses)]

    @classmethod
    def parse(cls, body: dict[str, Any]) -> Self:
        """Parse a JSON object.

        :raises InvalidFieldsError: with every problem in it.
        """
        given = {field: value for field, value in body.items() if field not in READ_ONLY_FIELDS}
        try:
            return cls.model_validate(given)
        except ValidationError as error:
            raise InvalidFieldsError(*problems_of(error, _ACCEPTED)) from None


_ACCEPTED = {"emails": email_address.ACCEPTED}
