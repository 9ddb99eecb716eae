"""The owners of a deactivated hook are written to, once."""

import json

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError
from moto.core import DEFAULT_ACCOUNT_ID
from moto.ses.models import ses_backends

from storehooks.domain.deactivation_day import DeactivationDay, day_end, deactivation_of, notice_of_first
from storehooks.domain.errors import MailFailedError
from storehooks.domain.operational_event import deactivated
from storehooks.domain.scope import DELIVERY_EXCEPTION
from tests.integration.conftest import REGION, load_event
from tests.template_file import EMAIL_SENDER
from tests.world import World


@pytest.fixture
def world(aws, functions):
    world = World(aws)
    functions.clock = world.clock
    return world


@pytest.fixture
def hook(world):
    """A hook that failures have deactivated."""
    hook = world.hook("https://app.example.com/key?token=secret")
    world.response = lambda _request: (410, None)
    world.event(hook)
    world.work()
    return world.hooks.find("5ueh97", hook.id)


@pytest.fixture
def named(functions, hook):
    """Names addresses for the hook's client."""

    def name(*emails: str) -> None:
        event = load_event("update_admin")
        event["requestContext"]["authorizer"]["client_id"] = hook.client_id
        event["body"] = json.dumps({"emails": list(emails)})
        assert functions.invoke("update_admin", event) == (204, None)

    return name


def entry(hook):
    """What the bus hands on of a deactivated hook, the first of its day."""
    first = deactivation_of(hook)
    until = day_end(hook.deactivated_at)
    day = DeactivationDay(store_hash=hook.store_hash, client_id=hook.client_id, until=until, first=first.key)
    return load_event("notify_owners") | {"detail": notice_of_first(day, first)}


def notify(functions, hook):
    return functions.handler("notify_owners")(entry(hook), None)["written"]


def sent():
    return ses_backends[DEFAULT_ACCOUNT_ID][REGION].sent_messages


def test_all_addresses_of_the_hooks_client_get_one_mail(functions, hook, named):
    named("a@example.com", "b@example.com")
    assert notify(functions, hook) is True
    (mail,) = sent()
    assert mail.source == EMAIL_SENDER
    assert mail.destinations["ToAddresses"] == ["a@example.com", "b@example.com"]
    assert str(hook.id) in mail.subject
    assert "5ueh97" in mail.subject
    assert "410" in mail.body
    assert "secret" not in mail.body


def test_a_repeat_is_not_written_of_and_neither_is_another_change_of_the_hook(functions, world, hook, named):
    named("a@example.com")
    notify(functions, hook)
    world.clock.now += 3600
    assert notify(functions, hook) is False
    world.hooks.update(world.caller, hook.id, {"destination": "https://app.example.com/other"})
    assert notify(functions, world.hooks.find("5ueh97", hook.id)) is False
    assert len(sent()) == 1


def test_a_hook_that_is_deactivated_again_is_written_of_again_on_another_day(functions, world, hook, named):
    named("a@example.com")
    notify(functions, hook)
    world.clock.now += 24 * 60 * 60
    world.hooks.update(world.caller, hook.id, {"is_active": True})
    assert notify(functions, hook) is False, "its owner has switched it on"
    world.event(hook)
    world.work()
    assert notify(functions, world.hooks.find("5ueh97", hook.id)) is True
    assert len(sent()) == 2


def test_an_entry_of_a_release_that_did_not_count_by_days_is_written_of_at_once(functions, hook, named):
    """It may be a dead letter that is redriven, or what Lambda still had to try again."""
    named("a@example.com")
    earlier = load_event("notify_owners") | {
        "detail-type": DELIVERY_EXCEPTION,
        "detail": deactivated(hook, None),
    }
    assert functions.handler("notify_owners")(earlier, None) == {"written": True}
    assert notify(functions, hook) is False, "it was written"


def test_nobody_is_written_to_who_has_named_no_address(functions, hook):
    assert notify(functions, hook) is False
    assert sent() == []


def test_a_hook_that_is_gone_is_not_written_of(functions, world, hook, named):
    named("a@example.com")
    world.hooks.delete(world.caller, hook.id)
    assert notify(functions, hook) is False
    assert sent() == []


def test_what_ses_does_not_take_is_tried_again(functions, world, hook, named, monkeypatch):
    named("a@example.com")
    mailer = functions.parts("notify_owners").mailer

    def refuse(**_message):
        raise ClientError({"Error": {"Code": "MessageRejected", "Message": "a@example.com"}}, "SendEmail")

    with monkeypatch.context() as patch:
        patch.setattr(mailer._ses, "send_email", refuse)
        with pytest.raises(MailFailedError, match=r"^MessageRejected$"):
            notify(functions, hook)
    assert notify(functions, hook) is False, "until Lambda tries again, a minute later"
    world.clock.now += 60
    assert notify(functions, hook) is True
    assert len(sent()) == 1


