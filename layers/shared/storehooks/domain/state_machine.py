"""Decides what happens to a delivery next. Only this module does; the flows carry it out.

A delivery is one event for one hook. While it is ``pending`` or ``retrying`` it waits for an attempt; with
another status it has ended. A redelivery or a recovery begins another round of a delivery that has ended. An
attempt that was under way when it ended may still deliver it. The transitions:

=========================================  =========================  ==============================
When                                       a delivery that was        becomes
=========================================  =========================  ==============================
an attempt got a 2xx in time               pending, retrying          delivered
an attempt failed, and another follows     pending, retrying          retrying
the schedule's last attempt failed         pending, retrying          exhausted
an attempt got a 410: hook deactivated     pending, retrying          held
a consumer acknowledged it                 pending                    delivered
an attempt is due, its hook is pulled      pending, retrying          pending, until it is pulled
an attempt is due, its hook deactivated    pending, retrying          held
or paused
an attempt is due, its hook is inactive,   pending, retrying          cancelled
deleted, or without a secret
its hook was deactivated or paused         pending, retrying          held
its hook is pulled and became inactive     pending, retrying          cancelled
somebody redelivers it                     retrying                   retrying, and due now
somebody redelivers or recovers it         delivered, exhausted,      pending, in another round
                                           cancelled, held
=========================================  =========================  ==============================

For a message that asks for an attempt, the first row that is true decides (:func:`before_attempt`):

=======================================================  ======  ======================================
Known is that                                            so      and
=======================================================  ======  ======================================
log, hook and client are gone                            drop
the log has no such delivery                             reject  it becomes a dead letter
it has ended                                             drop
the attempt was made, and its message is new             drop    the next one was sent
the attempt was made, and the next is soon               defer   the next one, which may be missing
the attempt was made, and the next is far ahead          drop    the sweep brings the next one
the attempt is due soon                                  defer   until then
the attempt is due far ahead                             drop    the sweep brings it
its hook was deactivated                                 end     as held
its hook is inactive, deleted, or without a secret       end     as cancelled
its hook is pulled                                       offer   a consumer takes it
its hook is paused                                       end     as held
its client has too much in flight, and the sweep has it  drop    it is logged, and the wait is long
its client has too much in flight                        defer   longer each time
its hook's circuit is tripped, and defers it             defer   once
its hook has a rate, and it has no place in its line     reserve
its place comes soon                                     defer   until then
its place comes later                                    log     the sweep brings it
its hook's circuit is tripped, and it ignores that       send
its hook's circuit is tripped, and it was planned late   send
its hook's circuit is tripped, and a probe is wanted     send    unless somebody else probes the hook
otherwise                                                send
=======================================================  ======  ======================================

A new rule is a row in one of these tables and a branch in its function. Holds and
recoveries go on in steps: :func:`seconds_to_next_hold`, :func:`before_step` and :func:`recovery_step`.
"""

import math
from collections.abc import Iterable
from dataclasses import replace
from enum import StrEnum

from storehooks.domain.attempt import ACKNOWLEDGED, Attempt, Times
from storehooks.domain.backoff import growing_wait
from storehooks.domain.circuit import Circuit, defer_seconds, planned_late_seconds
from storehooks.domain.delivery import (
    GONE,
    MAX_STORED_ATTEMPTS,
    SAFETY_SECONDS,
    SOON_SECONDS,
    WAITING,
    Delivery,
    Status,
    new_delivery,
)
from storehooks.domain.errors import (
    HookInactiveError,
    HookNotPulledError,
    HookPausedError,
    HookPulledError,
)
from storehooks.domain.event import Event
from storehooks.domain.event_filter import FilterTooLongError
from storehooks.domain.exact_json import dumps
from storehooks.domain.hook import Hook
from storehooks.domain.rate import Reservation
from storehooks.domain.recovery import MAX_LEASE_WAIT_SECONDS, PROBES, Recovery
from storehooks.domain.retry import RetrySchedule
from storehooks.domain.task import AttemptTask, RecoverTask, TaskMessage, attempt_task
from storehooks.domain.values import dataclass

