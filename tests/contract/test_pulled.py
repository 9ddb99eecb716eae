"""The deliveries that wait to be pulled."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from storehooks.adapters.delivery_log import pulled as adapter
from storehooks.domain.delivery import Status
from storehooks.domain.pull import GivenOut, Waiting
from storehooks.domain.state_machine import offered
from tests.contract import examples
from tests.contract.examples import NOW
from tests.world import STORE

RETENTION_SECONDS = 30 * 24 * 60 * 60


@pytest.fixture
def pulled(parts):
    return parts.pulled


@pytest.fixture
def waiting(parts):
    """Five that wait, and others beside them."""
    five = [examples.delivery(number) for number in range(5)]
    others = (
        examples.delivery(6, hook_id=2),
        examples.delivered(7),
        examples.retrying(8),
        examples.ended(9),
    )
    for one in (*five[::-1], *others):
        assert parts.log.save(one, over=None)
    return five


def give_out(pulled, one, seconds=30):
    return pulled.give_out(STORE, one.hook_id, one.id, now=NOW, until=NOW + seconds)


def test_what_waits_is_found_the_oldest_first(pulled, waiting):
    ids = [one.id for one in waiting]
    assert pulled.waiting(STORE, 1, 10) == Waiting(ids, None)
    assert pulled.waiting(STORE, 1, 3) == Waiting(ids[:3], None)
    assert pulled.waiting(STORE, 3, 3) == Waiting([], None)


def test_what_is_given_out_is_whole_and_hidden_until_its_time(pulled, waiting, clock):
    first, second, *others = waiting
    assert give_out(pulled, first, 60) == replace(first, next_attempt_at=NOW + 60)
    assert give_out(pulled, second, 30) == replace(second, next_attempt_at=NOW + 30)
    assert give_out(pulled, first) is None
    assert pulled.waiting(STORE, 1, 10) == Waiting([one.id for one in others], NOW + 30)
    clock.now += 30
    assert pulled.waiting(STORE, 1, 10) == Waiting([one.id for one in waiting[1:]], NOW + 60)
    assert pulled.give_out(STORE, 1, second.id, now=clock.now, until=clock.now + 1) is not None


@pytest.mark.parametrize("one", [examples.delivered(7), examples.retrying(8), examples.ended(9)])
def test_only_what_is_pending_is_given_out(pulled, waiting, one):
    assert give_out(pulled, one) is None
    assert give_out(pulled, examples.delivery(99)) is None


def test_what_is_over_its_time_is_not_there_any_more(pulled, waiting, clock):
    clock.now += RETENTION_SECONDS
    assert pulled.waiting(STORE, 1, 10) == Waiting([], None)
    assert pulled.give_out(STORE, 1, waiting[0].id, now=clock.now, until=clock.now + 1) is None
    assert pulled.given_out(STORE, 1, [waiting[0].id]) == {}


def test_what_is_over_its_time_and_not_deleted_yet_hides_nothing_behind_it(
    pulled, waiting, parts, clock, monkeypatch
):
    """DynamoDB may take days to delete it."""
    monkeypatch.setattr(adapter, "_PAGE", 1)
    monkeypatch.setattr(adapter, "_MAX_QUERIES", 1)
    clock.now += RETENTION_SECONDS
    late = examples.delivery(50)
    assert parts.log.save(late, over=None)
    assert pulled.waiting(STORE, 1, 1) == Waiting([late.id], None)


def test_of_many_at_once_each_is_given_to_one(process, waiting):
    with ThreadPoolExecutor(8) as threads:
        given = list(threads.map(lambda _: give_out(process().pulled, waiting[0]), range(16)))
    assert sum(one is not None for one in given) == 1


def test_when_each_was_given_out_is_known_until_it_is_acknowledged(parts, pulled, waiting):
    first, second = waiting[:2]
    given = give_out(pulled, first)
    unknown = examples.delivery(99).id
    assert pulled.given_out(STORE, 1, [first.id, second.id, unknown]) == {
        first.id: GivenOut(given, NOW),
        second.id: GivenOut(second, None),
    }
    assert pulled.given_out(STORE, 1, []) == {}
    done = replace(given, status=Status.DELIVERED, attempts=(examples.attempt(),), next_attempt_at=None)
    assert parts.log.save(done, over=given)
    assert pulled.given_out(STORE, 1, [first.id]) == {first.id: GivenOut(done, None)}


def test_what_an_attempt_was_to_be_made_of_waits_to_be_pulled_instead(parts, pulled, waiting):
    retrying, ended = examples.retrying(8), examples.ended(9)
    assert parts.log.begin_round(ended, NOW) is not None
    begun = parts.log.get(STORE, 1, ended.id)
    assert give_out(pulled, begun) is not None
    for one in (retrying, begun):
        pulled.offer_again(offered(one), over=one)
    assert pulled.waiting(STORE, 1, 10) == Waiting([one.id for one in (*waiting, retrying)], NOW + 30)
    assert list(parts.due.take_due(NOW + 10_000)) == []


def test_what_has_ended_meanwhile_is_not_offered_again(parts, pulled, waiting):
    retrying = examples.retrying(8)
    assert parts.log.end_waiting(retrying, Status.HELD)
    assert not pulled.offer_again(offered(retrying), over=retrying)
    assert parts.log.get(STORE, 1, retrying.id).status is Status.HELD


def test_the_newest_says_since_when_nothing_has_come(pulled, waiting):
    assert pulled.newest_at(STORE, 1) == examples.ended(9).created_at
    assert pulled.newest_at(STORE, 3) == 0
