"""The figures of a hook, in a time of its own; a page of the log in memory has two deliveries."""

import itertools

import pytest

from storehooks.domain.errors import StoreBusyError, TooManyAtOnceError
from storehooks.domain.failure import FailureKind
from storehooks.domain.hook_stats import StatsWanted
from storehooks.domain.lease import LEASE_SECONDS
from storehooks.flows import stats
from storehooks.flows.stats import StatsReader
from tests.world import World


@pytest.fixture
def world():
    return World()


def fine(_request):
    return 200, None


def failing(_request):
    return 503, None


def read(world, hook, *, step=None, timer=lambda: 0.0):
    reader = StatsReader(
        scans=world.parts.scans,
        selections=world.selections,
        leases=world.parts.leases,
        clock=world.clock,
        timer=timer,
    )
    until = int(world.clock.now) + 1
    return reader.read(hook, StatsWanted(until - 86_400, until, step))


def delivered(world, hook, number):
    """So many deliveries, a second apart."""
    world.response = fine
    for _ in range(number):
        world.event(hook)
        world.work()
        world.clock.now += 1


def test_what_came_of_a_hooks_deliveries_is_counted_and_what_waits(world):
    hook, other = world.hook(), world.hook(scope="store/*")
    delivered(world, hook, 3)
    delivered(world, other, 1)
    world.response = failing
    waits_since = world.clock.now
    failed = world.event(hook)
    world.pass_time(70)
    found = read(world, hook)
    assert (found.figures.deliveries, found.figures.attempts, found.figures.delivered) == (4, 5, 3)
    assert found.figures.failed == {FailureKind.STATUS: 2}
    assert (found.latency.p50, found.is_complete) == (1.0, True)
    assert (found.now.waiting, found.now.held) == (1, 0)
    assert found.now.oldest_at == world.logged(failed).created_at == waits_since


def test_what_is_held_does_not_wait(world):
    hook = world.hook(is_paused=True)
    world.event(hook)
    world.work()
    found = read(world, hook)
    assert (found.now.waiting, found.now.held, found.now.oldest_at) == (0, 1, None)
    assert (found.figures.deliveries, found.figures.attempts, found.latency.p50) == (1, 0, None)


def test_the_attempts_of_a_redelivery_count_where_its_event_does(world):
    hook = world.hook()
    world.response = fine
    delivery = world.event(hook)
    world.work()
    world.clock.now += 7200
    world.parts.redeliverer.redeliver(world.current(hook), delivery.id)
    world.work()
    found = read(world, hook, step=3600)
    assert (found.figures.attempts, found.figures.delivered) == (2, 1)
    assert sum(figures.attempts for _, figures in found.steps) == 2
    assert [figures.attempts for _, figures in found.steps if figures.deliveries] == [2]


def test_the_newest_are_counted_first_and_what_is_not_reached_is_said(world, monkeypatch):
    monkeypatch.setattr(stats, "MAX_PAGES", 2)
    hook = world.hook()
    delivered(world, hook, 7)
    found = read(world, hook, step=3600)
    assert (found.figures.deliveries, found.is_complete) == (4, False)
    assert found.covered_since == world.clock.now - 4 + 0.001, "a part of a millisecond is left out"
    assert sum(figures.deliveries for _, figures in found.steps) == 4


def test_no_page_is_read_once_the_time_for_it_is_over(world):
    hook = world.hook()
    delivered(world, hook, 7)
    found = read(world, hook, timer=itertools.count(0, stats.SCAN_SECONDS / 3).__next__)
    assert (found.figures.deliveries, found.is_complete) == (6, False)


def test_the_last_page_completes_it_however_long_it_took(world):
    hook = world.hook()
    delivered(world, hook, 2)
    assert read(world, hook, timer=itertools.count(0, 1000).__next__).is_complete


def test_a_client_has_two_requests_for_figures_under_way_and_others_have_theirs(world, monkeypatch):
    hook = world.hook()

    def third():
        with pytest.raises(TooManyAtOnceError) as refused:
            read(world, hook)
        assert refused.value.what == "stats"
        return 0.0

    read(world, hook, timer=lambda: read(world, hook, timer=third) and 0.0)
    assert read(world, hook).is_complete, "they have ended"


def test_a_request_that_fails_or_breaks_off_holds_no_other_up(world, monkeypatch):
    hook = world.hook()
    with monkeypatch.context() as patched:
        patched.setattr(world.parts.scans, "newest", lambda *_: (_ for _ in ()).throw(StoreBusyError()))
        for _ in range(3):
            with pytest.raises(StoreBusyError):
                read(world, hook)
    with monkeypatch.context() as patched:
        patched.setattr(world.parts.leases, "release", lambda *_: (_ for _ in ()).throw(StoreBusyError()))
        for _ in range(2):
            read(world, hook)
    with pytest.raises(TooManyAtOnceError):
        read(world, hook)
    world.clock.now += LEASE_SECONDS
    assert read(world, hook).is_complete