MAX_IN_FLIGHT_OF_CLIENT = 100
"""Maximum attempts of one client that an invocation has in flight, so that slow destinations of one client
delay no other client."""

MAX_PENDING = 1000
"""Maximum pending deliveries of a hook. A recovery begins no more until there are fewer."""

MAX_OF_STEP = 500
"""Maximum deliveries that one step of a recovery begins."""

CROWDED_SECONDS = 5
"""Seconds of the first deferral of an attempt whose client has too much in flight."""

MAX_LOGGED_SECONDS = 3600
"""A delivery whose place comes later is checked again after this long, because its hook's rate may change."""

# The sweep looks for a delivery up to a minute and a half before its safety is over.
_UNTIL_SWEPT_SECONDS = SAFETY_SECONDS // 2

FULL_SECONDS = 2
"""Seconds of the first wait of a recovery that may begin no more deliveries for now."""

PROBING_SECONDS = 5
"""The same while the hook's circuit is tripped, and the seconds between steps that probe."""


# ---------------------------------------------------------------- whether a hook receives


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a hook receives nothing now, and the status with which its deliveries end.

    ``code`` is the code of an explanation, for deliveries that are held.
    """

    ends_as: Status
    reason: str
    code: str | None = None


def refusal_of(hook: Hook | None, *, has_secret: bool = True) -> Refusal | None:
    """Why nothing may be sent to a hook; None if it may.

    :param has_secret: whether its client has a secret to sign with; a client that is being removed has none.
    """
    if hook is None:
        return Refusal(Status.CANCELLED, "the hook was deleted")
    if hook.is_active:
        if not has_secret:
            return Refusal(Status.CANCELLED, "the hook's client was removed")
        # Deliveries of a pulled hook wait anyway. While it is paused, they are not given out.
        is_held = hook.is_paused and not hook.is_pulled
        return Refusal(Status.HELD, "the hook is paused", "paused") if is_held else None
    if hook.is_deactivated:
        reason = f"failures deactivated the hook: {hook.deactivation_reason}"
        return Refusal(Status.HELD, reason, "deactivated")
    return Refusal(Status.CANCELLED, "the hook is inactive")


def check_receives(hook: Hook) -> None:
    """Check that something may be sent to a hook.

    :raises HookInactiveError: if it is inactive or deactivated.
    :raises HookPausedError: if it is paused.
    """
    if refusal_of(hook) is not None:
        raise (
            HookPausedError(hook.id)
            if hook.is_active
            else HookInactiveError(hook.id, hook.deactivation_reason)
        )


def waiting_end_as(hook: Hook | None) -> Status | None:
    """The status with which a hook's waiting deliveries end without an attempt; None if they go on waiting.

    They are held if the hook is deactivated or paused. They are cancelled if it is pulled and inactive,
    because no attempt would cancel them.
    """
    refusal = refusal_of(hook)
    if hook is None or refusal is None:
        return None
    return refusal.ends_as if refusal.ends_as is Status.HELD or hook.is_pulled else None


def kept_in(hook: Hook) -> tuple[Status, ...]:
    """The statuses of deliveries that may wait for a hook until they expire."""
    return (Status.PENDING, Status.HELD) if hook.is_pulled else (Status.HELD,)


def check_sends(hook: Hook) -> None:
    """Check that a hook's deliveries are sent, whether or not it receives now.

    :raises HookPulledError: if consumers pull them instead.
    """
    if hook.is_pulled:
        raise HookPulledError(hook.id)


def check_pulled(hook: Hook) -> None:
    """Check that a consumer may take a hook's deliveries, or acknowledge them.

    :raises HookNotPulledError: if they are sent to a URL.
    :raises HookInactiveError: if it is inactive or deactivated.
    """
    if not hook.is_pulled:
        raise HookNotPulledError(hook.id)
    check_receives(hook)


def gives_out(hook: Hook) -> bool:
    """Whether a pulled hook gives out deliveries now. While it is paused, they wait."""
    return not hook.is_paused


def may_ping(*, has_secret: bool) -> bool:
    """Whether a test event may be sent. The hook need not be active, because its owner asks for it."""
    return has_secret


# ---------------------------------------------------------------- when an event was published


@dataclass(frozen=True, slots=True)
class NewDeliveries:
    """The deliveries of an event, and the ids of the hooks whose filters it does not match.

    :ivar offered: the deliveries that wait to be pulled. For the others, attempts are made.
    :ivar undecided: ids of hooks that get the event because their filters would take too long.
    """

    deliveries: list[Delivery]
    offered: list[tuple[Hook, Delivery]]
    filtered_out: list[int]
    undecided: list[int]


def new_deliveries(event: Event, hooks: Iterable[Hook]) -> NewDeliveries:
    """The deliveries of an event to the hooks that subscribe to it, or to those of its recipient alone.

    A deactivated hook has one as well: it is held, or sent if the hook was activated a moment ago.

    :param hooks: the hooks that were found by scope. A hook whose scope is changing may be there twice.
    """
    body = event.callback()
    receiving = {hook.id: hook for hook in hooks if event.recipient in {None, hook.client_id}}
    payload = dumps(body)
    made = NewDeliveries([], [], [], [])
    for hook in receiving.values():
        try:
            if hook.mismatch(body) is not None:
                made.filtered_out.append(hook.id)
                continue
        except FilterTooLongError:
            made.undecided.append(hook.id)
        delivery = new_delivery(event, payload, hook)
        if hook.is_pulled and refusal_of(hook) is None:
            made.offered.append((hook, delivery))
        else:
            made.deliveries.append(delivery)
    return made


# ---------------------------------------------------------------- before an attempt


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """All that is known when a message asks for an attempt.

    :ivar delivery: the delivery in the log, or else in the message.
    :ivar in_flight: the number of attempts of the client that this invocation is making.
    :ivar came_before: whether the message was received before.
    :ivar reserved: the attempt's place in the hook's line; None if it has none, or may have used it.
    """

    delivery: Delivery | None
    is_logged: bool
    hook: Hook | None
    has_secret: bool
    circuit: Circuit
    in_flight: int
    came_before: bool
    reserved: Reservation | None = None


class Why(StrEnum):
    """Why an attempt is deferred."""

    NOT_DUE = "not due"
    CROWDED = "its client has too much in flight"
    CIRCUIT = "its hook's circuit is tripped"
    RATE = "its place in the hook's line is to come"


@dataclass(frozen=True, slots=True)
class Defer:
    """Send this task again, with a delay of ``min_seconds`` to ``max_seconds``."""

    task: AttemptTask
    min_seconds: int
    max_seconds: int
    why: Why


@dataclass(frozen=True, slots=True)
class Send:
    """Make the attempt. ``unless_probed`` makes it a probe: the step to do if another was just sent."""

    delivery: Delivery
    unless_probed: Defer | None = None


@dataclass(frozen=True, slots=True)
class Reserve:
    """Reserve a place in the line of its hook, and decide again."""

    delivery: Delivery


@dataclass(frozen=True, slots=True)
class Log:
    """Log this delivery, which is due later, and its place. The sweep sends its message."""

    delivery: Delivery
    reserved: Reservation


@dataclass(frozen=True, slots=True)
class Offer:
    """Log this delivery, to wait until a consumer takes it. No attempt is made."""

    delivery: Delivery


@dataclass(frozen=True, slots=True)
class End:
    """Log this delivery, which has ended. No attempt follows."""

    delivery: Delivery
    reason: str
    code: str | None = None


@dataclass(frozen=True, slots=True)
class Drop:
    """Do nothing for this message."""

    reason: str


@dataclass(frozen=True, slots=True)
class Reject:
    """Refuse the message: its task cannot be done, now or later."""

    reason: str


type Step = Send | Defer | Reserve | Log | Offer | End | Drop | Reject


def before_attempt(task: AttemptTask, known: Known, schedule: RetrySchedule, now: float) -> Step:
    """Decide what to do for a message that asks for an attempt.

    :param now: seconds since 1970.
    """
    if not known.is_logged and known.hook is None and not known.has_secret:
        return Drop("its client was removed")  # its log was deleted too, and must not come back
    delivery = known.delivery
    if delivery is None:
        return Reject("the log knows no such delivery")
    if delivery.status not in WAITING:
        return Drop(f"it is {delivery.status}")
    if delivery.attempt_count >= task.attempt:
        if not known.came_before:
            return Drop("the attempt was made")
        # The invocation that made it may have stopped before it sent the next one: send that now.
        return _until_due(attempt_task(delivery), delivery, now)
    if delivery.next_attempt_at is not None and delivery.next_attempt_at > now:
        return _until_due(task, delivery, now)
    if (refusal := refusal_of(known.hook, has_secret=known.has_secret)) is not None:
        return End(delivery.ended(refusal.ends_as), refusal.reason, refusal.code)
    if known.hook is not None and known.hook.is_pulled:
        return Offer(offered(delivery))
    if known.in_flight >= MAX_IN_FLIGHT_OF_CLIENT:
        waited = now - could_begin_at(task, delivery, now)
        wait = growing_wait(waited, at_least=CROWDED_SECONDS)
        if known.is_logged and delivery.next_attempt_at is not None and wait > SAFETY_SECONDS:
            # The sweep sends a message for the delivery in any case; this one would be a second.
            return Drop("the retry sweep brings it")
        return Defer(task, wait - wait // 4, wait, Why.CROWDED)
    slot = schedule.slot_before(task.attempt - delivery.earlier)
    if task.ignores_circuit or not known.circuit.is_tripped or _is_late_by_plan(delivery, slot):
        return _in_its_place(Send(delivery), task, known, now)
    deferred = Defer(replace(task, ignores_circuit=True, reserved=None), 1, defer_seconds(slot), Why.CIRCUIT)
    if not known.circuit.may_probe(now):
        return deferred
    return _in_its_place(Send(delivery, unless_probed=deferred), task, known, now)


def _in_its_place(send: Send, task: AttemptTask, known: Known, now: float) -> Step:
    """Send now; or in the second that is reserved for the attempt, if the hook has a rate."""
    hook, place = known.hook, known.reserved
    if hook is None or hook.max_per_second is None:
        return send
    if place is None or place.hook_version != hook.version or place.is_over(now):
        return Reserve(send.delivery)
    if place.second <= now:
        return send
    due_at = send.delivery.next_attempt_at or send.delivery.created_at
    # If it waited longer, the sweep would send another message, which has no place.
    if place.second > (due_at + _UNTIL_SWEPT_SECONDS if known.is_logged else now + SOON_SECONDS):
        return Log(replace(send.delivery, next_attempt_at=min(place.second, now + MAX_LOGGED_SECONDS)), place)
    wait = seconds_until(place.second, now)
    if task.reserved is not None and task.reserved != place:
        wait = max(1, wait - task.reserved.seconds_late(now))
    return Defer(replace(task, reserved=place), wait, wait, Why.RATE)


def could_begin_at(task: AttemptTask, delivery: Delivery, now: float) -> float:
    """When an attempt could have begun, in seconds since 1970: it was due, and its place had come."""
    due_at = delivery.next_attempt_at or delivery.created_at
    return due_at if task.reserved is None else max(due_at, min(task.reserved.second, now))


def _is_late_by_plan(delivery: Delivery, slot: int) -> bool:
    """Whether a retry was planned a second or more after its slot, which counts as a deferral."""
    planned = delivery.seconds_to_next if delivery.attempts_of_round else None
    # Times are floats of whole milliseconds, so the difference may be a millionth short of a second.
    return planned is not None and round(planned, 3) >= slot + 1


def _until_due(task: AttemptTask, delivery: Delivery, now: float) -> Defer | Drop:
    """Defer a task until its delivery is due. If that is far ahead, leave it to the retry sweep."""
    wait = seconds_until(delivery.next_attempt_at or now, now)
    if wait > SOON_SECONDS:
        return Drop("the retry sweep brings it")
    return Defer(task, wait, wait, Why.NOT_DUE)


def seconds_until(due_at: float, now: float) -> int:
    """Whole seconds until an attempt is due, never early; 0 if it is."""
    return max(0, math.ceil(due_at - now))


def share_of(least: int, most: int, share: float) -> int:
    """A whole number from ``least`` to ``most``, picked by a share of at least 0 and less than 1."""
    return least + int(share * (most - least + 1))


# ---------------------------------------------------------------- after an attempt


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of an attempt for its delivery and its hook.

    ``deactivates``: the hook is to be deactivated. With ``unless_reached_since`` (seconds since 1970), only
    if the log has no delivery that reached the hook since then.
    """

    delivery: Delivery
    deactivates: bool = False
    unless_reached_since: float | None = None

    def with_hook_deactivated(self) -> Delivery:
        """The delivery after its hook was deactivated: held after a 410, so that a recovery sends it."""
        is_gone = self.delivery.attempts[-1].status == GONE
        return self.delivery.ended(Status.HELD) if is_gone else self.delivery


