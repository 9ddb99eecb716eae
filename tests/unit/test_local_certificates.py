"""The https front's certificate names the loopback and the hosts that `make run` allows."""

import ssl

import pytest

from storehooks_cli.local.certificates import server_context
from storehooks_cli.local.folders import DataFolder

LOOPBACK = ["localhost", "127.0.0.1", "::1"]


def handshake(data_dir, server, name):
    """TLS in memory, by a client that trusts the authority of this data folder."""
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    trust = ssl.create_default_context(cafile=data_dir / "ca.pem")
    client_end = trust.wrap_bio(to_client, to_server, server_hostname=name)
    server_end = server.wrap_bio(to_server, to_client, server_side=True)
    for end in (client_end, server_end, client_end, server_end):
        try:
            end.do_handshake()
        except ssl.SSLWantReadError:
            continue


@pytest.mark.parametrize(
    ("allowed_hosts", "names"),
    [
        ([], LOOPBACK),
        (["api.bigcommerce.com"], [*LOOPBACK, "api.bigcommerce.com"]),
        (["192.168.1.5", "[fd00::1]", "hooks.test"], [*LOOPBACK, "192.168.1.5", "fd00::1", "hooks.test"]),
    ],
)
def test_the_certificate_names_the_loopback_and_each_allowed_host(tmp_path, allowed_hosts, names):
    server = server_context(DataFolder.open(tmp_path), allowed_hosts)
    for name in names:
        handshake(tmp_path, server, name)
    with pytest.raises(ssl.SSLCertVerificationError, match="certificate is not valid for"):
        handshake(tmp_path, server, "login.bigcommerce.com")


@pytest.mark.parametrize("host", ["my_app", "a..b", "-x", "[1::2::3]"])
def test_a_host_that_no_certificate_can_name_does_not_stop_the_start(tmp_path, host):
    server = server_context(DataFolder.open(tmp_path), [host, "hooks.test"])
    handshake(tmp_path, server, "hooks.test")
