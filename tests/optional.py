"""What some tests need and not every machine has: programs, and Linux."""

import os
import pwd
import shutil
import sys

import pytest

REQUIRE_ALL = "STOREHOOKS_REQUIRE_ALL"

# What ends a flood goes by TCP_INFO: on other systems there is nothing to test, see adapters/flood_guard.py.
tells_what_came_on_a_socket = pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux tells what has come on a socket"
)

# Nor can others hold back what is written, see adapters/cork.py.
holds_back_what_is_written = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has TCP_CORK")

# `sam` brings AWS's runtime interface emulator for Linux alone.
runs_the_emulator = pytest.mark.skipif(
    sys.platform != "linux", reason="the runtime interface emulator is for Linux"
)


def another_user() -> int:
    """The id of a user that is not this one. Only root can become one: else the test is skipped, or fails
    where all have to run.
    """
    if os.geteuid() != 0:
        reason = "only root can act as another user"
        if os.environ.get(REQUIRE_ALL) == "1":
            pytest.fail(f"{reason}, and {REQUIRE_ALL}=1 wants every test to run")
        pytest.skip(reason)
    return pwd.getpwnam("nobody").pw_uid


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