def after_attempt(
    delivery: Delivery,
    attempt: Attempt,
    circuit: Circuit,
    schedule: RetrySchedule,
    now: float,
) -> Outcome:
    """Decide what follows from an attempt.

    A tripped circuit would defer the next attempt when it is due. Instead it is planned later now, which
    saves a message.

    :param circuit: the hook's circuit, with this attempt counted.
    """
    after = attempted(delivery, attempt, schedule, now)
    if attempt.succeeded:
        return Outcome(after)
    if circuit.is_tripped and after.next_attempt_at is not None:
        slot = schedule.slot_before(after.attempt_count + 1 - after.earlier)
        late = planned_late_seconds(f"{after.store_hash}#{after.hook_id}", after.next_attempt_at, slot)
        after = replace(after, next_attempt_at=after.next_attempt_at + late)
    if attempt.status == GONE:
        return Outcome(after, deactivates=True)
    if after.status is Status.EXHAUSTED:
        since = after.attempts_of_round[0].at
        # The circuit misses a success that came while the first failure was under way.
        return Outcome(after, deactivates=circuit.succeeded_at < since, unless_reached_since=since)
    return Outcome(after)


def attempted(delivery: Delivery, attempt: Attempt, schedule: RetrySchedule, now: float) -> Delivery:
    """A delivery after an attempt: delivered, retrying with its next attempt, or exhausted."""
    if attempt.succeeded:
        return with_attempt(delivery, attempt, Status.DELIVERED, None)
    number = delivery.attempt_count + 1 - delivery.earlier
    wait = schedule.wait_after(number, retry_after=attempt.retry_after, now=now)
    if wait is None:
        return with_attempt(delivery, attempt, Status.EXHAUSTED, None)
    # Rounded up to whole milliseconds, as it is stored, so that it is never early.
    return with_attempt(delivery, attempt, Status.RETRYING, math.ceil((now + wait) * 1000) / 1000)


