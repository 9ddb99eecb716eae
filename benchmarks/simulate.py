"""An hour of a stack at ten and a hundred thousand events a second, in steps of a second.

A model, not a measure: queues are amounts that go first in, first out, and nothing is random. It takes its
times and costs from what was measured and published (results.json, prices.json). Each event is for one hook
of one tenant, and each tenant publishes as much as any other. One tenant in twenty has a hook that fails at
once, and one in a hundred a hook that hangs until the timeout, both for the whole hour.

``python -m benchmarks.simulate`` writes the table of docs/scale.md.
"""

import json
import math
import re
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path
from typing import Any

from benchmarks.prices import ASSUMED, MILLION, PRICE
from storehooks.domain.retry import BIGCOMMERCE_SCHEDULE, RetrySchedule

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs/scale.md"

HOUR = 3600
FAILING, HANGING = 0.05, 0.01
TIMEOUT_SECONDS = 10
MAX_IN_FLIGHT = 200
"""How many attempts an invocation makes at once, of what it is given and of what it receives beside that."""
SLOW_SECONDS = 2 * TIMEOUT_SECONDS
"""How long an invocation with attempts that hang lasts: it receives until the timeout, then waits."""
UNITS_OF_A_FAILURE = 2
"""What a failed attempt writes to the due index: its entry moves."""
UNITS_OF_A_PARTITION = 1000
MEMORY_GB = 0.5
CALLS_OF_A_MATCH = 31
"""Of a batch of ten events of ten stores: three queries each, and a message to the deliveries queue."""
_RETRIES_AFTER = tuple(accumulate(RetrySchedule.parse(BIGCOMMERCE_SCHEDULE).slots))
_SIMULATED = re.compile(r"(?s)(<!-- the simulated hours -->\n).*?(<!-- end of the simulated hours -->)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """Seconds that a call, a destination and a delivery's processor take; and what a delivery costs."""

    match_call: float
    deliver_call: float
    destination: float
    delivery: float
    dollars: float
    dollars_in_hundreds: float
    dollars_of_failing: float

    @classmethod
    def published(cls, results: Mapping[str, Any]) -> "Times":
        """As the published results have them. A processor of 512 MB is 0.29 of one."""
        value = {measure["name"]: measure["value"] for measure in results["measures"]}
        call = ASSUMED["aws_call_ms"] / 1000
        return cls(
            match_call=call + ASSUMED["processor_ms_of_a_call"] / 1000,
            deliver_call=call,
            destination=ASSUMED["destination_ms"] / 1000,
            delivery=value["Core time of a delivery"] / 1e6 / 0.29,
            dollars=value["Cost per million deliveries, 0 % failing"] / MILLION,
            dollars_in_hundreds=value["Cost per million deliveries, 0 % failing, by HTTP in hundreds"]
            / MILLION,
            dollars_of_failing=value["Cost per million deliveries, 100 % failing"] / MILLION,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """How a stack is set: batches, concurrency and the parts of its due index.

    ``at_first`` and ``more`` are the invocations that Lambda allows a queue's mapping when it begins, and how
    many more each second, up to ``match_limit`` and ``deliver_limit``.
    """

    name: str
    rate: int
    batch: int
    match_limit: int
    deliver_limit: int
    at_first: int
    more: int
    shards: int
    in_hundreds: bool = False


@dataclass(slots=True)
class Queue:
    """Messages by the second in which they came, and how long those that were taken had waited."""

    waiting: deque[list[float]] = field(default_factory=deque)
    waits: list[tuple[float, float]] = field(default_factory=list)
    amount: float = 0.0

    def put(self, second: float, amount: float) -> None:
        if amount:
            self.waiting.append([second, amount])
            self.amount += amount

    def take(self, at_most: float) -> list[tuple[float, float]]:
        """Up to so many, the oldest first: since when each part waits, and how much it is."""
        taken: list[tuple[float, float]] = []
        left = min(at_most, self.amount)
        while left > 1e-6 and self.waiting:
            oldest = self.waiting[0]
            part = min(left, oldest[1])
            taken.append((oldest[0], part))
            left -= part
            oldest[1] -= part
            self.amount -= part
            if oldest[1] <= 1e-6:
                self.waiting.popleft()
        return taken


@dataclass(frozen=True, slots=True, kw_only=True)
class Hour:
    """What an hour came to. Waits are in seconds, in both queues together, of the healthy hooks' events."""

    p50: float
    p99: float
    steady_p99: float
    concurrency: int
    slow: int
    in_flight: int
    partitions_throttled: int
    throttled_from: int | None
    dollars: float


def simulate(stack: Stack, times: Times) -> Hour:
    """Step through the hour, from a stack that was idle."""
    events, deliveries = Queue(), Queue()
    waits: list[tuple[int, float, float]] = []
    begun: deque[float] = deque()  # invocations with attempts that hang, by second
    failed = [0.0] * HOUR
    peak = most_slow = most_in_flight = 0.0
    throttled_from: int | None = None
    most_throttled = 0
    slow_seconds = retries = 0.0
    match_seconds = CALLS_OF_A_MATCH * times.match_call
    fast_seconds = 2 * times.deliver_call + times.destination + stack.batch * times.delivery
    # What an invocation that waits takes on: as fast as it reads and writes, up to so many at once.
    receive_seconds = 3 * times.deliver_call + 10 * times.delivery
    for now in range(HOUR):
        allowed = stack.at_first + stack.more * now
        events.put(now, stack.rate)
        match_at_once = min(allowed, stack.match_limit)
        matched = events.take(match_at_once / match_seconds * 10)
        for since, amount in matched:
            deliveries.put(since, amount)

        # Attempts of those that failed before come again, and fail again.
        again = sum(failed[now - after] for after in _RETRIES_AFTER if after <= now)
        failed[now] = stack.rate * (FAILING + HANGING) if matched else 0.0
        retries += again
        deliveries.put(now, again)
        # Of all attempts those that succeed are first ones; the others come again in the same proportion.
        failing = (stack.rate * (FAILING + HANGING) + again) / (stack.rate + again)
        hanging = failing * HANGING / (FAILING + HANGING) if failing else 0.0

        while len(begun) > SLOW_SECONDS:
            begun.popleft()
        slow = min(sum(begun), stack.deliver_limit)
        receiving = min(sum(list(begun)[-TIMEOUT_SECONDS:]), slow)
        held = hanging * TIMEOUT_SECONDS + (1 - hanging) * times.destination
        beside = receiving * min(10 / receive_seconds, MAX_IN_FLIGHT / held)
        free = max(0.0, min(allowed, stack.deliver_limit) - slow)
        by_mapping = free / fast_seconds * stack.batch
        taken = deliveries.take(by_mapping + beside)
        amount = sum(part for _, part in taken)
        waits += [(now, now - since, part) for since, part in taken]
        started = amount * by_mapping / (by_mapping + beside) / stack.batch if amount else 0.0
        begun.append(started * (1 - (1 - hanging) ** stack.batch))

        fast = started * fast_seconds
        peak = max(peak, slow + fast + sum(part for _, part in matched) / 10 * match_seconds)
        most_slow = max(most_slow, slow)
        most_in_flight = max(most_in_flight, amount * held)
        slow_seconds += slow
        units = amount * failing * UNITS_OF_A_FAILURE / stack.shards
        if units > UNITS_OF_A_PARTITION:
            most_throttled = stack.shards
            throttled_from = now if throttled_from is None else throttled_from
    published = stack.rate * HOUR
    a_retry = (times.dollars_of_failing - times.dollars) / len(_RETRIES_AFTER)
    return Hour(
        p50=quantile(((wait, part) for _, wait, part in waits), 0.5),
        p99=quantile(((wait, part) for _, wait, part in waits), 0.99),
        steady_p99=quantile(((wait, part) for at, wait, part in waits if at >= HOUR // 2), 0.99),
        concurrency=math.ceil(peak),
        slow=math.ceil(most_slow),
        in_flight=math.ceil(most_in_flight),
        partitions_throttled=most_throttled,
        throttled_from=throttled_from,
        dollars=published * (times.dollars_in_hundreds if stack.in_hundreds else times.dollars)
        + retries * a_retry
        + slow_seconds * MEMORY_GB * PRICE["lambda_gb_second_arm64"],
    )


def quantile(waits: Iterable[tuple[float, float]], share: float) -> float:
    """The wait that so large a share of the messages did not exceed; each wait has its number of messages."""
    in_order = sorted(waits)
    wanted = share * sum(amount for _, amount in in_order)
    for wait, amount in in_order:
        wanted -= amount
        if wanted <= 0:
            return wait
    return in_order[-1][0]


STACKS: Sequence[Stack] = (
    Stack(
        name="10⁴/s, 250 at once, 4 shards", rate=10_000, batch=10, match_limit=250, deliver_limit=250,
        at_first=5, more=5, shards=4,
    ),
    Stack(
        name="10⁴/s, 350 at once, 32 shards", rate=10_000, batch=10, match_limit=350, deliver_limit=350,
        at_first=5, more=5, shards=32,
    ),
    Stack(
        name="10⁵/s, batches of 100, pollers, 256 shards", rate=100_000, batch=100, match_limit=10_000,
        deliver_limit=10_000, at_first=1000, more=100, shards=256, in_hundreds=True,
    ),
)  # fmt: skip


def table(results: Mapping[str, Any]) -> str:
    """The hours side by side, in Markdown."""
    times = Times.published(results)
    hours = [simulate(stack, times) for stack in STACKS]
    rows: Mapping[str, Sequence[str]] = {
        "Healthy events wait in the queues, p50": [_seconds(hour.p50) for hour in hours],
        "p99, from a standing start": [_seconds(hour.p99) for hour in hours],
        "p99, second half of the hour": [_seconds(hour.steady_p99) for hour in hours],
        "Lambda at once, at most": [f"{hour.concurrency:,}" for hour in hours],
        "of them with attempts that hang": [f"{hour.slow:,}" for hour in hours],
        "Messages in flight, at most": [f"{hour.in_flight:,}" for hour in hours],
        "Partitions of the due index that throttle": [_throttled(hour) for hour in hours],
        "US$ for the hour": [f"{hour.dollars:,.0f}" for hour in hours],
    }
    lines = [f"| | {' | '.join(stack.name for stack in STACKS)} |", "|---" * (len(STACKS) + 1) + "|"]
    return "\n".join([*lines, *(f"| {name} | {' | '.join(row)} |" for name, row in rows.items())]) + "\n"


def _seconds(wait: float) -> str:
    return f"{wait:,.0f} s" if wait else "less than 1 s"


def _throttled(hour: Hour) -> str:
    if hour.throttled_from is None:
        return "none"
    return f"all {hour.partitions_throttled}, from minute {hour.throttled_from // 60}"


def with_hours(page: str, results: Mapping[str, Any]) -> str:
    """The page with the table made anew."""
    return _SIMULATED.sub(lambda found: found[1] + table(results) + found[2], page)


if __name__ == "__main__":
    published = json.loads((ROOT / "benchmarks/results.json").read_text())
    PAGE.write_text(with_hours(PAGE.read_text(), published))
    print(table(published))
