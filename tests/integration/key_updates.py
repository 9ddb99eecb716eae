"""Records of a TLS 1.3 server that ssl cannot make: alerts of any kind, and changes of the key over and over.

RFC 8446, 4.6.3, 6 and 7.2, with TLS_AES_256_GCM_SHA384.
"""

import hmac
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_ALERT, _HANDSHAKE, _KEY_UPDATE = 21, 22, b"\x18\x00\x00\x01\x00"
_FATAL = 2


def server_secret(key_log: Path) -> bytes:
    """What the server's keys of the last connection are made of, from the log that ssl writes."""
    lines = [line.split() for line in key_log.read_text().splitlines()]
    return bytes.fromhex([line[2] for line in lines if line[0] == "SERVER_TRAFFIC_SECRET_0"][-1])


def key_updates(secret: bytes, sent: int, number: int) -> bytes:
    """So many records, after those that were sent."""
    records = []
    for _ in range(number):
        records.append(_record(secret, sent, _KEY_UPDATE, _HANDSHAKE))
        secret, sent = _derived(secret, b"traffic upd", 48), 0
    return b"".join(records)


def alert(secret: bytes, sent: int, number: int) -> bytes:
    """A fatal alert, after so many records that were sent."""
    return _record(secret, sent, bytes([_FATAL, number]), _ALERT)


def _record(secret: bytes, sent: int, content: bytes, content_type: int) -> bytes:
    nonce = int.from_bytes(_derived(secret, b"iv", 12)) ^ sent
    plain = content + bytes([content_type])
    head = b"\x17\x03\x03" + (len(plain) + 16).to_bytes(2)
    return head + AESGCM(_derived(secret, b"key", 32)).encrypt(nonce.to_bytes(12), plain, head)


def _derived(secret: bytes, label: bytes, size: int) -> bytes:
    """HKDF-Expand-Label without a context, of up to one digest (RFC 8446, 7.1)."""
    label = b"tls13 " + label
    return hmac.digest(secret, size.to_bytes(2) + bytes([len(label)]) + label + b"\0\1", "sha384")[:size]
