"""A hook's filter: EventBridge's event pattern, over the body of a callback.

A pattern has the shape of what it matches. All of its fields have to match, and for a field any one
of its alternatives:

====================================  ==================================================================
Alternative                           matches
====================================  ==================================================================
``"a"``, ``1.5``, ``true``, ``null``  the same value; a number as it is written, so 1.5 is not 1.50
``{"prefix": "a"}``                   a string that begins with it; in any case, with
                                      ``{"equals-ignore-case": "a"}`` for "a"
``{"suffix": "a"}``                   a string that ends with it, likewise
``{"equals-ignore-case": "a"}``       the same string in any case
``{"wildcard": "a*b"}``               a string; ``*`` is any characters, ``\\*`` an asterisk,
                                      ``\\\\`` a backslash
``{"numeric": [">", 0, "<=", 5]}``    a number in the range; also with one of ``= < <= > >=`` alone
``{"cidr": "10.0.0.0/24"}``           an IPv4 or IPv6 address in the network
``{"exists": false}``                 no value; an object or an empty array is none. ``true`` is the opposite
``{"anything-but": ...}``             a value that is none of these strings or numbers; also over ``prefix``,
                                      ``suffix``, ``equals-ignore-case`` and ``wildcard``
====================================  ==================================================================

``{"$or": [pattern, pattern]}`` matches if one of its patterns does. Of an array, one element has to match;
of an array of objects, one and the same for all fields of the pattern.

Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import lru_cache, partial
from ipaddress import ip_address, ip_network
from typing import Any

from storehooks.domain.errors import Problem
from storehooks.domain.exact_json import Number, dumps, loads

MAX_FILTER_BYTES = 4096
"""Of a filter's canonical JSON, in UTF-8."""

ACCEPTED = f"null or an event pattern, an object of at most {MAX_FILTER_BYTES} bytes"

MAX_FILTER_DEPTH = 16
"""Objects within objects, those of ``$or`` counted."""

_DEPTH_ACCEPTED = f"at most {MAX_FILTER_DEPTH} objects within objects"

MAX_STEPS = 20_000
"""What one evaluation may take, in comparisons. An event that would need more is sent: a filter saves
a receiver work, and to leave an event out by mistake would lose it."""

MAX_NUMBER = Decimal(5_000_000_000)
"""The largest number, and below zero the smallest, that ``numeric`` may name (EventBridge)."""

OPERATORS = (
    "prefix",
    "suffix",
    "equals-ignore-case",
    "wildcard",
    "numeric",
    "cidr",
    "anything-but",
    "exists",
)
"""What an alternative may be besides a value."""

# What takes longer counts for several.
_CHARS_OF_STEP = 64
_STEPS_OF_OBJECT = 3
_STEPS_OF_NUMBER = 5
_STEPS_OF_ADDRESS = 20
_MAX_ADDRESS_CHARS = 45
_MAX_SHOWN_CHARS = 120

type _Test = Callable[[Any], bool]


class InvalidFilterError(ValueError):
    """A pattern is none. ``problems`` has each mistake, with its place."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(*problems)
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True)
class Mismatch:
    """The first field that kept an event from matching: which, what was there, and what was asked."""

    field: str
    found: str
    asked: str

    def __str__(self) -> str:
        return f"{self.field} is {self.found}, and the filter asks for {self.asked}"


@dataclass(frozen=True, slots=True)
class EventFilter:
    """A filter that was checked. ``text`` is its canonical JSON: equal filters have equal texts."""

    text: str
    _pattern: "_Pattern"

    def mismatch(self, body: Mapping[str, Any]) -> Mismatch | None:
        """Why a callback's body does not match; None if it does, or if to say so took too long."""
        evaluation = _Evaluation()
        try:
            if evaluation.matches(self._pattern, body):
                return None
        except _TooLongError:
            return None
        assert evaluation.first_miss is not None  # noqa: S101 - what does not match missed something
        return evaluation.first_miss


