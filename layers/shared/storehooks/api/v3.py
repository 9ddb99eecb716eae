"""Hooks, lists and errors as version 3 of the API shows them: in an envelope, times as seconds since 1970."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from storehooks.domain.errors import InvalidRequestError, Problem
from storehooks.domain.exact_json import loads

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from storehooks.api.response_types import (
        AdminAnswerV3,
        ErrorV3,
        EventsAnswerV3,
        HookAnswerV3,
        HooksAnswerV3,
        HookV3,
        LinksV3,
        PageMetaV3,
    )
    from storehooks.api.wanted import Page
    from storehooks.domain.hook import Hook

# The value that BigCommerce has in every error.
_ERROR_TYPE = "https://developer.bigcommerce.com/api-docs/getting-started/api-status-codes"

# Less than storehooks.api.response.MAX_RESPONSE_BYTES: the rest is for the envelope.
_MAX_EVENT_BYTES = 6_000_000


def hook_to_v3(hook: Hook) -> HookV3:
    """The ten fields of a V3 hook, two more while it is deactivated or paused, filter and rate if any."""
    shown: HookV3 = {
        "id": hook.id,
        "client_id": hook.client_id,
        "store_hash": hook.store_hash,
        "scope": hook.scope,
        "destination": hook.destination,
        "headers": None if hook.headers is None else dict(hook.headers),
        "is_active": hook.is_active,
        "created_at": hook.created_at,
        "updated_at": hook.updated_at,
        "events_history_enabled": False,
    }
    if hook.deactivated_at is not None:
        shown["deactivated_at"] = hook.deactivated_at
        shown["deactivation_reason"] = hook.deactivation_reason or ""
    if hook.paused_at is not None:
        shown["is_paused"] = True
        shown["paused_at"] = hook.paused_at
    if hook.filter is not None:
        shown["filter"] = loads(hook.filter.text)
    if hook.max_per_second is not None:
        shown["max_per_second"] = hook.max_per_second
    return shown


def one_hook_to_v3(hook: Hook) -> HookAnswerV3:
    """A hook in its envelope."""
    return {"data": hook_to_v3(hook), "meta": {}}


def hooks_to_v3(hooks: Sequence[Hook], meta: PageMetaV3) -> HooksAnswerV3:
    """A page of hooks."""
    return {"data": [hook_to_v3(hook) for hook in hooks], "meta": meta}


def admin_to_v3(emails: Sequence[str], hooks: Sequence[Hook], meta: PageMetaV3) -> AdminAnswerV3:
    """A client's notification emails, and a page of its hooks with their status.

    No domain is ever blocked: a hook that fails is slowed down by itself.
    """
    return {
        "data": {
            "emails": list(emails),
            "hooks_list": [{**hook_to_v3(hook), "status": hook.status} for hook in hooks],
            "blocked_domains": [],
        },
        "meta": meta,
    }


def events_to_v3(payloads: Sequence[str], meta: PageMetaV3) -> EventsAnswerV3:
    """A page of events as their callbacks have them.

    :raises InvalidRequestError: when they are more than a response can hold.
    """
    size = 0
    for number, payload in enumerate(payloads):
        # Its size in Lambda's response: JSON within a JSON string.
        size += len(json.dumps(payload, ensure_ascii=False).encode())
        if size > _MAX_EVENT_BYTES:
            raise InvalidRequestError(
                Problem("limit", "asks for more than a response can hold", f"here a number up to {number}")
            )
    return {"data": [loads(payload) for payload in payloads], "meta": meta}


def pagination(page: Page, *, total: int, count: int) -> PageMetaV3:
    """The ``meta`` of a page, with links to the previous and the next page if they exist.

    Beyond the end of a list, the previous page is its last one; an empty list has none.

    :param count: the number of items on this page.
    """
    pages = math.ceil(total / page.size)
    links: LinksV3 = {"current": _link(page, page.number)}
    if previous := min(page.number - 1, pages):
        links = {"previous": _link(page, previous), **links}
    if page.number < pages:
        links["next"] = _link(page, page.number + 1)
    return {
        "pagination": {
            "total": total,
            "count": count,
            "per_page": page.size,
            "current_page": page.number,
            "total_pages": pages,
            "links": links,
        }
    }


def error_to_v3(status: int, title: str, errors: Mapping[str, str]) -> ErrorV3:
    """An error; ``errors`` has the problem of each field."""
    shown: ErrorV3 = {"status": status, "title": title, "type": _ERROR_TYPE}
    if errors:
        shown["errors"] = dict(errors)
    return shown


def _link(page: Page, number: int) -> str:
    return "?" + urlencode({"page": number, "limit": page.size, **page.given}, errors="replace")
