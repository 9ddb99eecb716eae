"""The table of docs/performance.md on the senders of other people."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from benchmarks.report import number

type Figures = Mapping[str, Any]

_PEERS = re.compile(r"(?s)(<!-- the peers -->\n).*?(<!-- end of the peers -->)")


def with_peers(page: str, results: Mapping[str, Any]) -> str:
    """The page with the table made anew."""
    return _PEERS.sub(lambda found: found[1] + table(results) + found[2], page)


def table(results: Mapping[str, Any]) -> str:
    """The systems side by side, and where and with what they were measured."""
    systems, made = results["systems"], results["machine"]
    versions = results["versions"]
    packages = ", ".join(f"{name} {version}" for name, version in versions.items() if name != "commit")
    head = f"| | {' | '.join(systems)} |"
    rows = [f"| {label} | {' | '.join(map(shown, systems.values()))} |" for label, shown in ROWS.items()]
    return (
        "\n".join([head, "|---" * (len(systems) + 1) + "|", *rows])
        + f"\n\nMeasured {results['date']} on {made['cores']} cores of {made['cpu']}, at a load of "
        f"{number(results['load'])} before it began, with {packages}, at commit `{versions['commit']}`.\n"
    )


def _rate(it: Figures) -> str:
    shown = number(it["per_core_second"])
    if it["per_core_second_of_senders"] == it["per_core_second"]:
        return shown
    return f"{number(it['per_core_second_of_senders'])} of the functions; {shown} with the emulator"


def _recovered(it: Figures) -> str:
    seconds = it["recovered_seconds"]
    return "not within the measure" if seconds is None else f"{number(seconds)} s"


def _beside(it: Figures, hanging: int) -> str:
    p50, p99, missed = (it[f"beside_{hanging}_{name}"] for name in ("p50_ms", "p99_ms", "missed"))
    if missed:
        return f"{missed} of {number(it['beside_events'])} not within the measure"
    return f"{_ms(p50)} / {_ms(p99)}"


def _ms(milliseconds: float) -> str:
    return f"{number(milliseconds)} ms" if milliseconds < 1000 else f"{number(milliseconds / 1000)} s"


ROWS: Mapping[str, Callable[[Figures], str]] = {
    "Deliveries for each second of processor time": _rate,
    "Deliveries a second on this machine": lambda it: number(it["per_second"]),
    "Publish to received, p50 / p99": lambda it: f"{_ms(it['p50_ms'])} / {_ms(it['p99_ms'])}",
    "Killed hard: missed of committed": lambda it: f"{it['missed']} of {number(it['committed'])}",
    "Killed hard: received twice": lambda it: number(it["twice"]),
    "Killed hard: until the last was received": _recovered,
    "Healthy hook beside one with 100 that hang, p50 / p99": lambda it: _beside(it, 100),
    "Healthy hook beside one with 500 that hang, p50 / p99": lambda it: _beside(it, 500),
}
