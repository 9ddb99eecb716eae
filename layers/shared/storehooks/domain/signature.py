"""How a delivery is signed: Standard Webhooks, with a client's secret.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import hashlib
import hmac


def signature_headers(delivery_id: str, body: bytes, *, secret: str, now: float) -> dict[str, str]:
    """The three ``webhook-...`` headers of one attempt.

    The key is the secret's bytes as they are; a receiver that uses a Standard Webhooks
    library gives it the base64 of the secret.

    :param now: seconds since 1970.
    """
    timestamp = str(int(now))
    signed = f"{delivery_id}.{timestamp}.".encode() + body
    digest = hmac.digest(secret.encode(), signed, hashlib.sha256)
    return {
        "webhook-id": delivery_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": "v1," + base64.b64encode(digest).decode(),
    }
