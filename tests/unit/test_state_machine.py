"""The state machine of a delivery: each row of the tables in its docstring, and what holds for all."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storehooks.domain import state_machine
from storehooks.domain.circuit import PROBE_SECONDS, TRIPS_AFTER, Circuit
from storehooks.domain.delivery import SAFETY_SECONDS, SOON_SECONDS, WAITING, Status
from storehooks.domain.recovery import PROBES, new_recovery
from storehooks.domain.state_machine import (
    CROWDED_SECONDS,
    MAX_IN_FLIGHT_OF_CLIENT,
    MAX_OF_STEP,
    MAX_PENDING,
    Again,
    Begin,
    Defer,
    Drop,
    End,
    Known,
    Reject,
    Send,
    Stop,
    Wait,
    Why,
    after_attempt,
    before_attempt,
    due_now,
    in_another_round,
    is_to_hold,
    may_ping,
    recovery_step,
    redelivery_of,
    refusal_of,
    seconds_to_next_hold,
    seconds_until,
)
from tests.unit.test_delivery import HOOK, NOW, OK, SCHEDULE, attempt, delivery

FINE, TRIPPED = Circuit(), Circuit(failures=TRIPS_AFTER, probed_at=NOW)
DEACTIVATED = replace(HOOK, is_active=False, deactivated_at=1, deactivation_reason="it fails")
INACTIVE = replace(HOOK, is_active=False)
FAILED, GONE = attempt(), attempt(status=410, error="answered 410")
ENDS = set(Status) - WAITING


def in_status(status: Status):
    """A delivery with this status, whose next attempt is due if there is to be one."""
    due_at = NOW if status is Status.RETRYING else None
    attempts = () if status is Status.PENDING else (FAILED,)
    return replace(delivery(), status=status, attempts=attempts, next_attempt_at=due_at)


def step(one, *, hook=HOOK, circuit=FINE, now=NOW, task=None, **known):
    """What is done for the message that asks for a delivery's next attempt."""
    given = {
        "delivery": one,
        "is_logged": True,
        "hook": hook,
        "has_secret": True,
        "circuit": circuit,
        "in_flight": 0,
        "came_before": False,
    } | known
    return before_attempt(task or one.task, Known(**given), SCHEDULE, now)


def outcome(one, result, circuit=FINE):
    return after_attempt(one, result, circuit, SCHEDULE, NOW)


# ---------------------------------------------------------------- each transition

# By the words of the docstring's first table: what happens to a delivery, and what it is then.
TRANSITIONS = {
    "an attempt got a 2xx in time": lambda one: outcome(one, OK).delivery,
    "an attempt failed, and another follows": lambda one: outcome(one, FAILED).delivery,
    "the schedule's last attempt failed": lambda one: (
        outcome(replace(one, attempts=(FAILED,) * len(SCHEDULE.slots)), FAILED).delivery
    ),
    "an attempt got a 410, and its hook is off": lambda one: outcome(one, GONE).with_hook_deactivated(),
    "an attempt is due, its hook deactivated": lambda one: step(one, hook=DEACTIVATED).delivery,
    "an attempt is due, its hook is inactive, deleted, or without a secret": lambda one: (
        step(one, hook=INACTIVE).delivery
    ),
    "its hook was deactivated": lambda one: one.ended(refusal_of(DEACTIVATED).ends_as),
    "somebody redelivers it": lambda one: due_now(one, NOW),
    "somebody redelivers or recovers it": lambda one: in_another_round(one, NOW),
}


def transitions() -> dict[str, tuple[set[Status], Status]]:
    """The first table: when, from which statuses, and to which."""
    lines = state_machine.__doc__.split("=\n")[2].splitlines()
    found: dict[str, tuple[set[Status], Status]] = {}
    rows: list[list[str]] = []
    for line in lines:
        if line.startswith("="):
            break
        when, before, after = line[:43].strip(), line[43:70].strip(), line[70:].strip()
        if after:
            rows.append([when, before, after])
        else:
            rows[-1] = [f"{old} {new}".strip() for old, new in zip(rows[-1], (when, before, ""), strict=True)]
    for when, before, after in rows:
        found[when] = {Status(name) for name in before.split(", ")}, Status(after.split(",")[0])
    return found


