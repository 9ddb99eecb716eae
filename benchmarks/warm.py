"""What a warm handler adds to its calls: beside a bare boto3 handler, on the same stub of DynamoDB."""

import importlib
import json
import os
import time
from contextlib import redirect_stdout
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.alone import load
from benchmarks.cold_start import FUNCTIONS, settings
from benchmarks.measure import Measure, Sample, difference, paired, print_measures
from benchmarks.stub import dynamodb_stub

ROOT = Path(__file__).parents[1]
ROUNDS = 500
MAX_MS = 1.0


def measure(rounds: int = ROUNDS) -> list[Measure]:
    with (
        dynamodb_stub() as endpoint_url,
        Path(os.devnull).open("w") as nowhere,
        redirect_stdout(nowhere),  # the log is written, as on Lambda, and not among the measures
    ):
        os.environ.update(settings(endpoint_url))
        bare = importlib.import_module("benchmarks.bare.app")
        return [_measure(function, getattr(bare, function), rounds) for function in FUNCTIONS]


def _measure(function: str, bare: Any, rounds: int) -> Measure:
    event = json.loads((ROOT / f"events/{function}.json").read_text())
    run, run_bare = partial(_milliseconds, load(function), event), partial(_milliseconds, bare, event)
    paired(20, run, run_bare)  # connections are open then
    ours, plain = paired(rounds, run, run_bare)
    return Measure(
        name=f"Warm overhead of {function}",
        value=round(difference(ours, plain), 3),
        unit="ms more than the bare calls",
        reach=MAX_MS,
        compared={function: round(ours.median, 3), "bare calls": round(plain.median, 3)},
        compared_unit="ms",
        detail={"rounds": rounds, "middle_half_ms": _rounded(ours)},
    )


def _milliseconds(handler: Any, event: dict[str, Any]) -> float:
    started = time.perf_counter()
    response = handler(event, None)
    took = time.perf_counter() - started
    assert response["statusCode"] in {200, 201}, response
    return took * 1000


def _rounded(sample: Sample) -> list[float]:
    return [round(value, 3) for value in sample.spread]


if __name__ == "__main__":
    print_measures(measure())
