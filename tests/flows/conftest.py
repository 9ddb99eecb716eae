"""What every test of flows has: no sockets, and metrics under the stack's name."""

import pytest
from pytest_socket import disable_socket, enable_socket

from tests.flow_fixtures import counted, errors, small_steps  # noqa: F401 - fixtures


@pytest.fixture(autouse=True)
def _as_in_a_function(monkeypatch):
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "storehooks")
    disable_socket()
    yield
    enable_socket()
