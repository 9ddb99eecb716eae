"""The context of a batch of attempts, read in one call.

Each attempt reads its current hook, so that a change or a delete takes effect at once, and the logged
delivery, so that a finished attempt is not made again.
"""

import time
from collections.abc import Callable, Iterable, Mapping

from storehooks.adapters.access import client_key, valid_secrets
from storehooks.adapters.delivery_log.circuits import to_circuit
from storehooks.adapters.delivery_log.items import from_item, reservation_in
from storehooks.adapters.delivery_log.keys import (
    CIRCUIT_ID,
    hook_of,
    item_key,
)
from storehooks.adapters.dynamodb import (
    Batches,
    Item,
    read_batch,
)
from storehooks.adapters.hooks_table import hook_key, to_hook
from storehooks.domain.delivery_context import DeliveryContext
from storehooks.domain.task import AttemptTask

_TRIES = 4


class DeliveryContexts:
    """Reads contexts from the tables of hooks, of clients and of deliveries."""

    def __init__(
        self,
        *,
        hooks_table: str,
        clients_table: str,
        deliveries_table: str,
        dynamodb: Batches,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._hooks_table = hooks_table
        self._clients_table = clients_table
        self._deliveries_table = deliveries_table
        self._dynamodb = dynamodb
        self._clock = clock
        self._sleep = sleep

    def read(self, tasks: Iterable[AttemptTask]) -> DeliveryContext:
        """The context of up to 25 attempts. One call.

        :raises storehooks.domain.errors.StoreBusyError: if items are missing after all retries.
        :raises storehooks.domain.errors.StoreFailedError:
        """
        tasks = list(tasks)
        deliveries = {(task.store_hash, task.hook_id, task.delivery_id) for task in tasks}
        hooks = {(task.store_hash, task.hook_id) for task in tasks}
        clients = {(task.store_hash, task.client_id) for task in tasks}
        found = self._read(
            {
                self._hooks_table: [hook_key(*hook) for hook in sorted(hooks)],
                self._clients_table: [client_key(*client) for client in sorted(clients)],
                self._deliveries_table: [
                    *(item_key(*delivery) for delivery in sorted(deliveries)),
                    *(item_key(*hook, CIRCUIT_ID) for hook in sorted(hooks)),
                ],
            }
        )
        logged, now = found[self._deliveries_table], self._clock()
        return DeliveryContext(
            hooks={(hook.store_hash, hook.id): hook for hook in map(to_hook, found[self._hooks_table])},
            secrets={
                (item["store_hash"]["S"], item["client_id"]["S"]): valid_secrets(item, now)
                for item in found[self._clients_table]
            },
            deliveries={item["id"]["S"]: from_item(item) for item in logged if item["id"]["S"] != CIRCUIT_ID},
            circuits={hook_of(item): to_circuit(item) for item in logged if item["id"]["S"] == CIRCUIT_ID},
            reserved={
                item["id"]["S"]: reserved for item in logged if (reserved := reservation_in(item)) is not None
            },
        )

    def _read(self, keys: Mapping[str, list[Item]]) -> dict[str, list[Item]]:
        requests = {table: {"Keys": wanted, "ConsistentRead": True} for table, wanted in keys.items()}
        return read_batch(self._dynamodb, requests, tries=_TRIES, sleep=self._sleep)
