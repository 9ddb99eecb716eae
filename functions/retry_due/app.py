"""The retry sweep, each minute: sends the retries that are due soon."""

from storehooks.composition import Handler, Parts, lambda_handler
from storehooks.flows.invocation import log_request_id


def build(parts: Parts) -> Handler:
    """Build the handler."""
    sweeper, meter = parts.sweeper, parts.meter

    def retry_due(_event: object, context: object) -> dict[str, int]:
        """Sweep once."""
        log_request_id(context)
        with meter.invocation():
            return {"sent": sweeper.sweep()}

    return retry_due


handler = lambda_handler(build)
