"""PostgreSQL and Redis on loopback, in a folder of their own, as their documentation has them keep data."""

import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

POSTGRES = "postgresql"
REDIS = "redis-server"
_SECONDS = 60


class MissingError(Exception):
    """A program that is not on this machine, and how to get it."""


def program(name: str, package: str) -> str:
    """The path of a program of a Debian package. Debian keeps PostgreSQL's beside its version.

    :raises MissingError: when it is not installed.
    """
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: int(folder.parent.name))
    path = shutil.which(name, path=os.pathsep.join([*map(str, reversed(versions)), os.environ["PATH"]]))
    if path is None:
        raise MissingError(f"{name} is missing: apt-get install --no-install-recommends {package}")
    return path


def version(name: str, package: str) -> str:
    """What a program says of its version."""
    said = subprocess.run(  # noqa: S603
        [program(name, package), "--version"], capture_output=True, text=True, check=True
    )
    return said.stdout.strip()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def postgres(folder: Path, port: int) -> "subprocess.Popen[bytes]":
    """Start PostgreSQL with its defaults, and wait until it takes connections."""
    data = folder / "postgres"
    user = _without_rights(folder)
    if not data.exists():
        data.mkdir(mode=0o700)
        if user is not None:
            shutil.chown(data, user, user)
        subprocess.run(  # noqa: S603
            [program("initdb", POSTGRES), "-D", data, "-U", "peer", "--auth=trust", "--encoding=UTF8"],
            stdout=subprocess.DEVNULL, check=True, user=user, cwd=folder,
        )  # fmt: skip
    server = subprocess.Popen(  # noqa: S603
        [program("postgres", POSTGRES), "-D", data, "-p", str(port), "-c", "listen_addresses=127.0.0.1",
         "-c", "unix_socket_directories="],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, user=user, cwd=folder,
    )  # fmt: skip
    until = time.monotonic() + _SECONDS
    ready = [program("pg_isready", POSTGRES), "-q", "-h", "127.0.0.1", "-p", str(port)]
    while subprocess.run(ready, check=False).returncode != 0:  # noqa: S603
        assert server.poll() is None, "PostgreSQL has ended"
        assert time.monotonic() < until, "PostgreSQL is not ready"
        time.sleep(0.1)
    return server


def _without_rights(folder: Path) -> str | None:
    """The user that PostgreSQL runs as where this process is root, which it refuses."""
    if os.geteuid() != 0:
        return None
    folder.chmod(0o755)
    return "postgres"


def redis(folder: Path, port: int) -> "subprocess.Popen[bytes]":
    """Start Redis with an append-only file, which is what its documentation advises against loss."""
    data = folder / "redis"
    data.mkdir(exist_ok=True)
    server = subprocess.Popen(  # noqa: S603
        [program(REDIS, REDIS), "--port", str(port), "--bind", "127.0.0.1", "--dir", data,
         "--appendonly", "yes"],
        stdout=subprocess.DEVNULL,
    )  # fmt: skip
    until = time.monotonic() + _SECONDS
    while not _answers(port):
        assert server.poll() is None, "Redis has ended"
        assert time.monotonic() < until, "Redis is not ready"
        time.sleep(0.1)
    return server


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(64).startswith(b"+PONG")
    except OSError:
        return False
