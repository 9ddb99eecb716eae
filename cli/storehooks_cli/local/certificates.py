"""The certificate of the https front, from an authority that stays the same.

Clients are told once to trust the authority; it must not change with each start.
"""

import ssl
from datetime import UTC, datetime, timedelta

import trustme
from cryptography.x509 import load_pem_x509_certificate

from storehooks_cli.local.files import write_whole
from storehooks_cli.local.folders import DataFolder

_NAMES = ("localhost", "127.0.0.1", "::1")
# No system accepts a certificate for longer than some two years.
_VALID = timedelta(days=365)


def server_context(folder: DataFolder) -> ssl.SSLContext:
    """TLS for the front, with a certificate made for this start."""
    authority = _authority(folder)
    certificate = authority.issue_cert(*_NAMES, not_after=datetime.now(UTC) + _VALID)
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
