"""What the template tells a function through its environment."""

import os


class MissingSettingError(Exception):
    """A function was deployed without a setting it needs."""


def setting(name: str) -> str:
    """The value of a setting that has to be there.

    :raises MissingSettingError: with its name, at init, so that no request meets a
        function that is half set up.
    """
    value = os.environ.get(name, "")
    if not value:
        raise MissingSettingError(f"the environment variable {name} is not set")
    return value


def switch(name: str) -> bool:
    """A setting that is ``true`` or ``false``.

    :raises MissingSettingError: when it is neither.
    """
    value = setting(name)
    if value not in {"true", "false"}:
        raise MissingSettingError(f"the environment variable {name} is {value!r}, not true or false")
    return value == "true"


def number(name: str) -> int:
    """A setting that is a whole number above zero.

    :raises MissingSettingError: when it is none.
    """
    value = setting(name)
    if not (value.isascii() and value.isdigit() and int(value) > 0):
        raise MissingSettingError(f"the environment variable {name} is {value!r}, not a number above zero")
    return int(value)
