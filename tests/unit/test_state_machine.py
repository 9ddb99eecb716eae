"""The state machine of a delivery: each row of the tables in its docstring, and what holds for all."""

import re
from dataclasses import replace
from itertools import batched, combinations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from storehooks.domain import state_machine
from storehooks.domain.attempt import Times
from storehooks.domain.circuit import PROBE_SECONDS, TRIPS_AFTER, Circuit, planned_late_seconds
from storehooks.domain.delivery import SAFETY_SECONDS, SOON_SECONDS, WAITING, Status
from storehooks.domain.event import Event
from storehooks.domain.event_filter import check_filter
from storehooks.domain.rate import MAX_LEAD_SECONDS, Reservation
from storehooks.domain.recovery import PROBES, new_recovery, new_resumption
from storehooks.domain.retry import RetrySchedule
from storehooks.domain.state_machine import (
    CROWDED_SECONDS,
    MAX_IN_FLIGHT_OF_CLIENT,
    MAX_LOGGED_SECONDS,
    MAX_OF_STEP,
    MAX_PENDING,
    Again,
    Begin,
    Defer,
    Drop,
    End,
    Known,
    Log,
    Offer,
    Reject,
    Reserve,
    Send,
    StepTask,
    Stop,
    Wait,
    Why,
    acknowledged,
    after_attempt,
    asked_for,
    before_attempt,
    before_step,
    could_begin_at,
    due_now,
    held_since,
    in_another_round,
    may_ping,
    new_deliveries,
    next_message,
    recovery_step,
    redelivery_of,
    refusal_of,
    seconds_to_next_hold,
    seconds_until,
    share_of,
    waiting_end_as,
    why_to_stop,
)
from storehooks.domain.task import TaskMessage, attempt_task
from tests.unit.test_delivery import HOOK, NOW, OK, SCHEDULE, attempt, delivery

FINE, TRIPPED = Circuit(), Circuit(failures=TRIPS_AFTER, probed_at=NOW)
DEACTIVATED = replace(HOOK, is_active=False, deactivated_at=1, deactivation_reason="it fails")
INACTIVE = replace(HOOK, is_active=False)
PAUSED = replace(HOOK, paused_at=1)
PULLED = replace(HOOK, destination="pull:")
PULLED_INACTIVE = replace(PULLED, is_active=False)
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
    return before_attempt(task or attempt_task(one), Known(**given), SCHEDULE, now)


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
    "an attempt got a 410: hook deactivated": lambda one: outcome(one, GONE).with_hook_deactivated(),
    "an attempt is due, its hook deactivated or paused": lambda one: step(one, hook=PAUSED).delivery,
    "an attempt is due, its hook is inactive, deleted, or without a secret": lambda one: (
        step(one, hook=INACTIVE).delivery
    ),
    "a consumer acknowledged it": lambda one: acknowledged(
        replace(one, next_attempt_at=NOW + 30), NOW - 1, NOW
    ),
    "an attempt is due, its hook is pulled": lambda one: step(one, hook=PULLED).delivery,
    "its hook was deactivated or paused": lambda one: one.ended(waiting_end_as(PAUSED)),
    "its hook is pulled and became inactive": lambda one: one.ended(waiting_end_as(PULLED_INACTIVE)),
    "somebody redelivers it": lambda one: due_now(one, NOW),
    "somebody redelivers or recovers it": lambda one: in_another_round(one, NOW),
}


def rows_of_table(number: int) -> list[list[str]]:
    """The lines of one of the docstring's two tables, by column."""
    lines = state_machine.__doc__.splitlines()
    rulers = [position for position, line in enumerate(lines) if line.startswith("=")]
    first, last = rulers[3 * number + 1 : 3 * number + 3]
    starts = [column.start() for column in re.finditer("=+", lines[first])]
    return [
        [line[start:end].strip() for start, end in zip(starts, [*starts[1:], None], strict=True)]
        for line in lines[first + 1 : last]
    ]


def transitions() -> dict[str, tuple[set[Status], Status]]:
    """The first table: when, from which statuses, and to which."""
    found: dict[str, tuple[set[Status], Status]] = {}
    rows: list[list[str]] = []
    for when, before, after in rows_of_table(0):
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
    is_sent = after.status in WAITING and when != "an attempt is due, its hook is pulled"
    assert (after.next_attempt_at is not None) == is_sent


@pytest.mark.parametrize("status", sorted(ENDS))
def test_what_has_ended_is_never_sent_by_a_message_that_is_late(status):
    assert isinstance(step(in_status(status)), Drop)


