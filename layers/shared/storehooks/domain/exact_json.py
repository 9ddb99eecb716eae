"""JSON whose numbers keep the digits that they were written with.

A float has 17 digits and one form: with the module ``json`` alone, 1.50 becomes 1.5, and 1e-400 becomes 0.0.
A number that survives is an int or a float, as usual; the few others are a :class:`Number`.
"""

import json
import math
from dataclasses import dataclass
from typing import Any, NoReturn

MAX_NUMBER_LENGTH = 4300
"""Characters of a number. Python reads no integer with more digits."""


@dataclass(frozen=True, slots=True)
class Number:
    """A number as it was written. It is not a float, because the module ``json`` would write that anew."""

    literal: str


def read_float(literal: str) -> float | Number:
    """The value of a number with a fraction or an exponent.

    :raises ValueError: over :data:`MAX_NUMBER_LENGTH`.
    """
    if len(literal) > MAX_NUMBER_LENGTH:
        raise ValueError("a number of too many digits")
    value = float(literal)
    return value if repr(value) == literal else Number(literal)


def read_int(literal: str) -> int | Number:
    """The value of a number without fraction and exponent.

    :raises ValueError: over 4300 digits.
    """
    return Number(literal) if literal == "-0" else int(literal)


def loads(text: str) -> Any:
    """The value of a JSON text.

    :raises ValueError: if it is not JSON.
    """
    return _READER.decode(text)


def dumps(value: object, *, in_ascii: bool = False) -> str:
    """JSON without spaces; characters outside ASCII are escaped only with ``in_ascii``.

    :raises ValueError: for NaN or an infinite number, which JSON does not have.
    """
    writer = _ASCII_WRITER if in_ascii else _WRITER
    try:
        return writer.encode(value)
    except TypeError:  # a Number, which that writer cannot keep as it is
        return _written(value, writer)


def decimal_value(number: float | Number) -> int | float | Number:
    """One form for all numbers with the same decimal value: 250.0 is 250, 1E+2 is 100, 1.50 is 1.5, -0 is 0.

    The result is an int if it is whole and not too long, a float if that keeps its digits, or else a
    :class:`Number`. A number that is not finite is returned unchanged.
    """
    if isinstance(number, float) and not math.isfinite(number):
        return number
    literal = number.literal if isinstance(number, Number) else repr(number)
    sign, digits, power = parts = _decimal_parts(literal)
    if not digits:
        return 0
    if 0 <= power <= MAX_NUMBER_LENGTH - len(digits):
        return int(f"{sign}{digits}{'0' * power}")
    form = f"{sign}{digits}e{power}"
    shortest = float(form)
    return shortest if _decimal_parts(repr(shortest)) == parts else Number(form)


def _decimal_parts(literal: str) -> tuple[str, str, int]:
    """The sign, the digits without zeros at either end, and the power of ten to multiply them by."""
    sign = "-" if literal.startswith("-") else ""
    mantissa, _, exponent = literal.removeprefix("-").lower().partition("e")
    whole, _, fraction = mantissa.partition(".")
    written = whole + fraction
    digits = written.rstrip("0")
    return sign, digits.lstrip("0"), int(exponent or 0) - len(fraction) + len(written) - len(digits)


def _written(value: object, writer: json.JSONEncoder) -> str:
    match value:
        case Number():
            return value.literal
        case dict():
            return (
                "{" + ",".join([f"{writer.encode(k)}:{_written(v, writer)}" for k, v in value.items()]) + "}"
            )
        case list() | tuple():
            return "[" + ",".join([_written(one, writer) for one in value]) + "]"
        case int() if not isinstance(value, bool):
            return int.__repr__(value)  # as the writer does, without its set-up for each call
        case _:
            return writer.encode(value)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)


_READER = json.JSONDecoder(parse_float=read_float, parse_int=read_int, parse_constant=_refuse_constant)
_WRITER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))
_ASCII_WRITER = json.JSONEncoder(allow_nan=False, separators=(",", ":"))
