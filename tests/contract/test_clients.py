"""What is known of clients: their secrets and notification emails."""

import pytest

from storehooks.domain.email_address import MAX_NEW_ADDRESSES, NEW_ADDRESSES_DAYS
from storehooks.domain.errors import TooManyAddressesError
from storehooks.domain.identity import Caller
from storehooks.domain.task import attempt_task
from tests.contract.examples import delivery
from tests.world import STORE


def test_a_client_signs_by_its_secret(parts, account):
    client_id, secret = account.new_client(STORE)
    assert parts.secrets.valid_now(STORE, client_id) == (secret,)
    assert parts.secrets.valid_now("other1", client_id) == ()


def test_a_secret_that_was_replaced_signs_as_well_for_a_while(parts, account, clock):
    client_id, old = account.new_client(STORE)
    new = account.rotate_secret(STORE, client_id, int(clock.now) + 60)
    task = attempt_task(delivery(client_id=client_id))
    clock.now += 59
    assert parts.secrets.valid_now(STORE, client_id) == (new, old)
    assert parts.contexts.read([task]).secrets == {(STORE, client_id): (new, old)}
    clock.now += 1
    assert parts.secrets.valid_now(STORE, client_id) == (new,)
    assert parts.contexts.read([task]).secrets == {(STORE, client_id): (new,)}


def test_a_client_has_the_emails_that_it_named_last(parts):
    assert parts.notification_emails.get(STORE, "a" * 32) == ()
    parts.notification_emails.put(STORE, "a" * 32, ["one@example.com", "two@example.com"])
    parts.notification_emails.put(STORE, "b" * 32, ["three@example.com"])
    assert parts.notification_emails.get(STORE, "a" * 32) == ("one@example.com", "two@example.com")
    parts.notification_emails.put(STORE, "a" * 32, [])
    assert parts.notification_emails.get(STORE, "a" * 32) == ()
    assert parts.hooks.ids(Caller(STORE, "a" * 32, frozenset())) == [], "in the hooks' table"


def test_only_so_many_emails_are_new_to_a_client_in_some_time(parts, clock):
    named = [f"{number}@example.com" for number in range(MAX_NEW_ADDRESSES)]
    for email in named:
        parts.notification_emails.put(STORE, "a" * 32, [email])
    with pytest.raises(TooManyAddressesError):
        parts.notification_emails.put(STORE, "a" * 32, ["one@example.com"])
    assert parts.notification_emails.get(STORE, "a" * 32) == (named[-1],)
    parts.notification_emails.put(STORE, "a" * 32, [named[0].upper()])
    parts.notification_emails.put(STORE, "b" * 32, ["one@example.com"])
    clock.now += NEW_ADDRESSES_DAYS * 24 * 60 * 60
    parts.notification_emails.put(STORE, "a" * 32, ["one@example.com"])
    assert parts.notification_emails.get(STORE, "a" * 32) == ("one@example.com",)


def test_a_client_that_is_removed_has_nothing_left_and_another_keeps_all(parts, account):
    (one, _), (other, secret) = (account.new_client(STORE) for _ in range(2))
    for client_id in (one, other):
        parts.notification_emails.put(STORE, client_id, [f"{client_id}@example.com"])
        for number in range(3):
            url = f"https://app.example.com/{number}"
            parts.hooks.create(Caller(STORE, client_id, frozenset()), scope="store/*", destination=url)
    assert parts.hooks.numbers(STORE, [one, other, "f" * 32]) == {one: 3, other: 3, "f" * 32: 0}
    for _ in range(2):
        parts.client_remover.remove(STORE, one)
        assert parts.secrets.valid_now(STORE, one) == ()
        assert parts.notification_emails.get(STORE, one) == ()
        assert account.tokens(STORE, one) == []
        assert parts.hooks.numbers(STORE, [one, other]) == {one: 0, other: 3}
    assert parts.secrets.valid_now(STORE, other) == (secret,)
    assert parts.notification_emails.get(STORE, other) != ()
    assert len(account.tokens(STORE, other)) == 1
