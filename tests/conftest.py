"""What all tests share: where the repository is."""

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