def test_the_table_has_each_transition_and_each_status():
    rows = transitions()
    assert set(rows) == set(TRANSITIONS)
    assert {after for _, after in rows.values()} == set(Status)
    assert set.union(*(before for before, _ in rows.values())) == set(Status)


@pytest.mark.parametrize(
    ("when", "before"),
    [(when, before) for when, (froms, _) in transitions().items() for before in sorted(froms)],
)
def test_each_row_of_the_table_is_what_happens(when, before):
    after = TRANSITIONS[when](in_status(before))
    assert after.status is transitions()[when][1]
    assert (after.next_attempt_at is not None) == (after.status in WAITING)


@pytest.mark.parametrize("status", sorted(ENDS))
def test_what_has_ended_is_never_sent_by_a_message_that_is_late(status):
    assert isinstance(step(in_status(status)), Drop)


# ---------------------------------------------------------------- before an attempt


def test_what_is_due_to_a_hook_that_receives_is_sent():
    one = in_status(Status.RETRYING)
    assert step(one) == Send(one)
    assert step(delivery(), is_logged=False) == Send(delivery())


def test_what_is_not_due_waits_on_the_queue_or_in_the_due_index():
    soon = replace(in_status(Status.RETRYING), next_attempt_at=NOW + 59.2)
    assert step(soon) == Defer(soon.task, 60, 60, Why.NOT_DUE)
    far = replace(soon, next_attempt_at=NOW + SOON_SECONDS + 1)
    assert isinstance(step(far), Drop)


def test_an_attempt_that_was_made_orders_the_next_one_only_if_that_may_be_missing():
    made = outcome(delivery(), FAILED).delivery
    assert isinstance(step(made, task=delivery().task), Drop)
    assert step(made, task=delivery().task, came_before=True) == Defer(made.task, 60, 60, Why.NOT_DUE)


def test_without_log_hook_and_client_nothing_is_done_and_without_the_delivery_it_is_rejected():
    task = in_status(Status.RETRYING).task
    gone = {"is_logged": False, "hook": None, "has_secret": False}
    assert isinstance(step(delivery(), **gone), Drop)
    assert isinstance(step(None, task=task, is_logged=False), Reject)


@pytest.mark.parametrize(
    ("hook", "has_secret", "status"),
    [
        (None, True, Status.CANCELLED),
        (INACTIVE, True, Status.CANCELLED),
        (HOOK, False, Status.CANCELLED),
        (DEACTIVATED, True, Status.HELD),
        (DEACTIVATED, False, Status.HELD),
    ],
)
def test_a_hook_that_does_not_receive_ends_its_deliveries(hook, has_secret, status):
    ended = step(in_status(Status.RETRYING), hook=hook, has_secret=has_secret)
    assert isinstance(ended, End)
    assert ended.delivery.status is status
    assert ended.reason == refusal_of(hook, has_secret=has_secret).reason


def test_a_crowd_is_deferred_longer_each_time_and_left_to_the_sweep_in_the_end():
    one = delivery()
    full = {"in_flight": MAX_IN_FLIGHT_OF_CLIENT, "is_logged": False}
    first = step(one, now=one.created_at, **full)
    assert (first.least_seconds, first.most_seconds, first.why) == (4, CROWDED_SECONDS, Why.CROWDED)
    later = step(one, now=one.created_at + 100, **full)
    assert (later.least_seconds, later.most_seconds) == (75, 100)
    assert step(one, now=one.created_at + 5000, **full).most_seconds == SOON_SECONDS
    logged = in_status(Status.RETRYING)
    full["is_logged"] = True
    assert isinstance(step(logged, now=NOW + SAFETY_SECONDS, **full), Defer)
    assert isinstance(step(logged, now=NOW + SAFETY_SECONDS + 1, **full), Drop)


def test_a_tripped_circuit_defers_an_attempt_once_and_lets_a_probe_through():
    one = in_status(Status.RETRYING)
    deferred = step(one, circuit=TRIPPED)
    assert (deferred.why, deferred.least_seconds, deferred.most_seconds) == (Why.CIRCUIT, 1, 30)
    assert step(one, circuit=TRIPPED, task=deferred.task) == Send(one)
    later = step(one, circuit=TRIPPED, now=NOW + PROBE_SECONDS)
    assert later == Send(one, unless_probed=deferred)


