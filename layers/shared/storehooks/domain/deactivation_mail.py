"""What the owners of a hook are written when failures have deactivated it.

No header of the hook and no path or query of its destination: those may hold a key.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from storehooks.domain.destination import origin
from storehooks.domain.hook import Hook
from storehooks.domain.retry import RetrySchedule

_TEXT = """\
Webhook {hook_id} of the store {store_hash} was switched off on {when}, because events
could not be delivered to {origin}:

    {reason}

Its scope is {scope}. Events that come for it meanwhile are kept.

What to do:

1.  Mend what responds there, or give the webhook another destination.

2.  Switch the webhook on:

        PUT /stores/{store_hash}/v2/hooks/{hook_id}
        {{"is_active": true}}

3.  Have what was missed sent. This asks for all since before the first of these failures:

        POST /stores/{store_hash}/v2/hooks/{hook_id}/recover
        {{"since": "{since}"}}

The client {client_id} of the store {store_hash} named this address for such e-mails
(PUT /stores/{store_hash}/v3/hooks/admin). If you do not know it, ask the store to have the
address removed.
"""


@dataclass(frozen=True, slots=True)
class Mail:
    """An e-mail in plain text."""

    subject: str
    text: str


def deactivation_mail(hook: Hook, *, deactivated_at: int, schedule: RetrySchedule) -> Mail:
    """What is written of a deactivated hook."""
    when = datetime.fromtimestamp(deactivated_at, UTC)
    # A destination's Retry-After makes each wait up to twice as long.
    since = datetime.fromtimestamp(deactivated_at - 2 * sum(schedule.slots), UTC)
    return Mail(
        subject=f"Webhook {hook.id} of the store {hook.store_hash} was switched off",
        text=_TEXT.format(
            hook_id=hook.id,
            store_hash=hook.store_hash,
            client_id=hook.client_id,
            scope=hook.scope,
            origin=origin(hook.destination),
            reason=hook.deactivation_reason,
            when=f"{when:%Y-%m-%d at %H:%M:%S} UTC",
            since=since.isoformat(),
        ),
    )
