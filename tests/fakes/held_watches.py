"""When the sweep has to look at what is held for hooks, in memory."""

from collections.abc import Callable, Iterator

from storehooks.adapters.delivery_log.held_watches import CLAIM_SECONDS
from storehooks.domain.hook import Hook
from storehooks.domain.state_machine import held_since
from storehooks.domain.task import HoldTask
from tests.fakes.memory import Memory, atomic, thousandth


class HeldWatches:
    """As :class:`storehooks.adapters.delivery_log.held_watches.HeldWatches`."""

    def __init__(self, memory: Memory, clock: Callable[[], float]) -> None:
        self._memory = memory
        self._clock = clock

    @atomic
    def begin(self, hook: Hook, at: float) -> None:
        since, _, _ = self._memory.held_watches.get((hook.store_hash, hook.id), (None, "", None))
        if since != held_since(hook):
            self.move(hook, at)

    @atomic
    def move(self, hook: Hook, at: float) -> None:
        key = (hook.store_hash, hook.id)
        self._memory.held_watches[key] = (held_since(hook), hook.client_id, thousandth(at))

    @atomic
    def end(self, store_hash: str, hook_id: int) -> None:
        if (store_hash, hook_id) in self._memory.held_watches:
            since, client_id, _ = self._memory.held_watches[store_hash, hook_id]
            self._memory.held_watches[store_hash, hook_id] = (since, client_id, None)

    def take_due(self, until: float) -> Iterator[HoldTask]:
        with self._memory.lock:
            due = [
                (key, client_id)
                for key, (_, client_id, at) in self._memory.held_watches.items()
                if at is not None and at <= thousandth(until)
            ]
        for (store_hash, hook_id), client_id in due:
            since, _, _ = self._memory.held_watches[store_hash, hook_id]
            later = thousandth(self._clock() + CLAIM_SECONDS)
            self._memory.held_watches[store_hash, hook_id] = (since, client_id, later)
            yield HoldTask(store_hash=store_hash, hook_id=hook_id, client_id=client_id, store_id=None)
