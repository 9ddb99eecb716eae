"""The model behind the simulated hours of docs/scale.md."""

import json
from dataclasses import replace

import pytest
from benchmarks import simulate
from benchmarks.__main__ import RESULTS
from benchmarks.simulate import HOUR, PAGE, STACKS, Queue, Times, quantile, with_hours

TIMES = Times(
    match_call=0.01,
    deliver_call=0.006,
    destination=0.2,
    delivery=0.004,
    dollars=3e-6,
    dollars_in_hundreds=2e-6,
    dollars_of_failing=58e-6,
)
AMPLE = replace(STACKS[0], match_limit=10_000, deliver_limit=10_000, at_first=10_000, shards=1000)


def test_a_queue_gives_the_oldest_first_and_no_more_than_it_has():
    queue = Queue()
    queue.put(0, 5)
    queue.put(1, 5)
    assert queue.take(7) == [(0, 5), (1, 2)]
    assert queue.take(100) == [(1, 3)]
    assert (queue.amount, queue.take(1)) == (0, [])


def test_a_quantile_counts_messages_and_not_waits():
    assert quantile([(9.0, 1), (0.0, 98), (5.0, 1)], 0.5) == 0.0
    assert quantile([(9.0, 1), (0.0, 98), (5.0, 1)], 0.99) == 5.0


def test_with_room_for_all_nobody_waits():
    hour = simulate.simulate(AMPLE, TIMES)
    assert (hour.p50, hour.p99, hour.throttled_from) == (0, 0, None)


def test_with_too_little_room_all_wait_ever_longer():
    hour = simulate.simulate(replace(AMPLE, match_limit=100), TIMES)
    assert hour.steady_p99 > hour.p50 > 60


def test_only_hooks_that_hang_take_invocations_for_long(monkeypatch):
    monkeypatch.setattr(simulate, "HANGING", 0.0)
    hour = simulate.simulate(AMPLE, TIMES)
    assert hour.slow == 0
    # Ten events of 31 calls each at a time, and ten deliveries of 200 ms, with their retries.
    assert 600 < hour.concurrency < 700


def test_without_failures_only_the_events_cost(monkeypatch):
    monkeypatch.setattr(simulate, "HANGING", 0.0)
    monkeypatch.setattr(simulate, "FAILING", 0.0)
    events = AMPLE.rate * HOUR
    assert simulate.simulate(AMPLE, TIMES).dollars == pytest.approx(events * TIMES.dollars)
    in_hundreds = simulate.simulate(replace(AMPLE, in_hundreds=True), TIMES)
    assert in_hundreds.dollars == pytest.approx(events * TIMES.dollars_in_hundreds)


def test_a_due_index_of_few_parts_throttles_as_retries_come_together():
    hour = simulate.simulate(replace(AMPLE, shards=4), TIMES)
    assert hour.partitions_throttled == 4
    # 600 failures a second write 300 units to each part: 1,200 with the retries after 1, 4 and 9 minutes.
    assert hour.throttled_from == 540


def test_the_published_hours_are_those_of_the_published_results():
    page = PAGE.read_text()
    assert with_hours(page, json.loads(RESULTS.read_text())) == page
    assert STACKS[-1].name in page
