"""What is to happen once: claims, and events that bring an id."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from storehooks.adapters.claims import CLAIM_SECONDS
from storehooks.adapters.event_ids import KEPT_SECONDS
from storehooks.domain.event import IdUse
from storehooks.domain.lease import LEASE_SECONDS, LeasePool
from tests.contract.examples import event

WHAT = "destination#5ueh97#0"


def test_a_claim_that_is_not_confirmed_expires_soon(process, clock):
    first, second = process().claims, process().claims
    assert first.claim(WHAT) is True
    assert (first.claim(WHAT), second.claim(WHAT)) == (False, False)
    clock.now += CLAIM_SECONDS - 1
    assert (first.claim(WHAT), second.claim(WHAT)) == (False, False)
    clock.now += 1
    assert second.claim(WHAT) is True
    assert first.claim(WHAT) is False


def test_what_was_confirmed_is_not_done_again_for_as_long_as_that_says(process, clock):
    first, second = process().claims, process().claims
    assert first.claim(WHAT) is True
    first.confirm(WHAT, for_seconds=600)
    clock.now += 599
    assert (first.claim(WHAT), second.claim(WHAT)) == (False, False)
    clock.now += 1
    assert second.claim(WHAT) is True


def test_a_claim_is_of_one_thing_alone(parts):
    assert parts.claims.claim(WHAT) is True
    assert parts.claims.claim("another") is True


def test_of_many_processes_at_once_one_gets_it(process):
    claims = [process().claims for _ in range(50)]
    with ThreadPoolExecutor(16) as threads:
        assert sum(threads.map(lambda one: one.claim(WHAT), claims)) == 1


def test_an_id_is_new_once_a_day(process, clock):
    first, second = event(1), event(1, publication="another")
    assert process().event_ids.remember(first) is IdUse.NEW
    assert process().event_ids.remember(second) is IdUse.REPEAT
    clock.now += KEPT_SECONDS - 1
    assert process().event_ids.remember(second) is IdUse.REPEAT
    clock.now += 1
    assert process().event_ids.remember(second) is IdUse.NEW
    assert process().event_ids.remember(first) is IdUse.REPEAT


def test_the_publication_that_brought_an_id_may_go_on(parts):
    assert [parts.event_ids.remember(event(1)) for _ in range(2)] == [IdUse.NEW, IdUse.NEW]


def test_an_id_is_one_stores(parts):
    assert parts.event_ids.remember(event(1)) is IdUse.NEW
    assert parts.event_ids.remember(event(1, publication="another", store_hash="other1")) is IdUse.NEW


def test_an_id_is_one_publishers(parts):
    mine = event(1, publisher="client:a")
    assert parts.event_ids.remember(mine) is IdUse.NEW
    assert parts.event_ids.remember(event(1, publisher="client:b", publication="of b")) is IdUse.NEW
    assert parts.event_ids.remember(replace(mine, publication="again")) is IdUse.REPEAT
    assert parts.event_ids.remember(event(1, publisher="client:b", publication="b again")) is IdUse.REPEAT


def test_an_id_with_another_scope_or_data_is_a_conflict(parts):
    first = event(1, publisher="client:a")
    assert parts.event_ids.remember(first) is IdUse.NEW
    other = replace(first, publication="another", data={"id": "other"})
    assert parts.event_ids.remember(other) is IdUse.CONFLICT
    assert parts.event_ids.remember(replace(first, publication="third")) is IdUse.REPEAT


def test_an_event_id_is_never_a_claim(parts):
    """Both are in one table."""
    parts.claims.claim("event-1")
    assert parts.event_ids.remember(event(1)) is IdUse.NEW
    assert parts.event_ids.remember(event(1, id="told#event-1", publication="another")) is IdUse.NEW


PINGS = LeasePool("pings", "5ueh97", "a" * 32, 2)


def never(_lease):
    return False


def test_a_client_has_no_more_leases_than_it_may_until_one_is_released(process):
    first = process().leases.take(PINGS, "one", never)
    second = process().leases.take(PINGS, "two", never)
    assert first is not None
    assert second is not None
    assert process().leases.take(PINGS, "three", never) is None
    process().leases.release(PINGS, first)
    assert process().leases.take(PINGS, "three", never) is not None
    assert process().leases.take(PINGS, "four", never) is None


def test_a_lease_that_is_over_makes_room(process, clock):
    for name in ("one", "two"):
        process().leases.take(PINGS, name, never)
    clock.now += LEASE_SECONDS
    third = process().leases.take(PINGS, "three", lambda lease: lease.ends_at <= clock.now)
    assert third is not None
    assert (third.holder, third.ends_at) == ("three", int(clock.now) + LEASE_SECONDS)


def test_leases_are_one_clients_and_of_one_kind(parts):
    for name in ("one", "two"):
        parts.leases.take(PINGS, name, never)
    assert parts.leases.take(replace(PINGS, kind="recoveries"), "one", never) is not None
    assert parts.leases.take(replace(PINGS, client_id="b" * 32), "one", never) is not None


def test_to_release_a_lease_that_ended_does_nothing(parts):
    lease = parts.leases.take(PINGS, "one", never)
    for _ in range(2):
        parts.leases.release(PINGS, lease)
    assert [parts.leases.take(PINGS, name, never) is None for name in "abc"] == [False, False, True]
