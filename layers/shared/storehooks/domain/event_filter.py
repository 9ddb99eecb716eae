"""A hook's filter: an EventBridge event pattern, over the body of a callback.

A pattern has the shape of the body that it matches. All of its fields must match. A field matches if one of
its alternatives does:

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

``{"$or": [pattern, pattern]}`` matches if one of its patterns does. An array matches if one of its elements
does; in an array of objects, one element must match all fields of the pattern.

Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import lru_cache, partial
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from itertools import chain
from typing import Any

from storehooks.domain.errors import Problem
from storehooks.domain.exact_json import Number, dumps, loads

MAX_FILTER_BYTES = 4096
"""Bytes of a filter's canonical JSON in UTF-8."""

ACCEPTED = f"null or an event pattern, an object of at most {MAX_FILTER_BYTES} bytes"

MAX_FILTER_DEPTH = 16
"""Levels of objects within objects, including those of ``$or``."""

MAX_STEPS = 20_000
"""Comparisons of one evaluation, of about half a microsecond each, so that the worst takes less than 20 ms.
An event that needs more is sent: a filter only saves work, but an event left out by mistake is missed."""

_MAX_COMPILED = 512
"""Compiled filters that a process caches. Most take 1 to 3 KB, the largest 300 KB. Compiling takes 0.05 ms,
and at most 6 ms."""

MAX_NUMBER = Decimal(5_000_000_000)
"""``numeric`` accepts numbers from minus this to this (EventBridge)."""

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
"""The operators of an alternative that is not a value."""

# An object within objects takes up to two levels of JSON, and an alternative four.
_MAX_JSON_DEPTH = 2 * MAX_FILTER_DEPTH + 4

# Steps that take longer than a comparison count as several: `python -m benchmarks.filters` measures the
# worst.
_STEPS_OF_OBJECT = 3
_STEPS_OF_FIELD = 2
_STEPS_OF_NUMBER = 2
_STEPS_OF_DECIMAL = 2
_STEPS_OF_ADDRESS = 30
_DIGITS_OF_STEP = 64
_LOWERED_CHARS_OF_STEP = 16
_LOWERED_ASCII_CHARS_OF_STEP = 1024
# The time to find a part in a string grows with the length of both, up to this many characters of the part:
# for longer parts Python has another algorithm.
_SEARCHES_OF_STEP = 1024
_SEARCHES_OF_CHAR = 12
_MAX_SEARCHES_OF_PART = 100

_MAX_ADDRESS_CHARS = 45
_MAX_SHOWN_CHARS = 120


class InvalidFilterError(ValueError):
    """A value is not a valid pattern. ``problems`` has each mistake, with its place."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(*problems)
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True)
class Mismatch:
    """The first field by which an event does not match: its name, its value, and what the filter asks for."""

    field: str
    value: Any
    asked: str

    @property
    def found(self) -> str:
        """The field's value as JSON, shortened; ``absent`` or the like if there is none."""
        return _shown(self.value)

    def __str__(self) -> str:
        return f"{self.field} is {self.found}, and the filter asks for {self.asked}"


class FilterTooLongError(Exception):
    """An evaluation would take more than :data:`MAX_STEPS`."""


@dataclass(frozen=True, slots=True)
class EventFilter:
    """A filter that was checked. ``text`` is its canonical JSON: equal filters have equal texts.

    It is compiled at its first use, because most readers of a hook do not match events.
    """

    text: str

    def mismatch(self, body: Mapping[str, Any]) -> Mismatch | None:
        """Why a callback's body does not match; None if it does.

        :raises FilterTooLongError:
        """
        evaluation = _Evaluation()
        if evaluation.matches(_compiled(self.text), body):
            return None
        assert evaluation.first_miss is not None  # noqa: S101 - set on a mismatch
        return evaluation.first_miss


