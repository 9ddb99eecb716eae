"""The consumer of the bus's notices of deactivated hooks: notifies the hooks' owners by e-mail."""

from typing import Any

from storehooks.composition import Handler, Parts, lambda_handler
from storehooks.flows.invocation import log_request_id


def build(parts: Parts) -> Handler:
    """Build the handler."""
    notifier = parts.notifier

    def notify_owners(event: dict[str, Any], context: object) -> dict[str, bool]:
        """Notify once. Lambda retries a failure, and then sends the notice to the dead-letter queue."""
        log_request_id(context)
        return {"written": notifier.notify(event)}

    return notify_owners


handler = lambda_handler(build)
