"""What the owners of a deactivated hook are written."""

from storehooks.domain.deactivation_mail import deactivation_mail
from storehooks.domain.hook import Hook
from storehooks.domain.retry import BIGCOMMERCE_SCHEDULE, RetrySchedule

HOOK = Hook(
    id=7,
    store_hash="5ueh97",
    client_id="40c672b9177b5d3a8dbfad24321be15d",
    scope="store/order/*",
    destination="https://app.example.com/path-with-a-key?token=secret",
    headers={"Authorization": "Bearer secret"},
    is_active=False,
    created_at=1_795_428_000,
    updated_at=1_795_428_000,
    deactivated_at=1_795_428_000,
    deactivation_reason="12 attempts failed and none succeeded meanwhile; the last: answered 500",
)


def test_it_says_what_happened_since_when_and_what_to_do():
    mail = deactivation_mail(HOOK, deactivated_at=1_795_428_000, schedule=RetrySchedule.parse("3600"))
    assert {"7", "5ueh97"} <= set(mail.subject.split())
    for told in (
        "2026-11-23 at 10:00:00 UTC",
        "https://app.example.com:\n",
        "answered 500",
        "store/order/*",
        'PUT /stores/5ueh97/v2/hooks/7\n        {"is_active": true}',
        'POST /stores/5ueh97/v2/hooks/7/recover\n        {"since": "2026-11-23T08:00:00+00:00"}',
        f"The client {HOOK.client_id} of the store 5ueh97 named this address",
        "PUT /stores/5ueh97/v3/hooks/admin",
    ):
        assert told in mail.text


def test_what_it_asks_for_begins_before_the_first_failure_however_long_the_destination_asked_to_wait():
    schedule = RetrySchedule.parse(BIGCOMMERCE_SCHEDULE)
    mail = deactivation_mail(HOOK, deactivated_at=1_795_428_000, schedule=schedule)
    assert '"since": "2026-11-19T09:52:00+00:00"' in mail.text  # twice 48 h and 4 min earlier


def test_it_holds_no_secret():
    mail = deactivation_mail(HOOK, deactivated_at=1_795_428_000, schedule=RetrySchedule.parse("60"))
    for secret in ("secret", "path-with-a-key", "Authorization"):
        assert secret not in mail.subject + mail.text