def check_filter(value: Any) -> EventFilter:
    """Check a JSON value, and return it as a filter.

    :raises InvalidFilterError: with every mistake in it.
    """
    compiler = _Compiler()
    # Check this first: other checks of a value as large as a request may take too long.
    if _is_deeper(value, _MAX_JSON_DEPTH):
        compiler.refuse_depth("")
        raise InvalidFilterError(compiler.problems)
    text = canonical(value)
    if len(text.encode()) > MAX_FILTER_BYTES:
        compiler.refuse("", f"has {len(text.encode())} bytes", f"at most {MAX_FILTER_BYTES} bytes")
        raise InvalidFilterError(compiler.problems)
    compiler.pattern(value, "", depth=1)
    if compiler.problems:
        raise InvalidFilterError(compiler.problems)
    return EventFilter(text)


@lru_cache(_MAX_COMPILED)
def _compiled(text: str) -> "_Pattern":
    """The pattern of a filter that was checked."""
    return _Compiler().pattern(loads(text), "", depth=1)


def canonical(value: Any) -> str:
    """JSON without spaces, with members sorted by name and numbers as they were written."""
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
class _Test:
    """A test of a string, which is passed in lower case if ``is_lowered``.

    ``searches`` is the cost of a character of the string; :data:`_SEARCHES_OF_STEP` make a step.
    """

    has: Callable[[str], bool]
    steps: int = 1
    searches: int = 0
    is_lowered: bool = False


@dataclass(frozen=True, slots=True)
class _Leaf:
    """A field's alternatives: a value matches if it has one of them.

    :ivar values: matches a value that is equal to one of these.
    :ivar excluded: matches a value that is equal to none of these; None without ``anything-but``.
    :ivar tests: matches a string that passes one of these.
    :ivar negated: matches a string that passes none of a group.
    :ivar steps: the steps of all tests of a string, besides those for its length; 0 without tests.
    """

    place: str
    asked: str
    values: "frozenset[_Key]"
    excluded: "frozenset[_Key] | None"
    tests: tuple[_Test, ...]
    negated: tuple[tuple[_Test, ...], ...]
    networks: "tuple[_Network, ...]"
    ranges: "tuple[_Range, ...]"
    wants_any: bool
    wants_none: bool
    steps: int
    searches: int
    is_lowered: bool

    def steps_of(self, value: str) -> int:
        """The steps that the tests of a string take."""
        steps = self.steps + len(value) * self.searches // _SEARCHES_OF_STEP
        if self.is_lowered:
            steps += len(value) // (
                _LOWERED_ASCII_CHARS_OF_STEP if value.isascii() else _LOWERED_CHARS_OF_STEP
            )
        return steps

    def has_string(self, value: str) -> bool:
        """Whether a string matches."""
        if value in self.values or (self.excluded is not None and value not in self.excluded):
            return True
        lowered = value.lower() if self.is_lowered else value
        for test in self.tests:
            if test.has(lowered if test.is_lowered else value):
                return True
        for group in self.negated:
            if not any(test.has(lowered if test.is_lowered else value) for test in group):
                return True
        return bool(self.networks) and _is_in(self.networks, value)

    def has_other(self, value: Any, literal: str) -> bool:
        """Whether a value that is not a string matches.

        :param literal: the value as JSON.
        """
        key = (literal,)
        if self.negated or key in self.values or (self.excluded is not None and key not in self.excluded):
            return True
        if not self.ranges or not _is_number(value):
            return False
        number = _decimal(literal)
        if number is not None:
            for limits in self.ranges:
                if _is_within(limits, number):
                    return True
        return False


@dataclass(frozen=True, slots=True)
class _Pattern:
    place: str
    asked: str
    fields: "tuple[tuple[str, _Leaf | _Pattern], ...]"
    choices: "tuple[tuple[_Pattern, ...], ...]"


