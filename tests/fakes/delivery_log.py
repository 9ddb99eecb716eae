"""The delivery log in memory: deliveries, what is due of them, circuits and recoveries.

What is pure in the adapters is theirs here too: until when a claim holds, and how an attempt is stored.
"""

import json
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import fields, replace
from itertools import batched
from typing import Any

from storehooks.adapters import attempt_records
from storehooks.adapters.delivery_log import keys
from storehooks.adapters.delivery_log.deliveries import DeliveryPage
from storehooks.adapters.delivery_log.due import claimed_until, due_again
from storehooks.adapters.delivery_log.missed import MAX_EVENTS, MissedPage
from storehooks.domain.attempt import Attempt
from storehooks.domain.circuit import PROBE_SECONDS, Circuit
from storehooks.domain.delivery import (
    SAFETY_SECONDS,
    WAITING,
    Delivery,
    DeliverySummary,
    Status,
    accepted_at,
    id_time,
    ids_between,
)
from storehooks.domain.due import DueBatch
from storehooks.domain.errors import DeliveryNotFoundError, RecoveryNotFoundError
from storehooks.domain.hook import Hook
from storehooks.domain.hook_stats import ScannedDelivery, ScannedPage
from storehooks.domain.pull import GivenOut, Waiting
from storehooks.domain.rate import Reservation, next_places
from storehooks.domain.recovery import Recovery
from storehooks.domain.task import AttemptTask
from tests.fakes.memory import LoggedDelivery, Memory, atomic, thousandth

_DAY_SECONDS = 24 * 60 * 60
_LATEST = 50
_BATCH = 20
_PAGE = 2
_MINUTE_SECONDS = 60

type Key = tuple[str, int, str]


class _Table:
    """What the fakes of the table have in common."""

    def __init__(self, memory: Memory, clock: Callable[[], float], *, retention_days: int) -> None:
        self._memory = memory
        self._clock = clock
        self._retention_seconds = retention_days * _DAY_SECONDS

    def _logged(self, key: Key, *, status: Status | None = None) -> LoggedDelivery | None:
        """A delivery of the log, if it has this status."""
        logged = self._memory.deliveries.get(key)
        return None if logged is None or status not in {None, logged.delivery.status} else logged

    def _of_hook(
        self,
        store_hash: str,
        hook_id: int,
        statuses: Collection[Status] = tuple(Status),
        between: tuple[str, str] = ("", "~"),
        *,
        has_expired: bool = False,
    ) -> list[DeliverySummary]:
        """A hook's deliveries, the oldest first.

        :param has_expired: with those that are over their time.
        """
        first, last = between
        with self._memory.lock:
            return [
                _summary(logged.delivery)
                for (of_store, of_hook, delivery_id), logged in sorted(
                    self._memory.deliveries.items(), key=lambda one: one[0]
                )
                if (of_store, of_hook) == (store_hash, hook_id)
                and logged.delivery.status in statuses
                and first <= delivery_id <= last
                and (has_expired or logged.expires_at > self._clock())
            ]

    def _expires_at(self, next_attempt_at: float | None = None) -> int:
        return int(max(self._clock(), next_attempt_at or 0) + self._retention_seconds)


