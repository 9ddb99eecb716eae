"""Matches events with hooks: reads the events queue, and sends tasks or offers deliveries to consumers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger

from storehooks.api.event_envelope import from_envelope
from storehooks.domain.errors import InvalidRequestError, QueueFailedError, TransientError
from storehooks.domain.event import Event, IdUse
from storehooks.domain.hook import Hook
from storehooks.domain.scope import subscriptions_to
from storehooks.domain.state_machine import new_deliveries
from storehooks.domain.task import AttemptTask, TaskMessage, attempt_task, delivery_ids
from storehooks.flows.log_lines import info_lines
from storehooks.flows.meter import Count, Meter
from storehooks.flows.offer import Offers
from storehooks.flows.unexpected import alone

if TYPE_CHECKING:
    from storehooks.domain.delivery import Delivery
    from storehooks.flows.ports import DeadLetters, DeliveriesQueue, EventIds, Hooks

logger = Logger(utc=True)

_MAX_LOGGED_HOOKS = 100
"""Maximum ids in a log line of hooks that did not get an event."""

_MAX_OFFERS = 100
"""Maximum deliveries of a batch that are offered to consumers, one after another: a second or two."""


class Matcher:
    """Makes the deliveries of events. Idempotent."""

    def __init__(
        self,
        *,
        hooks: Hooks,
        event_ids: EventIds,
        queue: DeliveriesQueue,
        offers: Offers,
        dead_letters: DeadLetters,
        meter: Meter,
    ) -> None:
        self._hooks = hooks
        self._event_ids = event_ids
        self._queue = queue
        self._offers = offers
        self._dead_letters = dead_letters
        self._meter = meter

    def match(self, bodies: Mapping[str, str]) -> set[str]:
        """Make the deliveries of the events in a batch of messages.

        One lookup serves all events of a batch with the same store and scope. A message that meets a mistake
        of ours fails alone.

        :param bodies: the bodies by message id.
        :return: the ids of the messages that failed and must come again.
        """
        failed: set[str] = set()
        matched: set[str] = set()
        attempts: list[tuple[str, AttemptTask]] = []
        found: dict[tuple[str, str], list[Hook]] = {}
        lines: list[dict[str, Any]] = []
        room = iter(range(_MAX_OFFERS))
        for message_id, body in bodies.items():
            failed.add(message_id)
            with alone(partial(self._meter.unexpected, message_id=message_id)):
                try:
                    event = from_envelope(body)
                except InvalidRequestError as error:
                    if self._to_dead_letters(message_id, body, error):
                        failed.remove(message_id)
                    continue
                try:
                    made = self._attempts(event, found, lines, room)
                except TransientError as error:
                    self._meter.call_failed("matching failed", error=repr(error), **event.log_keys)
                    continue
                failed.remove(message_id)
                if made is not None:
                    matched.add(message_id)
                    attempts += [(message_id, task) for task in made]
        info_lines(logger, "matched", _joined(lines))
        # Attempts of a hook that come in one batch share the read of the hook and the reservation of places.
        attempts.sort(key=lambda one: (one[1].store_hash, one[1].hook_id))
        try:
            self._queue.send([TaskMessage(task) for _, task in attempts])
        except QueueFailedError as error:
            failed |= {attempts[position][0] for position in error.failed}
            self._meter.call_failed(
                "sending deliveries failed",
                error=error.code,
                delivery_ids=delivery_ids(attempts[position][1] for position in sorted(error.failed)),
            )
        self._meter.count(Count.EVENTS_MATCHED, len(matched - failed))
        return failed

    def _attempts(
        self,
        event: Event,
        found: dict[tuple[str, str], list[Hook]],
        lines: list[dict[str, Any]],
        room: Iterator[int],
    ) -> list[AttemptTask] | None:
        """The first attempts of an event's deliveries; None if the event's id was used before.

        Deliveries to be pulled are written to the delivery log at once.

        :param lines: the event's log lines are added to it.
        :param room: has one item for each delivery that may still be offered.
        """
        if event.has_given_id:
            match self._event_ids.remember(event):
                case IdUse.REPEAT:
                    logger.info("event was published before", **event.log_keys)
                    return None
                case IdUse.CONFLICT:
                    logger.warning("conflict: the id was given to another event", **event.log_keys)
                    self._meter.count(Count.EVENTS_CONFLICTING)
                    return None
        made = new_deliveries(event, self._subscribers(event, found))
        by_message = [delivery for hook, delivery in made.offered if not self._offer(hook, delivery, room)]
        keys: dict[str, Any] = {"hooks": len(made.deliveries) + len(made.offered), **event.log_keys}
        if made.filtered_out:
            keys |= {
                "filtered_out": made.filtered_out[:_MAX_LOGGED_HOOKS],
                "filtered": len(made.filtered_out),
            }
        if made.undecided:
            ids = made.undecided[:_MAX_LOGGED_HOOKS]
            logger.warning("sent unfiltered: it would take too long", hook_ids=ids, **event.log_keys)
        lines.append(keys)
        return [attempt_task(delivery) for delivery in (*made.deliveries, *by_message)]

    def _offer(self, hook: Hook, delivery: Delivery, room: Iterator[int]) -> bool:
        """Offer a delivery to consumers; if there is no room or AWS fails, its message does that later.

        So neither a store with many pulled hooks nor a hook whose writes are throttled delays other hooks.
        """
        if next(room, None) is None:
            return False
        try:
            self._offers.offer(hook, delivery)
        except TransientError as error:
            self._meter.call_failed("offering failed", error=repr(error), **delivery.log_keys)
            return False
        return True

    def _subscribers(self, event: Event, found: dict[tuple[str, str], list[Hook]]) -> Iterable[Hook]:
        """The hooks that subscribe to an event's scope or to a wildcard that matches it."""
        scopes = subscriptions_to(event.scope)
        for scope in scopes:
            if (event.store_hash, scope) not in found:
                found[event.store_hash, scope] = self._hooks.subscribers(event.store_hash, scope)
        return chain.from_iterable(found[event.store_hash, scope] for scope in scopes)

    def _to_dead_letters(self, message_id: str, body: str, error: InvalidRequestError) -> bool:
        """Move an invalid event to the dead-letter queue, with the reason. Return whether that succeeded."""
        reason = "; ".join(
            f"{problem.field} {problem.reason}, accepted: {problem.accepted}" for problem in error.problems
        )
        logger.warning("not an event", message_id=message_id, reason=reason)
        try:
            self._dead_letters.put(body, reason)
        except QueueFailedError as failure:
            self._meter.call_failed(
                "sending to the dead letters failed", message_id=message_id, error=failure.code
            )
            return False
        return True


def _joined(lines: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """These lines, with lines that differ only in the event's id joined into one."""
    ids: dict[str, list[str]] = {}
    others: dict[str, dict[str, Any]] = {}
    for line in lines:
        rest = {name: value for name, value in line.items() if name != "event_id"}
        others[repr(rest)] = rest
        ids.setdefault(repr(rest), []).append(line["event_id"])
    return [
        rest | ({"event_id": some[0]} if len(some := ids[key]) == 1 else {"event_ids": some})
        for key, rest in others.items()
    ]