class _Evaluation:
    """An evaluation of a pattern over a body: counts steps, and keeps the first field that did not match."""

    def __init__(self) -> None:
        self.steps = 0
        self.first_miss: Mismatch | None = None

    def matches(self, pattern: _Pattern, value: Mapping[str, Any]) -> bool:
        self._count(_STEPS_OF_OBJECT)
        for name, wanted in pattern.fields:
            self._count(_STEPS_OF_FIELD)
            found = value.get(name, _MISSING)
            if isinstance(wanted, _Leaf):
                if not self._has_leaf(wanted, found):
                    return self._missed(wanted.place, found, wanted.asked)
            elif not self._any(self.matches(wanted, each) for each in self._objects(found)):
                return self._missed(wanted.place, found, wanted.asked)
        return all(self._any(self.matches(each, value) for each in choice) for choice in pattern.choices)

    def _any(self, matches: Iterator[bool]) -> bool:
        """Whether one matches. If so, misses of those before it are dropped."""
        before = self.first_miss
        is_met = any(matches)
        if is_met:
            self.first_miss = before
        return is_met

    def _has_leaf(self, leaf: _Leaf, found: Any) -> bool:
        is_there = False
        for value in self._values(found):
            if isinstance(value, dict):
                continue
            is_there = True
            if leaf.wants_any or self._has(leaf, value):
                return True
        return not is_there and leaf.wants_none

    def _has(self, leaf: _Leaf, value: Any) -> bool:
        if isinstance(value, str):
            if leaf.steps:
                self._count(leaf.steps_of(value))
            return leaf.has_string(value)
        self._count(_STEPS_OF_NUMBER + len(leaf.ranges) * _STEPS_OF_DECIMAL + _steps_to_write(value))
        return leaf.has_other(value, _literal(value))

    def _values(self, found: Any) -> Iterator[Any]:
        """The values of a field: an array's elements, and those of arrays within it; or the value itself."""
        if isinstance(found, list):
            return self._elements(found)
        return iter(() if found is _MISSING else (found,))

    def _objects(self, found: Any) -> Iterator[Mapping[str, Any]]:
        return (each for each in self._values(found) if isinstance(each, dict))

    def _elements(self, array: list[Any]) -> Iterator[Any]:
        """The elements of an array and of arrays within it. Not recursive: publishers decide the depth."""
        stack = [iter(array)]
        while stack:
            for each in stack[-1]:
                self.steps += 1  # _count, inlined: a long array spends most of its time here
                if self.steps > MAX_STEPS:
                    raise FilterTooLongError
                if isinstance(each, list):
                    stack.append(iter(each))
                    break
                yield each
            else:
                stack.pop()

    def _missed(self, place: str, found: Any, asked: str) -> bool:
        if self.first_miss is None:
            self.first_miss = Mismatch(place, found, asked)
        return False

    def _count(self, steps: int) -> None:
        self.steps += steps
        if self.steps > MAX_STEPS:
            raise FilterTooLongError


_MISSING = object()


def _shown(found: Any) -> str:
    if found is _MISSING:
        return "absent"
    text = canonical(found)
    return text if len(text) <= _MAX_SHOWN_CHARS else f"{text[:_MAX_SHOWN_CHARS]}…"


type _Key = str | tuple[str]
"""The key by which values are compared: a string itself, or the JSON of another value. "1", 1 and 1.0
differ."""


def _key(value: Any) -> _Key:
    return value if isinstance(value, str) else (_literal(value),)


def _literal(value: Any) -> str:
    """The JSON of a number, a boolean or null."""
    match value:
        case Number():
            return value.literal
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
    return repr(value)


