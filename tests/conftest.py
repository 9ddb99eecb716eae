"""What all tests share: where the repository is."""

import gc
import os
import signal
from pathlib import Path

import pytest
from aws_lambda_powertools import Logger
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).parents[1]

# In the background or under nohup a process is told to ignore these, and so is all that it starts;
# the tests stop commands with them as a terminal does.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)

# All loggers of a service write to what standard output was for the first of them. A test that captures
# its output closes that, so the first is made here: without a service, and of that which fixtures name.
for service in (None, "storehooks"):
    Logger(service=service, utc=True)

# At the very first what builds the stack, for which others wait, and beside it what needs none.
FIRST = ["test_deploy.py", "test_background_faults.py"]

# No test is timed: a machine that is busy is not a defect. For a long search:
# SEQUENCES=2000 pytest --hypothesis-profile=long.
settings.register_profile("storehooks", deadline=None, print_blob=True)
LONG = int(os.environ.get("SEQUENCES", "2000"))
settings.register_profile("long", deadline=None, print_blob=True, max_examples=LONG)
settings.load_profile("storehooks")


def sequences(number: int, *, steps: int = 30) -> settings:
    """For a state machine: so many sequences of steps, or those of a long search."""
    profile = settings.get_current_profile_name()
    tried = number if profile == "storehooks" else settings.get_profile(profile).max_examples
    return settings(
        settings.get_profile(profile),
        max_examples=tried,
        stateful_step_count=steps,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    )


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository's folder."""
    return ROOT


def pytest_collection_modifyitems(items) -> None:
    """The order in which several processes take the tests, file by file."""
    places = {name: place for place, name in enumerate(FIRST)}
    items.sort(key=lambda item: places.get(item.path.name, len(FIRST)))


def pytest_collection_finish() -> None:
    """What was imported stays to the end: Python need not look through it for garbage, nor so often."""
    gc.freeze()
    gc.set_threshold(20_000)


def pytest_terminal_summary(terminalreporter) -> None:
    """What tests have counted, besides whether they passed."""
    for report in terminalreporter.getreports("passed") + terminalreporter.getreports("failed"):
        for name, value in report.user_properties if report.when == "call" else []:
            terminalreporter.write_line(f"{report.nodeid}: {name}: {value}")
