"""Hooks as a response, in the version of the request."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from storehooks.api.response import Response
from storehooks.api.v2 import hook_to_v2
from storehooks.api.v3 import hooks_to_v3, one_hook_to_v3, pagination
from storehooks.api.version import Version
from storehooks.domain.errors import InvalidRequestError, Problem
from storehooks.domain.exact_json import dumps

if TYPE_CHECKING:
    from collections.abc import Sequence

    from storehooks.api.response_types import HookV2
    from storehooks.api.wanted import Page
    from storehooks.domain.hook import Hook, HookPage

# Less than storehooks.api.response.MAX_RESPONSE_BYTES: the rest is for the envelope.
_MAX_HOOKS_BYTES = 6_220_000
# So many of the largest hooks fit with the largest filters, whose quotes take four bytes each.
_FIT_SURELY = 180


def hook_response(version: Version, hook: Hook, *, is_new: bool = False) -> Response:
    """A hook that was created, read, changed or deleted. V3 responds to a create with 200 too."""
    if version is Version.V3:
        return Response(200, one_hook_to_v3(hook))
    return Response(201 if is_new else 200, hook_to_v2(hook))


def hooks_response(version: Version, found: HookPage, page: Page) -> Response:
    """A part of the list of hooks; V3 says how long the whole is, V2 does not.

    :raises InvalidRequestError: when they are more than a response can hold.
    """
    hooks = [hook_to_v2(hook) for hook in found.hooks]
    if len(hooks) > _FIT_SURELY and any("filter" in hook for hook in hooks):
        _check_size(hooks)
    if version is Version.V3:
        meta = pagination(page, total=found.total or 0, count=len(found.hooks))
        return Response(200, hooks_to_v3(found.hooks, meta))
    return Response(200, hooks)


def _check_size(hooks: Sequence[HookV2]) -> None:
    """Without filters, a page of the largest hooks fits into a response; with them it may not."""
    size = 0
    for number, hook in enumerate(hooks):
        # As it stands in Lambda's response: JSON as a string in JSON.
        size += len(json.dumps(dumps(hook), ensure_ascii=False).encode())
        if size > _MAX_HOOKS_BYTES:
            raise InvalidRequestError(
                Problem("limit", "asks for more than a response can hold", f"here a number up to {number}")
            )