def with_attempt(
    delivery: Delivery, attempt: Attempt, status: Status, next_attempt_at: float | None
) -> Delivery:
    """A delivery with another attempt, its new status and the time of the next attempt."""
    count = delivery.attempt_count + 1
    attempts = (*delivery.attempts, attempt)[-MAX_STORED_ATTEMPTS:]
    return replace(
        delivery,
        attempts=attempts,
        forgotten=count - len(attempts),
        status=status,
        next_attempt_at=next_attempt_at,
    )


def next_message(delivery: Delivery, now: float) -> TaskMessage | None:
    """The message for the next attempt; None if no attempt follows, or the sweep sends its message."""
    if delivery.next_attempt_at is None or not delivery.is_next_soon:
        return None
    return TaskMessage(attempt_task(delivery), seconds_until(delivery.next_attempt_at, now))


def deactivation_reason(delivery: Delivery) -> str:
    """The reason why this delivery, whose last attempt failed, deactivated its hook."""
    last = delivery.attempts[-1]
    if last.status == GONE:
        return "the destination answered 410 Gone, that it wants no more"
    number = len(delivery.attempts_of_round)
    return f"{number} attempts failed and none succeeded meanwhile; the last: {last.error}"


# ---------------------------------------------------------------- when a delivery is pulled