def check_filter(value: Any) -> EventFilter:
    """The filter that a JSON value is.

    :raises InvalidFilterError: with every mistake in it.
    """
    compiler = _Compiler()
    try:
        pattern = compiler.pattern(value, "", depth=1)
        text = canonical(value)
    except RecursionError:
        raise InvalidFilterError([Problem("filter", "is nested too deeply", _DEPTH_ACCEPTED)]) from None
    if len(text.encode()) > MAX_FILTER_BYTES:
        compiler.refuse("", f"has {len(text.encode())} bytes", f"at most {MAX_FILTER_BYTES} bytes")
    if compiler.problems:
        raise InvalidFilterError(compiler.problems)
    return EventFilter(text, pattern)


@lru_cache(maxsize=512)
def stored_filter(text: str) -> EventFilter:
    """The filter with this canonical JSON, which was checked before it was stored."""
    return check_filter(loads(text))


def canonical(value: Any) -> str:
    """JSON without spaces, members by name, numbers as they were written."""
    return dumps(_sorted(value))


def _sorted(value: Any) -> Any:
    match value:
        case dict():
            return {name: _sorted(value[name]) for name in sorted(value)}
        case list():
            return [_sorted(each) for each in value]
    return value


# ---------------------------------------------------------------- what a pattern is compiled to


@dataclass(frozen=True, slots=True)
class _Leaf:
    """A field's alternatives. ``exists`` has those of its truth values that were asked for.

    ``comparisons`` is how often ``tests`` compare a value, ``steps`` what all of it takes of a short one.
    """

    place: str
    asked: str
    values: frozenset[str]
    tests: tuple[_Test, ...]
    ranges: "tuple[_Range, ...]"
    exists: frozenset[bool]
    comparisons: int
    steps: int

    def has(self, value: Any) -> bool:
        if _token(value) in self.values or any(test(value) for test in self.tests):
            return True
        number = _decimal(value) if self.ranges else None
        return number is not None and any(_is_within(limits, number) for limits in self.ranges)


@dataclass(frozen=True, slots=True)
class _Pattern:
    place: str
    asked: str
    fields: "tuple[tuple[str, _Leaf | _Pattern], ...]"
    choices: "tuple[tuple[_Pattern, ...], ...]"


class _TooLongError(Exception):
    """An evaluation took more steps than it may."""


