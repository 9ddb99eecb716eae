"""storehooks trace: the way of one event, from its publishing to its last attempt.

The functions log a line for each step, with the ids that are known there. The lines of an
event are found by its id, and those that know only a delivery by the ids of its deliveries.
"""

import json
import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from itertools import batched
from typing import TYPE_CHECKING, Annotated, Any

import typer

from storehooks.api.v2 import delivery_to_v2, iso_utc_ms
from storehooks.domain.delivery import Delivery, Status
from storehooks.domain.errors import DeliveryNotFoundError
from storehooks.domain.event import check_event_id, event_hash, hash_in
from storehooks.domain.explanation import Code
from storehooks.domain.hook import is_hook_id
from storehooks.domain.identity import check_store_hash
from storehooks_cli.options import Json, StackOptions, parser, unfolded
from storehooks_cli.output import fail, failures_said, print_json, print_table, printable

if TYPE_CHECKING:
    from storehooks_cli.stack import Stack

_OPERATIONS = (
    "publish_events",
    "match_events",
    "deliver",
    "retry_due",
    "redeliver",
    "recover_deliveries",
    "pull_deliveries",
)
_DAY_SECONDS = 24 * 60 * 60
_MAX_LINES = 10_000
# A query may have 10,000 characters.
_IDS_AT_ONCE = 200
_POLL_SECONDS = 0.3
# Said in columns of their own, or nothing of the event's.
_NOT_DETAILS = frozenset(
    {"timestamp", "message", "level", "location", "service", "sampling_rate", "xray_trace_id"}
    | {"hook_id", "delivery_id", "delivery_ids", "event_id", "event_ids", "publisher", "filtered_out"}
)


@dataclass(frozen=True, slots=True)
class _Step:
    """A line of a function's log. ``at`` is ISO 8601 in UTC, as the function wrote it."""

    function: str
    at: str
    said: dict[str, Any]

    @property
    def deliveries(self) -> list[str]:
        """The deliveries it is about."""
        one = self.said.get("delivery_id")
        return [one] if isinstance(one, str) else [*self.said.get("delivery_ids", ())]

    @property
    def details(self) -> str:
        """What else it says, on one line."""
        others = {name: value for name, value in self.said.items() if name not in _NOT_DETAILS}
        return printable(" ".join(f"{name}={value}" for name, value in others.items() if value is not None))

    @property
    def publisher(self) -> str | None:
        """Who published the event, if it is said."""
        return self.said.get("publisher")

    def with_publisher(self, publishers: Mapping[str, str]) -> "_Step":
        """The same, with the publisher of the one event that its deliveries are of, if that is known.

        :param publishers: by the ids of deliveries.
        """
        found = {publishers[one] for one in self.deliveries if one in publishers}
        if self.publisher is not None or len(found) != 1:
            return self
        return replace(self, said={**self.said, "publisher": found.pop()})

    def is_of(self, event_id: str) -> bool:
        """Whether it names this event."""
        return event_id in {self.said.get("event_id"), *self.said.get("event_ids", ())}

    def only(self, delivery_ids: Iterable[str]) -> "_Step":
        """The same, without the other deliveries that it is about."""
        if "delivery_ids" not in self.said:
            return self
        return replace(self, said=self.said | {"delivery_ids": sorted({*self.deliveries} & {*delivery_ids})})


@dataclass(frozen=True, slots=True)
class _NotSent:
    """A hook with the event's scope that did not get the event, and why at that time."""

    at: str
    store_hash: str
    hook_id: int
    code: str
    publisher: str | None


@unfolded
def trace(
    deployment: StackOptions,
    event_id: Annotated[
        str, typer.Argument(parser=parser(check_event_id), metavar="EVENT_ID", help="The event's id.")
    ],
    store_hash: Annotated[
        str | None,
        typer.Option(
            parser=parser(check_store_hash), metavar="HASH", help="Only this store's event of the id."
        ),
    ] = None,
    days: Annotated[int, typer.Option(min=1, max=3653, help="How far back to look.")] = 3,
    as_json: Json = False,
) -> None:
    """Show an event's way: published, matched, each attempt, and where its deliveries stand.

    A hook with the event's scope that did not get the event is named with the code of the reason: its filter
    left the event out, or failures had deactivated the hook.

    Two publishers may use the same id: PUBLISHER says whose event a line is of. An event whose publisher had
    given its id to another one is a conflict, and not sent.

    Reads the functions' logs by CloudWatch Logs Insights, which AWS bills by the gigabyte, and the log of
    deliveries. AWS shows a line some seconds after it was written.
    """
    stack = deployment.find()
    with failures_said():
        steps = [
            step
            for step in _Logs(stack, days).steps_of(event_id)
            if store_hash in {None, step.said.get("store_hash", store_hash)}
        ]
        deliveries = list(_deliveries(stack, steps))
        publishers = _publishers(event_id, steps, deliveries)
        steps = [step.with_publisher(publishers) for step in steps]
        not_sent = _not_sent(steps, deliveries)
    if not steps:
        fail(f"no function has logged anything of the event {event_id} in the last {days} days")
    if as_json:
        print_json(
            {
                "event_id": event_id,
                "steps": [{"function": step.function, "at": step.at, **step.said} for step in steps],
                "deliveries": [
                    {
                        "store_hash": one.store_hash,
                        "hook_id": one.hook_id,
                        "publisher": publishers.get(one.id),
                        **delivery_to_v2(one),
                    }
                    for one in deliveries
                ],
                "not_sent": [asdict(one) for one in not_sent],
            }
        )
        return
    print_table(
        ["AT", "FUNCTION", "STEP", "PUBLISHER", "HOOK", "DELIVERY", "DETAILS"],
        [
            [
                step.at,
                step.function,
                str(step.said["message"]),
                printable(step.publisher or ""),
                str(step.said.get("hook_id", "")),
                " ".join(step.deliveries),
                step.details,
            ]
            for step in steps
        ],
    )
    if deliveries:
        typer.echo()
        print_table(
            ["DELIVERY", "PUBLISHER", "HOOK", "STATUS", "ATTEMPTS", "NEXT ATTEMPT"],
            [
                [
                    one.id,
                    printable(publishers.get(one.id, "")),
                    str(one.hook_id),
                    one.status.value,
                    str(len(one.attempts)),
                    "" if one.next_attempt_at is None else iso_utc_ms(one.next_attempt_at),
                ]
                for one in deliveries
            ],
        )
    if not_sent:
        typer.echo()
        print_table(
            ["NOT SENT TO HOOK", "CODE", "PUBLISHER", "AT"],
            [[str(one.hook_id), one.code, printable(one.publisher or ""), one.at] for one in not_sent],
        )


