"""What has to happen for a client to have the hooks of a file, in an order that no limit stops."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from storehooks.domain.hook import MAX_HOOKS_PER_SCOPE
from storehooks_cli.hook_file import WantedHook, has_hidden_headers, identity_of

type Action = Literal["create", "change", "remove"]

type ApiHook = Mapping[str, Any]
"""A hook as the API shows it."""


class NoPlanError(Exception):
    """There is no plan; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One request to the API. ``body`` may hold credentials, ``fields`` does not.

    :ivar hook_id: None of a hook that is to be created.
    :ivar filter: as a JSON value; None if the hook has none.
    :ivar fields: of a change, what becomes of each field, in words; of a creation, what the hook has.
    """

    action: Action
    hook_id: int | None
    scope: str
    destination: str
    filter: Any
    fields: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The steps in their order.

    :ivar unlisted: hooks that the file does not have and that stay.
    :ivar deactivated: hooks of the file that failures have deactivated and that stay so.
    :ivar hooks_by_scope: how many hooks the client has before the first step.
    """

    steps: tuple[Step, ...]
    unlisted: tuple[ApiHook, ...]
    deactivated: tuple[ApiHook, ...]
    hooks_by_scope: Mapping[str, int]


def make_plan(wanted: Sequence[WantedHook], existing: Sequence[ApiHook], *, prune: bool) -> Plan:
    """What has to happen for ``existing`` to become ``wanted``.

    :param prune: whether hooks that the file does not have are removed.
    :raises NoPlanError: when headers cannot be compared, or a scope would have too many hooks.
    """
    found = {identity_of(hook): hook for hook in existing}
    listed = {hook.identity for hook in wanted}
    unlisted = [hook for identity, hook in found.items() if identity not in listed]
    kept = [(hook, found[hook.identity]) for hook in wanted if hook.identity in found]
    _check_headers_are_shown(hook for _, hook in kept)
    steps = [_creation(hook) for hook in wanted if hook.identity not in found]
    steps += [step for hook, known in kept if (step := _change(hook, known)) is not None]
    if prune:
        steps += [_removal(hook) for hook in unlisted]
    else:
        _check_room(wanted, unlisted)
    hooks_by_scope = Counter(hook["scope"] for hook in existing)
    return Plan(
        steps=tuple(in_order(steps, hooks_by_scope)),
        unlisted=() if prune else tuple(unlisted),
        deactivated=tuple(hook for one, hook in kept if one.is_active is None and "deactivated_at" in hook),
        hooks_by_scope=hooks_by_scope,
    )


def in_order(steps: Iterable[Step], hooks_by_scope: Mapping[str, int], room: float = math.inf) -> list[Step]:
    """Creations, changes and removals, so that no event is missed between a hook and what replaces it.

    Where a limit leaves no room for a hook, another one is removed before it is created.

    :param hooks_by_scope: how many hooks the client has before the first of these steps.
    :param room: how many more hooks it may have.
    """
    steps = list(steps)
    numbers = Counter(hooks_by_scope)
    removals = [step for step in steps if step.action == "remove"]
    ordered: list[Step] = []
    for step in steps:
        if step.action != "create":
            continue
        of_scope = [removal for removal in removals if removal.scope == step.scope]
        is_scope_full = numbers[step.scope] >= MAX_HOOKS_PER_SCOPE
        if is_scope_full or room < 1:
            candidates = of_scope if is_scope_full else of_scope or removals
            for removal in candidates[:1]:
                removals.remove(removal)
                numbers[removal.scope] -= 1
                room += 1
                ordered.append(removal)
        ordered.append(step)
        numbers[step.scope] += 1
        room -= 1
    return [*ordered, *(step for step in steps if step.action == "change"), *removals]


def _check_headers_are_shown(hooks: Iterable[ApiHook]) -> None:
    hidden = [str(hook["id"]) for hook in hooks if has_hidden_headers(hook)]
    if hidden:
        raise NoPlanError(
            f"this token does not see the values of headers (hooks {', '.join(hidden)}), so they cannot be "
            "compared with those of the file; use a token that may change hooks"
        )


