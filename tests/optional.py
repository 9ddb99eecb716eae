"""Programs that some tests need and that not every machine has."""

import os
import shutil

import pytest

REQUIRE_ALL = "STOREHOOKS_REQUIRE_ALL"


def program(name: str, *, in_ci: bool = True) -> str:
    """The path of a program. Without it the test is skipped, or fails where all have to run.

    :param in_ci: whether CI is to have it.
    """
    path = shutil.which(name)
    if path is None:
        reason = f"this machine has no {name}"
        if in_ci and os.environ.get(REQUIRE_ALL) == "1":
            pytest.fail(f"{reason}, and {REQUIRE_ALL}=1 wants every test to run")
        pytest.skip(reason)
    return path
