"""The events queue: finds the hooks that each event is for."""

from typing import Any

from storehooks.adapters.deliveries_queue import DeliveriesQueue
from storehooks.adapters.event_ids import EventIdsTable
from storehooks.adapters.hooks_table import HooksTable
from storehooks.adapters.queue import Queue
from storehooks.flows.invocation import log_request_id
from storehooks.flows.match import Matcher
from storehooks.flows.meter import Meter
from storehooks.settings import setting

meter = Meter()
matcher = Matcher(
    hooks=HooksTable(setting("HOOKS_TABLE")),
    event_ids=EventIdsTable(setting("EVENT_IDS_TABLE")),
    queue=DeliveriesQueue(Queue(setting("DELIVERIES_QUEUE"))),
    dead_letters=Queue(setting("EVENTS_DEAD_LETTERS")),
    meter=meter,
)


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Match a batch of the queue; what fails comes again."""
    log_request_id(context)
    with meter.invocation():
        failed = matcher.match({record["messageId"]: record["body"] for record in event["Records"]})
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in sorted(failed)]}