# ---------------------------------------------------------------- before an attempt

RETRYING = in_status(Status.RETRYING)
MADE = replace(RETRYING, next_attempt_at=NOW + 60)
FAR = {"next_attempt_at": NOW + SOON_SECONDS + 1}
CROWDED = {"in_flight": MAX_IN_FLIGHT_OF_CLIENT}
IGNORES = replace(attempt_task(RETRYING), ignores_circuit=True)
LATE = replace(RETRYING, attempts=(replace(FAILED, at=NOW - SCHEDULE.slots[0] - 2),))
LIMITED = replace(HOOK, max_per_second=5, version=3)


def place(later: int) -> Reservation:
    """The second that begins so much later than the present one."""
    return Reservation(int(NOW) + later, LIMITED.version)


# By the words of the docstring's second table: what makes each row the first that is true.
BEFORE_ATTEMPTS = {
    "log, hook and client are gone": [
        {"one": delivery(), "is_logged": False, "hook": None, "has_secret": False}
    ],
    "the log has no such delivery": [{"one": None, "is_logged": False, "task": attempt_task(RETRYING)}],
    "it has ended": [{"one": in_status(status)} for status in sorted(ENDS)],
    "the attempt was made, and its message is new": [
        {"one": MADE, "task": attempt_task(delivery()), "came_before": False}
    ],
    "the attempt was made, and the next is soon": [
        {"one": MADE, "task": attempt_task(delivery()), "came_before": True, "now": NOW}
    ],
    "the attempt was made, and the next is far ahead": [
        {"one": replace(MADE, **FAR), "task": attempt_task(delivery()), "came_before": True, "now": NOW}
    ],
    "the attempt is due soon": [{"one": MADE, "task": attempt_task(MADE), "now": NOW}],
    "the attempt is due far ahead": [{"one": replace(MADE, **FAR), "task": attempt_task(MADE), "now": NOW}],
    "its hook was deactivated": [{"hook": DEACTIVATED}],
    "its hook is inactive, deleted, or without a secret": [
        {"hook": INACTIVE},
        {"hook": None},
        {"hook": HOOK, "has_secret": False},
    ],
    "its hook is pulled": [
        {"hook": PULLED},
        {"hook": PULLED, "one": delivery(), "is_logged": False},
        {"hook": replace(PULLED, paused_at=1)},
    ],
    "its hook is paused": [
        {"hook": PAUSED},
        *(
            {"hook": replace(LIMITED, paused_at=1), "reserved": reserved}
            for reserved in (None, place(0), place(5))
        ),
    ],
    "its client has too much in flight, and the sweep has it": [
        CROWDED | {"one": RETRYING, "is_logged": True, "now": NOW + SAFETY_SECONDS + 1}
    ],
    "its client has too much in flight": [
        CROWDED | {"now": NOW + SAFETY_SECONDS},
        CROWDED | {"now": NOW + 5000, "one": delivery(), "is_logged": False},
    ],
    "its hook's circuit is tripped, and defers it": [
        {"circuit": TRIPPED, "now": NOW, "one": RETRYING, "task": attempt_task(RETRYING)}
    ],
    "its hook has a rate, and it has no place in its line": [
        {"hook": LIMITED, "reserved": None},
        {"hook": LIMITED, "reserved": place(-1), "now": NOW},
        {"hook": LIMITED, "reserved": replace(place(5), hook_version=LIMITED.version - 1), "now": NOW},
    ],
    "its place comes soon": [
        {"hook": LIMITED, "reserved": place(5), "now": NOW},
        {"hook": LIMITED, "reserved": place(SOON_SECONDS), "now": NOW, "one": delivery(), "is_logged": False},
    ],
    "its place comes later": [
        {"hook": LIMITED, "reserved": place(SAFETY_SECONDS), "now": NOW, "is_logged": True},
        {"hook": LIMITED, "reserved": place(SOON_SECONDS + 1), "now": NOW, "is_logged": False},
    ],
    "its hook's circuit is tripped, and it ignores that": [{"circuit": TRIPPED, "task": IGNORES}],
    "its hook's circuit is tripped, and it was planned late": [
        {
            "circuit": replace(TRIPPED, probed_at=NOW - PROBE_SECONDS),
            "one": LATE,
            "task": attempt_task(LATE),
            "now": NOW,
        }
    ],
    "its hook's circuit is tripped, and a probe is wanted": [
        {
            "circuit": replace(TRIPPED, probed_at=NOW - PROBE_SECONDS),
            "now": NOW,
            "task": attempt_task(RETRYING),
        }
    ],
    "otherwise": [
        {},
        {"one": delivery(), "is_logged": False},
        {"hook": LIMITED, "reserved": place(0), "now": NOW},
    ],
}