class _Logs:
    """The logs of a stack's functions, for some days back."""

    def __init__(self, stack: "Stack", days: int) -> None:
        self._logs = stack.logs()
        self._prefix = f"/aws/lambda/{stack.name}-"
        self._since = int(time.time()) - days * _DAY_SECONDS

    def steps_of(self, event_id: str) -> list[_Step]:
        """What was logged of an event, in the order of time."""
        groups = self._groups()
        found = self._matching(groups, [json.dumps(event_id)])
        found = {pointer: step for pointer, step in found.items() if step.is_of(event_id)}
        ids = sorted({delivery_id for step in found.values() for delivery_id in step.deliveries})
        for some in batched(ids, _IDS_AT_ONCE, strict=False):
            for pointer, step in self._matching(groups, some).items():
                found.setdefault(pointer, step.only(ids))
        return sorted(found.values(), key=lambda step: step.at)

    def _groups(self) -> list[str]:
        pages = self._logs.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=self._prefix)
        there = {group["logGroupName"] for page in pages for group in page["logGroups"]}
        return [name for operation in _OPERATIONS if (name := self._prefix + operation) in there]

    def _matching(self, groups: Sequence[str], texts: Iterable[str]) -> dict[str, _Step]:
        """The lines that hold one of these texts, by the pointers that identify them."""
        pattern = "|".join(re.escape(text).replace("/", r"\/") for text in texts)
        query_id = self._logs.start_query(
            logGroupNames=groups,
            startTime=self._since,
            endTime=int(time.time()) + 1,
            queryString=(
                f"fields @log, @message | filter @message like /{pattern}/ "
                f"| sort @timestamp asc | limit {_MAX_LINES}"
            ),
        )["queryId"]
        while (response := self._logs.get_query_results(queryId=query_id))["status"] in {
            "Scheduled",
            "Running",
        }:
            time.sleep(_POLL_SECONDS)
        if response["status"] != "Complete":
            fail(f"the query of the logs ended as {response['status']}; try again, or with fewer --days")
        rows = [{field["field"]: field["value"] for field in row} for row in response["results"]]
        return {row["@ptr"]: step for row in rows if (step := self._step(row)) is not None}

    def _step(self, row: Mapping[str, str]) -> _Step | None:
        """The step that a line is about; None when it is Lambda's own."""
        try:
            said = json.loads(row["@message"])
            at = datetime.fromisoformat(said["timestamp"]).isoformat(timespec="milliseconds")
        except (ValueError, TypeError, KeyError):
            return None
        return _Step(row["@log"].rpartition(self._prefix)[2], at, said)


def _publishers(event_id: str, steps: Iterable[_Step], deliveries: Iterable[Delivery]) -> dict[str, str]:
    """Who published the event of each delivery, by the delivery's id: the hash in its payload says so."""
    known = {step.publisher for step in steps if step.publisher is not None}
    return {
        one.id: publisher
        for one in deliveries
        for publisher in known
        if hash_in(one.payload) == event_hash(one.store_hash, event_id, publisher)
    }


def _not_sent(steps: Iterable[_Step], deliveries: Iterable[Delivery]) -> list[_NotSent]:
    """The hooks that did not get the event although it has their scope, in the order of time.

    One whose delivery was held and then sent after all, by a recovery, got it.
    """
    released = {one.id for one in deliveries if one.status is not Status.HELD}
    found: dict[tuple[str, int, str | None], _NotSent] = {}
    for step in steps:
        said = step.said
        hooks = dict.fromkeys(said.get("filtered_out", ()), Code.FILTER.value)
        if said["message"] == Status.HELD and said["delivery_id"] not in released:
            hooks[said["hook_id"]] = said.get("code", Code.DEACTIVATED.value)
        for hook_id, code in hooks.items():
            one = _NotSent(step.at, said["store_hash"], hook_id, code, step.publisher)
            found.setdefault((one.store_hash, hook_id, one.publisher), one)
    return list(found.values())


def _deliveries(stack: "Stack", steps: Iterable[_Step]) -> Iterator[Delivery]:
    """The deliveries that the steps are about, as the delivery log has them now.

    An operation of the API logs the hook's id as the text of the path, which may be any; flows log a number.
    """
    keys = {
        (said["delivery_id"], said["store_hash"], int(said["hook_id"]))
        for said in (step.said for step in steps)
        if {"delivery_id", "store_hash", "hook_id"} <= said.keys() and is_hook_id(str(said["hook_id"]))
    }
    log = stack.deliveries()
    for delivery_id, store_hash, hook_id in sorted(keys):
        with suppress(DeliveryNotFoundError):
            yield log.get(store_hash, hook_id, delivery_id)
