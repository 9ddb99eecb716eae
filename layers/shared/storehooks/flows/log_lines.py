"""Log lines of one kind, many at once: Powertools takes 50 us for each line that it makes."""

import logging
import sys
from collections.abc import Iterable, Mapping
from typing import Any, cast

import orjson
from aws_lambda_powertools import Logger


def info_lines(logger: Logger, message: str, lines: Iterable[Mapping[str, Any]]) -> None:
    """Log a message once for each of these, in one write, as ``logger.info`` does it one by one.

    Powertools makes what all have in common: the level, the time, the keys of the invocation.

    :param lines: by line, the keys that it has besides. None is left out.
    """
    if logger.log_level > logging.INFO:
        return
    caller = sys._getframe(1)  # noqa: SLF001 - as logging does
    record = logging.LogRecord(
        logger.name or "", logging.INFO, "", caller.f_lineno, message, None, None, caller.f_code.co_name
    )
    handler = cast("logging.StreamHandler[Any]", logger.registered_handler)
    try:
        common = handler.format(record).removesuffix("}")
        handler.stream.write("".join(f"{common},{_without_none(keys)[1:]}\n" for keys in lines))
        handler.flush()
    # As handlers do: what cannot be written stops nothing.
    except (OSError, ValueError, orjson.JSONEncodeError):
        handler.handleError(record)


def _without_none(keys: Mapping[str, Any]) -> str:
    kept = {name: value for name, value in keys.items() if value is not None}
    return orjson.dumps(kept, default=str).decode()
