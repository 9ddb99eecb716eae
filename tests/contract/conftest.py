"""A deployment in memory, and one over moto: each test runs with both."""

import pytest

from tests.fakes.account import Account
from tests.integration.conftest import aws  # noqa: F401 - a fixture
from tests.world import STORE, Clock


@pytest.fixture(params=["memory", "moto"])
def account(request):
    """A deployment."""
    return Account() if request.param == "memory" else request.getfixturevalue("aws")


@pytest.fixture
def clock():
    """The time of all its processes."""
    return Clock()


@pytest.fixture
def process(account, clock):
    """Makes the parts of another process."""
    return lambda: account.new_process(clock)


@pytest.fixture
def parts(process):
    """Those of one process."""
    return process()


@pytest.fixture
def client_id(account):
    """A client of the store."""
    return account.new_client(STORE)[0]
