"""The days in which hooks of clients were deactivated, in memory."""

from dataclasses import replace

from storehooks.domain.deactivation_day import MAX_LISTED, Deactivation, DeactivationDay
from tests.fakes.memory import Memory, atomic


class DeactivationDays:
    """As :class:`storehooks.adapters.delivery_log.deactivation_days.DeactivationDays`."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    @atomic
    def begin(self, store_hash: str, client_id: str, until: int, first: Deactivation) -> DeactivationDay:
        day = DeactivationDay(store_hash=store_hash, client_id=client_id, until=until, first=first.key)
        return self._memory.deactivation_days.setdefault((store_hash, client_id, until), day)

    @atomic
    def add(self, day: DeactivationDay, later: Deactivation) -> None:
        key = day.store_hash, day.client_id, day.until
        stored = self._memory.deactivation_days[key]
        listed = {one.key: one for one in stored.later}
        if later.key in listed or len(listed) < MAX_LISTED:
            ones = (listed | {later.key: later}).values()
            ordered = tuple(sorted(ones, key=lambda one: (one.deactivated_at, one.hook_id)))
            after = replace(stored, later=ordered)
        else:
            after = replace(stored, unlisted=stored.unlisted + 1)
        self._memory.deactivation_days[key] = after

    def get(self, store_hash: str, client_id: str, until: int) -> DeactivationDay | None:
        return self._memory.deactivation_days.get((store_hash, client_id, until))
