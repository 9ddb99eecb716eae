"""Each call to AWS that a function behind a queue, a schedule or a rule makes goes wrong in each way.

Then the platform does what it does: the message comes again, the next sweep comes, the bus tries
again. In the end all is as if nothing had gone wrong, but that something may have been sent twice.
"""

import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import pytest
from hypothesis import settings

from storehooks.domain.deactivation_day import (
    DAY_SECONDS,
    FIRST,
    LATER,
    Deactivation,
    DeactivationDay,
    day_end,
    deactivation_of,
    notice_of_first,
    notice_of_later,
)
from storehooks.domain.delivery import Status
from storehooks.domain.errors import StorehooksError
from storehooks.domain.operational_event import DEACTIVATED, EXPIRING
from storehooks.domain.recovery import MISSED, RECOVERABLE
from storehooks.domain.task import DigestTask, RecordTask, TaskMessage
from tests.faults import NONE, PARTLY, Fault, around_aws, is_batch
from tests.integration.aws_platform import SECRET, Platform
from tests.integration.conftest import load_event
from tests.integration.rights import granted, of_the_mapping, rights_of
from tests.template_file import logical_id
from tests.world import STORE

pytestmark = pytest.mark.toolchain  # a long search

logger = logging.getLogger(__name__)

LONG_ENOUGH = 3 * 1800 + 1800
OK, FAILING, GONE = (200, None), (500, None), (410, None)
# Whoever failed to be told which messages there are cannot name them.
NAMELESS = {"taking more work failed", "swept", "taking what is due failed"}
IDS = {"delivery_id", "delivery_ids", "event_id", "hook_id", "message_id", "recovery_id", "until"}


# The functions tell no more apart than whether a call took effect, as far as they can know. So each
# call meets one way of each kind, in turn; from the seventh call of an operation on, of one kind, in turn.
# In a long search (see tests/conftest.py) each meets all of them, those that last and those that are over
# with that call.
BEFORE = ("throttled before", "killed before", "unreachable before", "failed before")
AFTER = ("unanswered after", "killed after", "failed after")
OF_A_LOOP = 6


def faults(function: str, number: int, operation: str, earlier: int) -> list[Fault]:
    """How the call of this number goes wrong. ``earlier`` calls were to the same operation."""
    partly = (PARTLY,) if is_batch(operation) else ()
    if settings.get_current_profile_name() == "long":
        ways = BEFORE + AFTER + partly
        return [Fault(function, number, way, lasts=lasts) for way in ways for lasts in (True, False)]
    ways = (BEFORE[number % len(BEFORE)], AFTER[number % len(AFTER)], *partly)
    if earlier >= OF_A_LOOP:
        ways = (ways[earlier % len(ways)],)
    return [Fault(function, number, way) for way in ways]


def in_turn(*responses):
    """A destination that answers so, and in the end always as it did last."""
    left = list(responses)
    return lambda _request: left.pop(0) if len(left) > 1 else left[0]


# ---------------------------------------------------------------- what happens


def events_are_matched(platform):
    platform.hook("a"), platform.hook("b", "store/order/created")
    platform.event()
    platform.event(has_id=False)
    platform.event(body="no event")
    platform.pass_time(0)


def what_is_to_be_pulled_comes(platform):
    platform.hooks.create(platform.caller, scope="store/order/*", destination="pull:", is_active=True)
    platform.event()
    platform.pass_time(0)


def deliveries_arrive(platform):
    platform.hook("a"), platform.hook("b", "store/order/created")
    platform.event()
    platform.pass_time(0)


def deliveries_arrive_at_the_second_attempt(platform):
    platform.hook()
    platform.response = in_turn(FAILING, OK)
    platform.event()
    platform.pass_time(0)


def an_event_finds_its_hook_deactivated(platform):
    hook = platform.hook()
    platform.hooks.deactivate(hook, "it fails")
    platform.event()
    platform.pass_time(0)


