"""What a batch of attempts has to know, out of memory."""

from collections.abc import Callable, Iterable

from storehooks.domain.delivery_context import DeliveryContext
from storehooks.domain.task import AttemptTask
from tests.fakes.clients import valid
from tests.fakes.memory import Memory, atomic

_MAX_TASKS = 25


class DeliveryContexts:
    """As :class:`storehooks.adapters.delivery_context.DeliveryContexts`."""

    def __init__(self, memory: Memory, clock: Callable[[], float]) -> None:
        self._memory = memory
        self._clock = clock

    @atomic
    def read(self, tasks: Iterable[AttemptTask]) -> DeliveryContext:
        tasks, memory = list(tasks), self._memory
        assert len(tasks) <= _MAX_TASKS
        hooks = {(task.store_hash, task.hook_id) for task in tasks}
        clients = {(task.store_hash, task.client_id) for task in tasks}
        deliveries = {(task.store_hash, task.hook_id, task.delivery_id) for task in tasks}
        return DeliveryContext(
            hooks={key: memory.hooks[key] for key in hooks & memory.hooks.keys()},
            secrets={
                key: valid(memory.secrets[key], self._clock()) for key in clients & memory.secrets.keys()
            },
            deliveries={
                key[-1]: memory.deliveries[key].delivery for key in deliveries & memory.deliveries.keys()
            },
            circuits={key: memory.circuits[key] for key in hooks & memory.circuits.keys()},
            reserved={
                key[-1]: place
                for key in deliveries & memory.deliveries.keys()
                if (place := memory.deliveries[key].reserved) is not None
            },
        )
