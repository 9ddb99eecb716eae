"""Each call to AWS of each operation of the API fails in each way: the answer is one that docs/api.md
has, and what is left behind is whole."""

from functools import partial

import pytest

from tests.faults import Fault, around_aws
from tests.integration.conftest import ROOT, load_event
from tests.integration.wholeness import check_whole

STATUSES = {"throttled": {429, 503}, "failed": {503}, "unanswered": {503}}
# A queue is asked again at once. What is not counted after a delete is counted later. A lease that is not
# given back ends by itself.
SURVIVES = {
    "publish_events": (202, "EventsQueue"),
    "recover_deliveries": (202, "DeliveriesQueue"),
    "delete_hook": (200, None),
    "get_hook_stats": (200, None),
}
OPERATIONS = sorted(
    function
    for function in (path.parent.name for path in ROOT.glob("functions/*/app.py"))
    if '"resource": "/stores/' in (ROOT / "events" / f"{function}.json").read_text()
)


@pytest.fixture
def fresh(aws, functions, access):
    """One hook of the caller, no other, and empty queues."""

    def begin() -> None:
        aws.empty("HooksTable", "EventIdsTable", "EventsQueue", "DeliveriesQueue")
        with aws.uncounted():
            assert functions.invoke("create_hook", load_event("create_hook"))[0] == 201

    return begin


def asked(name: str) -> dict:
    event = load_event(name)
    if name == "create_hook":
        event["body"] = event["body"].replace("/orders", "/others")
    return event


def with_fault(monkeypatch, number: int, way: str, call) -> bool:
    """Make a call while AWS fails at its call of this number, from 0; whether it came to that."""
    fault = Fault("", number, way, lasts=False)
    with monkeypatch.context() as patched:
        around_aws(patched, partial(fault.meet, 0))
        call()
    return fault.met is not None


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_call_that_fails_is_answered_as_the_readme_has_it_and_leaves_nothing_half_done(
    aws, functions, fresh, monkeypatch, name
):
    fresh()
    functions.invoke(name, asked(name))  # loaded, and nothing is looked up for the first time
    injected = 0
    for error, statuses in STATUSES.items():
        for when in ("before", "after"):
            number, came_to_it = 0, True
            while came_to_it:
                fresh()
                responses = []
                came_to_it = with_fault(
                    monkeypatch,
                    number,
                    f"{error} {when}",
                    call=lambda responses=responses: responses.append(functions.invoke(name, asked(name))),
                )
                ((status, body),) = responses
                check_whole(aws)
                number += 1
                if came_to_it:
                    injected += 1
                    survives, queue = SURVIVES.get(name, (None, ""))
                    if status == survives:
                        expected = len(body) if isinstance(body, list) else 1
                        assert queue is None or len(aws.take(queue)) >= expected
                        continue
                    assert status in statuses, (number, error, body)
                    first = body[0] if isinstance(body, list) else body
                    assert first["status"] == status
                    assert first.get("message") or first.get("title")
    assert injected >= 2 * len(STATUSES)


def test_a_change_that_took_effect_unanswered_can_be_asked_for_again(aws, functions, fresh, monkeypatch):
    """The 503 says: look whether it took effect. Asking again does no harm either."""
    for number in range(2):
        fresh()
        with_fault(
            monkeypatch,
            number,
            "unanswered after",
            call=lambda: functions.invoke("update_hook", asked("update_hook")),
        )
        status, hook = functions.invoke("update_hook", asked("update_hook"))
        assert (status, hook["destination"]) == (200, "https://app.example.com/orders_changed")
        check_whole(aws)


def test_a_create_that_took_effect_unanswered_is_named_by_the_409_of_the_next(
    aws, functions, fresh, monkeypatch
):
    fresh()
    with_fault(
        monkeypatch,
        1,
        "unanswered after",
        call=lambda: functions.invoke("create_hook", asked("create_hook")),
    )
    status, body = functions.invoke("create_hook", asked("create_hook"))
    assert (status, body[0]["details"]["id"]) == (409, 2)


def on_queue(aws) -> int:
    """How many messages the deliveries queue has, those with a delay included."""
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesDelayed"]
    with aws.uncounted():
        found = aws.sqs.get_queue_attributes(QueueUrl=aws.queues["DeliveriesQueue"], AttributeNames=names)
    return sum(int(found["Attributes"][name]) for name in names)


@pytest.mark.parametrize("is_paused", [True, False])
@pytest.mark.parametrize("way", [f"{error} {when}" for error in STATUSES for when in ("before", "after")])
def test_a_pause_that_fails_and_is_asked_for_again_has_its_task_on_the_queue(
    aws, functions, fresh, client, monkeypatch, is_paused, way
):
    number, came_to_it = 0, True
    while came_to_it:
        fresh()
        if not is_paused:
            client.update(1, is_paused=True)
            aws.empty("DeliveriesQueue")
        responses = []

        def change(responses=responses):
            responses.append(client.update(1, is_paused=is_paused))

        came_to_it = with_fault(monkeypatch, number, way, change)
        assert responses[0][0] in {200} | (STATUSES[way.split()[0]] if came_to_it else set())
        status, hook = client.update(1, is_paused=is_paused)
        assert (status, hook.get("is_paused", False)) == (200, is_paused)
        assert on_queue(aws) >= 1
        check_whole(aws)
        number += 1
    assert number == (5 if is_paused else 6)
