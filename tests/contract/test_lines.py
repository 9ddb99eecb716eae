"""The lines of hooks with a rate."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from tests.contract.examples import NOW
from tests.unit.test_delivery import HOOK

LIMITED = replace(HOOK, max_per_second=5, version=3)
SECOND = int(NOW)


def after(found) -> list[int]:
    """How much later than the present second each place is."""
    return [second - SECOND for second in found]


def test_places_are_given_one_after_the_other_to_all_processes(process):
    first, second = process(), process()
    assert after(first.lines.reserve(LIMITED, 7)) == [0] * 5 + [1] * 2
    assert after(second.lines.reserve(LIMITED, 4)) == [1] * 3 + [2]
    assert after(first.lines.reserve(LIMITED, 1)) == [2]
    assert after(first.lines.reserve(replace(LIMITED, id=8), 1)) == [0], "each hook has a line of its own"


def test_a_line_that_nobody_stands_in_begins_with_the_present_second(parts, clock):
    parts.lines.reserve(LIMITED, 12)
    clock.now += 2.9
    assert after(parts.lines.reserve(LIMITED, 4)) == [2] * 3 + [3]
    clock.now += 60
    assert after(parts.lines.reserve(LIMITED, 6)) == [62] * 5 + [63]


@pytest.mark.parametrize(
    ("rate", "places"), [(1, [0, 1, 2]), (2.5, [0, 0, 1]), (0.4, [0, 2, 5]), (1000, [0] * 3)]
)
def test_every_rate_has_its_line(parts, rate, places):
    assert after(parts.lines.reserve(replace(LIMITED, max_per_second=rate), 3)) == places


def test_after_a_change_of_the_hook_its_line_begins_anew_and_who_read_it_before_gets_no_place(parts):
    parts.lines.reserve(LIMITED, 500)
    changed = replace(LIMITED, version=4, max_per_second=1)
    assert after(parts.lines.reserve(changed, 2)) == [2, 3]
    assert parts.lines.reserve(LIMITED, 1) is None
    assert after(parts.lines.reserve(changed, 1)) == [4]


def test_a_hook_that_was_restored_to_an_earlier_version_gets_places_again_after_two_minutes(parts, clock):
    parts.lines.reserve(replace(LIMITED, version=9), 5)
    assert parts.lines.reserve(LIMITED, 1) is None
    clock.now += 122
    assert after(parts.lines.reserve(LIMITED, 6)) == [122] * 5 + [123]
    assert after(parts.lines.reserve(LIMITED, 1)) == [123]


def test_of_many_at_once_nobody_gets_a_place_that_another_has(parts):
    with ThreadPoolExecutor(8) as threads:
        given = list(threads.map(lambda _: parts.lines.reserve(LIMITED, 3), range(25)))
    assert sorted(Counter(after(second for some in given for second in some)).items()) == [
        (second, 5) for second in range(15)
    ]
