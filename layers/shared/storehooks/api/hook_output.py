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


def hook_response(version: Version, hook: Hook, *, is_new: bool = False) -> Response:
    """A hook that was created, read, changed or deleted. V3 responds to a create with 200 too."""
    if version is Version.V3:
        return Response(200, one_hook_to_v3(hook))
    return Response(201 if is_new else 200, hook_to_v2(hook))


def hooks_response(version: Version, found: HookPage, page: Page) -> Response:
    """A part of the list of hooks; V3 says how long the whole is, V2 does not."""
    if version is Version.V3:
        meta = pagination(page, total=found.total or 0, count=len(found.hooks))
        return Response(200, hooks_to_v3(found.hooks, meta))
    return Response(200, [hook_to_v2(hook) for hook in found.hooks])
