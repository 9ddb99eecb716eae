"""A client's secret, as the command shows it to people."""

import base64

LIBRARY_PREFIX = "whsec_"


def library_secret(client_secret: str) -> str:
    """The secret as Standard Webhooks libraries take it: ``whsec_`` and the base64 of its bytes.

    https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
    """
    return LIBRARY_PREFIX + base64.b64encode(client_secret.encode()).decode()


def secret_fields(client_secret: str) -> dict[str, str]:
    """The secret as it is, and as a library takes it."""
    return {"client_secret": client_secret, "standard_webhooks_secret": library_secret(client_secret)}