@pytest.mark.parametrize(
    ("error", "code", "shown"),
    [
        (
            ClientError(
                {
                    "Error": {
                        "Code": "MessageRejected",
                        "Message": "Email address is not verified. The following identities failed the check"
                        " in region US-EAST-1: owner@example.com,"
                        " arn:aws:ses:us-east-1:1:identity/hooks@store.example",
                    }
                },
                "SendEmail",
            ),
            "MessageRejected",
            ["is not verified", "***@example.com", "identity/***@store.example"],
        ),
        (
            ClientError(
                {
                    "Error": {
                        "Code": "AccessDeniedException",
                        "Message": "User `arn:aws:sts::1:assumed-role/r/f' is not authorized to perform"
                        " `ses:SendEmail' on resource `arn:aws:ses:us-east-1:1:configuration-set/default'",
                    }
                },
                "SendEmail",
            ),
            "AccessDeniedException",
            ["`arn:aws:ses:us-east-1:1:configuration-set/default'"],
        ),
        (
            ReadTimeoutError(endpoint_url="https://email.us-east-1.amazonaws.com"),
            "ReadTimeoutError",
            ["email.us"],
        ),
    ],
    ids=["sandbox", "rights", "no response"],
)
def test_a_refusal_of_ses_stands_in_the_log_with_its_ids_and_no_address(
    functions, hook, named, monkeypatch, caplog, error, code, shown
):
    named("owner@example.com")
    mailer = functions.parts("notify_owners").mailer

    def refuse(**_message):
        raise error

    monkeypatch.setattr(mailer._ses, "send_email", refuse)
    caplog.clear()
    with pytest.raises(MailFailedError):
        notify(functions, hook)
    (line,) = [vars(record) for record in caplog.records if record.levelname == "WARNING"]
    assert line["ses_code"] == code
    assert all(part in line["ses_message"] for part in shown)
    ids = (line["store_hash"], line["hook_id"], line["client_id"])
    assert ids == ("5ueh97", hook.id, hook.client_id)
    assert "owner@" not in str(line)
    assert "hooks@" not in str(line)


def test_a_mail_that_is_not_remembered_is_a_mail_nevertheless(functions, aws, hook, named, monkeypatch):
    named("a@example.com")
    claims = functions.parts("notify_owners").claims
    put, tries = claims._dynamodb.put_item, iter([True, False])

    def fail_the_second_time(**item):
        if next(tries):
            return put(**item)
        raise ClientError({"Error": {"Code": "InternalServerError"}}, "PutItem")

    monkeypatch.setattr(claims._dynamodb, "put_item", fail_the_second_time)
    assert notify(functions, hook) is True
    assert len(sent()) == 1


@pytest.mark.parametrize(
    "detail",
    [
        {},
        {"store_hash": "5ueh97"},
        {"store_hash": "5ueh97", "data": {"id": "x"}},
        {"store_hash": "5ueh97", "data": {"id": 0}},
        {"store_hash": "5ueh97", "data": {"id": True}},
        {"store_hash": "5ueh97", "data": {"id": 10**18}},
        {"store_hash": "guard#5ueh97", "data": {"id": 1}},
        [],
        None,
    ],
)
def test_an_entry_that_names_no_hook_is_refused_without_a_dead_letter(functions, aws, hook, detail, caplog):
    """The id 0 is the store's counter, beside its hooks."""
    before = len(aws.calls)
    for name in ("notify_owners", "notify_owners_later"):
        notice = load_event(name) | {"detail": detail}
        for entry in (notice, notice | {"detail-type": DELIVERY_EXCEPTION}):
            assert functions.handler("notify_owners")(entry, None) == {"written": False}
    assert aws.calls[before:] == []
    (line,) = [vars(record) for record in caplog.records if record.levelname == "WARNING"][-1:]
    assert (line["message"], line["reason"]) == ("not a deactivation", "names no hook and no day")


def test_a_publishers_event_id_never_passes_for_a_mail_that_was_sent(functions, aws, hook, named):
    """A store's hash has no `#`, with which the keys of mails begin."""
    named("a@example.com")
    notify(functions, hook)
    keys = [item["event_key"]["S"] for item in aws.scan("EventIdsTable")]
    assert keys
    assert all(key.startswith("#") for key in keys)


def test_what_a_mail_costs(functions, aws, hook, named):
    named("a@example.com")
    before = len(aws.calls)
    notify(functions, hook)
    assert aws.calls[before:] == [*["GetItem"] * 3, "PutItem", "SendEmail", "PutItem"]
    notify(functions, hook)
    assert aws.calls[before + 6 :] == ["GetItem"] * 3, "this process knows that it did"
