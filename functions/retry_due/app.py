"""Each minute: hands on the retries that are due soon."""

from storehooks.adapters.deliveries_queue import DeliveriesQueue
from storehooks.adapters.delivery_log.due import DueIndex
from storehooks.adapters.queue import Queue
from storehooks.flows.invocation import log_request_id
from storehooks.flows.meter import Meter
from storehooks.flows.sweep import Sweeper
from storehooks.settings import setting

meter = Meter()
sweeper = Sweeper(
    due=DueIndex(setting("DELIVERIES_TABLE")),
    queue=DeliveriesQueue(Queue(setting("DELIVERIES_QUEUE"))),
    meter=meter,
)


def handler(_event: object, context: object) -> dict[str, int]:
    """Sweep once."""
    log_request_id(context)
    with meter.invocation():
        return {"handed_on": sweeper.sweep()}