def a_hook_is_gone(platform):
    platform.hook()
    platform.response = in_turn(FAILING, GONE)
    platform.event()
    platform.event()
    platform.pass_time(0)


def a_hook_fails_to_the_end(platform):
    platform.hook()
    platform.response = in_turn(FAILING)
    platform.event()
    platform.pass_time(0)


def a_failing_hook_is_probed(platform):
    hook = platform.hook()
    platform.circuits.count_failures(STORE, hook.id, 6)
    platform.event()
    platform.event()
    platform.pass_time(0)


def more_is_taken_on_while_a_destination_is_slow(platform):
    platform.is_slow = True
    deliveries_arrive(platform)


def what_was_delivered_is_logged_later(platform):
    hook = platform.hook()
    platform.event()
    with platform.undisturbed():
        platform.pass_time(0)
    (delivery_id,) = platform.statuses
    delivery = platform.log.get(STORE, hook.id, delivery_id)
    platform.account.empty("DeliveriesTable")
    platform.parts.deliveries_queue.send([TaskMessage(RecordTask(delivery=delivery), 30)])
    platform.pass_time(30)


def what_a_hook_missed_is_sent_again(platform, statuses=MISSED):
    hook = platform.hook()
    platform.hooks.deactivate(hook, "it fails")
    platform.event()
    platform.event()
    with platform.undisturbed():
        platform.pass_time(0)
    hook = platform.hooks.update(platform.caller, hook.id, {"is_active": True})
    platform.recovery_starter.start(hook, statuses, 0, platform.clock.now)
    platform.pass_time(600)


def what_a_hook_missed_in_a_pause_is_sent_when_it_resumes(platform):
    hook = platform.hook()
    platform.response = in_turn(FAILING, OK)
    platform.event()
    platform.pass_time(0)
    for is_paused in (True, False):
        platform.parts.pauses.update(platform.caller, hook.id, {"is_paused": is_paused})
        platform.event()
        platform.pass_time(0)
    platform.pass_time(600)


def what_is_held_is_deleted_soon(platform):
    hook = platform.hook(is_paused=True)
    platform.event()
    with platform.undisturbed():
        platform.pass_time(0)
        platform.clock.now += 29 * DAY_SECONDS
        platform.parts.held_watches.move(hook, platform.clock.now)
    platform.pass_time(3600)


def what_a_hook_got_is_sent_again(platform):
    what_a_hook_missed_is_sent_again(platform, RECOVERABLE)


def retries_are_due_in_half_an_hour(platform):
    platform.hook("a"), platform.hook("b", "store/order/created")
    platform.response = in_turn(FAILING, FAILING, OK)
    platform.event()
    platform.pass_time(1860)


def owners_are_notified(platform):
    hook = platform.hook()
    platform.parts.notification_emails.put(STORE, hook.client_id, ["a@example.com"])
    day, (first, *_) = deactivated_in(platform, day_end(platform.clock.now), hook)
    platform.notified_of(FIRST, notice_of_first(day, first))


def owners_are_notified_at_the_end_of_a_day(platform):
    hooks = platform.hook("a"), platform.hook("b", "store/order/created")
    platform.parts.notification_emails.put(STORE, hooks[0].client_id, ["a@example.com"])
    day, _ = deactivated_in(platform, day_end(platform.clock.now) - DAY_SECONDS, *hooks)
    platform.notified_of(LATER, notice_of_later(day))


def a_day_with_deactivations_is_over(platform):
    hooks = platform.hook("a"), platform.hook("b", "store/order/created")
    day, _ = deactivated_in(platform, day_end(platform.clock.now) - DAY_SECONDS, *hooks)
    task = DigestTask(store_hash=STORE, hook_id=hooks[1].id, client_id=day.client_id, until=day.until)
    platform.parts.deliveries_queue.send([TaskMessage(task)])
    platform.pass_time(0)


