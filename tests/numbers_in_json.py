"""Numbers as JSON may have them: known to be hard, and made up."""

from random import Random

NUMBERS = (
    "1234567890123456.78", "1e-400", "1e400", "1.50", "0.10", "1E+2", "1e+2", "1e05", "-0", "-0.0", "-0.00",
    "0e0", "0.1", "19.90", "100.00", "9007199254740993", "123456789012345678901234567890",
    "-123456789012345678901234567890", "0.1000000000000000055511151231257827", "1.7976931348623157e308",
    "4.9E-324", "1e22", "1e23", "5e-05",
)  # fmt: skip


def literals(count: int) -> list[str]:
    """So many numbers, the same ones each time: the known ones, and made up ones of all forms."""
    random = Random(18)  # noqa: S311 - the same numbers each time
    made = [_literal(random) for _ in range(count - len(NUMBERS))]
    return [*NUMBERS, *made]


def _literal(random: Random) -> str:
    first = random.choice("123456789")
    whole = (
        "0" if random.random() < 0.2 else first + _digits(random, random.choice([0, 1, 5, 15, 16, 17, 29]))
    )
    fraction = f".{_digits(random, random.choice([1, 2, 2, 3, 16, 30]))}" if random.random() < 0.7 else ""
    sign, letter = random.choice(["", "+", "-"]), random.choice("eE")
    exponent = f"{letter}{sign}{_digits(random, random.choice([1, 2, 3]))}" if random.random() < 0.4 else ""
    return random.choice(["", "-"]) + whole + fraction + exponent


def _digits(random: Random, count: int) -> str:
    return "".join(random.choices("0000123456789", k=count))