def offered(delivery: Delivery) -> Delivery:
    """A delivery that waits until a consumer takes it, without an attempt that is due."""
    return replace(delivery, status=Status.PENDING, next_attempt_at=None)


class Unacknowledged(StrEnum):
    """Why an acknowledgement of a delivery does not count."""

    UNKNOWN = "unknown"
    """The hook has no such delivery, or it has expired."""
    LATE = "late"
    """Its visibility time is over, so it is given out again; or it was never given out."""
    DELIVERED = "delivered"
    """It was already acknowledged, perhaps by another consumer."""
    ENDED = "ended"
    """Its hook became inactive, or was deactivated."""


def acknowledged(delivery: Delivery, given_out_at: float | None, now: float) -> Delivery | Unacknowledged:
    """A delivery after its acknowledgement by a consumer; or why that does not count.

    Its attempt lasts from when it was given out until now. It has no status, because nothing was sent.

    :param given_out_at: when it was last given out, in seconds since 1970; None if it never was.
    """
    if delivery.status is Status.DELIVERED:
        return Unacknowledged.DELIVERED
    if delivery.status is not Status.PENDING:
        return Unacknowledged.ENDED
    hidden_until = delivery.next_attempt_at
    if given_out_at is None or hidden_until is None or hidden_until <= now:
        return Unacknowledged.LATE
    attempt = Attempt(
        at=given_out_at,
        status=None,
        error=None,
        times=Times(total_ms=max(0.0, round((now - given_out_at) * 1000, 1))),
        response=ACKNOWLEDGED,
    )
    return with_attempt(delivery, attempt, Status.DELIVERED, None)


