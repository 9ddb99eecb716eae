"""The circuits of hooks."""

from concurrent.futures import ThreadPoolExecutor

from storehooks.domain.circuit import PROBE_SECONDS, Circuit
from tests.contract.examples import NOW
from tests.world import STORE


def test_a_hook_of_which_nothing_is_known_has_a_closed_circuit(parts):
    assert parts.circuits.get(STORE, 1) == Circuit()


def test_failures_are_counted_until_something_succeeds(parts, clock):
    parts.circuits.count_failures(STORE, 1, 3)
    parts.circuits.count_failures(STORE, 1, 2)
    parts.circuits.count_failures(STORE, 2, 9)
    assert parts.circuits.get(STORE, 1) == Circuit(failures=5)
    clock.now += 7.5
    parts.circuits.count_success(STORE, 1, 1)
    assert parts.circuits.get(STORE, 1) == Circuit(failures=1, succeeded_at=NOW + 7.5)


def test_a_circuit_is_probed_by_one_and_again_after_a_while(process, clock):
    first, second = process(), process()
    assert [one.circuits.claim_probe(STORE, 1) for one in (first, second)] == [True, False]
    assert first.circuits.claim_probe(STORE, 2) is True
    clock.now += PROBE_SECONDS - 0.001
    assert second.circuits.claim_probe(STORE, 1) is False
    clock.now += 0.001
    assert second.circuits.claim_probe(STORE, 1) is True
    assert first.circuits.get(STORE, 1).probed_at == NOW + PROBE_SECONDS


def test_of_many_at_once_each_failure_counts_and_one_probes(parts):
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: parts.circuits.count_failures(STORE, 1, 1), range(20)))
        assert sum(threads.map(lambda _: parts.circuits.claim_probe(STORE, 1), range(20))) == 1
    assert parts.circuits.get(STORE, 1).failures == 20
