"""What an event costs to match in stores of 10, 1,000 and 100,000 hooks, of which as many are for it.

All the stores' hooks are in one stub of DynamoDB, which answers a query of the index as well as one of
a whole store: a matching that read a store's hooks would get, and wait for, all of them.
"""

import os
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import deployment
from benchmarks.alone import Context
from benchmarks.measure import Measure, paired, print_measures, ratio
from benchmarks.peers import Item, Tables, peers
from storehooks.adapters.hooks_table import to_item
from storehooks.composition import Handler
from storehooks.domain.hook import Hook

SIZES = (10, 1_000, 100_000)
# Two by each scope that the event may be subscribed to by.
MATCHING_SCOPES = ("store/order/created", "store/order/*", "store/*") * 2
ROUNDS = 200
MAX_TIMES_THE_SMALLEST = 1.2


def measure() -> list[Measure]:
    with (
        peers(lambda _url: _tables()) as to,
        Path(os.devnull).open("w") as nowhere,
        redirect_stdout(nowhere),  # the log is written, as on Lambda, and not among the measures
    ):
        to.use_aws()
        function = deployment.load("match_events")
        runs = [partial(_milliseconds, function, _event(size)) for size in SIZES]
        for run in runs:
            run()  # connections are open then
        to.calls()
        samples = paired(ROUNDS, *runs)
        to.calls()
        calls = []
        for run in runs:
            run()
            calls.append(to.calls())
    small, large = samples[0], samples[-1]
    return [
        Measure(
            name=f"Matching an event among {SIZES[-1]:,} hooks",
            value=round(ratio(large, small), 3),
            unit=f"times as long as among {SIZES[0]}",
            reach=MAX_TIMES_THE_SMALLEST,
            compared={
                f"{size:,} hooks": round(sample.median, 3)
                for size, sample in zip(SIZES, samples, strict=True)
            },
            compared_unit="ms",
            detail={"rounds": ROUNDS, "hooks_that_match": len(MATCHING_SCOPES)},
        ),
        Measure(
            name=f"Calls of matching an event among {SIZES[-1]:,} hooks",
            value=calls[-1].total(),
            unit=f"calls ({', '.join(sorted(calls[-1]))})",
            reach=calls[0].total(),
            compared={f"{size:,} hooks": counted.total() for size, counted in zip(SIZES, calls, strict=True)},
        ),
    ]


def _milliseconds(function: Handler, event: dict[str, Any]) -> float:
    started = time.perf_counter()
    response = function(event, Context())
    took = time.perf_counter() - started
    assert response == {"batchItemFailures": []}, response
    return took * 1000


def _event(size: int) -> dict[str, Any]:
    return {"Records": [deployment.event_record(deployment.event(_hook(size, 0), size))]}


def _tables() -> Tables:
    found: dict[str, list[Item]] = defaultdict(list)
    for size in SIZES:
        for hook in _hooks(size):
            item = to_item(hook)
            found[item["subscription"]["S"]].append(item)
            found[hook.store_hash].append(item)
    return Tables(found=found)


def _hooks(size: int) -> Iterator[Hook]:
    for number in range(size):
        is_for_it = number < len(MATCHING_SCOPES)
        scope = MATCHING_SCOPES[number] if is_for_it else f"store/channel/{number}/order/created"
        yield replace(_hook(size, number), scope=scope)


def _hook(size: int, number: int) -> Hook:
    (hook,) = deployment.hooks(1, 1, "https://app.example.com")
    return replace(hook, id=number + 1, store_hash=f"storeof{size}")


if __name__ == "__main__":
    print_measures(measure())