def two_hooks_are_gone(platform):
    platform.hook("a"), platform.hook("b", "store/order/created")
    platform.response = in_turn(GONE)
    platform.event()
    platform.pass_time(60)


def deactivated_in(platform, until, *hooks) -> tuple[DeactivationDay, list[Deactivation]]:
    """A day that ends then, in which these hooks of a client were deactivated."""
    days = platform.parts.days
    for hook in hooks:
        platform.hooks.deactivate(hook, "it fails")
    ones = [deactivation_of(platform.hooks.find(STORE, hook.id)) for hook in hooks]
    day = days.begin(STORE, hooks[0].client_id, until, ones[0])
    for later in ones[1:]:
        days.add(day, later)
    day = days.get(STORE, day.client_id, until)
    assert day is not None
    return day, ones


SCENES: dict[str, list[Callable[[Platform], None]]] = {
    "match_events": [events_are_matched, what_is_to_be_pulled_comes],
    "deliver": [
        deliveries_arrive,
        deliveries_arrive_at_the_second_attempt,
        an_event_finds_its_hook_deactivated,
        a_hook_is_gone,
        two_hooks_are_gone,
        a_day_with_deactivations_is_over,
        a_hook_fails_to_the_end,
        a_failing_hook_is_probed,
        more_is_taken_on_while_a_destination_is_slow,
        what_was_delivered_is_logged_later,
        what_a_hook_missed_is_sent_again,
        what_a_hook_missed_in_a_pause_is_sent_when_it_resumes,
        what_is_held_is_deleted_soon,
        what_a_hook_got_is_sent_again,
    ],
    "retry_due": [retries_are_due_in_half_an_hour, what_is_held_is_deleted_soon],
    "notify_owners": [owners_are_notified, owners_are_notified_at_the_end_of_a_day],
}


OF_LAMBDA = {
    "match_events": of_the_mapping("EventsQueue"),
    "deliver": of_the_mapping("DeliveriesQueue"),
    "retry_due": set(),
    "notify_owners": {("sqs:SendMessage", "EmailsDeadLetters")},
}
"""The rights that Lambda itself needs, with the function's role."""

# ---------------------------------------------------------------- what is left


@dataclass(frozen=True)
class Left:
    """What a scene leaves behind."""

    hooks: dict[str, tuple]
    deliveries: dict[str, str]
    requests: dict[str, list[bytes]]
    deactivations: set[int]
    warnings: set[int]
    notices: set[tuple[str, str]]
    mails: list[str]


def played(aws, monkeypatch, scene, fault: Fault | None) -> tuple[Platform, Left]:
    """The scene with this fault, and what there is when nothing is left to do."""
    platform = Platform(aws, monkeypatch, "1800" if scene is retries_are_due_in_half_an_hour else "60")
    with platform.watched(monkeypatch, fault):
        scene(platform)
        platform.pass_time(LONG_ENOUGH)
    requests: dict[str, list[bytes]] = {}
    for _, request in platform.sent:
        requests.setdefault(request.headers["webhook-id"], []).append(request.body)
    return platform, Left(
        hooks={
            str(hook.id): (hook.scope, hook.destination, hook.headers, hook.is_active, hook.is_deactivated)
            for hook in platform.hooks_of_store()
        },
        deliveries=platform.statuses,
        requests=requests,
        # That something fails and is tried again may go untold.
        deactivations={
            one["data"]["id"] for one in platform.events_on_bus if one["data"]["error_code"] == DEACTIVATED
        },
        warnings={
            one["data"]["id"] for one in platform.events_on_bus if one["data"]["error_code"] == EXPIRING
        },
        notices=set(platform.notices),
        mails=[mail.subject for mail in platform.mails],
    )


