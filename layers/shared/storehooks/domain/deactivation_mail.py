"""The e-mails to a client's notification emails when failures deactivate its hooks.

They contain no header of a hook and no path or query of its destination, which may hold a key.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from storehooks.domain.deactivation_day import DeactivationDay
from storehooks.domain.destination import origin
from storehooks.domain.hook import Hook
from storehooks.domain.retry import RetrySchedule

_TEXT = """\
Webhook {hook_id} of the store {store_hash} was deactivated on {when}, because events
could not be delivered to {origin}:

    {reason}

Its scope is {scope}. Events that come for it meanwhile are kept.

What to do:

1.  Repair the destination, or give the webhook another destination.

2.  Activate the webhook:

        PUT /stores/{store_hash}/v2/hooks/{hook_id}
        {{"is_active": true}}

3.  Have missed events sent. This recovers all since before the first of these failures:

        POST /stores/{store_hash}/v2/hooks/{hook_id}/recover
        {{"since": "{since}"}}

{named_by}"""

_DIGEST = """\
After the first one, of which an e-mail was sent at once, webhooks of the client {client_id}
of the store {store_hash} were deactivated {count} more times on {date} (UTC):

{listed}
Events that come for a deactivated webhook are kept.

What to do for each:

1.  Repair the destination, or give the webhook another destination.

2.  If it is still inactive, activate it:

        PUT /stores/{store_hash}/v2/hooks/ID
        {{"is_active": true}}

3.  Have missed events sent:

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
    """The e-mail about one deactivated hook."""
    when = datetime.fromtimestamp(deactivated_at, UTC)
    return Mail(
        subject=f"Webhook {hook.id} of the store {hook.store_hash} was deactivated",
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
    """The e-mail about a day's deactivations after the first."""
    listed = "".join(
        f"    {datetime.fromtimestamp(one.deactivated_at, UTC):%H:%M:%S}  "
        f"webhook {one.hook_id}, {one.origin}\n"
        f"        {one.reason}\n"
        for one in day.later
    )
    if day.unlisted:
        listed += f"    and {day.unlisted} more\n"
    return Mail(
        subject=f"Webhooks of the store {day.store_hash} were deactivated {day.later_count} more times",
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
    """A time before the first failure. ``Retry-After`` makes each wait up to twice as long."""
    return datetime.fromtimestamp(deactivated_at - 2 * sum(schedule.slots), UTC).isoformat()