def check_row(known, so, what):
    """What is done is what a row of the second table says."""
    done = step(**{"one": RETRYING} | known)
    assert type(done).__name__.lower() == so
    if isinstance(done, End):
        assert f"as {done.delivery.status}" == what
    if isinstance(done, Send):
        assert (done.unless_probed is not None) == what.startswith("unless")


def test_the_second_table_has_each_row_and_each_thing_to_do():
    rows = rows_of_table(1)
    assert [when for when, _, _ in rows] == list(BEFORE_ATTEMPTS)
    assert {so for _, so, _ in rows} == {
        kind.__name__.lower() for kind in (Send, Defer, Reserve, Log, Offer, End, Drop, Reject)
    }


@pytest.mark.parametrize(("when", "so", "what"), rows_of_table(1))
def test_each_row_of_the_second_table_is_what_is_done(when, so, what):
    for known in BEFORE_ATTEMPTS[when]:
        check_row(known, so, what)


def test_of_two_rows_that_are_true_the_first_is_what_is_done():
    for (when, so, what), (other, _, _) in combinations(rows_of_table(1), 2):
        for known in BEFORE_ATTEMPTS[when]:
            for more in BEFORE_ATTEMPTS[other]:
                check_row(more | known, so, what)


def test_what_is_due_to_a_hook_that_receives_is_sent():
    one = in_status(Status.RETRYING)
    assert step(one) == Send(one)
    assert step(delivery(), is_logged=False) == Send(delivery())


def test_what_is_not_due_waits_on_the_queue_or_in_the_due_index():
    soon = replace(in_status(Status.RETRYING), next_attempt_at=NOW + 59.2)
    assert step(soon) == Defer(attempt_task(soon), 60, 60, Why.NOT_DUE)
    far = replace(soon, next_attempt_at=NOW + SOON_SECONDS + 1)
    assert isinstance(step(far), Drop)


def test_an_attempt_that_was_made_orders_the_next_one_only_if_that_may_be_missing():
    made = outcome(delivery(), FAILED).delivery
    assert isinstance(step(made, task=attempt_task(delivery())), Drop)
    assert step(made, task=attempt_task(delivery()), came_before=True) == Defer(
        attempt_task(made), 60, 60, Why.NOT_DUE
    )


def test_without_log_hook_and_client_nothing_is_done_and_without_the_delivery_it_is_rejected():
    task = attempt_task(in_status(Status.RETRYING))
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
        (PAUSED, True, Status.HELD),
        (PAUSED, False, Status.CANCELLED),
        (replace(INACTIVE, paused_at=1), True, Status.CANCELLED),
        (replace(DEACTIVATED, paused_at=1), True, Status.HELD),
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
    assert (first.min_seconds, first.max_seconds, first.why) == (4, CROWDED_SECONDS, Why.CROWDED)
    later = step(one, now=one.created_at + 100, **full)
    assert (later.min_seconds, later.max_seconds) == (75, 100)
    assert step(one, now=one.created_at + 5000, **full).max_seconds == SOON_SECONDS
    logged = in_status(Status.RETRYING)
    full["is_logged"] = True
    assert isinstance(step(logged, now=NOW + SAFETY_SECONDS, **full), Defer)
    assert isinstance(step(logged, now=NOW + SAFETY_SECONDS + 1, **full), Drop)


def test_a_tripped_circuit_defers_an_attempt_once_and_lets_a_probe_through():
    one = in_status(Status.RETRYING)
    deferred = step(one, circuit=TRIPPED)
    assert (deferred.why, deferred.min_seconds, deferred.max_seconds) == (Why.CIRCUIT, 1, 30)
    assert step(one, circuit=TRIPPED, task=deferred.task) == Send(one)
    later = step(one, circuit=TRIPPED, now=NOW + PROBE_SECONDS)
    assert later == Send(one, unless_probed=deferred)