@given(
    status=st.sampled_from(Status),
    hook=st.sampled_from([HOOK, INACTIVE, DEACTIVATED, None]),
    circuit=st.sampled_from([FINE, TRIPPED]),
    due_in=st.floats(-1e6, 1e6),
    in_flight=st.integers(0, 2 * MAX_IN_FLIGHT_OF_CLIENT),
    has_secret=st.booleans(),
    came_before=st.booleans(),
)
def test_nothing_is_sent_early_or_to_a_hook_that_does_not_receive(
    status, hook, circuit, due_in, in_flight, has_secret, came_before
):
    one = in_status(status)
    if status in WAITING:
        one = replace(one, next_attempt_at=NOW + due_in)
    what = step(
        one,
        hook=hook,
        circuit=circuit,
        in_flight=in_flight,
        has_secret=has_secret,
        came_before=came_before,
    )
    if isinstance(what, Send):
        assert (status in WAITING, hook, has_secret) == (True, HOOK, True)
        assert (one.next_attempt_at or NOW) <= NOW
        assert in_flight < MAX_IN_FLIGHT_OF_CLIENT
    if isinstance(what, Defer):
        assert 0 <= what.least_seconds <= what.most_seconds <= SOON_SECONDS
        assert status in WAITING
    if isinstance(what, End):
        assert what.delivery.status is refusal_of(hook, has_secret=has_secret).ends_as


# ---------------------------------------------------------------- after an attempt


def exhausted(circuit):
    return outcome(replace(in_status(Status.RETRYING), attempts=(FAILED,) * 2), FAILED, circuit)


def test_an_exhausted_delivery_deactivates_its_hook_unless_something_reached_it():
    assert exhausted(FINE).deactivates
    assert exhausted(FINE).unless_reached_since == FAILED.at
    assert not exhausted(Circuit(succeeded_at=FAILED.at)).deactivates
    assert exhausted(FINE).with_hook_deactivated().status is Status.EXHAUSTED


def test_a_410_deactivates_at_once_and_other_failures_do_not():
    assert outcome(delivery(), GONE).deactivates
    assert outcome(delivery(), GONE).unless_reached_since is None
    assert not outcome(delivery(), FAILED).deactivates
    assert not outcome(delivery(), OK).deactivates


# ---------------------------------------------------------------- hold, redeliver, recover, sweep, ping


def test_only_what_waits_for_a_deactivated_hook_is_held_and_no_progress_waits_longer():
    assert [is_to_hold(hook) for hook in (HOOK, INACTIVE, DEACTIVATED, None)] == [False, False, True, False]
    assert seconds_to_next_hold(held=1, deactivated_at=NOW - 100, now=NOW) == 0
    assert seconds_to_next_hold(held=0, deactivated_at=NOW - 100, now=NOW) == 100


@pytest.mark.parametrize("status", Status)
def test_a_redelivery_begins_a_round_for_what_ended_and_hurries_what_waits(status):
    expected = {Status.PENDING: Again.NOTHING, Status.RETRYING: Again.BRING_FORWARD}
    assert redelivery_of(in_status(status)) is expected.get(status, Again.BEGIN_ROUND)


def test_a_step_of_a_recovery_begins_what_may_be_pending_waits_or_stops():
    recovery = new_recovery(
        HOOK, since=0, until=NOW, statuses=(Status.HELD,), count=1, is_count_exact=True, now=NOW
    )

    def next_step(hook=HOOK, circuit=FINE, pending=0, now=NOW):
        return recovery_step(recovery, hook, circuit, pending, now)

    assert next_step(DEACTIVATED) == Stop("failures deactivated the hook: it fails")
    assert next_step() == Begin(MAX_OF_STEP, False, 0)
    assert next_step(pending=MAX_PENDING - 1) == Begin(1, False, 0)
    assert next_step(pending=MAX_PENDING) == Wait(2)
    assert next_step(pending=MAX_PENDING, now=NOW + 100) == Wait(100)
    assert next_step(circuit=TRIPPED, pending=1) == Begin(PROBES - 1, True, 5)
    assert next_step(circuit=TRIPPED, pending=PROBES) == Wait(5)


def test_the_sweep_sends_what_is_due_with_the_seconds_that_remain():
    assert [seconds_until(NOW + wait, NOW) for wait in (-5, 0, 0.2, 59.9)] == [0, 0, 1, 60]


def test_a_ping_needs_a_secret_alone():
    assert (may_ping(has_secret=True), may_ping(has_secret=False)) == (True, False)
