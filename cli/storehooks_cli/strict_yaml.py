"""YAML whose plain values are those of JSON, with the line of each.

YAML's versions read plain text differently: ``no`` is false in 1.1 and a string in 1.2, ``1:30`` is 90 or
a string. Here a plain value is JSON's ``null``, ``true``, ``false`` or a number, which keeps its digits, or
else a string; what a version would take for something else has to stand in quotes.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from storehooks.domain.exact_json import Number, dumps, loads

MAX_VALUES = 200_000
"""Of a document, where what an alias stands for counts each time."""

_MAX_DEPTH = 60
_STRING = "tag:yaml.org,2002:str"
_NULL = "tag:yaml.org,2002:null"
_LITERAL = "storehooks:json"
_JSON_LITERAL = re.compile(r"null|true|false|-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?", re.ASCII)
# What an alias, an anchor or a tag is called may be a header's value without its quotes.
_UNSAID = re.compile(r"(alias|anchor|tag handle) .*")
# By the first character: ours, and then those of YAML 1.1, for what is not to be taken for a string.
_RESOLVERS: dict[str, list[tuple[str, re.Pattern[str]]]] = {
    first: [(_LITERAL, re.compile(rf"(?:{_JSON_LITERAL.pattern})\Z", re.ASCII))] * (first in "-0123456789ntf")
    + yaml.SafeLoader.yaml_implicit_resolvers.get(first, [])
    for first in {*yaml.SafeLoader.yaml_implicit_resolvers, *"-0123456789ntf"} - {""}
} | {"": [(_NULL, re.compile(r"\Z"))]}


@dataclass(frozen=True, slots=True)
class YamlProblem:
    """What is wrong in a document. Lines count from 1; ``place`` is such as ``hooks[0].scope``."""

    line: int
    place: str
    reason: str


class InvalidYamlError(ValueError):
    """A text is not YAML."""

    def __init__(self, problem: YamlProblem) -> None:
        super().__init__(problem)
        self.problem = problem


@dataclass(frozen=True, slots=True)
class YamlDocument:
    """A document, the lines of its places, and what is wrong in it; a value that is wrong is None."""

    value: Any
    lines: Mapping[str, int]
    problems: tuple[YamlProblem, ...]


def read_yaml(text: str) -> YamlDocument:
    """The one document of a text.

    :raises InvalidYamlError: when the text is not YAML, or far too large.
    """
    try:
        node = yaml.compose(text, Loader=_Loader)
        reader = _Reader()
        value = None if node is None else reader.value(node, "", depth=0)
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise InvalidYamlError(YamlProblem(line, "", f"has the character {error.character!r}")) from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = 1 if mark is None else mark.line + 1
        words = ", ".join(_UNSAID.sub(r"\1", part) for part in (error.context, error.problem) if part)
        raise InvalidYamlError(YamlProblem(line, "", f"is not YAML: {words}")) from None
    except RecursionError:
        raise InvalidYamlError(YamlProblem(1, "", "is nested too deeply")) from None
    return YamlDocument(value, reader.lines, tuple(reader.problems))


def write_yaml(value: Any) -> str:
    """A document that :func:`read_yaml` reads as this value.

    An array stands on one line, unless it is a :class:`Block`.
    """
    written: str = yaml.dump(
        value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, default_flow_style=False, width=10**6
    )
    return written


class Block(list[Any]):
    """An array that is written with a line for each of its elements."""


class _Loader(yaml.SafeLoader):
    """Only composes nodes: what they mean is decided by :class:`_Reader`."""

    yaml_implicit_resolvers = _RESOLVERS
    # With DEL, which JSON does not escape.
    NON_PRINTABLE = re.compile(  # type: ignore[misc]
        yaml.SafeLoader.NON_PRINTABLE.pattern.replace("~", "\x7f")
    )


@dataclass(slots=True)
class _Reader:
    lines: dict[str, int] = field(default_factory=dict)
    problems: list[YamlProblem] = field(default_factory=list)
    values: int = 0

    def value(self, node: yaml.Node, place: str, *, depth: int) -> Any:
        self.lines[place] = node.start_mark.line + 1
        self.values += 1
        if depth > _MAX_DEPTH:  # as an alias of what it is in
            raise InvalidYamlError(YamlProblem(self.lines[place], place[:80], "is nested too deeply"))
        if self.values > MAX_VALUES:
            raise InvalidYamlError(YamlProblem(1, "", f"has more than {MAX_VALUES} values"))
        match node:
            case yaml.MappingNode(tag="tag:yaml.org,2002:map"):
                return self._mapping(node, place, depth)
            case yaml.SequenceNode(tag="tag:yaml.org,2002:seq"):
                return [
                    self.value(one, f"{place}[{number}]", depth=depth + 1)
                    for number, one in enumerate(node.value)
                ]
            case yaml.ScalarNode():
                return self._scalar(node, place)
        return self._refuse(node, place, "has a tag; accepted: a value without one")

    def _mapping(self, node: yaml.MappingNode, place: str, depth: int) -> dict[str, Any]:
        members: dict[str, Any] = {}
        for key, value in node.value:
            name = self._name(key, place)
            if name is None:
                continue
            inner = f"{place}.{name}" if place else name
            if name in members:
                first = f"the first is on line {self.lines[inner]}"
                self._refuse(key, inner, f"stands here for the second time; {first}")
                continue
            members[name] = self.value(value, inner, depth=depth + 1)
            self.lines[inner] = key.start_mark.line + 1
        return members

    def _name(self, key: yaml.Node, place: str) -> str | None:
        if isinstance(key, yaml.ScalarNode) and key.tag == _STRING:
            name: str | None = self._scalar(key, place)
            return name
        self._refuse(key, place, "has a name that YAML may not read as a string; accepted: one in quotes")
        return None

    def _scalar(self, node: yaml.ScalarNode, place: str) -> Any:
        if node.tag == _LITERAL and _JSON_LITERAL.fullmatch(node.value):
            try:
                return loads(node.value)
            except ValueError:
                return self._refuse(node, place, "has a number of too many digits")
        if node.tag == _NULL and node.value == "":
            return None
        if node.tag == _STRING:
            try:
                # Two escapes, as JSON writes an emoji, are one character.
                return node.value.encode("utf-16", "surrogatepass").decode("utf-16")
            except UnicodeDecodeError:
                return self._refuse(node, place, "has a lone surrogate, which is not a character")
        accepted = "a string in quotes, or null, true, false or a number as JSON writes them"
        # Not repeated, nor is a tag: it may be a credential.
        return self._refuse(node, place, f"is nothing that all YAML reads alike; accepted: {accepted}")

    def _refuse(self, node: yaml.Node, place: str, reason: str) -> None:
        self.problems.append(YamlProblem(node.start_mark.line + 1, place, reason))


class _Dumper(yaml.SafeDumper):
    """Puts a string into quotes where the loader would not read one."""

    yaml_implicit_resolvers = _RESOLVERS

    def ignore_aliases(self, _data: Any) -> bool:
        return True


def _represent_literal(dumper: yaml.SafeDumper, value: Any) -> yaml.Node:
    return dumper.represent_scalar(_LITERAL, dumps(value))


def _represent_array(dumper: yaml.SafeDumper, value: list[Any]) -> yaml.Node:
    return dumper.represent_sequence("tag:yaml.org,2002:seq", value, flow_style=not isinstance(value, Block))


def _represent_text(dumper: yaml.SafeDumper, value: str) -> yaml.Node:
    # Within other quotes a line break of Unicode would be read as a space.
    return dumper.represent_scalar(_STRING, value, style=None if value.isprintable() else '"')


for _kind in (bool, int, float, Number, type(None)):
    _Dumper.add_representer(_kind, _represent_literal)
_Dumper.add_representer(str, _represent_text)
_Dumper.add_representer(list, _represent_array)
_Dumper.add_representer(Block, _represent_array)
