"""Whether a hook would get an event, and if not, why.

The checks are those of a published event (:func:`storehooks.domain.state_machine.new_deliveries`): the hook's
scope, status and filter.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from storehooks.domain.event_filter import MAX_STEPS, FilterTooLongError
from storehooks.domain.hook import Hook
from storehooks.domain.scope import subscriptions_to


class Code(StrEnum):
    """Why a hook does not get an event."""

    SCOPE = "scope"
    INACTIVE = "inactive"
    DEACTIVATED = "deactivated"
    PAUSED = "paused"
    FILTER = "filter"


@dataclass(frozen=True, slots=True)
class Explanation:
    """The first reason why a hook does not get an event; ``code`` is None if it gets it.

    A hook that gets the event although its filter could not decide has a ``reason`` only.
    """

    hook_id: int
    code: Code | None = None
    reason: str | None = None


def explain(hook: Hook, scope: str, callback: Mapping[str, Any]) -> Explanation:
    """Explain whether one hook of the event's store gets the event.

    :param callback: the body of the event's deliveries.
    """
    if hook.scope not in subscriptions_to(scope):
        return Explanation(hook.id, Code.SCOPE, f"its scope is {hook.scope}, and the event's is {scope}")
    if hook.status == "inactive":
        return Explanation(hook.id, Code.INACTIVE, "it is inactive")
    if hook.status == "deactivated":
        reason = f"failures deactivated it, so the event would be held: {hook.deactivation_reason}"
        return Explanation(hook.id, Code.DEACTIVATED, reason)
    if hook.is_paused and not hook.is_pulled:
        return Explanation(hook.id, Code.PAUSED, "it is paused, so the event would be held until it resumes")
    try:
        mismatch = hook.mismatch(callback)
    except FilterTooLongError:
        reason = f"its filter would take more than {MAX_STEPS:,} comparisons, so the event is sent unfiltered"
        return Explanation(hook.id, reason=reason)
    return Explanation(hook.id) if mismatch is None else Explanation(hook.id, Code.FILTER, str(mismatch))
