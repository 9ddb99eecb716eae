"""When the sweep looks at what is held for hooks."""

from dataclasses import replace

import pytest

from storehooks.adapters.delivery_log.held_watches import CLAIM_SECONDS
from storehooks.domain.delivery import Status
from storehooks.domain.task import HoldTask
from tests.contract import examples
from tests.contract.examples import NOW
from tests.world import STORE

HOOK = replace(examples.hook(), paused_at=int(NOW))
TASK = HoldTask(store_hash=STORE, hook_id=HOOK.id, client_id=HOOK.client_id, store_id=None)
RETENTION_SECONDS = 30 * 24 * 60 * 60


@pytest.fixture
def watches(parts):
    return parts.held_watches


def taken(watches, until):
    return list(watches.take_due(until))


def test_a_hold_is_taken_at_its_time_and_by_one_alone(watches, clock):
    watches.begin(HOOK, NOW + 100)
    assert taken(watches, NOW + 99.999) == []
    assert taken(watches, NOW + 100) == [TASK]
    assert taken(watches, NOW + 100) == []
    clock.now += CLAIM_SECONDS
    assert taken(watches, clock.now) == [TASK], "it was not looked at, so it is due again"


def test_a_watch_begins_once_for_a_hold_whoever_begins_it(watches, process):
    watches.begin(HOOK, NOW + 100)
    for one in (watches, process().held_watches):
        one.begin(HOOK, NOW)
    assert taken(watches, NOW + 99) == []
    watches.end(STORE, HOOK.id)
    process().held_watches.begin(HOOK, NOW)
    assert taken(watches, NOW + 9999) == [], "this hold was looked at"
    watches.begin(replace(HOOK, paused_at=int(NOW) + 1), NOW)
    assert taken(watches, NOW) == [TASK]


def test_a_watch_is_moved_and_ended(watches):
    watches.move(HOOK, NOW)
    watches.move(HOOK, NOW + 100)
    assert taken(watches, NOW + 99) == []
    watches.end(STORE, HOOK.id)
    watches.end(STORE, HOOK.id + 1)
    assert taken(watches, NOW + 9999) == []


def test_deliveries_that_are_due_are_not_taken_for_holds_nor_holds_for_deliveries(parts):
    parts.held_watches.move(HOOK, NOW)
    delivery = examples.delivery(
        1, status=Status.RETRYING, next_attempt_at=NOW, attempts=(examples.attempt(),)
    )
    parts.log.save(delivery, over=None)
    assert [len(batch.due) for batch in parts.due.take_due(NOW + 9999)] == [1]
    assert taken(parts.held_watches, NOW) == [TASK]


def test_the_first_of_what_is_held_is_kept_until_its_retention_is_over(parts, clock):
    def first():
        return parts.log.first_kept_until(STORE, 1, Status.HELD)

    assert first() is None
    for number in (1, 2):
        parts.log.save(examples.delivery(number, status=Status.HELD), over=None)
        clock.now += 1000
    parts.log.save(examples.delivery(3, status=Status.EXHAUSTED), over=None)
    assert first() == NOW + RETENTION_SECONDS
    clock.now = NOW + RETENTION_SECONDS
    assert first() == NOW + 1000 + RETENTION_SECONDS
    clock.now += 1000
    assert first() is None