@pytest.mark.parametrize(("slot", "longest"), [(4, 4), (60, 30), (1800, 30)])
@given(after=st.integers(1, 999))
def test_what_fails_while_the_circuit_is_tripped_is_planned_late_and_then_not_deferred(slot, longest, after):
    schedule = RetrySchedule((slot,))
    failed = after_attempt(delivery(), FAILED, TRIPPED, schedule, NOW + after).delivery
    late = failed.next_attempt_at - (NOW + after + slot)
    assert 1 <= late <= longest
    assert late == int(late)
    at_once = after_attempt(delivery(), FAILED, FINE, schedule, NOW + after).delivery
    assert at_once.next_attempt_at == NOW + after + slot
    now = failed.next_attempt_at + PROBE_SECONDS
    known = Known(
        delivery=failed, is_logged=True, hook=HOOK, has_secret=True, circuit=TRIPPED, in_flight=0,
        came_before=False,
    )  # fmt: skip
    assert before_attempt(attempt_task(failed), known, schedule, now) == Send(failed)


@example(at_ms=1_700_000_208_019, latency_ms=430)
@given(at_ms=st.integers(1_700_000_000_000, 1_800_000_000_000), latency_ms=st.integers(0, 10_000))
def test_a_second_later_counts_as_planned_late_however_its_floats_are_rounded(at_ms, latency_ms):
    at = at_ms / 1000
    result = replace(FAILED, at=at, times=Times(total_ms=float(latency_ms)))
    failed = after_attempt(delivery(), result, TRIPPED, SCHEDULE, at + latency_ms / 1000).delivery
    now = failed.next_attempt_at + PROBE_SECONDS
    assert step(failed, circuit=TRIPPED, now=now) == Send(failed)


def test_what_is_due_for_a_hook_within_five_seconds_is_planned_for_one_of_them():
    """Whichever batches it failed in, it comes again in few."""
    due = [int(NOW) + moment / 10 for moment in range(3000)]
    planned = [int(at) + planned_late_seconds("5ueh97#1", at, 60) for at in due]
    first = next(at for at, before in zip(planned[10:], planned, strict=False) if at != before)
    windows = list(batched(planned[planned.index(first) :], 50, strict=False))[:-1]
    assert [len(set(window)) for window in windows] == [1] * len(windows)
    begins = due[planned.index(first)]
    waits = {window[0] - begins - 5 * number for number, window in enumerate(windows)}
    assert waits == {5, 10, 15, 20, 25, 30}, "and what is due later comes at any other time"


def test_the_seconds_of_a_hook_are_its_own():
    comes = {int(NOW) + planned_late_seconds(f"5ueh97#{number}", NOW, 5) for number in range(20)}
    assert len(comes) == 5


def test_what_was_planned_late_is_deferred_in_its_next_round():
    again = in_another_round(LATE.ended(Status.HELD), NOW)
    assert isinstance(step(again, circuit=TRIPPED), Defer)


@given(share=st.floats(0, 1, exclude_max=True), least=st.integers(0, 99), more=st.integers(0, 99))
def test_a_share_is_one_of_the_numbers_between(share, least, more):
    assert least <= share_of(least, least + more, share) <= least + more


def test_shares_get_to_both_ends():
    assert [share_of(1, 3, share) for share in (0, 0.34, 0.99)] == [1, 2, 3]


