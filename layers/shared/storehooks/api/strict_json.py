"""JSON exactly as in RFC 8259, without the extensions of lenient parsers."""

import json
from typing import Any, NoReturn

from storehooks.domain.exact_json import dumps, read_float, read_int

_BOM = "\ufeff"


class RefusedJsonError(ValueError):
    """A text is refused. The message follows the words "the body"."""


def strict_json(raw: bytes | str) -> Any:
    """The value of a JSON text in UTF-8; numbers keep their digits, see :mod:`storehooks.domain.exact_json`.

    A byte order mark before it is ignored, as section 8.1 of RFC 8259 allows.

    :raises RefusedJsonError: if it is not JSON, names a member twice, or contains a value that could be
        neither stored nor sent: a lone surrogate, or a number with too many digits.
    """
    try:
        text = (raw if isinstance(raw, bytes) else raw.encode()).decode().removeprefix(_BOM)
        value = _READER.decode(text)
        if "\\u" in text:  # a lone surrogate, escaped in JSON, is not a character
            dumps(value).encode()
    except UnicodeDecodeError:
        raise RefusedJsonError("is not UTF-8") from None
    except UnicodeEncodeError:
        raise RefusedJsonError("has a lone surrogate, which is not a character") from None
    except json.JSONDecodeError as error:
        raise RefusedJsonError(_why_not_json(text, error)) from None
    except RecursionError:
        raise RefusedJsonError("is nested too deeply") from None
    except RefusedJsonError:
        raise
    except ValueError:  # from reading a number
        raise RefusedJsonError("has a number of too many digits") from None
    return value


def _why_not_json(text: str, error: json.JSONDecodeError) -> str:
    if not text:
        return "is empty"
    if "\0" in text:  # as every second byte of UTF-16 is, of letters and digits
        return "is not JSON in UTF-8: it has null bytes, as UTF-16 and UTF-32 have"
    return f"is not JSON: {error.msg} at line {error.lineno} column {error.colno}"


def _unique_members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members: dict[str, Any] = {}
    for name, value in pairs:
        if name in members:
            raise RefusedJsonError(f"has the member {name[:64]!r} twice")
        members[name] = value
    return members


def _refuse_constant(name: str) -> NoReturn:
    raise RefusedJsonError(f"has the number {name}, which JSON does not know")


_READER = json.JSONDecoder(
    object_pairs_hook=_unique_members,
    parse_constant=_refuse_constant,
    parse_float=read_float,
    parse_int=read_int,
)
