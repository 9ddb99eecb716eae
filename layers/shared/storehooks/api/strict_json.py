"""JSON as RFC 8259 has it, and nothing that a lenient parser would take besides."""

import json
from typing import Any, NoReturn


class RefusedJsonError(ValueError):
    """Why a text is refused, in words that follow "the body"."""


def strict_json(raw: bytes | str) -> Any:
    """The value of a JSON text in UTF-8.

    :raises RefusedJsonError: when it is none, names a member twice, or holds what could be
        neither stored nor sent on: a lone surrogate, a number too long to read.
    """
    try:
        text = raw.decode("utf-8") if isinstance(raw, bytes) else raw
        value = json.loads(text, object_pairs_hook=_unique_members, parse_constant=_refuse_constant)
        # A lone surrogate, escaped in JSON, is no character.
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeError:
        raise RefusedJsonError("is not UTF-8") from None
    except json.JSONDecodeError as error:
        place = f"line {error.lineno} column {error.colno}"
        raise RefusedJsonError(f"is not JSON: {error.msg} at {place}" if raw else "is empty") from None
    except RecursionError:
        raise RefusedJsonError("is nested too deeply") from None
    except RefusedJsonError:
        raise
    except ValueError:  # int() gives up at 4300 digits
        raise RefusedJsonError("has a number of too many digits") from None
    return value


def _unique_members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members: dict[str, Any] = {}
    for name, value in pairs:
        if name in members:
            raise RefusedJsonError(f"has the member {name[:64]!r} twice")
        members[name] = value
    return members


def _refuse_constant(name: str) -> NoReturn:
    raise RefusedJsonError(f"has the number {name}, which JSON does not know")
