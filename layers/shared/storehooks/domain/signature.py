"""The signature of a delivery: Standard Webhooks, with a client's secrets.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import hashlib
import hmac
from collections.abc import Sequence


def signature_headers(delivery_id: str, body: bytes, *, secrets: Sequence[str], now: float) -> dict[str, str]:
    """The three ``webhook-...`` headers of one attempt.

    The key is the secret's bytes, not decoded. A receiver that uses a Standard Webhooks library passes it the
    base64 of the secret.

    :param secrets: each makes a signature, and a receiver accepts any one of them.
    :param now: seconds since 1970.
    """
    timestamp = str(int(now))
    signed = f"{delivery_id}.{timestamp}.".encode() + body
    digests = [hmac.digest(secret.encode(), signed, hashlib.sha256) for secret in secrets]
    return {
        "webhook-id": delivery_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join("v1," + base64.b64encode(digest).decode() for digest in digests),
    }