@given(
    status=st.sampled_from(Status),
    hook=st.sampled_from([HOOK, INACTIVE, DEACTIVATED, PAUSED, None]),
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
        assert 0 <= what.min_seconds <= what.max_seconds <= SOON_SECONDS
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


def test_only_what_waits_for_a_deactivated_or_paused_hook_is_held_and_no_progress_waits_longer():
    held = [waiting_end_as(hook) for hook in (HOOK, INACTIVE, DEACTIVATED, PAUSED, None)]
    assert held == [None, None, Status.HELD, Status.HELD, None]
    assert [held_since(hook) for hook in (HOOK, DEACTIVATED, replace(HOOK, paused_at=5))] == [0, 1, 5]
    assert seconds_to_next_hold(held=1, since=NOW - 100, now=NOW) == 0
    assert seconds_to_next_hold(held=0, since=NOW - 100, now=NOW) == 100


@pytest.mark.parametrize("status", Status)
def test_a_redelivery_begins_a_round_for_what_ended_and_hurries_what_waits(status):
    expected = {Status.PENDING: Again.NOTHING, Status.RETRYING: Again.BRING_FORWARD}
    assert redelivery_of(in_status(status)) is expected.get(status, Again.BEGIN_ROUND)


def test_a_step_of_a_recovery_begins_what_may_be_pending_waits_or_stops():
    recovery = new_recovery(
        HOOK, "rec_1", since=0, until=NOW, statuses=(Status.HELD,), count=1, is_count_exact=True, now=NOW
    )

    def next_step(hook=HOOK, circuit=FINE, pending=0, now=NOW):
        return recovery_step(recovery, hook, circuit, pending, now)

    assert next_step(DEACTIVATED) == Stop("failures deactivated the hook: it fails")
    assert next_step(PAUSED) == Stop("the hook is paused")
    assert next_step(replace(HOOK, resumption="rec_2")) == Begin(MAX_OF_STEP, False, 0)
    assert next_step() == Begin(MAX_OF_STEP, False, 0)
    assert next_step(pending=MAX_PENDING - 1) == Begin(1, False, 0)
    assert next_step(pending=MAX_PENDING) == Wait(2)
    assert next_step(pending=MAX_PENDING, now=NOW + 100) == Wait(100)
    assert next_step(circuit=TRIPPED, pending=1) == Begin(PROBES - 1, True, 5)
    assert next_step(circuit=TRIPPED, pending=PROBES) == Wait(5)


def test_of_a_hooks_resumptions_the_last_alone_goes_on():
    first = new_resumption(HOOK, "rec_1", held_since=0, now=NOW)
    assert why_to_stop(first, replace(HOOK, resumption="rec_1")) is None
    assert why_to_stop(first, HOOK) is None, "a release before may have removed the name"
    assert "rec_2" in why_to_stop(first, replace(HOOK, resumption="rec_2"))
    assert why_to_stop(first, replace(PAUSED, resumption="rec_2")) == "the hook is paused"
    assert why_to_stop(first, None) == "the hook was deleted"


def test_the_sweep_sends_what_is_due_with_the_seconds_that_remain():
    assert [seconds_until(NOW + wait, NOW) for wait in (-5, 0, 0.2, 59.9)] == [0, 0, 1, 60]


def test_a_ping_needs_a_secret_alone():
    assert (may_ping(has_secret=True), may_ping(has_secret=False)) == (True, False)


def test_an_event_becomes_one_delivery_for_each_hook_however_often_it_is_found():
    event = Event(
        id="e", has_given_id=True, publication="p", store_hash=HOOK.store_hash, scope="store/order/created",
        data={}, store_id=None, created_at=1, accepted_at=1_000_000,
    )  # fmt: skip
    other = replace(DEACTIVATED, id=HOOK.id + 1)
    found = new_deliveries(event, [HOOK, other, HOOK])
    assert [one.hook_id for one in found.deliveries] == [HOOK.id, other.id]
    assert found == new_deliveries(event, [HOOK, other])


def test_an_event_that_a_hooks_filter_leaves_out_becomes_no_delivery_for_it():
    event = Event(
        id="e", has_given_id=True, publication="p", store_hash=HOOK.store_hash, scope="store/order/created",
        data={"status": "paid"}, store_id=None, created_at=1, accepted_at=1_000_000,
    )  # fmt: skip
    paid = replace(HOOK, filter=check_filter({"data": {"status": ["paid"]}}))
    shipped = replace(HOOK, id=HOOK.id + 1, filter=check_filter({"data": {"status": ["shipped"]}}))
    found = new_deliveries(event, [paid, shipped])
    assert [one.hook_id for one in found.deliveries] == [paid.id]
    assert found.filtered_out == [shipped.id]


def test_a_message_brings_the_next_attempt_if_it_is_soon_and_else_the_sweep():
    failed = outcome(delivery(), FAILED).delivery
    assert next_message(failed, NOW) == TaskMessage(attempt_task(failed), 60)
    assert next_message(replace(failed, **FAR), NOW) is None
    assert next_message(outcome(delivery(), OK).delivery, NOW) is None


def test_what_somebody_asks_for_and_a_probe_are_not_deferred_by_a_circuit():
    one = in_another_round(in_status(Status.HELD), NOW)
    assert step(one, circuit=TRIPPED, task=asked_for(one)) == Send(one)
    assert Begin(1, True, 0).task(attempt_task(one)).ignores_circuit
    assert not Begin(1, False, 0).task(attempt_task(one)).ignores_circuit


def test_a_step_in_which_a_call_failed_is_not_followed_at_once():
    waits = [
        Begin(1, False, then).seconds_to_next(is_failed=failed) for then in (0, 5) for failed in (False, True)
    ]
    assert waits == [0, 2, 5, 5]


def test_a_step_is_done_once_and_the_next_is_ordered_only_if_that_may_be_missing():
    first = new_recovery(
        HOOK, "rec_1", since=0, until=NOW, statuses=(Status.HELD,), count=1, is_count_exact=True, now=NOW
    )
    second = first.after_step(NOW, recovered=1, position="msg_1")
    third = second.after_step(NOW, recovered=1, position="msg_2")

    def what(recovery, came_before):
        return before_step(first.task, recovery, came_before=came_before)

    assert [what(first, came_before) for came_before in (False, True)] == [StepTask.DO] * 2
    assert [what(second, came_before) for came_before in (False, True)] == [
        StepTask.DROP,
        StepTask.SEND_NEXT,
    ]
    assert what(third, True) is StepTask.DROP
    assert what(second.finished(NOW), True) is StepTask.DROP


# ---------------------------------------------------------------- the rate of a hook


def of_rate(one, reserved, **known):
    return step(one, hook=LIMITED, reserved=reserved, **known)


def test_an_attempt_begins_in_its_second_and_carries_its_place_until_then():
    new = delivery()
    for later, now in ((0, NOW), (2, int(NOW) + 2), (2, int(NOW) + 2.999)):
        assert of_rate(new, place(later), now=now, is_logged=False) == Send(new)
    carrying = replace(attempt_task(new), reserved=place(7))
    assert of_rate(new, place(7), is_logged=False) == Defer(carrying, 7, 7, Why.RATE)
    assert of_rate(new, place(7), now=NOW + 7, is_logged=False) == Send(new)


def test_a_message_that_came_late_for_its_place_is_sent_earlier_the_next_time():
    new = delivery()
    for late, wait in ((0.4, 20), (1.4, 19), (5, 15), (900, 20 - MAX_LEAD_SECONDS)):
        task = replace(attempt_task(new), reserved=Reservation(int(NOW) - 1, LIMITED.version))
        now = int(NOW) + late
        fresh = Reservation(int(now) + 20, LIMITED.version)
        found = of_rate(new, fresh, now=now, task=task, is_logged=False)
        assert 0 <= found.min_seconds - wait <= 1
        assert found.task.reserved == fresh
    early = replace(attempt_task(new), reserved=place(2))
    assert of_rate(new, place(2), task=early, is_logged=False) == Defer(early, 2, 2, Why.RATE)


def test_what_the_log_knows_is_due_at_its_place_once_the_sweep_would_bring_it_before():
    retrying = in_status(Status.RETRYING)
    soon = SAFETY_SECONDS // 2
    assert isinstance(of_rate(retrying, place(soon)), Defer)
    later = place(soon + 1)
    assert of_rate(retrying, later) == Log(replace(retrying, next_attempt_at=later.second), later)
    in_hours = place(2 * MAX_LOGGED_SECONDS)
    assert of_rate(delivery(), in_hours, is_logged=False) == Log(
        replace(delivery(), next_attempt_at=NOW + MAX_LOGGED_SECONDS), in_hours
    )


def test_a_hook_without_a_rate_takes_no_notice_of_a_place():
    for reserved in (None, place(-5), place(500)):
        assert step(delivery(), reserved=reserved) == Send(delivery())


def test_what_waited_for_its_place_was_not_delayed_by_anything_else():
    new = delivery()
    task = attempt_task(new)
    assert could_begin_at(task, new, NOW) == new.created_at
    assert could_begin_at(replace(task, reserved=place(-3)), new, NOW) == int(NOW) - 3
    assert could_begin_at(replace(task, reserved=place(50)), new, NOW) == NOW
    later = replace(new, next_attempt_at=NOW + 90)
    assert could_begin_at(replace(task, reserved=place(-3)), later, NOW) == NOW + 90


def test_a_crowd_defers_what_waited_long_for_its_place_as_briefly_as_what_is_new():
    old = replace(delivery(), created_at=NOW - 5000)
    task = replace(attempt_task(old), reserved=place(0))
    deferred = of_rate(old, place(0), task=task, is_logged=False, **CROWDED)
    assert (deferred.task, deferred.max_seconds) == (task, CROWDED_SECONDS)
    later = of_rate(old, place(0), task=task, is_logged=False, now=NOW + 60, **CROWDED)
    assert later.max_seconds == 61


def test_a_circuit_that_defers_an_attempt_takes_its_place():
    task = replace(attempt_task(delivery()), reserved=place(0))
    deferred = of_rate(delivery(), place(0), task=task, is_logged=False, circuit=TRIPPED)
    assert (deferred.why, deferred.task.reserved) == (Why.CIRCUIT, None)
