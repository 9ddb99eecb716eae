"""YAML as files for the command line have it."""

import json

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from storehooks.domain.exact_json import dumps, loads
from storehooks_cli import strict_yaml
from storehooks_cli.strict_yaml import Block, InvalidYamlError, read_yaml, write_yaml
from tests.made_up_hooks import HARD, VARIABLES
from tests.numbers_in_json import literals

TEXTS = st.text() | st.sampled_from(HARD + VARIABLES)
# YAML reads a key on the line of its value up to 1,024 characters (YAML 1.2.2, 7.4.3); escaped, ten for one.
KEYS = TEXTS.filter(lambda text: len(text) <= 100)
VALUES = st.recursive(
    st.none() | st.booleans() | TEXTS | st.sampled_from(literals(100)).map(loads),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(Block)
        | st.dictionaries(KEYS, inner, max_size=3)
    ),
    max_leaves=10,
)


@given(VALUES)
def test_what_is_written_is_read_as_it_was(value):
    document = read_yaml(write_yaml(value))
    assert (document.value, document.problems) == (value, ())


@given(VALUES.filter(lambda value: value is not None))
@example(["\x7f"])
def test_json_is_read_as_it_is(value):
    assert read_yaml(dumps(value, in_ascii=True)).value == value


def test_plain_values_are_those_of_json_and_keep_their_digits():
    document = read_yaml("[null, true, false, 1.50, -0, 1e3, a, a b, /x, $a, \"1\", 'no', !!str 5, ]")
    assert dumps(document.value) == ('[null,true,false,1.50,-0,1e3,"a","a b","/x","$a","1","no","5"]')
    assert document.problems == ()


@pytest.mark.parametrize(
    "text",
    [
        "no",
        "Yes",
        "~",
        "Null",
        "1:30",
        "2024-01-01",
        "010",
        "0x1F",
        "1_000",
        ".inf",
        "+1",
        "<<",
        "=",
        ".5",
        "1.",
    ],
)
def test_a_plain_value_that_not_all_yaml_reads_alike_is_refused_and_not_repeated(text):
    for written in (f"a:\n  b: {text}", f"a:\n  ? {text}\n  : 1"):
        (problem,) = read_yaml(written).problems
        assert (problem.line, problem.place.partition(".")[0]) == (2, "a")
        assert "quotes" in problem.reason
        assert f"'{text}'" not in problem.reason


def test_each_place_has_its_line():
    lines = read_yaml("a:\n  - b\n  - c:\n      d: 1\ne: {f: 1}\n").lines
    assert lines == {"": 1, "a": 1, "a[0]": 2, "a[1]": 3, "a[1].c": 3, "a[1].c.d": 4, "e": 5, "e.f": 5}


def test_a_name_that_stands_twice_is_refused():
    (problem,) = read_yaml("a: 1\nb: 2\na: 3").problems
    assert (problem.line, problem.place) == (3, "a")
    assert "line 1" in problem.reason


@pytest.mark.parametrize(
    "text", ["!secret a", "!!python/object:os.system {}", "!!binary a", "!!int 5", "!a [b]"]
)
def test_a_tag_is_refused_and_not_repeated(text):
    (problem,) = read_yaml(f"a: {text}").problems
    assert problem.place == "a"
    assert "secret" not in problem.reason


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a: 1\nb: [", 2),
        ("a: 1\n\tb", 2),
        ("a: 1\nb: *s3cret", 2),
        ("a: 1\nb: !s3cret!c d", 2),
        ("a\nb: c: d", 2),
        ("a: 1\n---\nb: 2", 2),
        ("a: 1\nb: \x07", 2),
        ("[" * 500, 1),
        ("a: &a [*a]", 1),
    ],
)
def test_what_is_no_yaml_is_refused_with_its_line(text, line):
    with pytest.raises(InvalidYamlError) as caught:
        read_yaml(text)
    assert caught.value.problem.line == line
    assert "s3cret" not in str(caught.value.problem)


def test_a_lone_surrogate_is_refused_and_a_pair_is_a_character():
    assert read_yaml(json.dumps(["\N{GRINNING FACE}"])).value == ["\N{GRINNING FACE}"]
    assert "surrogate" in read_yaml(r'a: "\ud800"').problems[0].reason


def test_aliases_stand_for_a_value_and_not_for_millions(monkeypatch):
    assert read_yaml("a: &a {b: [c]}\nd: *a").value == {"a": {"b": ["c"]}, "d": {"b": ["c"]}}
    monkeypatch.setattr(strict_yaml, "MAX_VALUES", 1000)
    text = "a0: &a0 [x]\n" + "".join(
        f"a{number}: &a{number} [{', '.join([f'*a{number - 1}'] * 9)}]\n" for number in range(1, 10)
    )
    with pytest.raises(InvalidYamlError, match="1000 values"):
        read_yaml(text)


def test_strings_that_other_readers_would_take_for_something_else_are_in_quotes():
    value = {"a": [*HARD, "1", "true"]}
    assert yaml.safe_load(write_yaml(value)) == value