class DeliveryLog(_Table):
    """As :class:`storehooks.adapters.delivery_log.deliveries.DeliveryLog`."""

    def get(self, store_hash: str, hook_id: int, delivery_id: str) -> Delivery:
        logged = self._logged((store_hash, hook_id, delivery_id))
        if logged is None or logged.expires_at <= self._clock():
            raise DeliveryNotFoundError
        return logged.delivery

    def page(
        self, store_hash: str, hook_id: int, *, status: Status | None, limit: int, before: str | None
    ) -> DeliveryPage:
        statuses = tuple(Status) if status is None else (status,)
        newest = self._of_hook(store_hash, hook_id, statuses)[::-1]
        found = [one for one in newest if before is None or one.id < before]
        return DeliveryPage(tuple(found[:limit]), found[limit - 1].id if len(found) > limit else None)

    def waiting(self, store_hash: str, hook_id: int, limit: int) -> tuple[list[DeliverySummary], bool]:
        found: list[DeliverySummary] = []
        is_more = False
        for status in sorted(WAITING):
            newest = self._of_hook(store_hash, hook_id, (status,), has_expired=True)[::-1]
            found += newest[:limit]
            is_more |= len(newest) > limit
        return found, is_more

    def first_kept_until(self, store_hash: str, hook_id: int, status: Status) -> float | None:
        found = self._of_hook(store_hash, hook_id, (status,))
        return min((self._memory.deliveries[_key(one)].expires_at for one in found), default=None)

    def has_reached(self, store_hash: str, hook_id: int, since: float) -> bool:
        latest = self._of_hook(store_hash, hook_id, (Status.DELIVERED,))[-_LATEST:]
        return any(delivery.attempts[-1].at >= since for delivery in latest)

    @atomic
    def save_delivered(self, deliveries: Sequence[Delivery]) -> None:
        for delivery in deliveries:
            self._put(delivery)

    @atomic
    def save(self, delivery: Delivery, *, over: Delivery | None) -> bool:
        logged = self._logged(_key(delivery))
        if _version(logged and logged.delivery) != _version(over):
            # The same attempts: then it was saved already.
            return logged is not None and _records(logged.delivery) == _records(delivery)
        self._put(delivery)
        return True

    @atomic
    def save_reserved(self, delivery: Delivery, reserved: Reservation, *, over: Delivery | None) -> None:
        logged = self._logged(_key(delivery))
        if _version(logged and logged.delivery) == _version(over):
            self._put(delivery)
            due_at = _number(keys.due_at(delivery.next_attempt_at or 0))
            put = self._memory.deliveries[_key(delivery)]
            self._memory.deliveries[_key(delivery)] = put.changed(due_at=due_at, reserved=reserved)

    @atomic
    def end_waiting(self, delivery: DeliverySummary, status: Status) -> bool:
        logged = self._logged(_key(delivery), status=delivery.status)
        if logged is None:
            return False
        self._memory.deliveries[_key(delivery)] = logged.changed(
            status=status, next_attempt_at=None, due_at=None, expires_at=self._expires_at()
        )
        return True

    @atomic
    def begin_round(
        self, delivery: DeliverySummary, now: float, *, unless_since: float | None = None
    ) -> AttemptTask | None:
        logged = self._logged(_key(delivery), status=delivery.status)
        if logged is None:
            return None
        began = logged.delivery.round_at
        if unless_since is not None and began is not None and began >= thousandth(unless_since):
            return None
        count = logged.delivery.attempt_count
        self._memory.deliveries[_key(delivery)] = logged.changed(
            status=Status.PENDING,
            earlier=count,
            round_at=thousandth(now),
            next_attempt_at=thousandth(now),
            due_at=_number(keys.due_at_if_lost(now)),
            expires_at=self._expires_at(now),
        )
        return _attempt(delivery, count + 1)

    @atomic
    def bring_forward(self, delivery: Delivery, now: float) -> bool:
        logged = self._logged(_key(delivery))
        if logged is None or _version(logged.delivery) != _version(delivery):
            return False
        due_at = None if logged.due_at is None else _number(keys.due_at_if_lost(now))
        self._memory.deliveries[_key(delivery)] = logged.changed(
            next_attempt_at=thousandth(now), due_at=due_at, reserved=None
        )
        return True

    def _put(self, delivery: Delivery) -> None:
        next_attempt_at, due_at = delivery.next_attempt_at, None
        if next_attempt_at is not None and delivery.status in WAITING:
            due = keys.due_at_if_lost if delivery.is_next_soon else keys.due_at
            due_at = _number(due(next_attempt_at))
        stored = replace(
            delivery,
            created_at=thousandth(delivery.created_at),
            attempts=tuple(replace(attempt, retry_after=None) for attempt in delivery.attempts),
            next_attempt_at=None if next_attempt_at is None else thousandth(next_attempt_at),
            earlier=0 if delivery.round_at is None else delivery.earlier,
            round_at=None if delivery.round_at is None else thousandth(delivery.round_at),
        )
        expires_at = self._expires_at(next_attempt_at)
        self._memory.deliveries[_key(delivery)] = LoggedDelivery(stored, expires_at, due_at)


