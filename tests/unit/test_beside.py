"""What `make peers` makes of what arrived, and how it shows it."""

import json

import pytest
from benchmarks.__main__ import PAGE
from benchmarks.beside import servers
from benchmarks.beside.__main__ import RESULTS, SYSTEMS
from benchmarks.beside.arrivals import Receiver, number_of, percentile, repeated, waits_ms
from benchmarks.beside.report import ROWS, table, with_peers

FIGURES = {
    "per_core_second": 24.1,
    "per_core_second_of_senders": 24.1,
    "per_second": 12.3,
    "p50_ms": 362.3,
    "p99_ms": 1956.3,
    "committed": 400,
    "missed": 8,
    "twice": 3,
    "recovered_seconds": None,
    "beside_events": 60,
    "beside_100_p50_ms": 325.3,
    "beside_100_p99_ms": 732.4,
    "beside_100_missed": 0,
    "beside_500_p50_ms": 74_000.0,
    "beside_500_p99_ms": 75_000.0,
    "beside_500_missed": 60,
}


@pytest.mark.parametrize(
    "body",
    [
        b'{"scope": "store/order/created", "data": {"type": "order", "id": 250, "number": 17}}',
        b'{"id":"x","type":"shop.OrderPlaced","data":{"type":"order","id":250,"number":17}}',
        b'{"topic": "shop.Order/create", "object": {"id": 17, "number": 17}, "event_id": "y"}',
    ],
)
def test_an_event_is_known_in_the_body_of_each_sender(body):
    assert number_of(body) == 17


def test_what_did_not_arrive_is_missed_and_has_waited_until_the_end():
    receiver = Receiver()
    receiver.arrived = {1: [10.5, 12.0]}
    assert receiver.missing([1, 2]) == 1
    assert waits_ms({1: 10.0, 2: 11.0}, receiver.arrived, until=20.0) == [500.0, 9000.0]


def test_what_arrived_more_than_once_is_counted_once():
    assert repeated([1, 2, 3], {1: [1.0, 2.0, 3.0], 2: [1.0], 4: [1.0, 2.0]}) == 1


def test_a_percentile_is_between_the_values_around_it():
    assert percentile(range(101), 99) == 99


def test_the_table_says_what_was_missed_and_what_took_longer_than_the_measure():
    shown = {label: show(FIGURES) for label, show in ROWS.items()}
    assert shown["Killed hard: missed of committed"] == "8 of 400"
    assert shown["Killed hard: until the last was received"] == "not within the measure"
    assert shown["Healthy hook beside one with 100 that hang, p50 / p99"] == "325 ms / 732 ms"
    assert shown["Healthy hook beside one with 500 that hang, p50 / p99"] == "60 of 60 not within the measure"


def test_functions_and_the_emulator_are_told_apart():
    show = ROWS["Deliveries for each second of processor time"]
    assert show(FIGURES) == "24.1"
    assert show(FIGURES | {"per_core_second_of_senders": 250.0}) == (
        "250 of the functions; 24.1 with the emulator"
    )


def test_a_missing_program_is_named_with_its_package(monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(servers.MissingError, match="apt-get install --no-install-recommends nothing-like-it"):
        servers.program("no-such-program", "nothing-like-it")


def test_the_published_table_is_the_one_of_the_results():
    results = json.loads(RESULTS.read_text())
    assert tuple(results["systems"]) == SYSTEMS
    page = PAGE.read_text()
    assert table(results) in page
    assert with_peers(page, results) == page