class _Evaluation:
    """One pattern over one body, with the steps that it took and the first field that did not match."""

    def __init__(self) -> None:
        self.steps = 0
        self.first_miss: Mismatch | None = None

    def matches(self, pattern: _Pattern, value: Mapping[str, Any]) -> bool:
        self._count(_STEPS_OF_OBJECT)
        for name, wanted in pattern.fields:
            found = value.get(name, _MISSING)
            if isinstance(wanted, _Leaf):
                if not self._has_leaf(wanted, found):
                    return self._missed(wanted.place, found, wanted.asked)
            elif not any(self.matches(wanted, each) for each in self._objects(found)):
                return self._missed(wanted.place, found, wanted.asked)
        return all(any(self.matches(each, value) for each in choice) for choice in pattern.choices)

    def _has_leaf(self, leaf: _Leaf, found: Any) -> bool:
        self._count(1)
        is_there = False
        for value in self._scalars(found):
            is_there = True
            if True in leaf.exists:
                return True
            self._count(leaf.steps)
            if isinstance(value, str):
                self._count(leaf.comparisons * len(value) // _CHARS_OF_STEP)
            if leaf.has(value):
                return True
        return not is_there and False in leaf.exists

    def _scalars(self, found: Any) -> Iterator[Any]:
        """What a field has as values: itself, or an array's elements, however deep; an object is none."""
        if isinstance(found, list):
            for each in self._elements(found):
                if isinstance(each, dict):
                    self._count(1)
                else:
                    yield each
        elif found is not _MISSING and not isinstance(found, dict):
            yield found

    def _objects(self, found: Any) -> Iterator[Mapping[str, Any]]:
        if isinstance(found, dict):
            yield found
        elif isinstance(found, list):
            for each in self._elements(found):
                if isinstance(each, dict):
                    yield each
                else:
                    self._count(1)

    def _elements(self, array: list[Any]) -> Iterator[Any]:
        """The elements of an array and of those within it.

        Not recursive: a sender decides how deep they are.
        """
        stack = [iter(array)]
        while stack:
            for each in stack[-1]:
                if isinstance(each, list):
                    self._count(1)
                    stack.append(iter(each))
                    break
                yield each
            else:
                stack.pop()

    def _missed(self, place: str, found: Any, asked: str) -> bool:
        if self.first_miss is None:
            self.first_miss = Mismatch(place, _shown(found), asked)
        return False

    def _count(self, steps: int) -> None:
        self.steps += steps
        if self.steps > MAX_STEPS:
            raise _TooLongError


_MISSING = object()


def _shown(found: Any) -> str:
    if found is _MISSING:
        return "absent"
    text = canonical(found)
    return text if len(text) <= _MAX_SHOWN_CHARS else f"{text[:_MAX_SHOWN_CHARS]}…"


def _token(value: Any) -> str:
    """A scalar as JSON has it, so that "1", 1, 1.0 and true differ."""
    return f'"{value}' if isinstance(value, str) else canonical(value)


# ---------------------------------------------------------------- checking and compiling


class _Compiler:
    """Compiles a pattern, and collects what is wrong in it."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def refuse(self, place: str, reason: str, accepted: str) -> None:
        self.problems.append(Problem(f"filter.{place}" if place else "filter", reason, accepted))

    def pattern(self, value: Any, place: str, *, depth: int, is_choice: bool = False) -> _Pattern:
        fields: list[tuple[str, _Leaf | _Pattern]] = []
        choices: list[tuple[_Pattern, ...]] = []
        if not isinstance(value, dict) or not value:
            self.refuse(place, f"is {_kind(value)}", "an object with one or more fields")
        elif depth > MAX_FILTER_DEPTH:
            self.refuse(place, "is nested too deeply", _DEPTH_ACCEPTED)
        else:
            for name, wanted in value.items():
                inner = f"{place}.{name}" if place else name
                if name == "$or":
                    choices.append(self._choice(wanted, inner, depth=depth))
                elif is_choice and name in OPERATORS:
                    self.refuse(inner, "is an operator where a field has to stand", "a field's name")
                elif isinstance(wanted, list):
                    fields.append((name, self._leaf(wanted, inner)))
                elif isinstance(wanted, dict):
                    fields.append((name, self.pattern(wanted, inner, depth=depth + 1)))
                else:
                    self.refuse(inner, f"is {_kind(wanted)}", "an array of alternatives, or an object")
        return _Pattern(place, "an object", tuple(fields), tuple(choices))

    def _choice(self, value: Any, place: str, *, depth: int) -> tuple[_Pattern, ...]:
        if not isinstance(value, list) or len(value) < 2:
            given = f"has {len(value)}" if isinstance(value, list) else f"is {_kind(value)}"
            self.refuse(place, given, "an array of two or more patterns")
            return ()
        return tuple(
            self.pattern(each, f"{place}[{number}]", depth=depth + 1, is_choice=True)
            for number, each in enumerate(value)
        )

    def _leaf(self, alternatives: list[Any], place: str) -> _Leaf:
        if not alternatives:
            self.refuse(place, "is empty", "one or more alternatives")
        values: set[str] = set()
        tests: list[_Test] = []
        ranges: list[_Range] = []
        exists: set[bool] = set()
        comparisons, steps = 0, 1
        for number, alternative in enumerate(alternatives):
            inner = f"{place}[{number}]"
            if isinstance(alternative, list):
                self.refuse(
                    inner, "is an array", f"a string, a number, true, false, null, or {_ANY_OPERATOR}"
                )
            elif not isinstance(alternative, dict):
                values.add(_token(alternative))
            elif len(alternative) != 1 or next(iter(alternative)) not in OPERATORS:
                names = ", ".join(f'"{name}"' for name in alternative) or "no operator"
                self.refuse(inner, f"has {names}", _ANY_OPERATOR)
            else:
                ((operator, argument),) = alternative.items()
                inner = f"{inner}.{operator}"
                if operator == "exists":
                    if isinstance(argument, bool):
                        exists.add(argument)
                    else:
                        self.refuse(inner, f"is {_kind(argument)}", "true or false")
                elif operator == "numeric":
                    ranges += self._ranges(argument, inner)
                elif (test := self._test(operator, argument, inner)) is not None:
                    tests.append(test)
                    comparisons += _comparisons(argument)
                    steps += _STEPS_OF_ADDRESS if operator == "cidr" else _comparisons(argument)
        return _Leaf(
            place,
            _shown(alternatives),
            frozenset(values),
            tuple(tests),
            tuple(ranges),
            frozenset(exists),
            comparisons,
            steps + (_STEPS_OF_NUMBER + len(ranges) if ranges else 0),
        )

    def _test(self, operator: str, argument: Any, place: str) -> _Test | None:
        match operator:
            case "prefix":
                return self._end_of_string(argument, place, str.startswith)
            case "suffix":
                return self._end_of_string(argument, place, str.endswith)
            case "equals-ignore-case":
                return self._equals_ignore_case(argument, place)
            case "wildcard":
                return self._wildcard(argument, place)
            case "cidr":
                return self._cidr(argument, place)
        return self._anything_but(argument, place)

    def _end_of_string(self, argument: Any, place: str, has: Callable[[str, str], bool]) -> _Test | None:
        if isinstance(argument, dict) and argument.keys() == {"equals-ignore-case"}:
            text = self._string(argument["equals-ignore-case"], f"{place}.equals-ignore-case")
            return None if text is None else _on_strings(partial(_ignoring_case, has, text.lower()))
        text = self._string(argument, place, 'a string, or {"equals-ignore-case": a string}')
        return None if text is None else _on_strings(lambda value: has(value, text))

    def _equals_ignore_case(self, argument: Any, place: str) -> _Test | None:
        text = self._string(argument, place)
        return None if text is None else _on_strings(lambda value: value.lower() == text.lower())

    def _wildcard(self, argument: Any, place: str) -> _Test | None:
        text = self._string(argument, place)
        if text is None:
            return None
        parts = _wildcard_parts(text)
        if isinstance(parts, str):
            self.refuse(
                place, parts, r"a string in which * is any characters, \* an asterisk, \\ a backslash"
            )
            return None
        return _on_strings(partial(_fits, parts))

    def _ranges(self, argument: Any, place: str) -> "list[_Range]":
        limits = _limits(argument)
        if limits is not None:
            return [limits]
        accepted = (
            'an array of "=", "<", "<=", ">" or ">=" and a number, or of ">" or ">=" with a number and "<" or'
            f' "<=" with a larger one, from -{MAX_NUMBER} to {MAX_NUMBER}'
        )
        self.refuse(place, f"is {_shown(argument)}", accepted)
        return []

    def _cidr(self, argument: Any, place: str) -> _Test | None:
        try:
            network = ip_network(argument, strict=False) if isinstance(argument, str) else None
        except ValueError:
            network = None
        if network is None or "/" not in argument:
            accepted = 'a network, such as "10.0.0.0/24" or "2001:db8::/32"'
            self.refuse(place, f"is {_shown(argument)}", accepted)
            return None

        def is_in(value: str) -> bool:
            try:
                return len(value) <= _MAX_ADDRESS_CHARS and ip_address(value) in network
            except ValueError:
                return False

        return _on_strings(is_in)

    def _anything_but(self, argument: Any, place: str) -> _Test | None:
        if isinstance(argument, dict):
            if len(argument) != 1 or next(iter(argument)) not in _NEGATED:
                names = ", ".join(f'"{name}"' for name in argument) or "no operator"
                self.refuse(place, f"has {names}", " or ".join(f'"{name}"' for name in _NEGATED))
                return None
            ((operator, inner),) = argument.items()
            inner_place = f"{place}.{operator}"
            each = inner if isinstance(inner, list) else [inner]
            if not each:
                self.refuse(inner_place, "is empty", "one or more strings")
            tests = [test for one in each if (test := self._test(operator, one, inner_place)) is not None]
            return lambda value: not any(test(value) for test in tests)
        excluded = argument if isinstance(argument, list) else [argument]
        is_uniform = all(isinstance(each, str) for each in excluded) or all(map(_is_number, excluded))
        if not excluded or not is_uniform:
            accepted = (
                "a string, a number, an array of strings, an array of numbers, or an object with one of "
            )
            self.refuse(
                place, f"is {_shown(argument)}", accepted + ", ".join(f'"{name}"' for name in _NEGATED)
            )
            return None
        tokens = frozenset(map(_token, excluded))
        return lambda value: _token(value) not in tokens

    def _string(self, argument: Any, place: str, accepted: str = "a string") -> str | None:
        if isinstance(argument, str) and argument:
            return argument
        given = "is empty" if argument == "" else f"is {_kind(argument)}"
        self.refuse(place, given, f"{accepted} of one or more characters")
        return None


_NEGATED = ("prefix", "suffix", "equals-ignore-case", "wildcard")
_ANY_OPERATOR = "an object with one of " + ", ".join(f'"{name}"' for name in OPERATORS)


def _comparisons(argument: Any) -> int:
    """How often a checked operator compares a value: ``anything-but`` over another, once for each string."""
    inner = next(iter(argument.values())) if isinstance(argument, dict) else None
    return len(inner) if isinstance(inner, list) else 1


def _on_strings(test: Callable[[str], bool]) -> _Test:
    return lambda value: isinstance(value, str) and test(value)


def _ignoring_case(has: Callable[[str, str], bool], lowered: str, value: str) -> bool:
    return has(value.lower(), lowered)


def _wildcard_parts(text: str) -> list[str] | str:
    """What stands between the asterisks, or what is wrong."""
    parts, chars = [""], iter(text)
    was_asterisk = False
    for char in chars:
        if char == "*":
            if was_asterisk:
                return 'has "**"'
            parts.append("")
        elif char == "\\":
            escaped = next(chars, "")
            if escaped not in {"*", "\\"}:
                return f'has "\\{escaped}"'
            parts[-1] += escaped
        else:
            parts[-1] += char
        was_asterisk = char == "*"
    return parts


def _fits(parts: list[str], value: str) -> bool:
    """Whether a string has these parts in their order, the first at its start and the last at its end.

    Each part is taken where it comes first, so no place is looked at twice.
    """
    if len(parts) == 1:
        return value == parts[0]
    first, *between, last = parts
    if len(value) < len(first) + len(last) or not value.startswith(first) or not value.endswith(last):
        return False
    at, end = len(first), len(value) - len(last)
    for part in between:
        at = value.find(part, at, end)
        if at < 0:
            return False
        at += len(part)
    return True


type _Range = tuple[tuple[str, Decimal], ...]


def _limits(argument: Any) -> _Range | None:
    """The operators and numbers of ``numeric``; None if they are not in order."""
    if not isinstance(argument, list) or len(argument) not in {2, 4}:
        return None
    limits = [(name, _decimal(number)) for name, number in zip(argument[::2], argument[1::2], strict=True)]
    checked = tuple(
        (name, number)
        for name, number in limits
        if isinstance(name, str) and number is not None and -MAX_NUMBER <= number <= MAX_NUMBER
    )
    match [name for name, _ in checked]:
        case ["=" | "<" | "<=" | ">" | ">="] if len(limits) == 1:
            return checked
        case [">" | ">=", "<" | "<="] if checked[0][1] < checked[1][1]:
            return checked
    return None


def _is_within(limits: _Range, number: Decimal) -> bool:
    return all(_COMPARE[name](number, limit) for name, limit in limits)


_COMPARE: dict[str, Callable[[Decimal, Decimal], bool]] = {
    "=": Decimal.__eq__,
    "<": Decimal.__lt__,
    "<=": Decimal.__le__,
    ">": Decimal.__gt__,
    ">=": Decimal.__ge__,
}


def _decimal(value: Any) -> Decimal | None:
    if not _is_number(value):
        return None
    try:
        return Decimal(canonical(value))
    except InvalidOperation:  # an exponent of more than 18 digits
        return None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | Number) and not isinstance(value, bool)


def _kind(value: Any) -> str:
    match value:
        case dict():
            return "an empty object" if not value else "an object"
        case list():
            return "an empty array" if not value else "an array"
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case str():
            return "a string"
    return "a number"
