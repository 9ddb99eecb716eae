"""Hooks as a response, in the version of the request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storehooks.api.response import Response
from storehooks.api.v2 import hook_to_v2
from storehooks.api.v3 import hooks_to_v3, one_hook_to_v3, pagination
from storehooks.api.version import Version

if TYPE_CHECKING:
    from storehooks.api.wanted import Page
    from storehooks.domain.hook import Hook, HookPage
    from storehooks.domain.identity import Caller


def seen_by(caller: Caller, hook: Hook) -> Hook:
    """A hook as this caller may see it."""
    return hook if caller.sees_header_values else hook.without_header_values()


def hook_response(
    version: Version, hook: Hook, *, is_new: bool = False, recovery_id: str | None = None
) -> Response:
    """A hook that was created, read, changed or deleted. V3 responds to a create with 200 too.

    :param recovery_id: the recovery that a resumption has started, for the header ``Location``.
    """
    headers = {} if recovery_id is None else {"Location": _recovery_path(hook, recovery_id)}
    if version is Version.V3:
        return Response(200, one_hook_to_v3(hook), headers)
    return Response(201 if is_new else 200, hook_to_v2(hook), headers)


def _recovery_path(hook: Hook, recovery_id: str) -> str:
    """The path of a recovery, in the only version that has recoveries."""
    return f"/stores/{hook.store_hash}/v2/hooks/{hook.id}/recoveries/{recovery_id}"


def hooks_response(version: Version, found: HookPage, page: Page, caller: Caller) -> Response:
    """A page of the list of hooks; V3 includes the total, V2 does not.

    A header names the OAuth scopes of the caller's token, so that the console offers only allowed actions.
    """
    hooks = [seen_by(caller, hook) for hook in found.hooks]
    headers = {"X-OAuth-Scopes": ", ".join(sorted(caller.oauth_scopes))}
    if version is Version.V3:
        meta = pagination(page, total=found.total or 0, count=len(hooks))
        return Response(200, hooks_to_v3(hooks, meta), headers)
    return Response(200, [hook_to_v2(hook) for hook in hooks], headers)