# ---------------------------------------------------------------- when a hook was deactivated or paused


def held_since(hook: Hook) -> int:
    """Since when a hook's deliveries are held, in seconds since 1970; 0 if they are not.

    The deliveries of a pulled hook wait since the hook was created, paused or not.
    """
    return hook.deactivated_at or (hook.created_at if hook.is_pulled else hook.paused_at) or 0


def seconds_to_next_hold(*, held: int, since: float, now: float) -> int:
    """Seconds until the next step of a hold: 0 if this one held some, else more each time."""
    return 0 if held else growing_wait(now - since, at_least=1)


# ---------------------------------------------------------------- when somebody redelivers or recovers


class Again(StrEnum):
    """What a redelivery does to a delivery."""

    NOTHING = "it is to be sent already"
    BRING_FORWARD = "its next attempt is made now"
    BEGIN_ROUND = "another round of its schedule begins"


def redelivery_of(delivery: Delivery) -> Again:
    """Decide what a redelivery does, to a hook that receives."""
    match delivery.status:
        case Status.PENDING:
            return Again.NOTHING
        case Status.RETRYING:
            return Again.BRING_FORWARD
    return Again.BEGIN_ROUND


def due_now(delivery: Delivery, now: float) -> Delivery:
    """A retried delivery with its next attempt brought forward to now."""
    return replace(delivery, next_attempt_at=now)