class Scans(_Table):
    """As :class:`storehooks.adapters.delivery_log.scans.Scans`, with pages of two deliveries."""

    def newest(self, store_hash: str, hook_id: int, since: int, until: int) -> Iterator[ScannedPage]:
        between = ids_between(since * 1000, until * 1000 - 1)
        found = [
            ScannedDelivery(one.id, one.status, tuple(attempt.result for attempt in one.attempts))
            for one in self._of_hook(store_hash, hook_id, between=between)[::-1]
        ]
        while len(found) > _PAGE:
            yield ScannedPage(found[:_PAGE], accepted_at(found[_PAGE - 1].id))
            found = found[_PAGE:]
        yield ScannedPage(found, None)

    def find(
        self,
        store_hash: str,
        hook_id: int,
        text: str,
        *,
        status: Status | None,
        limit: int,
        before: str | None,
    ) -> DeliveryPage:
        statuses = tuple(Status) if status is None else (status,)
        found = [
            one
            for one in self._of_hook(store_hash, hook_id, statuses)[::-1]
            if (before is None or one.id < before) and text in {one.event_id, self._data_id(one)}
        ]
        return DeliveryPage(tuple(found[:limit]), found[limit - 1].id if len(found) > limit else None)

    def _data_id(self, one: DeliverySummary) -> str | None:
        data = json.loads(self._memory.deliveries[_key(one)].delivery.payload)["data"]
        data_id = data.get("id") if isinstance(data, dict) else None
        return str(data_id) if type(data_id) in {str, int} else None

    def oldest_waiting_at(self, store_hash: str, hook_id: int) -> float | None:
        found = self._of_hook(store_hash, hook_id, WAITING)
        return min((delivery.created_at for delivery in found), default=None)


class PulledDeliveries(_Table):
    """As :class:`storehooks.adapters.delivery_log.pulled.PulledDeliveries`."""

    def waiting(self, store_hash: str, hook_id: int, limit: int) -> Waiting:
        now = self._clock()
        found = self._of_hook(store_hash, hook_id, (Status.PENDING,))
        hidden = [at for one in found if (at := one.next_attempt_at) is not None and at > now]
        free = [one.id for one in found if one.next_attempt_at is None or one.next_attempt_at <= now]
        return Waiting(free[:limit], min(hidden, default=None))

    def newest_at(self, store_hash: str, hook_id: int) -> float:
        return max((one.created_at for one in self._of_hook(store_hash, hook_id)), default=0.0)

    @atomic
    def give_out(
        self, store_hash: str, hook_id: int, delivery_id: str, *, now: float, until: float
    ) -> Delivery | None:
        key = (store_hash, hook_id, delivery_id)
        logged = self._logged(key, status=Status.PENDING)
        if logged is None or logged.expires_at <= now or (logged.delivery.next_attempt_at or 0) > now:
            return None
        given = logged.changed(next_attempt_at=thousandth(until), given_out_at=thousandth(now), due_at=None)
        self._memory.deliveries[key] = given
        return given.delivery

    def given_out(self, store_hash: str, hook_id: int, delivery_ids: Sequence[str]) -> dict[str, GivenOut]:
        found = {one: self._logged((store_hash, hook_id, one)) for one in delivery_ids}
        return {
            one: GivenOut(logged.delivery, logged.given_out_at)
            for one, logged in found.items()
            if logged is not None and logged.expires_at > self._clock()
        }

    @atomic
    def offer_again(self, delivery: Delivery, *, over: Delivery) -> bool:
        logged = self._logged(_key(delivery), status=over.status)
        if logged is None or logged.due_at is None:
            return False
        changes: dict[str, Any] = {"status": delivery.status, "due_at": None}
        if over.status is not delivery.status:
            changes["next_attempt_at"] = None
        self._memory.deliveries[_key(delivery)] = logged.changed(**changes)
        return True


