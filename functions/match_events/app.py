"""The consumer of the events queue: matches events with hooks."""

from typing import Any

from storehooks.composition import Handler, Parts, lambda_handler
from storehooks.flows.invocation import log_request_id


def build(parts: Parts) -> Handler:
    """Build the handler."""
    matcher, meter = parts.matcher, parts.meter

    def match_events(event: dict[str, Any], context: object) -> dict[str, Any]:
        """Match a batch of messages; those that fail are retried."""
        log_request_id(context)
        with meter.invocation():
            failed = matcher.match({record["messageId"]: record["body"] for record in event["Records"]})
        return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in sorted(failed)]}

    return match_events


handler = lambda_handler(build)
