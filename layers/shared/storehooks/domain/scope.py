"""The scopes of events, and the scopes that a hook may subscribe to.

The catalogue is ``scopes.json`` beside this file: each scope that BigCommerce publishes or published, with
the example of its callback's ``data``. A scope there may contain the placeholder ``{channel_id}``; a hook or
an event has a channel's number in its place. Some scopes have a ``*`` in the middle, which is part of their
name.
"""

import json
import re
from functools import cache
from importlib import resources
from typing import Any

from storehooks.domain.errors import InvalidValueError

DELIVERY_EXCEPTION = "store/hook/deliveryException"
"""The scope of operational events. No wildcard matches it: a hook subscribes to it by its full name."""

ACCEPTED = (
    "a scope of the catalogue such as store/order/created, with a channel's number for {channel_id}, "
    "or a wildcard above one such as store/order/*"
)
EVENT_ACCEPTED = (
    "a scope of the catalogue such as store/order/created, with a channel's number for {channel_id}"
)

PUBLISHED_ACCEPTED = f"{EVENT_ACCEPTED}, but not {DELIVERY_EXCEPTION}"

_CHANNEL = re.compile(r"^store/channel/([1-9][0-9]{0,17})(?=/)", re.ASCII)
_PLACEHOLDER = "store/channel/{channel_id}"


@cache
def catalogue() -> dict[str, dict[str, Any]]:
    """Each scope of the catalogue, with its ``type``, ``example`` and ``since``."""
    text = resources.files(__package__).joinpath("scopes.json").read_text("utf-8")
    entries: dict[str, dict[str, Any]] = json.loads(text)
    return {scope: entry for scope, entry in entries.items() if not entry.get("wildcard")}


@cache
def wildcards() -> frozenset[str]:
    """Every wildcard ``.../*`` that matches a scope of the catalogue."""
    return frozenset(
        wildcard
        for scope in catalogue()
        if scope != DELIVERY_EXCEPTION
        for wildcard in wildcards_above(scope)
    )


def wildcards_above(scope: str) -> list[str]:
    """The wildcards that match a scope, from the narrowest to the widest.

    >>> wildcards_above("store/cart/lineItem/created")
    ['store/cart/lineItem/*', 'store/cart/*', 'store/*']
    """
    segments = scope.split("/")
    return ["/".join([*segments[:depth], "*"]) for depth in range(len(segments) - 1, 0, -1)]


def subscriptions_to(scope: str) -> list[str]:
    """The scopes whose hooks get an event of this scope: itself, and each wildcard that matches it."""
    return [scope] if scope == DELIVERY_EXCEPTION else [scope, *wildcards_above(scope)]


def check_event_scope(scope: str) -> str:
    """Check the scope of an event, and return it unchanged.

    :raises InvalidValueError: if no event may have it.
    """
    if "{" not in scope and _CHANNEL.sub(_PLACEHOLDER, scope) in catalogue():
        return scope
    reason = "is a wildcard; an event has one scope" if scope.endswith("*") else _refusal(scope)
    raise InvalidValueError(reason, EVENT_ACCEPTED, given=scope)


def check_published_scope(scope: str) -> str:
    """Check the scope that a publisher gave an event, and return it unchanged.

    :raises InvalidValueError: if publishers may not use it.
    """
    if scope == DELIVERY_EXCEPTION:
        raise InvalidValueError("is for storehooks' own events", PUBLISHED_ACCEPTED, given=scope)
    return check_event_scope(scope)


def published() -> dict[str, dict[str, Any]]:
    """The part of the catalogue that publishers may use."""
    return {scope: entry for scope, entry in catalogue().items() if scope != DELIVERY_EXCEPTION}


def check_scope(scope: str) -> str:
    """Check the scope of a hook, and return it unchanged.

    :raises InvalidValueError: if no hook may have it.
    """
    named = _CHANNEL.sub(_PLACEHOLDER, scope)
    # A scope with the placeholder itself is refused: it must have a channel's number.
    if "{" not in scope and (named in catalogue() or named in wildcards()):
        return scope
    raise InvalidValueError(_refusal(scope), ACCEPTED, given=scope)


def _refusal(scope: str) -> str:
    if scope in {"*", "*/*"}:
        return "is wider than a store: name store/* for all of a store's events"
    if scope == "store/hook/*":
        return f"is not a wildcard: name {DELIVERY_EXCEPTION} in full"
    if scope.startswith("store/channel/"):
        return "is not in the catalogue, or its channel is not a number"
    if scope.endswith("*"):
        return "stands above no scope of the catalogue"
    return "is not in the catalogue of scopes"
