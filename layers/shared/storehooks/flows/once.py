"""Does a thing once that several processes may be asked to do: claim it, do it, confirm it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger

from storehooks.domain.errors import TransientError

if TYPE_CHECKING:
    from storehooks.flows.ports import Claims

logger = Logger(utc=True)


def do_once(
    claims: Claims,
    what: str,
    do: Callable[[], None],
    *,
    for_seconds: int,
    report: Callable[..., None] = logger.warning,
    **keys: Any,
) -> bool:
    """Call ``do``, unless that was done within ``for_seconds`` or is under way. Return whether it was called.

    If ``do`` fails, the claim expires, and a repeat does it. If only the confirmation fails, a repeat may do
    it again.

    :param report: called with a message, the error and ``keys`` if the confirmation fails.
    :raises TransientError: if the claim failed; also anything that ``do`` raises.
    """
    if not claims.claim(what):
        return False
    do()
    try:
        claims.confirm(what, for_seconds=for_seconds)
    except TransientError as error:
        report("not remembered", error=repr(error), **keys)
    return True