def check(platform: Platform, left: Left, whole: Left) -> None:
    """All is as if nothing had gone wrong, but for what may have happened twice."""
    assert left.hooks == whole.hooks
    assert not [body for body in platform.dead if body != "no event"]
    assert left.deactivations == whole.deactivations
    assert left.warnings == whole.warnings
    assert left.notices == whole.notices
    # What its hook's end found not yet exhausted is held; either way it can be recovered.
    ends = {Status.EXHAUSTED: Status.HELD}
    assert {one: ends.get(status, status) for one, status in left.deliveries.items()} == {
        one: ends.get(status, status) for one, status in whole.deliveries.items()
    }
    assert left.requests.keys() <= whole.deliveries.keys()
    for delivery_id, bodies in left.requests.items():
        assert set(bodies) <= set(whole.requests.get(delivery_id, bodies)), "another body under the same id"
        assert len(bodies) <= len(whole.requests.get(delivery_id, [])) + 1, "sent again more than once"
    for delivery_id, status in left.deliveries.items():
        assert status != Status.DELIVERED or delivery_id in left.requests, "logged and never sent"
    assert set(left.mails) == set(whole.mails)
    assert len(left.mails) <= len(whole.mails) + 1
    check_log(platform)


def check_log(platform: Platform) -> None:
    """What went wrong is said with the ids of what it was about; no secret is said at all."""
    written = platform.printed.getvalue()
    assert SECRET not in written
    assert platform.secret not in written
    for line in platform.lines:
        if line["level"] in {"WARNING", "ERROR"} and line["message"] not in NAMELESS:
            assert IDS & line.keys(), line


@pytest.mark.parametrize(
    ("function", "scene"),
    [
        pytest.param(function, scene, id=f"{function}-{scene.__name__}")
        for function, scenes in SCENES.items()
        for scene in scenes
    ],
)
def test_whatever_goes_wrong_once_nothing_is_lost_and_all_comes_right(aws, monkeypatch, function, scene):
    calls = Fault(function, NONE, PARTLY)
    _, whole = played(aws, monkeypatch, scene, calls)
    injected: Counter[str] = Counter()
    earlier: Counter[str] = Counter()
    for number, (operation, _) in enumerate(calls.made):
        for fault in faults(function, number, operation, earlier[operation]):
            platform, left = played(aws, monkeypatch, scene, fault)
            assert fault.met is not None
            injected[fault.way] += 1
            try:
                check(platform, left, whole)
            except AssertionError as error:
                error.add_note(str(fault))
                raise
        earlier[operation] += 1
    logger.info("%s faults in %s calls: %s", injected.total(), len(calls.made), dict(injected))
    in_full = sum(min(number, OF_A_LOOP) for number in earlier.values())
    assert injected.total() >= len(calls.made) + in_full > 0


@pytest.mark.parametrize("function", SCENES)
def test_the_scenes_have_every_call_in_them_that_a_function_may_make(aws, monkeypatch, function):
    """A call of another kind needs another right, and so another scene."""
    needed = set()
    for scene in SCENES[function]:
        calls = Fault(function, NONE, PARTLY)
        played(aws, monkeypatch, scene, calls)
        needed |= {right for call in calls.made for right in rights_of(aws, *call)}
    assert needed | OF_LAMBDA[function] == granted(logical_id(function).removesuffix("Function"))


@pytest.mark.parametrize("way", [way for way in BEFORE + AFTER if "killed" not in way])
def test_a_token_that_cannot_be_looked_up_is_neither_refused_nor_let_through(
    functions, access, monkeypatch, way
):
    """The gateway makes a 500 of it, and asks again with the next request."""
    token = access.create_token(STORE)
    event = load_event("authorizer") | {"authorizationToken": token.access_token}
    authorizer, fault = functions.handler("authorizer"), Fault("authorizer", 0, way, lasts=False)
    around_aws(monkeypatch, partial(fault.meet, 0))
    with pytest.raises(StorehooksError) as raised:
        authorizer(event, None)
    assert token.access_token not in repr(raised.value)
    assert authorizer(event, None)["context"]["client_id"] == token.client_id
    assert [operation for operation, _ in fault.made] == ["GetItem"] * 2
