"""Dataclasses that are frozen for type checkers alone.

A frozen one sets each of its fields by a call, and an attempt makes a dozen of them: that took 7 % of all
of a delivery. So modules of the hot path import ``dataclass`` from here. A new field is set by ``replace``
as ever, since mypy refuses an assignment.
"""

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dataclasses import dataclass
else:

    def dataclass(*, frozen: bool = False, **options: Any) -> Callable[[type], type]:
        """As :func:`dataclasses.dataclass` has it, with the same equality and hash as a frozen one's."""
        return dataclasses.dataclass(unsafe_hash=frozen, **options)


__all__ = ["dataclass"]
