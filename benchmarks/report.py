"""What `make bench` makes of its measures for a reader: the tables of docs/performance.md and its plot."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from xml.sax.saxutils import escape

type MeasureJson = Mapping[str, Any]

_TABLE = re.compile(r"(?s)(<!-- measures of (\w+) -->\n).*?(<!-- end of measures -->)")
_RUN = re.compile(r"(?s)(<!-- the run -->\n).*?(<!-- end of the run -->)")

_WIDTH, _LABELS, _BAR, _GAP, _HEAD = 760, 250, 16, 5, 24
_COLOURS = ("#1f6feb", "#8b949e", "#bf8700", "#cf222e", "#8250df", "#1a7f37")


def with_tables(page: str, results: Mapping[str, Any]) -> str:
    """The page with what stands between its marks made anew: the tables, and what was run where."""
    page = _TABLE.sub(
        lambda found: found[1] + table(results["measures"], found[2]) + found[3],
        page,
    )
    return _RUN.sub(lambda found: found[1] + run(results) + found[2], page)


def table(measures: Iterable[MeasureJson], module: str) -> str:
    """The measures of one module in Markdown."""
    rows = [
        f"| {measure['name']} | {number(measure['value'])} {measure['unit']} "
        f"| {_reach(measure)} | {_compared(measure)} |"
        for measure in measures
        if measure["module"] == module
    ]
    return "\n".join(["| Measure | Value | Reach | Measured |", "|---|---|---|---|", *rows]) + "\n"


def run(results: Mapping[str, Any]) -> str:
    """When, where and with what the measures were taken, and which were taken anew later."""
    text = f"Measured {_run(results)}\n"
    if renewed := results.get("renewed"):
        text += f"\nOf these, {', '.join(renewed['modules'])} were measured anew {_run(renewed)}\n"
    return text


def _run(of: Mapping[str, Any]) -> str:
    machine, versions = of["machine"], of["versions"]
    tools = ", ".join(f"{name} {version}" for name, version in versions.items() if name != "commit")
    load = f", at a load of {number(of['load'])} before it began" if "load" in of else ""
    return (
        f"{of['date']} on {machine['cores']} cores of {machine['cpu']} with {machine['memory_gb']} GB{load}, "
        f"{machine['kernel']}, with {tools}, at commit `{versions['commit']}`, in {of['seconds']} s."
    )


def plot(measures: Sequence[MeasureJson]) -> str:
    """An SVG with a group of bars for each measure that compares something; each group has its own scale."""
    parts, y = [], 0
    for measure in measures:
        compared = measure.get("compared", {})
        if not measure.get("compared_unit"):
            continue
        parts.append(f'<text x="8" y="{y + 17}" class="head">{escape(_title(measure))}</text>')
        y += _HEAD
        longest = max(compared.values()) or 1
        for place, (label, value) in enumerate(compared.items()):
            width = max(1, round(value / longest * (_WIDTH - _LABELS - 110)))
            colour = _COLOURS[place % len(_COLOURS)]
            parts.append(
                f'<text x="{_LABELS - 8}" y="{y + 12}" class="label">{escape(label)}</text>'
                f'<rect x="{_LABELS}" y="{y}" width="{width}" height="{_BAR}" fill="{colour}"/>'
                f'<text x="{_LABELS + width + 6}" y="{y + 12}">{number(value)}</text>'
            )
            y += _BAR + _GAP
        y += 2 * _GAP
    style = (
        "text{font:12px sans-serif;fill:#1f2328}.label{text-anchor:end}.head{font-weight:bold}"
        "svg{background:#fff}"
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{y}" viewBox="0 0 {_WIDTH} {y}">'
        f'<style>{style}</style><rect width="100%" height="100%" fill="#fff"/>\n'
        + "\n".join(parts)
        + "\n</svg>\n"
    )


def number(value: float) -> str:
    """Three digits that count, and all of a whole number."""
    if value == int(value) or abs(value) >= 100:
        return f"{round(value):,}"
    digits = f"{value:#.3g}"
    return digits if "e" not in digits else f"{value:.2g}"


def _title(measure: MeasureJson) -> str:
    return f"{measure['name']} ({measure['compared_unit']})"


def _reach(measure: MeasureJson) -> str:
    if measure["reach"] is None:
        return "–"
    sign = "≤" if measure["bound"] == "at most" else "≥"
    return f"{sign} {number(measure['reach'])}: {'yes' if measure['reached'] else '**no**'}"


def _compared(measure: MeasureJson) -> str:
    if not measure.get("compared"):
        return ""
    figures = ", ".join(f"{label} {number(value)}" for label, value in measure["compared"].items())
    return f"{figures} {measure['compared_unit']}".rstrip()
