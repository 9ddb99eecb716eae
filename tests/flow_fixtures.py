"""Fixtures of tests of flows, in memory and over moto."""

from collections.abc import Callable
from typing import Any

import pytest

from storehooks.flows.meter import Duration, Meter
from tests import emf

type Counted = Callable[[Meter, Callable[[], object]], dict[str, float]]

SECRET = "hunter2"
"""What the text of an error may hold, and no log."""


@pytest.fixture
def counted(capsys) -> Counted:
    """The sums of what is counted while something is done, and nothing from before; of times, the longest."""

    def counted(meter: Meter, act: Callable[[], object]) -> dict[str, float]:
        with meter.invocation():
            pass
        capsys.readouterr()
        with meter.invocation():
            act()
        found = emf.metrics(capsys.readouterr().out, "storehooks")
        return {name: max(times) if name in set(Duration) else sum(times) for name, times in found.items()}

    return counted


@pytest.fixture
def errors(caplog):
    """What is logged as an error; of what went wrong, only the type."""

    def errors() -> list[dict[str, Any]]:
        lines = [vars(record) for record in caplog.records if record.levelname == "ERROR"]
        assert all(line["message"] == "unexpected error" for line in lines)
        assert SECRET not in str(lines)
        return lines

    return errors


@pytest.fixture
def small_steps(monkeypatch):
    """Steps of three deliveries, and at most five pending."""
    monkeypatch.setattr("storehooks.domain.state_machine.MAX_OF_STEP", 3)
    monkeypatch.setattr("storehooks.domain.state_machine.MAX_PENDING", 5)
