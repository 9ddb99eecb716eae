"""No regular expression of the package can be made to run for long by what it is given.

Judged by their structure, with Python's own parser of them: time grows faster than the text
only where one text can be read in several ways, by a repetition inside another one, by
alternatives that begin alike inside a repetition, or by two repetitions side by side.
"""

import ast
import importlib
import re
from itertools import combinations
from pathlib import Path
from re import _constants as op
from re import _parser

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = {"storehooks": ROOT / "layers/shared"}
CHARACTERS = frozenset(range(0x180))
# More often than this is as good as without an end.
MANY = 40

# Side by side, and why it may be: the text is short, or nothing that follows can fail.
READ_IN_TWO_WAYS = {
    "storehooks.domain.destination._URL": "at most 2048 characters; what comes after takes all that is left"
}


def modules() -> list[str]:
    return [
        ".".join(path.relative_to(root).with_suffix("").parts)
        for root in PACKAGES.values()
        for path in sorted(root.glob("storehooks/**/*.py"))
        if re.search(r"\bre\.[a-z]+\(", path.read_text())
    ]


def patterns() -> dict[str, re.Pattern[str]]:
    found: dict[str, re.Pattern[str]] = {}
    for name in modules():
        module = importlib.import_module(name)
        for attribute, value in vars(module).items():
            if isinstance(value, re.Pattern):
                found[f"{name}.{attribute}"] = value
    return found


PATTERNS = patterns()


@pytest.mark.parametrize("name", modules())
def test_each_pattern_is_compiled_once_and_has_a_name(name):
    root = PACKAGES[name.split(".")[0]]
    tree = ast.parse((root / (name.replace(".", "/") + ".py")).read_text())
    calls = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "re"
        and node.func.attr != "escape"
    ]
    named = sum(1 for full in PATTERNS if full.rpartition(".")[0] == name)
    assert [call.func.attr for call in calls] == ["compile"] * named


@pytest.mark.parametrize("name", sorted(PATTERNS))
def test_no_text_can_be_read_in_many_ways(name):
    pattern = PATTERNS[name]
    tree = _parser.parse(pattern.pattern, pattern.flags & ~re.UNICODE & ~re.ASCII)
    assert not list(nested(tree)), "a repetition inside a repetition"
    is_exempt = name in READ_IN_TWO_WAYS
    assert bool(list(side_by_side(tree))) == is_exempt, "two repetitions of the same characters side by side"


@pytest.mark.parametrize(
    "text",
    [r"(a+)+b", r"(a|a)*b", r"(a|aa)*c", r"(?:a*,?)*x", r"a*a*b", r"\d+\w+x", r".*.*=.*", r"(\w+\s?)*$"],
)
def test_what_is_known_to_be_slow_is_found(text):
    tree = _parser.parse(text)
    assert list(nested(tree)) or list(side_by_side(tree))


@pytest.mark.parametrize("text", [r"[a-z]+-[a-z]+", r"(?:[a-f]|%[0-9]{2})*", r"a*b*c", r"(?:,[1-9]{3})*"])
def test_what_is_known_to_be_fast_is_not(text):
    tree = _parser.parse(text)
    assert not list(nested(tree))
    assert not list(side_by_side(tree))


# ------------------------------------------------------------ the structure


def is_long(node) -> bool:
    return node[0] in {op.MAX_REPEAT, op.MIN_REPEAT} and node[1][1] > MANY


def children(node):
    """The sequences inside a node."""
    kind, value = node
    match kind:
        case op.MAX_REPEAT | op.MIN_REPEAT | op.POSSESSIVE_REPEAT:
            return [value[2]]
        case op.SUBPATTERN:
            return [value[3]]
        case op.BRANCH:
            return value[1]
        case op.ASSERT | op.ASSERT_NOT:
            return [value[1]]
    return []


def walk(sequence):
    for node in sequence:
        yield node
        for child in children(node):
            yield from walk(child)


def nested(tree):
    """Repetitions whose body can be cut in more than one way."""
    for node in walk(tree):
        if not is_long(node):
            continue
        body = node[1][2]
        for inner in walk(body):
            if inner[0] is op.BRANCH:
                firsts = [first(branch) for branch in inner[1][1]]
                if any(is_empty for _, is_empty in firsts):
                    firsts.append(first(body))
                if any(one[0] & other[0] or (one[1] and other[1]) for one, other in combinations(firsts, 2)):
                    yield inner
            elif inner[0] in {op.MAX_REPEAT, op.MIN_REPEAT} and is_long(inner):
                held, _ = first(inner[1][2])
                certain = [first([part]) for part, is_certain in flat(body) if is_certain]
                # Something that it cannot hold has to come before the next round.
                if not any(not is_empty and not characters & held for characters, is_empty in certain):
                    yield inner


def side_by_side(tree):
    """Repetitions that another one of the same characters follows, with nothing certain between."""
    before: list[frozenset[int]] = []
    for node, is_certain in flat(tree):
        characters, can_be_empty = first([node])
        is_run = is_long(node) and len(node[1][2]) == 1 and not children(node[1][2][0])
        if is_run and any(characters & other for other in before):
            yield node
        if is_certain and not can_be_empty:
            # What must come between ends a repetition that cannot hold it.
            before = [other for other in before if characters <= other]
        if is_run:
            before.append(characters)


def flat(sequence, *, is_certain=True):
    """The nodes in their order, of groups what is in them; and whether each must be there."""
    for node in sequence:
        if node[0] is op.SUBPATTERN:
            yield from flat(node[1][3], is_certain=is_certain)
        elif node[0] in {op.MAX_REPEAT, op.MIN_REPEAT} and node[1][1] == 1:
            yield from flat(node[1][2], is_certain=False)
        else:
            yield node, is_certain


def first(sequence) -> tuple[frozenset[int], bool]:
    """The characters that a sequence can begin with, and whether it can be empty."""
    found: frozenset[int] = frozenset()
    for node in sequence:
        kind, value = node
        match kind:
            case op.AT | op.ASSERT | op.ASSERT_NOT:
                characters, can_be_empty = frozenset(), True
            case op.MAX_REPEAT | op.MIN_REPEAT:
                characters, can_be_empty = first(value[2])
                can_be_empty = can_be_empty or value[0] == 0
            case op.SUBPATTERN:
                characters, can_be_empty = first(value[3])
            case op.BRANCH:
                parts = [first(branch) for branch in value[1]]
                characters = frozenset().union(*(part for part, _ in parts))
                can_be_empty = any(empty for _, empty in parts)
            case _:
                characters, can_be_empty = one_of(node), False
        found |= characters
        if not can_be_empty:
            return found, False
    return found, True


def one_of(node) -> frozenset[int]:
    """The characters that a node for one character stands for."""
    kind, value = node
    match kind:
        case op.LITERAL:
            return frozenset({value})
        case op.NOT_LITERAL:
            return CHARACTERS - {value}
        case op.ANY:
            return CHARACTERS
        case op.RANGE:
            return frozenset(range(value[0], value[1] + 1))
        case op.CATEGORY:
            name = str(value).rpartition("_")[2].lower()
            sign = {"digit": "d", "space": "s", "word": "w"}[name]
            sign = sign.upper() if "_NOT_" in str(value) else sign
            return frozenset(c for c in CHARACTERS if re.fullmatch(f"\\{sign}", chr(c)))
        case op.IN:
            negated = value[0][0] is op.NEGATE
            held = frozenset().union(*(one_of(item) for item in value if item[0] is not op.NEGATE))
            return CHARACTERS - held if negated else held
    raise AssertionError(f"not looked at: {node}")
