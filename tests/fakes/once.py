"""What is to happen once or so often at once, in memory: event ids, claims and leases."""

from collections.abc import Callable

from storehooks.adapters.claims import CLAIM_SECONDS
from storehooks.adapters.event_ids import KEPT_SECONDS
from storehooks.domain.event import Event, IdUse
from storehooks.domain.lease import LEASE_SECONDS, Lease, LeasePool
from tests.fakes.memory import Memory, atomic


class EventIds:
    """As :class:`storehooks.adapters.event_ids.EventIdsTable`."""

    def __init__(self, memory: Memory, clock: Callable[[], float]) -> None:
        self._memory = memory
        self._clock = clock

    @atomic
    def remember(self, event: Event) -> IdUse:
        now, uses = int(self._clock()), self._memory.event_ids.setdefault((event.store_hash, event.id), {})
        for publisher, (publication, content, until) in uses.items():
            is_known = None not in {publisher, event.publisher}
            if is_known and publisher != event.publisher:
                continue
            if publication != event.publication and until > now:
                return IdUse.CONFLICT if is_known and content != event.content_digest else IdUse.REPEAT
        uses[event.publisher] = (event.publication, event.content_digest, now + KEPT_SECONDS)
        return IdUse.NEW


class Claims:
    """As :class:`storehooks.adapters.claims.Claims`, without what each process remembers itself."""

    def __init__(self, memory: Memory, clock: Callable[[], float]) -> None:
        self._memory = memory
        self._clock = clock

    @atomic
    def claim(self, what: str) -> bool:
        now = int(self._clock())
        if self._memory.claims.get(what, now) > now:
            return False
        self._memory.claims[what] = now + CLAIM_SECONDS
        return True

    @atomic
    def confirm(self, what: str, *, for_seconds: int) -> None:
        self._memory.claims[what] = int(self._clock()) + for_seconds


class Leases:
    """As :class:`storehooks.adapters.leases.Leases`."""

    def __init__(self, memory: Memory, clock: Callable[[], float]) -> None:
        self._memory = memory
        self._clock = clock

    @atomic
    def take(self, pool: LeasePool, holder: str, is_over: Callable[[Lease], bool]) -> Lease | None:
        taken = self._memory.leases.setdefault(pool, [])
        if len(taken) >= pool.limit:
            taken[:] = [lease for lease in taken if not is_over(lease)]
        if len(taken) >= pool.limit:
            return None
        taken.append(Lease(holder, int(self._clock()) + LEASE_SECONDS))
        return taken[-1]

    @atomic
    def release(self, pool: LeasePool, lease: Lease) -> None:
        taken = self._memory.leases.get(pool, [])
        if lease in taken:
            taken.remove(lease)
