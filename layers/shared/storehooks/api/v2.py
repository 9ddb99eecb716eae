"""Hooks and deliveries as version 2 of the API shows them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from storehooks.domain.exact_json import dumps, loads
from storehooks.domain.hook import HIDDEN

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from storehooks.api.response_types import (
        AttemptV2,
        DeliveriesV2,
        DeliveryV2,
        ExplanationsV2,
        FiguresV2,
        HookStatsV2,
        HookV2,
        PingV2,
        PulledV2,
        RecoveryV2,
        WholeAttemptV2,
        WholeDeliveryV2,
    )
    from storehooks.domain.attempt import Attempt, OutgoingRequest
    from storehooks.domain.delivery import Delivery, DeliverySummary
    from storehooks.domain.explanation import Explanation
    from storehooks.domain.hook import Hook
    from storehooks.domain.hook_stats import Figures, HookStats
    from storehooks.domain.recovery import Recovery
    from storehooks.domain.state_machine import Unacknowledged

_MAX_OF_GIVEN = 100

_MIN_CUT = 4
"""A cut value at the end of a response is hidden from this many characters on."""


def hook_to_v2(hook: Hook) -> HookV2:
    """The nine fields of a V2 hook, and two more while it is deactivated or paused.

    Its filter and its rate are shown only if it has them. Times are ISO 8601 with an offset, in UTC.
    """
    shown: HookV2 = {
        "id": hook.id,
        "store_hash": hook.store_hash,
        "client_id": hook.client_id,
        "scope": hook.scope,
        "headers": None if hook.headers is None else dict(hook.headers),
        "destination": hook.destination,
        "created_at": iso_utc(hook.created_at),
        "updated_at": iso_utc(hook.updated_at),
        "is_active": hook.is_active,
    }
    if hook.deactivated_at is not None:
        shown["deactivated_at"] = iso_utc(hook.deactivated_at)
        shown["deactivation_reason"] = hook.deactivation_reason or ""
    if hook.paused_at is not None:
        shown["is_paused"] = True
        shown["paused_at"] = iso_utc(hook.paused_at)
    if hook.filter is not None:
        shown["filter"] = loads(hook.filter.text)
    if hook.max_per_second is not None:
        shown["max_per_second"] = hook.max_per_second
    return shown


def explanations_to_v2(explanations: Iterable[Explanation]) -> ExplanationsV2:
    """For each hook, whether it would get an event."""
    return {
        "data": [
            {"hook_id": one.hook_id, "is_sent": one.code is None, "code": one.code, "reason": one.reason}
            for one in explanations
        ]
    }


def delivery_to_v2(delivery: DeliverySummary) -> DeliveryV2:
    """A delivery with its attempts, the oldest first."""
    return {
        "id": delivery.id,
        "event_id": delivery.event_id,
        "scope": delivery.scope,
        "status": delivery.status,
        "created_at": iso_utc_ms(delivery.created_at),
        "next_attempt_at": None if delivery.next_attempt_at is None else iso_utc_ms(delivery.next_attempt_at),
        "attempts": [_attempt_to_v2(attempt) for attempt in delivery.attempts],
    }


def deliveries_to_v2(deliveries: Iterable[DeliverySummary], *, next_cursor: str | None) -> DeliveriesV2:
    """A page of deliveries."""
    return {"data": [delivery_to_v2(delivery) for delivery in deliveries], "next_cursor": next_cursor}


def whole_delivery_to_v2(delivery: Delivery, *, hidden: Iterable[str] = ()) -> WholeDeliveryV2:
    """The same with the number of all attempts, the first KB of each response, and the payload.

    :param hidden: values of headers, which are removed from responses that repeat their request.
    """
    forms = {form for value in filter(None, hidden) for form in _written(value)}
    by_length = sorted(forms, key=len, reverse=True)  # one may be part of another
    return {
        **delivery_to_v2(delivery),
        "attempts": [_whole_attempt_to_v2(attempt, by_length) for attempt in delivery.attempts],
        "attempt_count": delivery.attempt_count,
        "payload": loads(delivery.payload),
    }


def ping_to_v2(delivery: Delivery, attempt: Attempt) -> PingV2:
    """The result of a ping."""
    return {"id": delivery.id, "scope": delivery.scope, "attempt": _whole_attempt_to_v2(attempt)}


def pulled_to_v2(
    requests: Mapping[str, OutgoingRequest],
    unacknowledged: Mapping[str, Unacknowledged],
    poll_after_seconds: int,
) -> PulledV2:
    """The result of a pull: the requests that would be sent, by the ids of their deliveries."""
    return {
        "data": [
            {"id": delivery_id, "headers": dict(request.headers), "body": request.body.decode()}
            for delivery_id, request in requests.items()
        ],
        "not_acknowledged": [
            {"id": _short(delivery_id), "reason": reason} for delivery_id, reason in unacknowledged.items()
        ],
        "poll_after_seconds": poll_after_seconds,
    }


def recovery_to_v2(recovery: Recovery) -> RecoveryV2:
    """A recovery and its progress."""
    finished_at = recovery.finished_at
    shown: RecoveryV2 = {
        "id": recovery.id,
        "hook_id": recovery.hook_id,
        "since": iso_utc_ms(recovery.since),
        "until": iso_utc_ms(recovery.until),
        "status": list(recovery.statuses),
        "state": recovery.status,
        "reason": recovery.reason,
        "count": recovery.count,
        "is_count_exact": recovery.is_count_exact,
        "recovered": recovery.recovered,
        "created_at": iso_utc_ms(recovery.created_at),
        "updated_at": iso_utc_ms(recovery.updated_at),
        "finished_at": None if finished_at is None else iso_utc_ms(finished_at),
    }
    if recovery.held_since is not None:
        shown["held_since"] = iso_utc_ms(recovery.held_since)
    return shown


def stats_to_v2(stats: HookStats) -> HookStatsV2:
    """The figures of a hook."""
    figures, latency, now = stats.figures, stats.latency, stats.now
    return {
        "data": {
            **_figures_to_v2(figures),
            "latency_ms": {"p50": latency.p50, "p95": latency.p95, "p99": latency.p99},
            "waiting": now.waiting,
            "held": now.held,
            "oldest_waiting_at": None if now.oldest_at is None else iso_utc_ms(now.oldest_at),
            "steps": [
                {"since": iso_utc(at), "deliveries": step.deliveries, **_figures_to_v2(step)}
                for at, step in stats.steps
            ],
            "covers": {
                "since": iso_utc_ms(stats.covered_since),
                "until": iso_utc_ms(stats.until),
                "deliveries": figures.deliveries,
                "is_complete": stats.is_complete,
                "is_waiting_exact": now.is_waiting_exact,
                "is_held_exact": now.is_held_exact,
            },
        }
    }


def _figures_to_v2(figures: Figures) -> FiguresV2:
    return {"attempts": figures.attempts, "delivered": figures.delivered, "failed": dict(figures.failed)}


def _attempt_to_v2(attempt: Attempt) -> AttemptV2:
    times = attempt.times
    return {
        "at": iso_utc_ms(attempt.at),
        "status": attempt.status,
        "error": attempt.error,
        "latency_ms": times.total_ms,
        "times": {
            "name_lookup_ms": times.name_lookup_ms,
            "connect_ms": times.connect_ms,
            "tls_ms": times.tls_ms,
            "first_byte_ms": times.first_byte_ms,
            "total_ms": times.total_ms,
        },
    }


def _whole_attempt_to_v2(attempt: Attempt, hidden: Sequence[str] = ()) -> WholeAttemptV2:
    return {**_attempt_to_v2(attempt), "answer": _without(attempt.response, hidden)}


def _written(value: str) -> set[str]:
    """The forms in which a response may repeat a value: unchanged, or as JSON, slashes escaped or not."""
    in_json = dumps(value)[1:-1]
    return {value, in_json, in_json.replace("/", "\\/")}


def _without(text: str, hidden: Sequence[str]) -> str:
    """A response without hidden values, including one that is cut at its end."""
    for form in hidden:
        text = text.replace(form, HIDDEN)
    for form in hidden:
        start = max(0, len(text) - len(form))
        while (start := text.find(form[:_MIN_CUT], start)) >= 0:
            if form.startswith(text[start:]):
                return text[:start] + HIDDEN
            start += 1
    return text


def iso_utc(seconds: int) -> str:
    """A time in seconds since 1970 as ISO 8601 with an offset, in UTC."""
    return datetime.fromtimestamp(seconds, UTC).isoformat()


def iso_utc_ms(seconds: float) -> str:
    """The same with milliseconds."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")


def _short(text: str) -> str:
    """A caller's input, shortened, without lone surrogates, which cannot be sent back."""
    return text[:_MAX_OF_GIVEN].encode("utf-8", "replace").decode()
