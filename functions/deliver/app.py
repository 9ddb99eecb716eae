"""The consumer of the deliveries queue: makes the attempts that are due."""

from typing import Any

from storehooks.adapters.deliveries_queue import from_record
from storehooks.composition import Handler, Parts, lambda_handler
from storehooks.flows.invocation import log_request_id


def build(parts: Parts) -> Handler:
    """Build the handler."""
    deliverer, meter = parts.deliverer, parts.meter

    def deliver(event: dict[str, Any], context: object) -> dict[str, Any]:
        """Do a batch of messages; those that fail are retried."""
        log_request_id(context)
        with meter.invocation():
            failed = deliverer.deliver([from_record(record) for record in event["Records"]])
        return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in sorted(failed)]}

    return deliver


handler = lambda_handler(build)
