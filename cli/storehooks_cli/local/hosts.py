"""By which hosts requests may address this machine.

A web page whose own name has been made to resolve to this machine (DNS rebinding) sends that name.
"""

import re

LOOPBACK_HOSTS = frozenset({"127.0.0.1", "localhost", "[::1]"})

_HOST = r"\[[0-9a-f:.]{2,45}\]|[a-z0-9_.-]{1,253}"
_HEADER = re.compile(rf"({_HOST})(?::[0-9]{{1,5}})?", re.ASCII)


def host_of(headers: list[str]) -> str | None:
    """The host that a request's Host headers name, in lower case and without its port.

    None when there is no such header, when there are several, or when it holds something else.
    """
    if len(headers) != 1:
        return None
    match = _HEADER.fullmatch(headers[0].lower())
    return match[1] if match else None


def parse_hosts(text: str) -> frozenset[str]:
    """The hosts in a list such as ``hooks.test,[fd00::1]``.

    :raises ValueError: when it is none.
    """
    hosts = text.lower().split(",") if text else []
    if not all(re.fullmatch(_HOST, host, re.ASCII) for host in hosts):
        raise ValueError(text)
    return frozenset(hosts)
