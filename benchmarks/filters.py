"""What the worst filters take: processor time for one evaluation over a body of 64 KB, and to check 4 KB.

`python -m benchmarks.filters` prints the slowest pairs of a pattern and a body. Each kind of alternative
fills a pattern, in one field or in the choices of ``$or``; each kind of value fills a body. What a pair
takes is bounded by the steps of an evaluation (:data:`storehooks.domain.event_filter.MAX_STEPS`).
"""

import time
from bisect import bisect_right
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any

from benchmarks.measure import Measure, print_measures
from storehooks.domain.event_filter import (
    MAX_FILTER_BYTES,
    EventFilter,
    FilterTooLongError,
    canonical,
    check_filter,
)
from storehooks.domain.exact_json import loads

MAX_MILLISECONDS = 20
BODY_BYTES = 64 * 1024
ROUNDS = 5
MAX_ROUNDS = 20
SLOWEST = 10

type Alternative = Callable[[int], Any]
"""The alternative with a number."""


def _around(number: int, *, char: str = "a", chars: int) -> dict[str, str]:
    """What is found nowhere, and late: all but one character in the middle is as in the body."""
    half = char * (chars // 2)
    return {"wildcard": f"*{half}{chr(98 + number % 20)}{half}*"}


ALTERNATIVES: dict[str, Alternative] = {
    "string": "{}x".format,
    "number": lambda number: 1000 + number,
    "prefix": lambda _number: {"prefix": "b"},
    "prefix in any case": lambda _number: {"prefix": {"equals-ignore-case": "b"}},
    "suffix": lambda _number: {"suffix": "b"},
    "any case": lambda _number: {"equals-ignore-case": "b"},
    "wildcard": lambda _number: {"wildcard": "*b*"},
    "wildcard of 30": lambda number: _around(number, chars=30),
    "wildcard of 98": lambda number: _around(number, chars=98),
    "wildcard of 98, not ASCII": lambda number: _around(number, char="İ", chars=98),
    "wildcard of 1000": lambda number: _around(number, chars=1000),
    "numeric": lambda _number: {"numeric": ["=", 9]},
    "numeric range": lambda _number: {"numeric": [">", 8, "<", 9]},
    "cidr": lambda _number: {"cidr": "1::/9"},
    "exists": lambda _number: {"exists": False},
    "anything-but a string": lambda _number: {"anything-but": "y"},
    "anything-but a number": lambda _number: {"anything-but": [1, 1.5]},
}

# Of one alternative with as much in it as a pattern may have.
FULL_ALTERNATIVES: dict[str, Alternative] = {
    "wildcard of many parts": lambda number: {"wildcard": "*" + "*".join("a" * number) + "*b"},
    "anything-but prefixes": lambda number: {"anything-but": {"prefix": ["b"] * number + ["y"]}},
    "anything-but suffixes": lambda number: {"anything-but": {"suffix": ["b"] * number + ["y"]}},
    "anything-but wildcards": lambda number: {"anything-but": {"wildcard": ["*b*"] * number + ["*y*"]}},
    "anything-but any case": lambda number: {"anything-but": {"equals-ignore-case": ["b"] * number + ["y"]}},
}

VALUES = {
    "empty strings": '""',
    "strings of 1": '"y"',
    "strings of 63": f'"{"a" * 63}"',
    "strings of 1000": f'"{"a" * 1000}"',
    "strings of 250, not ASCII": f'"{"İ" * 250}"',
    "addresses": '"2001:db8:1234:5678:9abc:def0:1234:5678"',
    "almost addresses": '"1.2.3.444"',
    "true": "true",
    "integers": "1",
    "integers of 4000 digits": "1" + "0" * 3999,
    "fractions": "1.5",
    "fractions of 300 digits": "1." + "3" * 300,
    "exponents": "1e-400",
    "objects": '{"b":1}',
    "objects within objects": '{"a":{"a":{"b":1}}}',
    "objects in arrays": '{"a":[{"b":1},{"b":1}]}',
    "empty arrays": "[]",
    "arrays within arrays": "[" * 60 + "1" + "]" * 60,
}


def patterns() -> Iterator[tuple[str, Any]]:
    """Each pattern with a name. None matches any of the bodies soon."""
    for name, alternative in ALTERNATIVES.items():
        yield name, {"a": [alternative(1)]}
        yield f"many of {name}", largest(partial(_many, alternative))
        yield f"$or of {name}", largest(partial(_choices, alternative))
    for name, alternative in FULL_ALTERNATIVES.items():
        yield name, largest(partial(_one, alternative))
    inner = {"b": [9]}
    yield "objects", {"a": inner}
    yield "objects within objects", {"a": {"a": {"a": inner}}}
    yield "many fields", largest(lambda n: {"a": {str(i): [{"exists": False}] for i in range(n)} | inner})
    yield "$or in objects", largest(lambda n: {"a": {"$or": [inner] * n}})
    yield "$or of objects", largest(lambda n: {"$or": [{"a": inner}] * n})
    yield "$or in objects within objects", largest(lambda n: {"a": {"a": {"a": {"$or": [inner] * n}}}})
    yield "$or of what is missing", largest(lambda n: {"$or": [{"q": [1]}] * n})


def _one(alternative: Alternative, size: int) -> Any:
    return {"a": [alternative(size)]}


def _many(alternative: Alternative, count: int) -> Any:
    return {"a": [alternative(number) for number in range(count)]}


def _choices(alternative: Alternative, count: int) -> Any:
    return {"$or": [{"a": [alternative(number)]} for number in range(count)]}


def largest(make: Callable[[int], Any]) -> Any:
    """The largest pattern of a form that a hook may have."""
    sizes = range(2, MAX_FILTER_BYTES)
    return make(sizes[bisect_right(sizes, MAX_FILTER_BYTES, key=partial(_size, make)) - 1])


def _size(make: Callable[[int], Any], number: int) -> int:
    return len(canonical(make(number)).encode())


def bodies() -> Iterator[tuple[str, Any]]:
    """Each body with a name."""
    room = BODY_BYTES - len('{"a":[]}')
    for name, value in VALUES.items():
        yield name, loads(f'{{"a":[{",".join([value] * (room // (len(value.encode()) + 1)))}]}}')
    for name, char in {"ASCII": "a", "not ASCII": "İ", "beyond the BMP": "😀"}.items():
        yield f"a string, {name}", {"a": char * (room // len(char.encode()))}
    # From 30,000 characters on, Python takes another algorithm to find something in them.
    yield "a string of 29,999", {"a": "a" * 29_999}
    yield "many fields", {str(number): 1 for number in range(7_000)}


def slowest(rounds: int = ROUNDS) -> list[tuple[float, str, str]]:
    """Milliseconds, pattern and body of each pair, the slowest first.

    :param rounds: how often a pair is evaluated again that is neither too slow nor fast by far.
    """
    there = list(bodies())
    taken = []
    for pattern_name, pattern in patterns():
        wanted = check_filter(pattern)
        taken += [(milliseconds(wanted, body, rounds), pattern_name, name) for name, body in there]
    return sorted(taken, reverse=True)


def milliseconds(wanted: EventFilter, body: Any, rounds: int) -> float:
    """The least of some rounds, of more if it is too long: what else the machine does only adds to it."""
    least = float("inf")
    for number in range(MAX_ROUNDS):
        started = time.thread_time()
        with suppress(FilterTooLongError):
            wanted.mismatch(body)
        least = min(least, (time.thread_time() - started) * 1000)
        if least < MAX_MILLISECONDS / 10 or (number >= rounds and least < MAX_MILLISECONDS):
            break
    return least


def to_check() -> list[tuple[float, str]]:
    """Milliseconds to check and compile each pattern, the slowest first."""
    taken = []
    for name, pattern in patterns():
        rounds = []
        for _ in range(ROUNDS):
            started = time.thread_time()
            check_filter(pattern)
            rounds.append((time.thread_time() - started) * 1000)
        taken.append((min(rounds), name))
    return sorted(taken, reverse=True)


def measure() -> list[Measure]:
    """The worst evaluation, and the worst check."""
    pairs, checks = slowest(), to_check()
    return [
        Measure(
            name="The worst filter over a body of 64 KB",
            value=round(pairs[0][0], 2),
            unit="ms",
            reach=MAX_MILLISECONDS,
            detail={
                "pairs": len(pairs),
                "slowest": [
                    f"{pattern}; {body}: {milliseconds:.1f} ms"
                    for milliseconds, pattern, body in pairs[:SLOWEST]
                ],
            },
        ),
        Measure(
            name="The worst filter of 4 KB to check",
            value=round(checks[0][0], 2),
            unit="ms",
            reach=MAX_MILLISECONDS,
            detail={"patterns": len(checks), "slowest": checks[0][1]},
        ),
    ]


if __name__ == "__main__":
    print_measures(measure())