class Selections(_Table):
    """As :class:`storehooks.adapters.delivery_log.selections.Selections`."""

    def count(
        self,
        store_hash: str,
        hook_id: int,
        statuses: tuple[Status, ...],
        between: tuple[float, float],
        *,
        held_since: float | None = None,
        within_seconds: float,
    ) -> tuple[int, bool]:
        found = self._of_hook(store_hash, hook_id, statuses, _ids_between(*between))
        found = self._held(found, held_since)
        return len(found), within_seconds >= 0

    def pending(self, store_hash: str, hook_id: int, limit: int) -> int:
        found = self._of_hook(store_hash, hook_id, (Status.PENDING,), _ids_between(0, self._clock()))
        return min(len(found), limit)

    def next_of(self, recovery: Recovery, limit: int) -> tuple[list[DeliverySummary], str | None]:
        between = _ids_between(recovery.since, recovery.until)
        found = self._of_hook(recovery.store_hash, recovery.hook_id, recovery.statuses, between)
        found = self._held(found, recovery.held_since)
        left = [one for one in found if one.id > recovery.position]
        return left[:limit], left[limit - 1].id if len(left) > limit else None

    def _held(self, found: list[DeliverySummary], since: float | None) -> list[DeliverySummary]:
        """Those that were held at a time or later."""
        if since is None:
            return found
        kept_until = thousandth(since + self._retention_seconds)
        return [
            one
            for one in found
            if one.created_at >= thousandth(since)
            or self._memory.deliveries[_key(one)].expires_at >= kept_until
        ]


class DueDeliveries(_Table):
    """As :class:`storehooks.adapters.delivery_log.due.DueIndex`."""

    def take_due(self, until: float) -> Iterator[DueBatch]:
        for shard in range(keys.DUE_SHARDS):
            in_window, alone = self._take(str(shard), until)
            for some in batched(in_window, _BATCH, strict=False):
                yield DueBatch([self._due(key) for _, key in some], [])
            for some in batched(alone, _BATCH, strict=False):
                claimed = [self._claim(key, seen) for seen, key in some]
                yield DueBatch([one for one in claimed if one is not None], [])

    @atomic
    def _take(self, shard: str, until: float) -> tuple[list[tuple[float, Key]], list[tuple[float, Key]]]:
        """What is due and at its time, with the mark moved past it; and what is to be claimed by itself."""
        in_window: list[tuple[float, Key]] = []
        alone: list[tuple[float, Key]] = []
        mark = self._memory.taken_until.get(shard, 0.0)
        for key, logged in self._memory.deliveries.items():
            due_at = logged.due_at
            if due_at is None or due_at > thousandth(until) or keys.due_shard(key[-1]) != shard:
                continue
            is_at_its_time = due_at == logged.delivery.next_attempt_at
            if is_at_its_time and due_at < mark and due_at + SAFETY_SECONDS > until:
                continue
            is_fresh = is_at_its_time and due_at >= max(mark, self._clock() - _MINUTE_SECONDS)
            (in_window if is_fresh else alone).append((due_at, key))
        self._memory.taken_until[shard] = max(mark, thousandth(until + 0.001))
        return sorted(in_window), sorted(alone)

    def _due(self, key: Key) -> tuple[AttemptTask, float]:
        one = self._memory.deliveries[key].delivery
        assert one.next_attempt_at is not None
        return _attempt(one, one.attempt_count + 1), one.next_attempt_at

    @atomic
    def _claim(self, key: Key, seen: float) -> tuple[AttemptTask, float] | None:
        logged = self._memory.deliveries[key]
        if logged.due_at != seen:
            return None
        next_attempt_at = logged.delivery.next_attempt_at
        assert next_attempt_at is not None
        self._move(key, claimed_until(next_attempt_at, self._clock()))
        return self._due(key)

    @atomic
    def release(self, task: AttemptTask, next_attempt_at: float) -> None:
        key = (task.store_hash, task.hook_id, task.delivery_id)
        logged = self._logged(key)
        later = _number(claimed_until(next_attempt_at, self._clock()))
        if logged is not None and logged.due_at is not None and logged.due_at <= later:
            self._move(key, due_again(next_attempt_at))

    def _move(self, key: Key, to: keys.Item) -> None:
        self._memory.deliveries[key] = self._memory.deliveries[key].changed(due_at=_number(to))


class Circuits(_Table):
    """As :class:`storehooks.adapters.delivery_log.circuits.Circuits`."""

    def get(self, store_hash: str, hook_id: int) -> Circuit:
        return self._memory.circuits.get((store_hash, hook_id), Circuit())

    @atomic
    def count_failures(self, store_hash: str, hook_id: int, number: int) -> None:
        self._change(store_hash, hook_id, failures=self.get(store_hash, hook_id).failures + number)

    @atomic
    def count_success(self, store_hash: str, hook_id: int, failures: int) -> None:
        self._change(store_hash, hook_id, failures=failures, succeeded_at=thousandth(self._clock()))

    @atomic
    def claim_probe(self, store_hash: str, hook_id: int) -> bool:
        now = self._clock()
        if self.get(store_hash, hook_id).probed_at > thousandth(now - PROBE_SECONDS):
            return False
        self._change(store_hash, hook_id, probed_at=thousandth(now))
        return True

    def _change(self, store_hash: str, hook_id: int, **changes: Any) -> None:
        circuit = self.get(store_hash, hook_id)
        self._memory.circuits[store_hash, hook_id] = replace(circuit, **changes)


