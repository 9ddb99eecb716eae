"""Whether a hook would get an event, and if not, why.

It asks what decides when an event is published (:func:`storehooks.domain.state_machine.new_deliveries`): a
hook's scope and status, and its filter.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

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
    """The first reason for which a hook does not get an event; none if it gets it."""

    hook_id: int
    code: Code | None = None
    reason: str | None = None


def explain(hook: Hook, scope: str, callback: Mapping[str, Any]) -> Explanation:
    """What becomes of an event for one hook of its store.

    :param callback: the body that the event's deliveries would have.
    """
    if hook.scope not in subscriptions_to(scope):
        return Explanation(hook.id, Code.SCOPE, f"its scope is {hook.scope}, and the event's is {scope}")
    if hook.status == "inactive":
        return Explanation(hook.id, Code.INACTIVE, "it is inactive")
    if hook.status == "deactivated":
        reason = f"failures deactivated it, so the event would be held: {hook.deactivation_reason}"
        return Explanation(hook.id, Code.DEACTIVATED, reason)
    if hook.is_paused:
        return Explanation(hook.id, Code.PAUSED, "it is paused, so the event would be held until it resumes")
    if (mismatch := hook.mismatch(callback)) is not None:
        return Explanation(hook.id, Code.FILTER, str(mismatch))
    return Explanation(hook.id)
