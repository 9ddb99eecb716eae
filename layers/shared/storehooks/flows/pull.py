"""Pulling: a consumer acknowledges what it has taken, and takes what waits.

Each delivery is given out by a write that fails if somebody else holds it. If the work stops before the
response, what was given out comes again once its visibility time is over.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

from aws_lambda_powertools import Logger

from storehooks.api.response import MAX_RESPONSE_BYTES
from storehooks.domain.callback import callback
from storehooks.domain.delivery import is_delivery_id
from storehooks.domain.errors import CorruptItemError, HookNotFoundError, TransientError
from storehooks.domain.event import MAX_DATA_BYTES
from storehooks.domain.headers import MAX_TOTAL_BYTES
from storehooks.domain.pull import MAX_POLL_SECONDS, GivenOut, PullWanted, Waiting, poll_after_seconds
from storehooks.domain.state_machine import Unacknowledged, acknowledged, check_pulled, gives_out
from storehooks.domain.values import dataclass
from storehooks.flows.log_lines import info_lines

if TYPE_CHECKING:
    from storehooks.domain.attempt import OutgoingRequest
    from storehooks.domain.delivery import Delivery
    from storehooks.domain.hook import Hook
    from storehooks.flows.meter import Meter
    from storehooks.flows.ports import ClientSecrets, DeliveryLog, PulledDeliveries

logger = Logger(utc=True)

_AT_ONCE = 16
# As JSON in JSON, as Lambda returns it, a byte of a body or a header becomes four at most.
_MAX_GROWTH = 4
_ENVELOPE_BYTES = 4096
_MAX_BYTES_OF_ONE = _MAX_GROWTH * (MAX_DATA_BYTES + MAX_TOTAL_BYTES + _ENVELOPE_BYTES)
_MORE_TO_CHOOSE_FROM = 50
"""Besides twice what is wanted: other consumers take some of it at the same time."""


@dataclass(frozen=True, slots=True)
class Pulled:
    """What a consumer gets.

    :ivar requests: by the deliveries' ids, what would be sent now, the oldest first.
    :ivar unacknowledged: by the ids that it acknowledged in vain, why.
    """

    requests: dict[str, OutgoingRequest]
    unacknowledged: dict[str, Unacknowledged]
    poll_after_seconds: int


class Puller:
    """Gives out the deliveries of hooks that are pulled."""

    def __init__(
        self,
        *,
        log: DeliveryLog,
        pulled: PulledDeliveries,
        secrets: ClientSecrets,
        meter: Meter,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._log = log
        self._pulled = pulled
        self._secrets = secrets
        self._meter = meter
        self._clock = clock

    def pull(self, hook: Hook, wanted: PullWanted) -> Pulled:
        """Acknowledge deliveries, then give out others.

        Two calls and one for each delivery that is acknowledged or given out; one more when nothing waits,
        and for those that somebody else takes at the same time. A delivery that cannot be read is left out,
        logged and counted; the others are given out.

        :raises HookNotPulledError: when they are sent to a URL.
        :raises HookInactiveError: when it is inactive. One that is paused gives out nothing.
        :raises HookNotFoundError: when the hook's client is being removed.
        :raises TransientError: when nothing was given out. What was acknowledged may be so.
        """
        check_pulled(hook)
        secrets = self._secrets.valid_now(hook.store_hash, hook.client_id)
        if not secrets:
            raise HookNotFoundError(hook.id)
        with ThreadPoolExecutor(_AT_ONCE) as threads:
            unacknowledged = self._acknowledge(threads, hook, wanted.acknowledged)
            waiting = Waiting([], None)
            taken: list[Delivery] = []
            is_more = False
            if gives_out(hook):
                number = 2 * wanted.number + _MORE_TO_CHOOSE_FROM
                waiting = self._pulled.waiting(hook.store_hash, hook.id, number)
                taken, is_more = self._take(threads, hook, waiting.ids, wanted)
        now = self._clock()
        info_lines(logger, "given out", [delivery.log_keys for delivery in taken])
        requests = {one.id: callback(one, hook, secrets=secrets, now=now) for one in taken}
        if taken:
            return Pulled(requests, unacknowledged, 0 if is_more else 1)
        return Pulled(requests, unacknowledged, self._poll_after(hook, waiting, now))

    # ------------------------------------------------------------ acknowledging

    def _acknowledge(
        self, threads: ThreadPoolExecutor, hook: Hook, ids: Sequence[str]
    ) -> dict[str, Unacknowledged]:
        """Log these as delivered; by their ids, why some were not."""
        known = self._pulled.given_out(
            hook.store_hash, hook.id, [one for one in dict.fromkeys(ids) if is_delivery_id(one)]
        )
        problems = dict.fromkeys(ids, Unacknowledged.UNKNOWN)
        for delivery_id, problem in zip(known, threads.map(self._end, known.values()), strict=True):
            del problems[delivery_id]
            if problem is not None:
                problems[delivery_id] = problem
        done = [one.delivery.log_keys for one in known.values() if one.delivery.id not in problems]
        info_lines(logger, "acknowledged", done)
        return problems

    def _end(self, one: GivenOut) -> Unacknowledged | None:
        """Log a delivery as delivered; or why not."""
        old = one.delivery
        done = acknowledged(old, one.at, self._clock())
        if isinstance(done, Unacknowledged):
            return done
        if self._log.save(done, over=old):
            return None
        # It was acknowledged twice at once, or has ended meanwhile.
        again = self._pulled.given_out(old.store_hash, old.hook_id, [old.id]).get(old.id)
        return Unacknowledged.UNKNOWN if again is None else self._end(again)

    # ------------------------------------------------------------ giving out

    def _take(
        self, threads: ThreadPoolExecutor, hook: Hook, ids: list[str], wanted: PullWanted
    ) -> tuple[list[Delivery], bool]:
        """Take as many as are wanted and fit into a response; and whether there are more."""
        now = self._clock()
        take = partial(self._take_one, hook, now, now + wanted.visibility_seconds)
        taken: list[Delivery] = []
        size = 0
        while ids and len(taken) < wanted.number:
            fitting = (MAX_RESPONSE_BYTES - size) // _MAX_BYTES_OF_ONE - 1
            if fitting <= 0:
                break
            number = min(wanted.number - len(taken), fitting, _AT_ONCE)
            some, ids = ids[:number], ids[number:]
            results = list(threads.map(take, some))
            new: list[Delivery] = []
            errors: list[TransientError] = []
            for delivery_id, result in zip(some, results, strict=True):
                if isinstance(result, CorruptItemError):  # the others wait nevertheless
                    self._meter.unexpected(result, delivery_id=delivery_id)
                elif isinstance(result, TransientError):
                    errors.append(result)
                elif result is not None:
                    new.append(result)
            taken += new
            size += sum(_max_bytes(one, hook) for one in new)
            if errors:
                if not taken:
                    raise errors[0]
                break  # what was taken is hidden now, so it is given out
            if None in results:  # another consumer takes the same: the less often, the further apart
                random.shuffle(ids)
        return sorted(taken, key=lambda one: one.id), bool(ids)

    def _take_one(
        self, hook: Hook, now: float, until: float, delivery_id: str
    ) -> Delivery | TransientError | CorruptItemError | None:
        try:
            return self._pulled.give_out(hook.store_hash, hook.id, delivery_id, now=now, until=until)
        except (TransientError, CorruptItemError) as error:
            return error

    def _poll_after(self, hook: Hook, waiting: Waiting, now: float) -> int:
        if not gives_out(hook):
            return MAX_POLL_SECONDS
        newest_at = self._pulled.newest_at(hook.store_hash, hook.id)
        return poll_after_seconds(now - max(newest_at, hook.created_at), waiting.next_at, now)


def _max_bytes(delivery: Delivery, hook: Hook) -> int:
    """What a delivery takes of a response at most."""
    headers = sum(len(name) + len(value.encode()) for name, value in (hook.headers or {}).items())
    return _MAX_GROWTH * (len(delivery.payload.encode()) + headers + _ENVELOPE_BYTES)
