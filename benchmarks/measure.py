"""What a benchmark says: measures, each with what it is to reach.

Figures of one machine mean little on another, and those of a busy one little an hour later. So
what is compared is measured in turn in one run, and what counts is the median over its rounds.
"""

import json
import statistics
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

type Bound = Literal["at most", "at least"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One figure.

    ``reach`` is what it is to be ``bound`` ("at most", "at least"); None where nothing is set.
    ``compared`` has the figures that it was made from by what they are of, for the plot:
    all of one unit, ``compared_unit``. ``detail`` is whatever else a reader should know, such as
    ``rounds`` and ``spread``, or what it was measured against.
    """

    name: str
    value: float
    unit: str
    reach: float | None = None
    bound: Bound = "at most"
    compared: Mapping[str, float] = field(default_factory=dict)
    compared_unit: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict)

    @property
    def reached(self) -> bool:
        """Whether it is as it is to be; true where nothing is set."""
        if self.reach is None:
            return True
        return self.value <= self.reach if self.bound == "at most" else self.value >= self.reach

    def as_json(self) -> dict[str, Any]:
        """The measure as results.json has it."""
        shown: dict[str, Any] = {
            "name": self.name,
            "value": self.value,
            "unit": self.unit,
            "reach": self.reach,
            "reached": self.reached,
        }
        if self.reach is not None:
            shown["bound"] = self.bound
        if self.compared:
            shown |= {"compared": dict(self.compared), "compared_unit": self.compared_unit}
        if self.detail:
            shown["detail"] = dict(self.detail)
        return shown


@dataclass(frozen=True, slots=True)
class Sample:
    """What one thing took in each round."""

    values: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def spread(self) -> tuple[float, float]:
        """Between which two values the middle half lies."""
        if len(self.values) == 1:
            return self.values[0], self.values[0]
        low, _, high = statistics.quantiles(self.values, n=4, method="inclusive")
        return low, high


def paired(rounds: int, *runs: Callable[[], float]) -> tuple[Sample, ...]:
    """Measure some things in turn, round after round, so that whatever else the machine does hits all alike.

    :param runs: each measures once and returns the figure. Every other round goes backwards.
    """
    taken: list[list[float]] = [[] for _ in runs]
    order = list(enumerate(runs))
    for _ in range(rounds):
        for number, run in order:
            taken[number].append(run())
        order.reverse()
    return tuple(Sample(tuple(values)) for values in taken)


def ratio(of: Sample, to: Sample) -> float:
    """How many times as much one thing takes as another: the median of the rounds' ratios."""
    return Sample(tuple(a / b for a, b in zip(of.values, to.values, strict=True))).median


def difference(of: Sample, to: Sample) -> float:
    """How much more one thing takes than another: the median of the rounds' differences."""
    return Sample(tuple(a - b for a, b in zip(of.values, to.values, strict=True))).median


def print_measures(measures: Iterable[Measure]) -> None:
    """What a benchmark that is run alone writes, and what `make bench` reads."""
    print(json.dumps([measure.as_json() for measure in measures], indent=2))
