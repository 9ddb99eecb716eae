"""What the flows count, as it is written for CloudWatch."""

import pytest

from storehooks.domain.delivery import Status
from storehooks.flows.meter import Count, Duration, Meter
from tests import emf


@pytest.fixture
def meter(monkeypatch):
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "a-stack")
    return Meter()


def test_an_invocation_writes_one_line_with_the_service_as_its_only_dimension(meter, capsys):
    with meter.invocation():
        meter.count(Count.ATTEMPTS)
        meter.count(Count.ATTEMPTS, 2)
        meter.time(Duration.ATTEMPT_LATENCY, 12.3456)
        meter.time(Duration.ATTEMPT_LATENCY, 7)
    log = capsys.readouterr().out
    assert len(log.splitlines()) == len(emf.lines(log)) == 1
    assert emf.metrics(log, "a-stack") == {"Attempts": [3], "AttemptLatency": [12.3, 7]}
    units = emf.lines(log)[0]["_aws"]["CloudWatchMetrics"][0]["Metrics"]
    assert {unit["Name"]: unit["Unit"] for unit in units} == {
        "Attempts": "Count",
        "AttemptLatency": "Milliseconds",
    }


def test_the_next_invocation_begins_at_zero(meter, capsys):
    for number in (3, 5):
        with meter.invocation():
            meter.count(Count.HELD, number)
        assert emf.metrics(capsys.readouterr().out, "a-stack") == {"Held": [number]}


def test_an_invocation_that_counts_nothing_writes_nothing(meter, capsys):
    with meter.invocation():
        meter.count(Count.RETRIES_SENT, 0)
    assert capsys.readouterr().out == ""


def test_an_invocation_that_fails_has_counted_what_it_did(meter, capsys):
    def fail():
        with meter.invocation():
            meter.count(Count.ATTEMPTS)
            raise ValueError("it failed")

    with pytest.raises(ValueError, match="it failed"):
        fail()
    assert emf.metrics(capsys.readouterr().out, "a-stack") == {"Attempts": [1]}


@pytest.mark.parametrize("number", [99, 100, 101, 350])
def test_many_times_are_several_lines_of_at_most_a_hundred_and_none_is_lost(meter, capsys, number):
    with meter.invocation():
        for milliseconds in range(number):
            meter.time(Duration.ATTEMPT_LATENCY, milliseconds)
            meter.time(Duration.DELIVERY_LAG, milliseconds)
        meter.count(Count.ATTEMPTS, number)
    found = emf.metrics(capsys.readouterr().out, "a-stack")
    assert found["AttemptLatency"] == found["DeliveryLag"] == list(range(number))
    assert found["Attempts"] == [number]


def test_two_meters_do_not_mix(meter, capsys):
    other = Meter()
    with meter.invocation():
        meter.count(Count.ATTEMPTS)
        other.count(Count.ATTEMPTS, 7)
    assert emf.metrics(capsys.readouterr().out, "a-stack") == {"Attempts": [1]}


def test_deliveries_are_counted_that_ended_without_arriving_though_somebody_waits_for_them(meter, capsys):
    with meter.invocation():
        for status in Status:
            meter.count_ended(status)
    assert emf.metrics(capsys.readouterr().out, "a-stack") == {"Exhausted": [1], "Held": [1]}
