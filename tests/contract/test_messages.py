"""The deliveries queue and the events queue's dead letters."""

from dataclasses import replace

from storehooks.domain.rate import Reservation
from storehooks.domain.task import DigestTask, HoldTask, RecordTask, TaskMessage, attempt_task
from tests.contract.examples import delivered, delivery
from tests.world import STORE

HOLD = HoldTask(store_hash=STORE, hook_id=1, client_id="c" * 32, store_id=None)
DIGEST = DigestTask(store_hash=STORE, hook_id=1, client_id="c" * 32, until=1_795_478_400)


def test_tasks_come_as_they_were_sent(parts):
    tasks = [attempt_task(delivery(1)), RecordTask(delivery=delivered(2)), HOLD, DIGEST]
    parts.deliveries_queue.send([TaskMessage(task) for task in tasks])
    received = parts.deliveries_queue.receive(wait_seconds=0)
    assert sorted((one.task for one in received), key=repr) == sorted(tasks, key=repr)
    assert {(one.came_before, one.batch_id) for one in received} == {(False, None)}
    assert parts.deliveries_queue.receive(wait_seconds=0) == [], "they are hidden meanwhile"


def test_the_place_of_an_attempt_comes_with_it(parts):
    tasks = [
        replace(attempt_task(delivery(1)), reserved=Reservation(1_795_428_007, 3)),
        attempt_task(delivery(2)),
    ]
    parts.deliveries_queue.send([TaskMessage(task) for task in tasks])
    received = parts.deliveries_queue.receive(wait_seconds=0)
    assert {one.task.delivery_id: one.task for one in received} == {task.delivery_id: task for task in tasks}


def test_no_more_than_ten_come_at_once_and_each_once_it_is_deleted(parts):
    parts.deliveries_queue.send([TaskMessage(attempt_task(delivery(number))) for number in range(25)])
    received, sizes = [], []
    while some := parts.deliveries_queue.receive(wait_seconds=0):
        parts.deliveries_queue.delete(some)
        sizes.append(len(some))
        received += [one.task.delivery_id for one in some]
    assert sorted(received) == sorted(delivery(number).id for number in range(25))
    assert max(sizes) <= 10


def test_a_delayed_task_is_not_there_yet(parts):
    parts.deliveries_queue.send([TaskMessage(HOLD, delay_seconds=60)])
    assert parts.deliveries_queue.receive(wait_seconds=0) == []


def test_nothing_is_sent_or_deleted_of_nothing(parts):
    parts.deliveries_queue.send([])
    parts.deliveries_queue.delete([])
    assert parts.deliveries_queue.receive(wait_seconds=0) == []


def test_a_dead_letter_has_the_reason(parts, account):
    parts.dead_letters.put("not JSON", "it is not JSON")
    assert account.dead_letters() == [("not JSON", "it is not JSON")]
    assert account.dead_letters() == []
