"""Dataclasses of the hot path against frozen ones."""

import dataclasses

import pytest

from storehooks.domain import values


@values.dataclass(frozen=True, slots=True)
class Ours:
    first: int
    second: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class Frozen:
    first: int
    second: tuple[str, ...] = ()


def test_they_are_equal_and_have_the_hash_that_frozen_ones_have():
    one = Ours(1, ("a",))
    assert one == Ours(1, ("a",)) != dataclasses.replace(one, first=2)
    assert hash(one) == hash(Frozen(1, ("a",)))
    assert len({one, Ours(1, ("a",)), Ours(1)}) == 2


def test_they_have_no_other_attributes():
    with pytest.raises(AttributeError):
        Ours(1).third = 3
