"""What an event costs to match: in stores of 10, 1,000 and 100,000 hooks, and beside the bare calls.

Of the hooks in each store as many are for the event. All are in one stub of DynamoDB, which answers a query
of the index as well as one of a whole store: a matching that read a store's hooks would get, and wait for,
all of them. The bare calls are those that ``match_events`` makes for the same events.
"""

import os
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from dataclasses import replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any
from unittest.mock import patch

from botocore import xform_name
from botocore.client import BaseClient

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
# As many events of a store as Lambda gives a function at once, each for so many hooks.
HOOKS_OF_AN_EVENT = 10
MAX_TIMES_THE_BARE_CALLS = 1.3


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
        beside_bare_calls = _beside_bare_calls(function)
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
        beside_bare_calls,
    ]


def _beside_bare_calls(function: Handler) -> Measure:
    """What a full batch takes of the core, beside its calls by the same clients of botocore."""
    hook = _hooks_of_the_batch()[0]
    events = [deployment.event(hook, number) for number in range(deployment.BATCH)]
    batch = {"Records": [deployment.event_record(event) for event in events]}
    calls: list[tuple[BaseClient, str, Any]] = []
    # Each call of a client goes through it. The types of botocore do not have it.
    make = BaseClient._make_api_call  # type: ignore[attr-defined] # noqa: SLF001

    def kept(client: BaseClient, operation: str, given: Any) -> Any:
        calls.append((client, xform_name(operation), given))
        return make(client, operation, given)

    with patch.object(BaseClient, "_make_api_call", kept):
        _milliseconds(function, batch)

    def bare() -> None:
        for client, method, given in calls:
            getattr(client, method)(**given)

    ours, plain = paired(
        ROUNDS,
        lambda: _core_milliseconds(lambda: function(batch, Context())),
        lambda: _core_milliseconds(bare),
    )
    return Measure(
        name=f"Matching {deployment.BATCH} events, each for {HOOKS_OF_AN_EVENT} hooks",
        value=round(ratio(ours, plain), 2),
        unit=f"times the core time of its {len(calls)} calls by bare botocore",
        reach=MAX_TIMES_THE_BARE_CALLS,
        compared={"match_events": round(ours.median, 2), "bare calls": round(plain.median, 2)},
        compared_unit="ms",
        detail={"rounds": ROUNDS},
    )


def _core_milliseconds(do: Callable[[], object]) -> float:
    started = time.process_time()
    do()
    return (time.process_time() - started) * 1000


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
    for hook in chain(_hooks_of_the_batch(), *map(_hooks, SIZES)):
        item = to_item(hook)
        found[item["subscription"]["S"]].append(item)
        found[hook.store_hash].append(item)
    return Tables(found=found)


def _hooks_of_the_batch() -> list[Hook]:
    return [_hook("abatch", number) for number in range(HOOKS_OF_AN_EVENT)]


def _hooks(size: int) -> Iterator[Hook]:
    for number in range(size):
        is_for_it = number < len(MATCHING_SCOPES)
        scope = MATCHING_SCOPES[number] if is_for_it else f"store/channel/{number}/order/created"
        yield replace(_hook(size, number), scope=scope)


def _hook(of: int | str, number: int) -> Hook:
    (hook,) = deployment.hooks(1, 1, "https://app.example.com")
    return replace(hook, id=number + 1, store_hash=f"storeof{of}")


if __name__ == "__main__":
    print_measures(measure())
