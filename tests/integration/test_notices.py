"""People are notified of a client's first deactivation of a day at once, of the others at the day's end."""

import json
from dataclasses import replace

import pytest
from moto.core import DEFAULT_ACCOUNT_ID
from moto.ses.models import ses_backends

from storehooks.domain.deactivation_day import DAY_SECONDS, FIRST, LATER, MAX_LISTED, day_end
from storehooks.domain.errors import QueueFailedError
from storehooks.domain.task import DigestTask, HoldTask, TaskMessage
from tests.integration.conftest import REGION
from tests.integration.interleaving import interleavings
from tests.world import STORE, World

STRANGERS = [f"stranger{number}@example.com" for number in range(10)]


@pytest.fixture
def world(aws, functions):
    """Where the client has named ten strangers."""
    world = World(aws)
    functions.clock = world.clock
    functions.parts("update_admin").notification_emails.put(STORE, world.caller.client_id, STRANGERS)
    return world


def deactivate(world, hook) -> None:
    """A hook's owner switches it on, and failures deactivate it again."""
    world.hooks.update(world.caller, hook.id, {"is_active": True})
    assert world.hooks.deactivate(world.current(hook), "it fails")
    task = HoldTask(store_hash=STORE, hook_id=hook.id, client_id=hook.client_id, store_id=None)
    world.queue.send([TaskMessage(task)])
    world.work()
    world.clock.now += 1


def notified(world, functions) -> list[list[str]]:
    """Whom each mail went to, once notify_owners had all entries of the bus, each twice."""
    for notice in world.bus.notices:
        for _ in range(2):
            functions.handler("notify_owners")(notice, None)
    return [mail.destinations["ToAddresses"] for mail in sent()]


def sent():
    return ses_backends[DEFAULT_ACCOUNT_ID][REGION].sent_messages


def kinds(world) -> list[str]:
    return [notice["detail-type"] for notice in world.bus.notices]


def test_a_client_that_reactivates_its_hook_in_a_loop_has_two_mails_sent_in_a_day(world, functions):
    hook = world.hook("https://app.example.com/key?token=secret")
    for _ in range(8):
        deactivate(world, hook)
        assert notified(world, functions) == [STRANGERS]
    assert kinds(world) == [FIRST]
    world.pass_time(DAY_SECONDS)
    assert kinds(world) == [FIRST, LATER]
    assert world.bus.notices[1]["detail"]["count"] == 7
    assert "had 7 more deactivations on 2026-11-23" in world.bus.notices[1]["detail"]["message"]
    assert notified(world, functions) == [STRANGERS] * 2
    digest = sent()[1]
    assert "7 more times" in digest.subject
    assert digest.body.count(f"webhook {hook.id}, https://app.example.com\n") == 7
    assert f"The client {hook.client_id} of the store {STORE} named this address" in digest.body
    assert "secret" not in digest.body
    assert world.queue.waiting == []


def test_all_are_counted_and_some_are_listed(world, functions):
    hook = world.hook()
    for _ in range(MAX_LISTED + 6):
        deactivate(world, hook)
    world.pass_time(DAY_SECONDS)
    detail = world.bus.notices[1]["detail"]
    assert detail["count"] == MAX_LISTED + 5
    assert detail["message"].endswith(f"of hook {hook.id} and 5 not listed")
    notified(world, functions)
    assert "and 5 more" in sent()[1].body
    assert sent()[1].body.count("webhook 1, ") == MAX_LISTED


def test_a_day_with_one_deactivation_has_no_digest_and_the_next_day_begins_anew(world):
    hook = world.hook()
    for _ in range(2):
        deactivate(world, hook)
        world.pass_time(DAY_SECONDS)
    assert kinds(world) == [FIRST, FIRST]


def test_each_client_has_its_own_days(world):
    hook = world.hook()
    deactivate(world, hook)
    other = replace(world.current(hook), client_id="f" * 32)
    world.parts.notices.add(other)
    assert kinds(world) == [FIRST, FIRST]


