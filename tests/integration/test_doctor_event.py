"""The event that storehooks doctor sends through a stack, and what it takes away again."""

import json
import time

import pytest

from storehooks.domain.errors import StoreFailedError
from storehooks_cli.doctor import leftovers as leftovers_module
from storehooks_cli.doctor import trial as trial_module
from storehooks_cli.doctor.check import Status, examine
from storehooks_cli.doctor.leftovers import STORE_HASH, check_removal, new_client_id, remove_leftovers
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
        (
            None,
            None,
            "was published, but after 0 s no attempt is logged",
            "storehooks trace e1 --local shows",
        ),
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
    assert (removal.status, removal.found) == (Status.OK, "there is nothing to remove")


@pytest.mark.parametrize("right", ["Query", "GetItem", "BatchWriteItem"])
def test_without_a_right_that_the_removal_needs_nothing_is_made(account, api, right):
    account.denied |= {right}
    event, removal = tried(account, api)
    assert (event.status, event.found) == (Status.NOT_CHECKED, f"missing right: dynamodb:{right}")
    assert (removal.status, removal.found) == (Status.OK, "there is nothing to remove")
    account.denied.clear()
    assert api.requests == []
    assert items(account) == []


def calls_of(account, work) -> set[tuple[str, str]]:
    """The calls to DynamoDB that work makes, each with its table."""
    account.calls.clear()
    work()
    return {
        (operation, table)
        for operation, given in account.calls
        for table in ([given["TableName"]] if "TableName" in given else given.get("RequestItems", {}))
    }


def test_the_rights_of_the_removal_are_tried_on_each_table(account, api):
    """They may be allowed on some tables alone."""
    script(api, DELIVERY)
    subject = account.subject(local_url=api.url)
    tried_first = calls_of(account, lambda: check_removal(subject.stack, "c" * 32))
    with Trial(subject, None) as trial:
        examine(trial.events[0], subject)
        store_hash, dynamodb = trial._store_hash, account.client("dynamodb")
        counter = {"store_hash": {"S": store_hash}, "id": {"N": "0"}, "last_id": {"N": "1"}}
        dynamodb.put_item(TableName="HooksTable", Item=counter)
        circuit = {"hook": {"S": f"{store_hash}#1"}, "id": {"S": "circuit"}}
        dynamodb.put_item(TableName="DeliveriesTable", Item=circuit)
        needed = calls_of(account, lambda: examine(trial.removal, subject))
    assert needed <= tried_first
    assert ("BatchWriteItem", "DeliveriesTable") in needed


def test_what_a_write_of_unknown_effect_may_have_made_is_removed(account, api, monkeypatch):
    subject = account.subject(local_url=api.url)
    with Trial(subject, None) as trial:
        create = trial._access.create_token

        def made_and_failed(*given, **named):
            create(*given, **named)
            raise StoreFailedError("ReadTimeoutError")

        with monkeypatch.context() as patched:
            patched.setattr(trial._access, "create_token", made_and_failed)
            assert examine(trial.events[0], subject).finding.status is Status.FAILED
        assert items(account)
        assert "removed the store" in examine(trial.removal, subject).finding.found
    assert items(account) == []


def unknown_scope(account):
    """What comes of the invalid event, and of taking away what was made for it."""
    subject = account.subject()
    with Trial(subject, None) as trial:
        return [examine(check, subject).finding for check in (trial.unknown_scope, trial.removal)]


@pytest.mark.parametrize("right", ["ReceiveMessage", "ChangeMessageVisibility", "DeleteMessage"])
def test_without_a_right_that_takes_out_its_dead_letter_no_invalid_event_is_published(account, right):
    account.denied.add(right)
    account.calls.clear()
    event, removal = unknown_scope(account)
    assert (event.status, f"sqs:{right}" in event.found) == (Status.NOT_CHECKED, True)
    assert removal.status is Status.OK
    assert "PutEvents" not in {operation for operation, _ in account.calls}


def test_an_invalid_event_that_was_not_published_is_not_waited_for(account, capsys):
    account.denied.add("PutEvents")
    event, removal = unknown_scope(account)
    assert (event.status, "events:PutEvents" in event.found) == (Status.NOT_CHECKED, True)
    assert removal.status is Status.OK
    assert capsys.readouterr().err == ""


def test_without_the_right_to_publish_on_the_bus_only_that_is_not_checked(account, api):
    account.denied.add("PutEvents")
    script(api, DELIVERY)
    subject = account.subject(local_url=api.url)
    with Trial(subject, None) as trial:
        by_http, by_bus = (examine(check, subject).finding for check in trial.events)
    assert by_http.status is Status.OK
    assert (by_bus.status, "events:PutEvents" in by_bus.found) == (Status.NOT_CHECKED, True)


def removed_in_vain(account, api, hinder):
    """What the removal finds when something hinders it that did not when the run began."""
    script(api, DELIVERY)
    subject = account.subject(local_url=api.url)
    with Trial(subject, None) as trial:
        assert examine(trial.events[0], subject).finding.status is Status.OK
        hinder(trial)
        removal = examine(trial.removal, subject).finding
    account.denied.clear()
    assert "may not be empty; the next run removes the rest: " in removal.found
    assert items(account)
    return removal


def leave_something(account, api) -> None:
    removal = removed_in_vain(account, api, lambda _: account.denied.add("BatchWriteItem"))
    assert removal.status is Status.NOT_CHECKED
    assert "dynamodb:BatchWriteItem" in removal.found
    assert "dynamodb:BatchWriteItem" in removal.advice


@pytest.mark.parametrize("error", [StoreFailedError("InternalServerError"), KeyError("id")])
def test_a_removal_that_fails_is_a_failure_and_is_not_tried_again(account, api, monkeypatch, error):
    def failing(*_given, **_named):
        raise error

    removal = removed_in_vain(account, api, lambda _: monkeypatch.setattr(trial_module, "remove", failing))
    assert removal.status is Status.FAILED
    assert removal.advice


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


def test_runs_of_machines_with_one_host_name_do_not_take_each_other_for_ended(monkeypatch):
    monkeypatch.setattr(leftovers_module, "_runs", lambda _pid: False)
    here = new_client_id()
    assert leftovers_module._has_ended(here, int(time.time()))
    monkeypatch.setattr(leftovers_module.uuid, "getnode", lambda: 1)
    assert not leftovers_module._has_ended(here, int(time.time()))


def test_copies_of_a_machine_are_told_apart_by_their_machine_ids(monkeypatch, tmp_path):
    monkeypatch.setattr(leftovers_module, "_runs", lambda _pid: False)
    monkeypatch.setattr(leftovers_module, "_MACHINE_ID", tmp_path / "machine-id")
    without = new_client_id()
    (tmp_path / "machine-id").write_text("one")
    here = new_client_id()
    assert len(here) == len(without) == 32
    assert leftovers_module._has_ended(here, int(time.time()))
    assert not leftovers_module._has_ended(without, int(time.time()))


def test_a_dead_letter_of_a_queue_without_its_redrive_policy_is_found(account):
    event = {"detail": {"store_hash": f"{STORE_HASH}gone", "id": "e1"}}
    account.client("sqs").send_message(
        QueueUrl=account.physical("EventsDeadLetters"), MessageBody=json.dumps(event)
    )
    (letter,) = leftovers_module.dead_letters(account.subject().stack)
    assert letter.reason == "could not be matched"
