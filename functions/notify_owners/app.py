"""An entry of the bus that tells of a deactivated hook: writes to the hook's owners."""

from typing import Any

from storehooks.adapters.addresses import Addresses
from storehooks.adapters.claims import Claims
from storehooks.adapters.hooks_table import HooksTable
from storehooks.adapters.mailer import Mailer
from storehooks.domain.retry import RetrySchedule
from storehooks.flows.invocation import log_request_id
from storehooks.flows.notify import Notifier
from storehooks.settings import setting

notifier = Notifier(
    hooks=HooksTable(setting("HOOKS_TABLE")),
    addresses=Addresses(setting("HOOKS_TABLE")),
    claims=Claims(setting("EVENT_IDS_TABLE")),
    mailer=Mailer(setting("EMAIL_SENDER")),
    schedule=RetrySchedule.parse(setting("RETRY_SCHEDULE")),
)


def handler(event: dict[str, Any], context: object) -> dict[str, bool]:
    """Write once; what fails Lambda tries again, and then puts among the dead letters."""
    log_request_id(context)
    return {"written": notifier.notify(event)}