def test_of_two_at_once_one_is_the_first_and_the_other_is_in_the_digest(aws, world, monkeypatch):
    hooks = [world.hook(f"https://app.example.com/{number}") for number in range(2)]
    for hook in hooks:
        world.hooks.deactivate(hook, "it fails")
    one, other = map(world.current, hooks)

    def begin():
        aws.empty("DeliveriesTable")
        world.bus.notices.clear()
        world.queue.waiting.clear()

    notices = world.parts.notices
    for _ in interleavings(monkeypatch, begin, lambda: notices.add(one), lambda: notices.add(other)):
        assert kinds(world) == [FIRST]
        (task,) = world.queue.tasks
        day = world.parts.days.get(STORE, one.client_id, task.until)
        (later,) = day.later
        assert {day.first.split("#")[0], str(later.hook_id)} == {str(one.id), str(other.id)}


def test_a_later_one_whose_work_stops_in_between_is_in_the_digest_once(world, monkeypatch):
    hook = world.hook()
    deactivate(world, hook)
    days = world.parts.days
    add = days.add
    with monkeypatch.context() as patched:

        def stop(*arguments):
            add(*arguments)
            raise QueueFailedError("InternalError", frozenset())

        patched.setattr(days, "add", stop)
        deactivate(world, hook)
    world.pass_time(2 * DAY_SECONDS)
    assert kinds(world) == [FIRST, LATER]
    assert world.bus.notices[1]["detail"]["count"] == 1


def test_a_digest_that_the_bus_does_not_take_comes_later(world, monkeypatch):
    hook = world.hook()
    deactivate(world, hook), deactivate(world, hook)
    put = world.bus.put
    with monkeypatch.context() as patched:

        def fail(source, kind, detail):
            if kind == LATER:
                raise QueueFailedError("InternalError", frozenset({0}))
            return put(source, kind, detail)

        patched.setattr(world.bus, "put", fail)
        world.pass_time(day_end(world.clock.now) + 400 - world.clock.now)
    assert kinds(world) == [FIRST]
    world.pass_time(1000)
    assert kinds(world) == [FIRST, LATER]


def test_two_messages_for_one_day_send_one_digest(world):
    hook = world.hook()
    deactivate(world, hook), deactivate(world, hook)
    message = world.queue.waiting[-1].body
    assert isinstance(World.task(message), DigestTask)
    world.queue.put(message, 5)
    world.pass_time(DAY_SECONDS)
    assert kinds(world) == [FIRST, LATER]


def test_the_first_is_written_of_also_if_the_hook_was_on_and_off_again_before(world, functions):
    hook = world.hook()
    deactivate(world, hook), deactivate(world, hook)
    assert notified(world, functions) == [STRANGERS]


def test_no_entry_has_a_later_one_written_of_at_once_or_a_day_before_its_end(world, functions):
    hook, other = world.hook(), world.hook("https://app.example.com/other")
    for one in (hook, hook, other):
        deactivate(world, one)
    assert len(notified(world, functions)) == 1
    (first,) = world.bus.notices
    until = first["detail"]["until"]
    for forged in (first, first | {"detail-type": LATER}, first | {"detail-type": "x"}):
        for hook_id in (hook.id, other.id):
            for end in (until, until + DAY_SECONDS, 0):
                detail = {**first["detail"], "until": end, "data": {"id": hook_id}}
                entry = forged | {"detail": detail}
                assert functions.handler("notify_owners")(entry, None) == {"written": False}
    assert len(sent()) == 1


def test_what_a_deactivation_costs(aws, world):
    hook = world.hook()
    deactivate(world, hook)
    world.hooks.update(world.caller, hook.id, {"is_active": True})
    world.hooks.deactivate(world.current(hook), "it fails")
    again = world.current(hook)
    before = len(aws.calls)
    world.parts.notices.add(again)
    assert aws.calls[before:] == ["UpdateItem", "UpdateItem"]
    assert json.loads(world.queue.waiting[-1].body)["do"] == "digest"
