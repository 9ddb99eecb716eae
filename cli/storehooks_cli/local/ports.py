"""Ports of the loopback interface."""

import socket

from storehooks_cli.local.errors import LocalError

LOOPBACK = "127.0.0.1"


def listen(port: int, variable: str) -> socket.socket:
    """A socket that listens on a port of the loopback interface.

    :param variable: the Makefile's variable that chooses this port, for the message.
    :raises LocalError: when the port is in use or forbidden.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((LOOPBACK, port))
        listener.listen(1024)
    except OSError as error:
        listener.close()
        raise LocalError(
            f"cannot listen on port {port}: {error.strerror}. "
            f"Stop what uses it, or choose another: make run {variable}=..."
        ) from error
    return listener


def free_port(wish: int = 0) -> int:
    """This port while it is free, else any free one."""
    for port in (wish, 0):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((LOOPBACK, port))
                probe.listen()
            except OSError:
                continue
            found: int = probe.getsockname()[1]
            return found
    raise LocalError("no port is free")
