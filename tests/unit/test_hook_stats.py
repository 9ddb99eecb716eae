"""Figures of a hook: what is counted, and of which kind failures are."""

import ast
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storehooks.domain.attempt import AttemptResult
from storehooks.domain.delivery import Status
from storehooks.domain.failure import FailureKind, failure_kind
from storehooks.domain.hook_stats import (
    Figures,
    ScannedDelivery,
    StatsWanted,
    Tally,
    Waiting,
    percentiles,
)
from tests.contract.examples import delivery

SENDER = Path(__file__).parents[2] / "layers/shared/storehooks/adapters/sender.py"
NOTHING = Waiting(0, 0, is_waiting_exact=True, is_held_exact=True, oldest_at=None)
TAKEN = AttemptResult(200, None, 12.5)
FAILED = AttemptResult(500, "answered 500", 30.0)
LATE = AttemptResult(None, "no answer within 10 s", 10_000.3)


def scanned(at, *results, status=Status.DELIVERED):
    return ScannedDelivery(delivery(accepted_at=at).id, status, results)


# ---------------------------------------------------------------- kinds of failures


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ("no answer within 10 s", FailureKind.TIMEOUT),
        ("no address for the name app.example.com within 2.5 s", FailureKind.TIMEOUT),
        ("no connection or no TLS handshake within 10 s", FailureKind.TIMEOUT),
        ("the name app.example.com does not resolve", FailureKind.DNS),
        ("connection refused", FailureKind.CONNECTION),
        ("no route to host", FailureKind.CONNECTION),
        ("no connection", FailureKind.CONNECTION),
        ("the connection was closed within the answer's headers", FailureKind.CONNECTION),
        ("no socket could be opened: Too many open files", FailureKind.CONNECTION),
        ("the certificate is not valid: not for app.example.com", FailureKind.TLS),
        ("the TLS handshake failed: the connection was closed", FailureKind.TLS),
        ("the answer is not HTTP", FailureKind.RESPONSE),
        ("the answer's headers are longer than 32 KB", FailureKind.RESPONSE),
        ("answered 200 with a malformed header", FailureKind.RESPONSE),
        ("the address 10.0.0.1 is not public", FailureKind.REFUSED),
        ("the name app.example.com resolves to an address that is not public", FailureKind.REFUSED),
        ("the port 8443 is not 443", FailureKind.REFUSED),
        ("the URL's scheme is not https", FailureKind.REFUSED),
        ("the request failed: Out of memory", FailureKind.OTHER),
    ],
)
def test_a_failure_without_a_response_has_the_kind_that_its_words_say(error, kind):
    assert failure_kind(None, error) is kind


def test_a_failure_with_a_response_is_of_its_status_whatever_its_words():
    assert failure_kind(503, "answered 503") is FailureKind.STATUS
    assert failure_kind(302, "answered 302: redirects are not followed") is FailureKind.STATUS


def text_of(node):
    """A text of the source, with a word for each thing that is put in."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(part.value if isinstance(part, ast.Constant) else "1" for part in parts)
    return None


def test_every_failure_that_the_sender_words_has_a_kind_and_those_of_connections_are_these():
    """A text that is reworded in the sender falls among the connections, and is found here."""
    tree = ast.parse(SENDER.read_text())
    wording = {"_failure", "_missing", "_refused", "_not_public", "open_socket"}
    texts = {
        text
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef) and function.name in wording
        for node in ast.walk(function)
        if isinstance(node, ast.Return | ast.Assign)
        and (text := text_of(node.value)) is not None
        and " " in text
    }
    assert len(texts) >= 15
    # What was not there in time is one part of a text, and "within 10 s" the other.
    missing = {text for text in texts if text.startswith(("no end ", "no address ", "no answer"))}
    assert len(missing) == 3
    of_connections = {text for text in texts - missing if failure_kind(None, text) is FailureKind.CONNECTION}
    assert of_connections == {"the connection was closed 11", "no socket could be opened: 1"}


# ---------------------------------------------------------------- counting


def test_deliveries_attempts_and_failures_are_counted_each_for_itself():
    tally = Tally(StatsWanted(1000, 2000, None))
    tally.add([scanned(1000, FAILED, LATE, TAKEN), scanned(1999.9)])
    tally.add([scanned(1500, LATE, status=Status.EXHAUSTED)])
    stats = tally.stats(NOTHING, covered_since=None)
    assert stats.figures == Figures(3, 4, 2, {FailureKind.STATUS: 1, FailureKind.TIMEOUT: 2})
    assert (stats.covered_since, stats.until, stats.is_complete) == (1000, 2000, True)
    assert stats.steps == ()


def test_the_figures_of_steps_add_up_and_those_of_an_empty_one_are_zero():
    tally = Tally(StatsWanted(1000, 2500, 600))
    tally.add([scanned(1000, TAKEN), scanned(1599.999, TAKEN), scanned(2499.9, FAILED, TAKEN)])
    steps = dict(tally.stats(NOTHING, covered_since=None).steps)
    assert steps == {
        1000: Figures(2, 2, 2, {}),
        1600: Figures(0, 0, 0, {}),
        2200: Figures(1, 2, 1, {FailureKind.STATUS: 1}),
    }


def test_steps_that_were_not_covered_are_not_shown_and_no_part_of_a_millisecond_is():
    tally = Tally(StatsWanted(1000, 1060, 10))
    stats = tally.stats(NOTHING, covered_since=1035.0001)
    assert [at for at, _ in stats.steps] == [1030, 1040, 1050]
    assert (stats.covered_since, stats.is_complete) == (1035.001, False)


def test_without_attempts_there_are_no_percentiles():
    found = Tally(StatsWanted(0, 1, None)).stats(NOTHING, covered_since=None).latency
    assert (found.p50, found.p95, found.p99) == (None, None, None)


def test_a_percentile_is_the_least_value_that_so_many_do_not_exceed():
    hundred = percentiles(map(float, range(100, 0, -1)))
    assert (hundred.p50, hundred.p95, hundred.p99) == (50, 95, 99)
    one = percentiles([7.5])
    assert (one.p50, one.p95, one.p99) == (7.5, 7.5, 7.5)


@given(st.lists(st.floats(0, 1e6), min_size=1))
def test_percentiles_are_values_that_there_are_and_grow(latencies):
    found = percentiles(latencies)
    assert {found.p50, found.p95, found.p99} <= set(latencies)
    assert found.p50 <= found.p95 <= found.p99
    for percentile, percent in ((found.p50, 50), (found.p95, 95), (found.p99, 99)):
        within = sum(latency <= percentile for latency in latencies)
        assert within * 100 >= percent * len(latencies)
