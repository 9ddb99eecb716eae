"""A notice of deactivated hooks from the bus: notifies the hooks' owners by e-mail."""

from typing import Any

from storehooks.composition import Handler, Parts, lambda_handler
from storehooks.flows.invocation import log_request_id


def build(parts: Parts) -> Handler:
    """The handler, made of these parts."""
    notifier = parts.notifier

    def notify_owners(event: dict[str, Any], context: object) -> dict[str, bool]:
        """Notify once; what fails Lambda tries again, and then puts among the dead letters."""
        log_request_id(context)
        return {"written": notifier.notify(event)}

    return notify_owners


handler = lambda_handler(build)