def _steps_to_write(value: Any) -> int:
    """The steps to write a number: for an integer, they grow with the square of its digits."""
    if isinstance(value, Number):
        return len(value.literal) // _DIGITS_OF_STEP
    return (value.bit_length() // 256) ** 2 if isinstance(value, int) else 0


def _is_deeper(value: Any, depth: int) -> bool:
    """Whether JSON has more than ``depth`` levels of arrays and objects."""
    level = [value]
    for _ in range(depth):
        containers = [one for one in level if isinstance(one, dict | list)]
        level = [each for one in containers for each in (one.values() if isinstance(one, dict) else one)]
    return any(isinstance(one, dict | list) for one in level)


# ---------------------------------------------------------------- checking and compiling


class _Compiler:
    """Compiles a pattern, and collects its mistakes."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def refuse(self, place: str, reason: str, accepted: str) -> None:
        self.problems.append(Problem(f"filter.{place}" if place else "filter", reason, accepted))

    def refuse_depth(self, place: str) -> None:
        self.refuse(place, "is nested too deeply", f"at most {MAX_FILTER_DEPTH} objects within objects")

    def pattern(self, value: Any, place: str, *, depth: int, is_choice: bool = False) -> _Pattern:
        fields: list[tuple[str, _Leaf | _Pattern]] = []
        choices: list[tuple[_Pattern, ...]] = []
        if not isinstance(value, dict) or not value:
            self.refuse(place, f"is {_kind(value)}", "an object with one or more fields")
        elif depth > MAX_FILTER_DEPTH:
            self.refuse_depth(place)
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
        parts = _Parts()
        for number, alternative in enumerate(alternatives):
            inner = f"{place}[{number}]"
            if isinstance(alternative, list):
                self.refuse(
                    inner, "is an array", f"a string, a number, true, false, null, or {_ANY_OPERATOR}"
                )
            elif not isinstance(alternative, dict):
                parts.values.add(_key(alternative))
            elif len(alternative) != 1 or next(iter(alternative)) not in OPERATORS:
                names = ", ".join(f'"{name}"' for name in alternative) or "no operator"
                self.refuse(inner, f"has {names}", _ANY_OPERATOR)
            else:
                ((operator, argument),) = alternative.items()
                self._alternative(parts, operator, argument, f"{inner}.{operator}")
        return parts.leaf(place, _shown(alternatives))

    def _alternative(self, parts: "_Parts", operator: str, argument: Any, place: str) -> None:
        match operator:
            case "exists":
                if isinstance(argument, bool):
                    parts.exists.add(argument)
                else:
                    self.refuse(place, f"is {_kind(argument)}", "true or false")
            case "numeric":
                parts.ranges += self._ranges(argument, place)
            case "cidr":
                parts.networks += self._networks(argument, place)
            case "anything-but":
                self._anything_but(parts, argument, place)
            case _:
                parts.tests += self._tests(operator, argument, place)

    def _tests(self, operator: str, argument: Any, place: str) -> list[_Test]:
        """The test of an operator over strings; empty if the operator was refused."""
        match operator:
            case "prefix":
                return self._end_of_string(argument, place, str.startswith)
            case "suffix":
                return self._end_of_string(argument, place, str.endswith)
            case "equals-ignore-case":
                text = self._string(argument, place)
                return [] if text is None else [_Test(partial(str.__eq__, text.lower()), is_lowered=True)]
        return self._wildcard(argument, place)

    def _end_of_string(self, argument: Any, place: str, has: Callable[[str, str], bool]) -> list[_Test]:
        is_lowered = isinstance(argument, dict) and argument.keys() == {"equals-ignore-case"}
        if is_lowered:
            text = self._string(argument["equals-ignore-case"], f"{place}.equals-ignore-case")
        else:
            text = self._string(argument, place, 'a string, or {"equals-ignore-case": a string}')
        if text is None:
            return []
        end = text.lower() if is_lowered else text
        return [_Test(lambda value: has(value, end), is_lowered=is_lowered)]

    def _wildcard(self, argument: Any, place: str) -> list[_Test]:
        text = self._string(argument, place)
        if text is None:
            return []
        parts = _wildcard_parts(text)
        if isinstance(parts, str):
            self.refuse(
                place, parts, r"a string in which * is any characters, \* an asterisk, \\ a backslash"
            )
            return []
        longest = max(map(len, parts[1:-1]), default=0)
        searches = _SEARCHES_OF_CHAR + min(longest, _MAX_SEARCHES_OF_PART) if longest else 0
        return [_Test(partial(_fits, parts), steps=1 + len(parts) // 2, searches=searches)]

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

    def _networks(self, argument: Any, place: str) -> "list[_Network]":
        try:
            network = ip_network(argument, strict=False) if isinstance(argument, str) else None
        except ValueError:
            network = None
        if network is None or "/" not in argument:
            accepted = 'a network, such as "10.0.0.0/24" or "2001:db8::/32"'
            self.refuse(place, f"is {_shown(argument)}", accepted)
            return []
        return [network]

    def _anything_but(self, parts: "_Parts", argument: Any, place: str) -> None:
        if isinstance(argument, dict):
            if len(argument) != 1 or next(iter(argument)) not in _NEGATED:
                names = ", ".join(f'"{name}"' for name in argument) or "no operator"
                self.refuse(place, f"has {names}", " or ".join(f'"{name}"' for name in _NEGATED))
                return
            ((operator, inner),) = argument.items()
            inner_place = f"{place}.{operator}"
            each = inner if isinstance(inner, list) else [inner]
            if not each:
                self.refuse(inner_place, "is empty", "one or more strings")
            parts.negated.append([test for one in each for test in self._tests(operator, one, inner_place)])
            return
        excluded = argument if isinstance(argument, list) else [argument]
        is_uniform = all(isinstance(each, str) for each in excluded) or all(map(_is_number, excluded))
        if not excluded or not is_uniform:
            accepted = (
                "a string, a number, an array of strings, an array of numbers, or an object with one of "
            )
            self.refuse(
                place, f"is {_shown(argument)}", accepted + ", ".join(f'"{name}"' for name in _NEGATED)
            )
            return
        parts.excluded.append(frozenset(map(_key, excluded)))

    def _string(self, argument: Any, place: str, accepted: str = "a string") -> str | None:
        if isinstance(argument, str) and argument:
            return argument
        given = "is empty" if argument == "" else f"is {_kind(argument)}"
        self.refuse(place, given, f"{accepted} of one or more characters")
        return None


_NEGATED = ("prefix", "suffix", "equals-ignore-case", "wildcard")
_ANY_OPERATOR = "an object with one of " + ", ".join(f'"{name}"' for name in OPERATORS)


class _Parts:
    """The compiled alternatives of a field, while they are gathered."""

    def __init__(self) -> None:
        self.values: set[_Key] = set()
        self.excluded: list[frozenset[_Key]] = []
        self.tests: list[_Test] = []
        self.negated: list[list[_Test]] = []
        self.networks: list[_Network] = []
        self.ranges: list[_Range] = []
        self.exists: set[bool] = set()

    def leaf(self, place: str, asked: str) -> _Leaf:
        tests = [*self.tests, *chain.from_iterable(self.negated)]
        is_lowered = any(test.is_lowered for test in tests)
        return _Leaf(
            place=place,
            asked=asked,
            values=frozenset(self.values),
            # A value in one of the arrays but not in another matches by the other.
            excluded=frozenset.intersection(*self.excluded) if self.excluded else None,
            tests=tuple(self.tests),
            negated=tuple(map(tuple, self.negated)),
            networks=tuple(self.networks),
            ranges=tuple(self.ranges),
            wants_any=True in self.exists,
            wants_none=False in self.exists,
            steps=sum(test.steps for test in tests)
            + is_lowered
            + (_STEPS_OF_ADDRESS + len(self.networks) if self.networks else 0),
            searches=sum(test.searches for test in tests),
            is_lowered=is_lowered,
        )


def _wildcard_parts(text: str) -> list[str] | str:
    """The parts between the asterisks; or a text that says what is wrong."""
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

    Each part is matched at its first place, so no place is searched twice.
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


type _Network = IPv4Network | IPv6Network


def _is_in(networks: Sequence[_Network], value: str) -> bool:
    """Whether a string is an address in one of these networks."""
    if len(value) > _MAX_ADDRESS_CHARS:
        return False
    try:
        address = ip_address(value)
    except ValueError:
        return False
    return any(address in network for network in networks)


type _Range = tuple[tuple[str, Decimal], ...]


def _limits(argument: Any) -> _Range | None:
    """The operators and numbers of ``numeric``; None if they are not in order."""
    if not isinstance(argument, list) or len(argument) not in {2, 4}:
        return None
    limits = [
        (name, _decimal(_literal(number)) if _is_number(number) else None)
        for name, number in zip(argument[::2], argument[1::2], strict=True)
    ]
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


def _decimal(literal: str) -> Decimal | None:
    try:
        return Decimal(literal)
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
