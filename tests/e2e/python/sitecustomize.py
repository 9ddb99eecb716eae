"""A line of the hosts file for one process. Python runs it at its start, when this folder is on PYTHONPATH.

Some clients always speak to port 443 of api.bigcommerce.com. Here that is the port that TLS_PORT names.
"""

import os
import socket

look_up = socket.getaddrinfo


def look_up_here(host, port, *arguments, **options):
    if (host, port) == ("api.bigcommerce.com", 443):
        host, port = "127.0.0.1", int(os.environ["TLS_PORT"])
    return look_up(host, port, *arguments, **options)


socket.getaddrinfo = look_up_here