def _check_room(wanted: Iterable[WantedHook], unlisted: Iterable[ApiHook]) -> None:
    listed = Counter(hook.scope for hook in wanted)
    others: dict[str, list[str]] = {}
    for hook in unlisted:
        others.setdefault(hook["scope"], []).append(str(hook["id"]))
    for scope, number in listed.items():
        ids = others.get(scope, [])
        if number + len(ids) > MAX_HOOKS_PER_SCOPE:
            raise NoPlanError(
                f"{scope} would have {number + len(ids)} hooks, {number} of the file and {len(ids)} that the "
                f"file does not have ({', '.join(ids)}); at most {MAX_HOOKS_PER_SCOPE} are accepted: "
                "--prune removes the others"
            )


def _creation(hook: WantedHook) -> Step:
    body: dict[str, Any] = {
        "scope": hook.scope,
        "destination": hook.destination,
        "is_active": hook.is_active is not False,
    }
    fields: dict[str, str] = {}
    if hook.headers:
        body["headers"] = dict(hook.headers)
        fields["headers"] = ", ".join(hook.headers)
    if hook.filter is not None:
        body["filter"] = hook.filter_json
    if hook.max_per_second is not None:
        body["max_per_second"] = hook.max_per_second
        fields["max_per_second"] = str(hook.max_per_second)
    if hook.is_active is False:
        fields["is_active"] = "false"
    if hook.is_paused:
        body["is_paused"] = True
        fields["is_paused"] = "true"
    return Step(
        action="create",
        hook_id=None,
        scope=hook.scope,
        destination=hook.destination,
        filter=hook.filter_json,
        fields=fields,
        body=body,
    )


def _change(wanted: WantedHook, known: ApiHook) -> Step | None:
    """How a hook becomes what the file wants; None if it is that."""
    body: dict[str, Any] = {}
    fields: dict[str, str] = {}
    headers = known["headers"] or {}
    if wanted.headers != headers:
        body["headers"] = dict(wanted.headers) or None
        fields["headers"] = ", ".join(_header_changes(headers, wanted.headers))
    rate = known.get("max_per_second")
    if wanted.max_per_second != rate:
        body["max_per_second"] = wanted.max_per_second
        fields["max_per_second"] = f"{_shown(rate)} -> {_shown(wanted.max_per_second)}"
    # A deactivated hook is neither: its events are held for it.
    activity = "deactivated" if "deactivated_at" in known else _shown(known["is_active"])
    if wanted.is_active is not None and _shown(wanted.is_active) != activity:
        body["is_active"] = wanted.is_active
        fields["is_active"] = f"{activity} -> {_shown(wanted.is_active)}"
    is_paused = known.get("is_paused", False)
    if wanted.is_paused is not None and wanted.is_paused != is_paused:
        body["is_paused"] = wanted.is_paused
        fields["is_paused"] = f"{_shown(is_paused)} -> {_shown(wanted.is_paused)}"
    return _of("change", known, fields, body) if body else None


def _removal(known: ApiHook) -> Step:
    return _of("remove", known, {}, {})


def _of(
    action: Literal["change", "remove"], known: ApiHook, fields: dict[str, str], body: dict[str, Any]
) -> Step:
    return Step(
        action=action,
        hook_id=known["id"],
        scope=known["scope"],
        destination=known["destination"],
        filter=known.get("filter"),
        fields=fields,
        body=body,
    )


def _header_changes(old: Mapping[str, str], new: Mapping[str, str]) -> list[str]:
    """What becomes of each header, without its values."""
    return [
        *(f"{name} added" for name in new if name not in old),
        *(f"{name} changed" for name in new if name in old and new[name] != old[name]),
        *(f"{name} removed" for name in old if name not in new),
    ]


def _shown(value: float | None) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "none" if value is None else str(value)
