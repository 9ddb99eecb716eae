"""`make bench`: takes every measure, and writes results.json, the tables of docs/performance.md and its plot.

What docs/scale.md computes from the results is written anew as well.

Each module of `MODULES` has a `measure()` that returns its measures, and can be run alone:
`python -m benchmarks.cold_start`. Here each has a process of its own, so that none meets what
another has loaded.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil
import pycurl  # type: ignore[import-untyped]

from benchmarks import simulate
from benchmarks.report import plot, with_tables

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks/results.json"
PAGE = ROOT / "docs/performance.md"
PLOT = ROOT / "docs/performance.svg"

# In the order of docs/performance.md.
MODULES = (
    "cold_start",
    "warm",
    "calls",
    "deliveries",
    "memory",
    "matching",
    "publish_to_received",
    "growth",
    "cost",
)
# Computed and not timed: the same on every machine, so it may be published without measuring all else.
COMPUTED = frozenset({"cost"})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "modules", nargs="*", metavar="MODULE", help=f"of {', '.join(MODULES)}; all unless named"
    )
    parser.add_argument(
        "--publish", action="store_true", help="publish these modules beside what was published of the others"
    )
    options = parser.parse_args()
    wanted = options.modules or MODULES
    if unknown := set(wanted) - set(MODULES):
        parser.error(f"there is no module {', '.join(sorted(unknown))}")
    started, load = time.monotonic(), round(os.getloadavg()[1], 1)
    measures = [measure for module in MODULES if module in wanted for measure in measured(module)]
    run = {
        "date": datetime.now(UTC).date().isoformat(),
        "seconds": round(time.monotonic() - started),
        "machine": machine(),
        "load": load,
        "versions": versions(),
    }
    if set(wanted) == set(MODULES):
        publish({**run, "measures": measures})
    elif set(wanted) <= COMPUTED:
        publish(with_renewed(json.loads(RESULTS.read_text()), measures))
    elif options.publish:
        published = with_renewed(json.loads(RESULTS.read_text()), measures)
        publish({**published, "renewed": {**run, "modules": list(wanted)}})
    else:
        print(json.dumps({**run, "measures": measures}, indent=2))
    # No failure: it was measured, and is published as it is.
    for measure in measures:
        if not measure["reached"]:
            print(f"not reached: {measure['name']}", file=sys.stderr)


def measured(module: str) -> list[dict[str, Any]]:
    """What a module measures, in a process of its own."""
    print(f"{module} ...", file=sys.stderr, flush=True)
    started = time.monotonic()
    response = subprocess.run(  # noqa: S603
        [sys.executable, "-m", f"benchmarks.{module}"], cwd=ROOT, stdout=subprocess.PIPE, check=True
    )
    print(f"{module}: {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)
    return [{"module": module, **measure} for measure in json.loads(response.stdout)]


def with_renewed(published: dict[str, Any], measures: list[dict[str, Any]]) -> dict[str, Any]:
    """The published results with these measures in the place of those of the same modules."""
    renewed = {measure["module"] for measure in measures}
    kept = [measure for measure in published["measures"] if measure["module"] not in renewed]
    in_order = sorted([*kept, *measures], key=lambda measure: MODULES.index(measure["module"]))
    return {**published, "measures": in_order}


def publish(results: dict[str, Any]) -> None:
    """Write what readers get."""
    RESULTS.write_text(json.dumps(results, indent=2, ensure_ascii=False) + "\n")
    PAGE.write_text(with_tables(PAGE.read_text(), results))
    PLOT.write_text(plot(results["measures"]))
    simulate.PAGE.write_text(simulate.with_hours(simulate.PAGE.read_text(), results))


def machine() -> dict[str, Any]:
    """What the measures were taken on."""
    return {
        "cpu": cpu_model(),
        "cores": psutil.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 2**30),
        "kernel": f"{platform.system()} {platform.release()}",
    }


def cpu_model() -> str:
    """As Linux names it; elsewhere what Python knows."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def versions() -> dict[str, str]:
    """What the measures were taken with."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"],  # noqa: S607
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return {
        "python": platform.python_version(),
        "curl": pycurl.version_info()[1],
        **{name: version(name) for name in ("boto3", "pydantic", "aiohttp", "requests")},
        "commit": commit.stdout.strip() or "unknown",
    }


if __name__ == "__main__":
    main()
