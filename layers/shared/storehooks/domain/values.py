"""Dataclasses that are frozen for type checkers alone.

A frozen dataclass sets each field by a call, and an attempt creates a dozen of them: that took 7 % of the
time of a delivery. So modules of the hot path import ``dataclass`` from here. Use ``replace`` to change a
field, as with any frozen dataclass: mypy refuses an assignment.
"""

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dataclasses import dataclass
else:

    def dataclass(*, frozen: bool = False, **options: Any) -> Callable[[type], type]:
        """:func:`dataclasses.dataclass` with the equality and hash of a frozen one."""
        return dataclasses.dataclass(unsafe_hash=frozen, **options)


__all__ = ["dataclass"]
