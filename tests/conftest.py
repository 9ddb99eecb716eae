"""What all tests share: where the repository is, and how they are spread over processes."""

from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).parents[1]

# No test is timed: a machine that is busy is not a defect.
settings.register_profile("storehooks", deadline=None)
settings.load_profile("storehooks")


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository's folder."""
    return ROOT


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A file's tests run in one process, and so do all that share the local stack: see `make test`."""
    for item in items:
        folder = item.path.parent.name
        item.add_marker(pytest.mark.xdist_group("e2e" if folder == "e2e" else str(item.path)))
