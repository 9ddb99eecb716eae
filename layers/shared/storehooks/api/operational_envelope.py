"""The messages of the events queue with storehooks' own events.

They are separate from ``event_envelope.py``, which reads them, because ``deliver``, which writes them, does
not load pydantic.
"""

import uuid
from collections.abc import Mapping
from typing import Any

from storehooks.api.iso_time import to_iso
from storehooks.domain.operational_event import SOURCE
from storehooks.domain.scope import DELIVERY_EXCEPTION


def to_operational_envelope(detail: Mapping[str, Any], recipient: str, accepted_at: int) -> dict[str, Any]:
    """The message of an event about a hook.

    :param recipient: the only client whose hooks get it.
    :param accepted_at: microseconds since 1970.
    """
    return {
        "id": str(uuid.uuid4()),
        "source": SOURCE,
        "recipient": recipient,
        "detail-type": DELIVERY_EXCEPTION,
        "time": to_iso(accepted_at),
        "detail": dict(detail),
    }


def recipient_of(envelope: Mapping[str, Any]) -> object:
    """The recipient of an event of storehooks' own; None for any other message.

    EventBridge sets ``account`` on each entry of the bus, and adds no ``recipient`` to one.
    """
    return None if "account" in envelope else envelope.get("recipient")
