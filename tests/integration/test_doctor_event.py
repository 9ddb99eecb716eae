"""The event that storehooks doctor sends through a stack, and what it takes away again."""

import pytest

from storehooks_cli.doctor import leftovers as leftovers_module
from storehooks_cli.doctor import trial as trial_module
from storehooks_cli.doctor.check import Status, examine
from storehooks_cli.doctor.leftovers import STORE_HASH, remove_leftovers
from storehooks_cli.doctor.trial import Trial
from tests.integration.doctor_account import healthy_account
from tests.integration.scripted_api import scripted_api
from tests.template_file import resources

TIMES = {"connect_ms": 8.0, "tls_ms": None, "total_ms": 31.5}
ATTEMPT = {"status": 404, "error": "answered 404", "times": TIMES}
DELIVERY = {"event_id": "e1", "attempts": [ATTEMPT], "next_attempt_at": "2026-11-28T10:01:00.000+00:00"}


@pytest.fixture
def account(monkeypatch):
    monkeypatch.setattr(leftovers_module, "_SETTLE_SECONDS", 0)
    for name in ("_POLL", "_ARRIVAL", "_MIN_ARRIVAL"):
        monkeypatch.setattr(trial_module, f"{name}_SECONDS", 0)
    with healthy_account(monkeypatch) as account:
        yield account


@pytest.fixture
def api():
    with scripted_api() as api:
        yield api


def tried(account, api, receiver=None):
    """What comes of the event by HTTP, and of taking away what was made for it."""
    subject = account.subject(local_url=api.url)
    with Trial(subject, receiver) as trial:
        return [examine(check, subject).finding for check in (trial.events[0], trial.removal)]


def items(account) -> list[dict]:
    return [
        item
        for table in resources("AWS::DynamoDB::Table")
        for item in account.client("dynamodb").scan(TableName=table)["Items"]
    ]


def script(api, delivery) -> None:
    """A hook, an event, and its delivery in the log."""
    api.will_answer(201, {"id": 1})
    api.will_answer(202, [{"id": "e1", "scope": "store/order/created"}])
    api.will_answer(200, {"data": [delivery] if delivery else [], "next_cursor": None})


def test_a_404_of_the_stacks_own_address_with_a_retry_is_well(account, api):
    script(api, DELIVERY)
    event, removal = tried(account, api)
    assert event.status is Status.OK
    assert "signed and sent (connect 8.0 ms, total 31.5 ms), responded 404, logged after" in event.found
    assert "retry scheduled for 2026-11-28T10:01:00.000+00:00" in event.found
    assert api.requests[0].path.startswith(f"/stores/{STORE_HASH}")
    assert f"{api.url}/{STORE_HASH}".encode() in api.requests[0].body
    assert removal.status is Status.OK
    assert items(account) == []


def test_a_receiver_that_takes_the_event_is_well(account, api):
    script(api, DELIVERY | {"attempts": [ATTEMPT | {"status": 204, "error": None}], "next_attempt_at": None})
    event, _ = tried(account, api, receiver="https://app.example.com/hook")
    assert event.status is Status.OK
    assert b"https://app.example.com/hook" in api.requests[0].body


@pytest.mark.parametrize(
    ("delivery", "receiver", "found", "advice"),
    [
        (None, None, "was published, but after 0 s no attempt is logged", "storehooks trace e1"),
        (
            DELIVERY | {"attempts": [ATTEMPT | {"status": None, "error": "connection refused"}]},
            None,
            "connection refused",
            "make it respond",
        ),
        (
            DELIVERY | {"attempts": [ATTEMPT | {"status": 403}]},
            None,
            "responded 403",
            "that ApiUrl leads",
        ),
        (DELIVERY | {"next_attempt_at": None}, None, "no retry scheduled", "RetrySchedule"),
        (DELIVERY, "https://app.example.com/hook", "responded 404", "make the receiver respond with a 2xx"),
    ],
)
def test_an_event_that_does_not_arrive_says_how_far_it_came(account, api, delivery, receiver, found, advice):
    script(api, delivery)
    event, removal = tried(account, api, receiver)
    assert event.status is Status.FAILED
    assert found in event.found
    assert advice in event.advice
    assert removal.status is Status.OK


def test_a_stack_that_admits_public_destinations_alone_is_not_checked(account, api):
    api.will_answer(400, [{"status": 400, "message": "No.", "details": {"field": "destination"}}])
    event, _ = tried(account, api)
    assert event.status is Status.NOT_CHECKED
    assert "--receiver" in event.advice


def test_a_receiver_that_the_stack_refuses_is_a_failure(account, api):
    api.will_answer(400, [{"status": 400, "message": "Not public.", "details": {"field": "destination"}}])
    event, _ = tried(account, api, receiver="http://127.0.0.1/hook")
    assert (event.status, "Not public." in event.found) == (Status.FAILED, True)


def test_an_api_that_fails_or_is_not_there_is_reported(account, api):
    api.will_answer(500, [{"status": 500, "message": "The service failed."}])
    event, removal = tried(account, api)
    assert (event.status, "responded 500: The service failed." in event.found) == (Status.FAILED, True)
    api.url = "http://127.0.0.1:9"
    event, removal = tried(account, api)
    assert (event.status, "no response from" in event.found) == (Status.FAILED, True)
    assert removal.status is Status.OK
    assert items(account) == []


def test_without_the_right_to_make_a_client_the_event_is_not_checked(account, api):
    account.denied.add("UpdateItem")
    event, removal = tried(account, api)
    assert (event.status, event.found) == (Status.NOT_CHECKED, "missing right: dynamodb:UpdateItem")
    assert removal.status is Status.OK


def test_without_the_right_to_publish_on_the_bus_only_that_is_not_checked(account, api):
    account.denied.add("PutEvents")
    script(api, DELIVERY)
    subject = account.subject(local_url=api.url)
    with Trial(subject, None) as trial:
        by_http, by_bus = (examine(check, subject).finding for check in trial.events)
    assert by_http.status is Status.OK
    assert (by_bus.status, by_bus.found) == (Status.NOT_CHECKED, "missing right: events:PutEvents")


def leave_something(account, api) -> None:
    script(api, DELIVERY)
    account.denied.add("BatchWriteItem")
    _, removal = tried(account, api)
    account.denied.clear()
    assert removal.status is Status.FAILED
    assert "may not be empty; the next run removes the rest" in removal.found
    assert items(account)


def leftovers(account) -> str:
    return remove_leftovers(account.subject()).found


def test_what_could_not_be_removed_is_named_and_the_next_run_removes_it(account, api, monkeypatch):
    leave_something(account, api)
    with monkeypatch.context() as patched:
        patched.setattr(leftovers_module, "_runs", lambda _pid: True)
        assert leftovers(account) == "earlier runs have left nothing"
    assert leftovers(account) == "removed what killed runs had left: 1 stores, 0 dead letters"
    assert items(account) == []


def test_what_another_machine_has_left_is_removed_after_a_while(account, api, monkeypatch):
    leave_something(account, api)
    monkeypatch.setattr(leftovers_module, "_this_machine", lambda: "0" * 20)
    assert leftovers(account) == "earlier runs have left nothing"
    monkeypatch.setattr(leftovers_module, "_MAX_RUN_SECONDS", -1)
    assert leftovers(account) == "removed what killed runs had left: 1 stores, 0 dead letters"
    assert items(account) == []
