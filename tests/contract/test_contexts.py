"""What a batch of attempts has to know."""

from dataclasses import replace

import pytest

from storehooks.domain.circuit import Circuit
from storehooks.domain.delivery_context import DeliveryContext
from storehooks.domain.identity import Caller
from storehooks.domain.rate import Reservation
from storehooks.domain.task import attempt_task
from tests.contract.examples import delivery, retrying
from tests.world import STORE


def test_what_there_is_of_hooks_secrets_deliveries_and_circuits_is_read_together(parts, account):
    client_id, secret = account.new_client(STORE)
    hook = parts.hooks.create(
        Caller(STORE, client_id, frozenset()), scope="store/*", destination="https://app.example.com/"
    )
    known, unknown = retrying(1, client_id=client_id), replace(delivery(2), client_id=client_id)
    parts.log.save(known, over=None)
    parts.circuits.count_failures(STORE, hook.id, 2)
    tasks = [attempt_task(known), attempt_task(unknown), attempt_task(delivery(3, hook_id=77))]
    assert parts.contexts.read(tasks) == DeliveryContext(
        hooks={(STORE, hook.id): hook},
        secrets={(STORE, client_id): (secret,)},
        deliveries={known.id: known},
        circuits={(STORE, hook.id): Circuit(failures=2)},
    )


def test_the_place_of_a_delivery_that_the_log_keeps_is_read_with_it(parts):
    one = retrying(1)
    parts.log.save_reserved(one, Reservation(int(one.next_attempt_at), 4), over=None)
    context = parts.contexts.read([attempt_task(one), attempt_task(retrying(2))])
    assert context.deliveries == {one.id: one}
    assert context.reserved == {one.id: Reservation(int(one.next_attempt_at), 4)}


@pytest.mark.parametrize("number", [0, 25])
def test_as_many_attempts_as_a_batch_may_have(parts, number):
    tasks = [attempt_task(delivery(number, hook_id=number + 1)) for number in range(number)]
    assert parts.contexts.read(tasks) == DeliveryContext({}, {}, {}, {})
