"""What the owners of a hook are written when failures have deactivated it.

No header of the hook and no path or query of its destination: those may hold a key.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from storehooks.domain.deactivation_day import DeactivationDay
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

{named_by}"""

_DIGEST = """\
After the first one, of which an e-mail was sent at once, webhooks of the client {client_id}
of the store {store_hash} were switched off {count} more times on {date} (UTC):

{listed}
Events that come for a webhook which is switched off are kept.

What to do for each:

1.  Mend what responds there, or give the webhook another destination.

2.  If it is still off, switch it on:

        PUT /stores/{store_hash}/v2/hooks/ID
        {{"is_active": true}}

3.  Have what was missed sent:

        POST /stores/{store_hash}/v2/hooks/ID/recover
        {{"since": "{since}"}}

{named_by}"""

_NAMED_BY = """\
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
            since=_since(deactivated_at, schedule),
            named_by=_NAMED_BY.format(client_id=hook.client_id, store_hash=hook.store_hash),
        ),
    )


def digest_mail(day: DeactivationDay, schedule: RetrySchedule) -> Mail:
    """What is written of all of a day's deactivations but the first."""
    listed = "".join(
        f"    {datetime.fromtimestamp(one.deactivated_at, UTC):%H:%M:%S}  "
        f"webhook {one.hook_id}, {one.origin}\n"
        f"        {one.reason}\n"
        for one in day.later
    )
    if day.unlisted:
        listed += f"    and {day.unlisted} more\n"
    return Mail(
        subject=f"Webhooks of the store {day.store_hash} were switched off {day.later_count} more times",
        text=_DIGEST.format(
            store_hash=day.store_hash,
            client_id=day.client_id,
            count=day.later_count,
            date=day.date,
            listed=listed,
            since=_since(day.later[0].deactivated_at, schedule),
            named_by=_NAMED_BY.format(client_id=day.client_id, store_hash=day.store_hash),
        ),
    )


def _since(deactivated_at: int, schedule: RetrySchedule) -> str:
    """Before the first failure: a destination's Retry-After makes each wait up to twice as long."""
    return datetime.fromtimestamp(deactivated_at - 2 * sum(schedule.slots), UTC).isoformat()