def in_another_round(delivery: Delivery, now: float) -> Delivery:
    """An ended delivery at the start of another round of the schedule."""
    return replace(
        delivery,
        status=Status.PENDING,
        earlier=delivery.attempt_count,
        next_attempt_at=now,
        round_at=now,
    )


def asked_for(delivery: Delivery) -> AttemptTask:
    """The task of an attempt that a person asked for, which no circuit defers."""
    return replace(attempt_task(delivery), ignores_circuit=True)


@dataclass(frozen=True, slots=True)
class Stop:
    """Stop the recovery before it has begun all."""

    reason: str


@dataclass(frozen=True, slots=True)
class Wait:
    """The hook has the maximum number of deliveries pending: do the step again after these seconds."""

    seconds: int


@dataclass(frozen=True, slots=True)
class Begin:
    """Begin another round of up to ``limit`` deliveries. The next step follows after ``then_seconds``."""

    limit: int
    are_probes: bool
    then_seconds: int

    def task(self, begun: AttemptTask) -> AttemptTask:
        """The task of a delivery whose round was begun. A probe ignores the circuit."""
        return replace(begun, ignores_circuit=self.are_probes)

    def seconds_to_next(self, *, is_failed: bool) -> int:
        """Seconds until the next step, which does not follow at once if a call failed in this one."""
        return self.then_seconds or (FULL_SECONDS if is_failed else 0)


class StepTask(StrEnum):
    """What to do for a message that asks for a step of a recovery."""

    DO = "its step is done"
    SEND_NEXT = "its step was done, and the next one may be missing"
    DROP = "its step was done"


def before_step(task: RecoverTask, recovery: Recovery, *, came_before: bool) -> StepTask:
    """Decide what to do for a message that asks for a step of a recovery.

    :param came_before: whether the message was received before.
    """
    if recovery.step == task.step:
        return StepTask.DO
    if came_before and recovery.step == task.step + 1 and not recovery.has_ended:
        return StepTask.SEND_NEXT
    return StepTask.DROP


def why_to_stop(recovery: Recovery, hook: Hook | None) -> str | None:
    """The reason why a recovery stops before it has begun all; None if it goes on.

    Only the recovery of a hook's last resumption goes on. It also sends the rest of those before.
    """
    if (refusal := refusal_of(hook)) is not None:
        return refusal.reason
    if hook is None or recovery.held_since is None or hook.resumption in {None, recovery.id}:
        return None
    return f"the hook was paused and resumed again: the recovery {hook.resumption} goes on"


def seconds_to_next_look(recovery: Recovery, now: float) -> int:
    """Seconds until a waiting recovery checks again whether it may run."""
    return min(growing_wait(now - recovery.created_at, at_least=FULL_SECONDS), MAX_LEASE_WAIT_SECONDS)


def max_pending(circuit: Circuit) -> int:
    """Maximum pending deliveries of a hook in a recovery: a few while the hook's circuit is tripped."""
    return PROBES if circuit.is_tripped else MAX_PENDING


def recovery_step(
    recovery: Recovery, hook: Hook | None, circuit: Circuit, pending: int, now: float
) -> Stop | Wait | Begin:
    """Decide what a step of a recovery does.

    :param pending: the number of the hook's pending deliveries.
    """
    if (reason := why_to_stop(recovery, hook)) is not None:
        return Stop(reason)
    if hook is not None and hook.is_pulled:  # its deliveries are pending until they are pulled
        return Begin(MAX_OF_STEP, are_probes=False, then_seconds=0)
    limit = min(max_pending(circuit) - pending, MAX_OF_STEP)
    if limit > 0:
        return Begin(limit, circuit.is_tripped, PROBING_SECONDS if circuit.is_tripped else 0)
    at_least = PROBING_SECONDS if circuit.is_tripped else FULL_SECONDS
    return Wait(growing_wait(now - recovery.progressed_at, at_least=at_least))
