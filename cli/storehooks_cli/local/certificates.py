"""The certificate of the https front, from an authority that stays the same.

Clients trust the authority once; it must not change with each start.
"""

import ipaddress
import ssl
from collections.abc import Collection
from datetime import UTC, datetime, timedelta

import idna
import trustme
from cryptography.x509 import load_pem_x509_certificate

from storehooks_cli.local.files import write_whole
from storehooks_cli.local.folders import DataFolder

_LOOPBACK_NAMES = ("localhost", "127.0.0.1", "::1")
# No system accepts a certificate for longer than some two years.
_VALID = timedelta(days=365)


def server_context(folder: DataFolder, allowed_hosts: Collection[str]) -> ssl.SSLContext:
    """TLS for the front, with a certificate made for this start.

    :param allowed_hosts: that the certificate names besides the loopback's. One that no certificate
        can name, such as ``my_app``, is left out.
    """
    authority = _authority(folder)
    names = filter(_can_be_certified, (host.strip("[]") for host in sorted(allowed_hosts)))
    certificate = authority.issue_cert(*_LOOPBACK_NAMES, *names, not_after=datetime.now(UTC) + _VALID)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    certificate.configure_cert(context)
    return context


def _authority(folder: DataFolder) -> trustme.CA:
    certificate, key = folder.ca_certificate, folder.ca_key
    if certificate.exists() and key.exists():
        pem = certificate.read_bytes()
        if load_pem_x509_certificate(pem).not_valid_after_utc > datetime.now(UTC) + _VALID:
            return trustme.CA.from_pem(pem, key.read_bytes())
    authority = trustme.CA(organization_name="storehooks", organization_unit_name="local stack")
    certificate.unlink(missing_ok=True)  # so that a key is never found beside another's certificate
    write_whole(key, authority.private_key_pem.bytes().decode())
    write_whole(certificate, authority.cert_pem.bytes().decode(), mode=0o644)
    return authority


def _can_be_certified(name: str) -> bool:
    """Whether trustme takes it: an address, or a name of letters, digits and hyphens."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        try:
            idna.encode(name, uts46=True)
        except idna.IDNAError:
            return False
    return True
