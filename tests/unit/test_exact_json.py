"""JSON whose numbers keep the digits that they were written with."""

import json
from decimal import Decimal
from random import Random

import pytest

from storehooks.api.strict_json import RefusedJsonError, strict_json
from storehooks.domain.exact_json import MAX_NUMBER_LENGTH, Number, decimal_value, dumps, loads, read_float
from tests.numbers_in_json import NUMBERS, literals

READERS = pytest.mark.parametrize("read", [strict_json, loads])


@READERS
def test_20000_numbers_are_written_with_the_digits_that_they_were_read_with(read):
    written = literals(20_000)
    assert len(written) == 20_000
    text = f"[{','.join(written)}]"
    value = read(text)
    assert dumps(value) == dumps(value, in_ascii=True) == text
    assert {type(one) for one in value} == {int, float, Number}
    # Each alone in an object, as the writer without a Number among them is another one.
    assert all(dumps(read(f'{{"a":{one}}}')) == f'{{"a":{one}}}' for one in written)


@READERS
@pytest.mark.parametrize("literal", NUMBERS)
def test_a_number_is_kept_among_other_values(read, literal):
    text = f'{{"naïve":[{literal},{{"a":{literal}}},"{literal}",null,true,[],{{}}]}}'
    assert dumps(read(text)) == text
    assert json.loads(dumps(read(text), in_ascii=True)) == json.loads(text)
    assert dumps(read(text), in_ascii=True).isascii()


@pytest.mark.parametrize("literal", ["0", "-7", "250.0", "1.5", "-0.0", "1e+22", "9" * 30])
def test_a_number_that_python_writes_as_it_was_is_an_int_or_a_float(literal):
    assert type(strict_json(literal)) in {int, float}


@pytest.mark.parametrize("write", [lambda length: "9" * length, lambda length: "0." + "1" * (length - 2)])
def test_a_number_of_4300_characters_is_the_longest(write):
    longest = write(MAX_NUMBER_LENGTH)
    assert dumps(strict_json(longest)) == longest
    for read in (strict_json, loads):
        with pytest.raises(ValueError, match="digits"):
            read(write(MAX_NUMBER_LENGTH + 1))


@READERS
@pytest.mark.parametrize(
    "text", ["NaN", "Infinity", "[-Infinity]", '{"a":NaN}', "01", "+1", ".5", "1.", "0x1"]
)
def test_what_is_no_number_of_json_is_refused(read, text):
    with pytest.raises(ValueError, match=r"."):
        read(text)


def test_infinity_is_never_written():
    for value in ({"a": float("inf")}, [Number("1.50"), float("nan")]):
        with pytest.raises(ValueError, match="JSON"):
            dumps(value)


def test_what_is_no_value_of_json_is_never_written():
    with pytest.raises(TypeError):
        dumps([Number("1.50"), object()])


def number(literal: str) -> float | Number:
    """A number as JSON's parser gives it; an integer as if it had a fraction."""
    return read_float(literal)


@pytest.mark.parametrize(
    ("literals", "value"),
    [
        (["1.50", "1.5", "15e-1", "0.15E1"], 1.5),
        (["250.0", "2.5e2", "2500E-1"], 250),
        (["-0.0", "0e9", "-0.00"], 0),
        (["1E+2", "100.0"], 100),
        (["1e23", "1.0e23"], 10**23),
        (["12345678901234567890.0"], 12345678901234567890),
        (["1e400"], 10**400),
        (["1234567890123456.78", "123456789012345678e-2"], Number("123456789012345678e-2")),
        (["1e-400", "10.0e-401"], Number("1e-400")),
        (["1e99999", "10e99998"], Number("1e99999")),
    ],
)
def test_the_decimal_value_is_the_same_however_it_was_written(literals, value):
    for literal in literals:
        found = decimal_value(number(literal))
        assert (found, type(found)) == (value, type(value))


def test_decimal_values_are_equal_exactly_if_the_numbers_are():
    """Against the module decimal, on numbers that are near to each other."""
    random = Random(18)  # noqa: S311 - the same numbers each time
    pool = [literal for literal in literals(3_000) if not set(literal).isdisjoint(".eE")]
    compared = 0
    for literal in pool:
        for other in (respelt(literal, random), literal.replace("7", "8"), random.choice(pool)):
            is_equal = Decimal(literal) == Decimal(other)
            assert (decimal_value(number(literal)) == decimal_value(number(other))) == is_equal, (
                literal,
                other,
            )
            compared += 1
    assert compared > 6_000


def respelt(literal: str, random: Random) -> str:
    """The same value with another exponent and more zeros."""
    sign, digits, exponent = Decimal(literal).as_tuple()
    zeros = random.randrange(5)
    text = "".join(map(str, digits)) + "0" * zeros
    return f"{'-' if sign else ''}{text}{random.choice('eE')}{int(exponent) - zeros}"


def test_a_byte_order_mark_is_ignored_once():
    assert strict_json(b'\xef\xbb\xbf{"a":1}') == strict_json('\ufeff{"a":1}') == {"a": 1}
    for text in ("\ufeff\ufeff1", " \ufeff1", "1\ufeff"):
        with pytest.raises(RefusedJsonError, match="is not JSON"):
            strict_json(text)
    with pytest.raises(RefusedJsonError, match="is empty"):
        strict_json("\ufeff")
    assert strict_json('"\ufeff"') == "\ufeff"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le"])
def test_another_encoding_is_named_as_such(encoding):
    with pytest.raises(RefusedJsonError, match="UTF-8"):
        strict_json('{"a":1}'.encode(encoding))


def test_a_lone_surrogate_is_refused_and_a_pair_is_not():
    assert strict_json(r'"\ud83d\uDED2"') == "🛒"
    for text in (r'"\ud800"', r'{"\uDFFF":1.50}', r'[1.50,"\ud83d \uded2"]', '"\ud800"'):
        with pytest.raises(RefusedJsonError, match="lone surrogate"):
            strict_json(text)
