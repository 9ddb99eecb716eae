"""Whole numbers as JSON has them."""

from typing import Annotated

from pydantic import BeforeValidator, StrictInt

from storehooks.domain.exact_json import Number, decimal_value


def _whole(value: object) -> object:
    """An integer, which may be written as 250.0 or 2.5e2: in JSON these are the same number."""
    return decimal_value(value) if isinstance(value, float | Number) else value


Whole = Annotated[StrictInt, BeforeValidator(_whole)]