class Lines(_Table):
    """As :class:`storehooks.adapters.delivery_log.lines.Lines`."""

    @atomic
    def reserve(self, hook: Hook, number: int) -> tuple[int, ...] | None:
        assert hook.max_per_second is not None
        key = hook.store_hash, hook.id
        line = self._memory.lines.get(key)
        places = next_places(line, hook.version, hook.max_per_second, number, self._clock())
        if places is None:
            return None
        self._memory.lines[key] = places.line
        return places.seconds


class Recoveries(_Table):
    """As :class:`storehooks.adapters.delivery_log.recoveries.Recoveries`."""

    def get(self, store_hash: str, hook_id: int, recovery_id: str) -> Recovery:
        recovery, expires_at = self._memory.recoveries.get((store_hash, hook_id, recovery_id), (None, 0))
        if recovery is None or expires_at <= self._clock():
            raise RecoveryNotFoundError
        return recovery

    @atomic
    def create(self, recovery: Recovery) -> None:
        self._put(recovery)

    @atomic
    def save(self, recovery: Recovery, *, over: Recovery) -> bool:
        known, _ = self._memory.recoveries.get(_recovery_key(recovery), (None, 0))
        if known is None or known.step != over.step:
            return known == recovery
        self._put(recovery)
        return True

    def _put(self, recovery: Recovery) -> None:
        self._memory.recoveries[_recovery_key(recovery)] = (recovery, self._expires_at())


class MissedEvents(_Table):
    """As :class:`storehooks.adapters.delivery_log.missed.MissedEvents`."""

    def page(
        self, store_hash: str, hook_ids: Sequence[int], *, between: tuple[str, str], skip: int, limit: int
    ) -> MissedPage:
        statuses = (Status.RETRYING, Status.EXHAUSTED, Status.HELD)
        found = [one for hook_id in hook_ids for one in self._of_hook(store_hash, hook_id, statuses, between)]
        events: dict[tuple[str, str], DeliverySummary] = {}
        for one in sorted(found, key=lambda one: one.id, reverse=True)[:MAX_EVENTS]:
            events.setdefault((id_time(one.id), one.event_id), one)
        shown = list(events.values())[skip : skip + limit]
        payloads = [self._memory.deliveries[_key(one)].delivery.payload for one in shown]
        return MissedPage(tuple(payloads), len(events))


_LISTED = [one.name for one in fields(DeliverySummary)]


def _summary(delivery: Delivery) -> DeliverySummary:
    """A delivery as lists have it."""
    listed = {name: getattr(delivery, name) for name in _LISTED}
    attempts: tuple[Attempt, ...] = tuple(replace(attempt, response="") for attempt in delivery.attempts)
    return DeliverySummary(**listed | {"attempts": attempts})


def _attempt(delivery: DeliverySummary, number: int) -> AttemptTask:
    return AttemptTask(
        delivery_id=delivery.id,
        store_hash=delivery.store_hash,
        hook_id=delivery.hook_id,
        client_id=delivery.client_id,
        attempt=number,
    )


def _version(delivery: Delivery | None) -> tuple[Status, int] | None:
    """What tells whether a delivery is as it was read."""
    return None if delivery is None else (delivery.status, delivery.attempt_count)


def _records(delivery: Delivery) -> list[dict[str, Any]]:
    return [attempt_records.to_record(attempt) for attempt in delivery.attempts]


def _key(delivery: DeliverySummary) -> Key:
    return delivery.store_hash, delivery.hook_id, delivery.id


def _recovery_key(recovery: Recovery) -> Key:
    return recovery.store_hash, recovery.hook_id, recovery.id


def _ids_between(since: float, until: float) -> tuple[str, str]:
    return ids_between(round(since * 1000), round(until * 1000))


def _number(value: keys.Item) -> float:
    return float(value["N"])
