"""A file with a client's hooks: YAML that people keep in a repository, or JSON, which is YAML too.

::

    hooks:
      - scope: store/order/*
        destination: https://app.example.com/orders
        headers: {X-Key: "${ORDERS_KEY}"}

A hook has the fields of the API. Without ``headers``, ``filter`` or ``max_per_second`` it has none. Without
``is_active`` or ``is_paused`` it stays as it is, and a new one is active: those change while it is in use.
In the value of a header ``${NAME}`` is an environment variable, and ``$${`` stands for ``${``.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from storehooks.api.hook_input import NewHook
from storehooks.domain.destination import destination_digest
from storehooks.domain.errors import InvalidFieldsError
from storehooks.domain.event_filter import EventFilter, canonical
from storehooks.domain.exact_json import loads
from storehooks.domain.hook import MAX_HOOKS_PER_SCOPE
from storehooks_cli.strict_yaml import (
    Block,
    InvalidYamlError,
    YamlDocument,
    YamlProblem,
    read_yaml,
    write_yaml,
)

HIDDEN = "***"
"""What a token that may only read sees instead of a header's value."""

FIELDS = tuple(NewHook.model_fields)
"""What a hook of a file may have."""

type HookIdentity = tuple[str, str, str | None]
"""What is equal for two hooks of a client exactly when there may be only one of them, as in
:func:`storehooks.domain.hook.hook_digest`: scope, destination in its canonical form, filter."""

_VARIABLE = re.compile(r"\$\$\{|\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)\}|\$\{", re.ASCII)
_ONE_HOOKS = f"an object with {', '.join(FIELDS)}"


class InvalidHookFileError(ValueError):
    """A file is refused. ``problems`` says why, in the order of its lines; no header's value is in it."""

    def __init__(self, problems: Iterable[YamlProblem]) -> None:
        self.problems = sorted(problems, key=lambda problem: problem.line)
        super().__init__(*self.problems)


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedHook:
    """A hook as a file wants it; None of ``is_active`` and ``is_paused`` leaves it as it is."""

    scope: str
    destination: str
    headers: Mapping[str, str] = field(repr=False)
    filter: EventFilter | None
    max_per_second: float | None
    is_active: bool | None
    is_paused: bool | None

    @property
    def identity(self) -> HookIdentity:
        """Which hook it is."""
        return _identity(self.scope, self.destination, None if self.filter is None else self.filter.text)

    @property
    def filter_json(self) -> Any:
        """Its filter as a JSON value; None if it has none."""
        return None if self.filter is None else loads(self.filter.text)


def identity_of(hook: Mapping[str, Any]) -> HookIdentity:
    """The identity of a hook as the API shows it."""
    return _identity(
        hook["scope"], hook["destination"], canonical(hook["filter"]) if "filter" in hook else None
    )


def read_hooks(text: str, environment: Mapping[str, str]) -> list[WantedHook]:
    """The hooks of a file.

    :raises InvalidHookFileError: with all that is wrong in it.
    """
    try:
        document = read_yaml(text)
    except InvalidYamlError as error:
        raise InvalidHookFileError([error.problem]) from None
    reader = _Reader(document, environment)
    hooks = reader.hooks()
    if reader.problems:
        raise InvalidHookFileError(reader.problems)
    return hooks


def exported(
    hooks: Iterable[Mapping[str, Any]], *, with_secrets: bool
) -> tuple[dict[str, list[dict[str, Any]]], list[str]]:
    """A file's value with these hooks, as the API shows them, and the variables that it names.

    A deactivated hook is written as one that is active: failures are not what its owner wants.
    """
    variables = _Variables()
    written: list[dict[str, Any]] = []
    for hook in hooks:
        one = {"scope": hook["scope"], "destination": hook["destination"]}
        if hook["headers"]:
            one["headers"] = {
                name: value.replace("${", "$${")
                if with_secrets or not value
                else f"${{{variables.named(hook['id'], name, value)}}}"
                for name, value in hook["headers"].items()
            }
        one |= {name: hook[name] for name in ("filter", "max_per_second") if name in hook}
        if not hook["is_active"] and "deactivated_at" not in hook:
            one["is_active"] = False
        if hook.get("is_paused"):
            one["is_paused"] = True
        written.append(one)
    return {"hooks": written}, list(variables.values)


def as_yaml(file: Mapping[str, list[dict[str, Any]]]) -> str:
    """A file's value as YAML."""
    return write_yaml({"hooks": Block(file["hooks"])})


def has_hidden_headers(hook: Mapping[str, Any]) -> bool:
    """Whether the token may not see the values of a hook's headers."""
    return HIDDEN in (hook["headers"] or {}).values()


def _identity(scope: str, destination: str, filter_text: str | None) -> HookIdentity:
    return scope, destination_digest(destination), filter_text


