"""All that a hook has in some time, the newest first."""

from storehooks.domain.attempt import AttemptResult
from storehooks.domain.delivery import Status, accepted_at
from tests.contract.examples import NOW, delivered, delivery, ended, retrying
from tests.world import STORE

SINCE, UNTIL = int(NOW), int(NOW) + 100
RETENTION_SECONDS = 30 * 24 * 60 * 60


def saved(parts, *deliveries):
    for one in deliveries:
        assert parts.log.save(one, over=None)
    return [one.id for one in deliveries]


def scanned(parts, since=SINCE, until=UNTIL, hook_id=1):
    return [one for page in parts.scans.newest(STORE, hook_id, since, until) for one in page.deliveries]


def test_a_scan_has_deliveries_of_every_status_with_what_came_of_their_attempts(parts):
    saved(parts, delivered(0), retrying(1), ended(2, Status.HELD, attempts=()))
    found = scanned(parts)
    assert [one.status for one in found] == [Status.HELD, Status.RETRYING, Status.DELIVERED]
    assert [one.results for one in found] == [
        (),
        (AttemptResult(500, "answered 500", 1.5),),
        (AttemptResult(200, None, 1.5),),
    ]


def test_a_scan_has_the_deliveries_of_its_hook_and_time_alone_and_its_end_is_not_in_it(parts):
    times = (SINCE - 0.001, SINCE, UNTIL - 0.001, UNTIL)
    _, first, last, _ = saved(parts, *(delivered(accepted_at=at) for at in times))
    saved(parts, delivered(hook_id=2))
    assert [one.id for one in scanned(parts)] == [last, first]
    assert scanned(parts, SINCE - 1, SINCE)[0].id < first


def test_the_last_page_says_that_it_is_the_last(parts):
    assert [page.reached for page in parts.scans.newest(STORE, 1, SINCE, UNTIL)] == [None]
    saved(parts, *(delivered(number) for number in range(5)))
    *others, last = parts.scans.newest(STORE, 1, SINCE, UNTIL)
    assert last.reached is None
    assert all(page.reached == accepted_at(page.deliveries[-1].id) for page in others)


def test_what_is_over_its_time_is_not_in_a_scan(parts, clock):
    saved(parts, delivered(0))
    clock.now += RETENTION_SECONDS
    assert scanned(parts) == []


def found(parts, text, *, status=None, limit=10, before=None, hook_id=1):
    page = parts.scans.find(STORE, hook_id, text, status=status, limit=limit, before=before)
    return [one.id for one in page.deliveries], page.next_id


def test_what_is_looked_for_is_the_id_of_an_event_or_of_what_it_is_about_as_a_whole(parts):
    first, second, _ = saved(parts, delivered(1), retrying(12), delivered(123))
    saved(parts, delivered(12, hook_id=2))
    assert found(parts, "event-1") == ([first], None)
    assert found(parts, "12") == ([second], None)
    assert found(parts, "event") == found(parts, "2") == found(parts, 'a"b') == ([], None)
    assert found(parts, "12", status=Status.RETRYING) == ([second], None)
    assert found(parts, "12", status=Status.DELIVERED) == ([], None)


def test_an_id_in_the_data_may_be_a_text_or_anything(parts):
    payloads = [
        '{"data":{"id":"é\\"1"}}',
        '{"data":{"id":{"id":7}}}',
        '{"data":[{"id":7}]}',
        '{"data":{"id":true}}',
    ]
    texts = [delivered(number, payload=payload) for number, payload in enumerate(payloads)]
    first, *_ = saved(parts, *texts)
    assert found(parts, 'é"1') == ([first], None)
    assert found(parts, "7") == found(parts, "true") == found(parts, "True") == ([], None)


def test_what_is_found_comes_in_pages(parts):
    first, second, third = saved(
        parts, *(delivered(number, payload='{"data":{"id":7}}') for number in range(3))
    )
    assert found(parts, "7", limit=2) == ([third, second], second)
    assert found(parts, "7", limit=2, before=second) == ([first], None)


def test_what_is_over_its_time_is_not_found(parts, clock):
    saved(parts, delivered(1))
    clock.now += RETENTION_SECONDS
    assert found(parts, "event-1") == ([], None)


def test_the_oldest_that_waits_is_found_in_whichever_status_it_waits(parts):
    assert parts.scans.oldest_waiting_at(STORE, 1) is None
    saved(parts, delivered(0), ended(1, Status.HELD), retrying(30))
    assert parts.scans.oldest_waiting_at(STORE, 1) == NOW + 0.03
    saved(parts, delivery(20, next_attempt_at=NOW + 60), retrying(10, hook_id=2))
    assert parts.scans.oldest_waiting_at(STORE, 1) == NOW + 0.02
