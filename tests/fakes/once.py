"""What is to happen once, in memory: event ids and claims."""

from collections.abc import Callable

from storehooks.adapters.claims import CLAIM_SECONDS
from storehooks.adapters.event_ids import KEPT_SECONDS
from storehooks.domain.event import Event, IdUse
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