class _Reader:
    def __init__(self, document: YamlDocument, environment: Mapping[str, str]) -> None:
        self._document = document
        self._environment = environment
        self.problems = list(document.problems)

    def hooks(self) -> list[WantedHook]:
        value = self._document.value
        if not isinstance(value, dict) or not isinstance(value.get("hooks"), list):
            if not self.problems:
                has_hooks = isinstance(value, dict) and "hooks" in value
                reason = "is not an array" if has_hooks else "has no hooks"
                accepted = "an object with hooks, an array"
                self._refuse("hooks" if has_hooks else "", f"{reason}; accepted: {accepted}")
            return []
        for name in [name for name in value if name != "hooks"]:
            self._refuse(name, "is unknown; accepted: hooks")
        places = {f"hooks[{number}]": hook for number, hook in enumerate(value["hooks"])}
        found = {place: self._hook(place, hook) for place, hook in places.items()}
        hooks = {place: hook for place, hook in found.items() if hook is not None}
        self._refuse_repeated(hooks)
        self._refuse_too_many(hooks)
        return list(hooks.values())

    def _hook(self, place: str, given: Any) -> WantedHook | None:
        known = [problem for problem in self.problems if _is_within(problem.place, place)]
        if not isinstance(given, dict):
            if not known:
                self._refuse(place, f"is not an object; accepted: {_ONE_HOOKS}")
            return None
        before = len(self.problems)
        for name in [name for name in given if name not in FIELDS]:
            self._refuse(f"{place}.{name}", f"is unknown; accepted: {', '.join(FIELDS)}")
        fields = {name: value for name, value in given.items() if name in FIELDS}
        if isinstance(fields.get("headers"), dict):
            fields["headers"] = {
                name: self._expanded(f"{place}.headers.{name}", value)
                for name, value in fields["headers"].items()
            }
        refused = {problem.place for problem in [*known, *self.problems[before:]]}
        try:
            # What the deployment admits is for the API to say.
            new = NewHook.parse(fields, allow_private=True)
        except InvalidFieldsError as error:
            for problem in error.problems:
                # Its value was refused where it stands, so what is said of it here is about nothing.
                if not any(_is_within(one, f"{place}.{problem.field}") for one in refused):
                    value = "" if problem.given is None else f"{problem.given!r} "
                    reason = f"{value}{problem.reason}; accepted: {problem.accepted}"
                    self._refuse(f"{place}.{problem.field}", reason)
            return None
        if refused:
            return None
        return WantedHook(
            scope=new.scope,
            destination=new.destination,
            headers=new.headers or {},
            filter=new.filter,
            max_per_second=new.max_per_second,
            is_active=new.is_active if "is_active" in fields else None,
            is_paused=new.is_paused if "is_paused" in fields else None,
        )

    def _expanded(self, place: str, value: Any) -> Any:
        """A header's value with the environment's in it."""
        if not isinstance(value, str):
            return value
        if value == HIDDEN:
            accepted = "the value, or ${NAME}"
            self._refuse(place, f"is {HIDDEN}, which stands for a hidden value; accepted: {accepted}")

        def expand(match: re.Match[str]) -> str:
            name = match["name"]
            if match[0] == "$${":
                return "${"
            if name is None:
                accepted = "${NAME}, of letters, digits and underscores; $${ stands for ${"
                self._refuse(place, f"has ${{ without a variable's name; accepted: {accepted}")
            elif not self._environment.get(name):
                # An empty one is what CI makes of a secret that it does not have.
                is_empty = "is empty" if name in self._environment else "is not set"
                self._refuse(place, f"names the environment variable {name}, which {is_empty}")
            return self._environment.get(name or "", "")

        return _VARIABLE.sub(expand, value)

    def _refuse_repeated(self, hooks: Mapping[str, WantedHook]) -> None:
        first: dict[HookIdentity, str] = {}
        for place, hook in hooks.items():
            earlier = first.setdefault(hook.identity, place)
            if earlier != place:
                line = self._document.lines[earlier]
                reason = f"has the scope, destination and filter of {earlier} on line {line}"
                self._refuse(place, f"{reason}; accepted: one hook with these")

    def _refuse_too_many(self, hooks: Mapping[str, WantedHook]) -> None:
        numbers: Counter[str] = Counter()
        for place, hook in hooks.items():
            numbers[hook.scope] += 1
            if numbers[hook.scope] == MAX_HOOKS_PER_SCOPE + 1:
                reason = f"is one hook too many for {hook.scope}; accepted: at most {MAX_HOOKS_PER_SCOPE}"
                self._refuse(f"{place}.scope", reason)

    def _refuse(self, place: str, reason: str) -> None:
        self.problems.append(YamlProblem(self._line(place), place, reason))

    def _line(self, place: str) -> int:
        """The line of a place, or of the nearest that it is in: what is missing has none."""
        return next((self._document.lines[one] for one in _outwards(place) if one in self._document.lines), 1)


def _is_within(place: str, outer: str) -> bool:
    return place == outer or place.startswith((f"{outer}.", f"{outer}["))


def _outwards(place: str) -> Iterator[str]:
    while place:
        yield place
        place = place[: max(place.rfind("."), place.rfind("["), 0)]
    yield ""


class _Variables:
    """A name for each header's value, shared by those that have the same."""

    def __init__(self) -> None:
        self.values: dict[str, object] = {}

    def named(self, hook_id: int, header: str, value: str) -> str:
        # Hidden values look the same and may differ.
        wanted: object = (hook_id, header) if value == HIDDEN else value
        stem = re.sub(r"[^A-Z0-9]", "_", header.upper())
        stem = f"_{stem}" if stem[0].isdigit() else stem
        name, number = stem, 1
        while self.values.setdefault(name, wanted) != wanted:
            number += 1
            name = f"{stem}_{number}"
        return name
