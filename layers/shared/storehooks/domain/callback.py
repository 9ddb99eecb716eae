"""The request of an attempt: a signed BigCommerce callback."""

from collections.abc import Sequence

from storehooks import __version__
from storehooks.domain.attempt import OutgoingRequest
from storehooks.domain.delivery import Delivery
from storehooks.domain.hook import Hook
from storehooks.domain.signature import signature_headers

USER_AGENT = f"storehooks/{__version__}"


def callback(delivery: Delivery, hook: Hook, *, secrets: Sequence[str], now: float) -> OutgoingRequest:
    """The request of one attempt.

    :param hook: the hook as it is now, not as it was when the event came.
    :param secrets: the client's secrets, the newest first; each signs.
    :param now: seconds since 1970; part of the signature.
    """
    body = delivery.payload.encode()
    return OutgoingRequest(
        url=hook.destination,
        headers={
            **(hook.headers or {}),
            "Content-Type": "application/json",
            "User-Agent": USER_AGENT,
            **signature_headers(delivery.id, body, secrets=secrets, now=now),
        },
        body=body,
    )
