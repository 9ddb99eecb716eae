"""The deliveries queue: makes the attempts that are due."""

from typing import Any

from storehooks.adapters.bus import EventBus
from storehooks.adapters.claims import Claims
from storehooks.adapters.deliveries_queue import DeliveriesQueue, from_record
from storehooks.adapters.delivery_context import DeliveryContexts
from storehooks.adapters.delivery_log.circuits import Circuits
from storehooks.adapters.delivery_log.deliveries import DeliveryLog
from storehooks.adapters.delivery_log.recoveries import Recoveries
from storehooks.adapters.delivery_log.selections import Selections
from storehooks.adapters.hooks_table import HooksTable
from storehooks.adapters.queue import Queue
from storehooks.adapters.sender import Sender
from storehooks.domain.retry import RetrySchedule
from storehooks.flows.deliver import Deliverer
from storehooks.flows.invocation import log_request_id
from storehooks.flows.meter import Meter
from storehooks.flows.outcome import Outcomes
from storehooks.flows.recover import Recoverer
from storehooks.settings import number, setting, switch

schedule = RetrySchedule.parse(setting("RETRY_SCHEDULE"))
timeout_seconds = number("DELIVERY_TIMEOUT_SECONDS")
table, retention_days = setting("DELIVERIES_TABLE"), number("DELIVERY_RETENTION_DAYS")
log = DeliveryLog(table, retention_days=retention_days)
circuits = Circuits(table, retention_days=retention_days)
hooks = HooksTable(setting("HOOKS_TABLE"))
queue = DeliveriesQueue(Queue(setting("DELIVERIES_QUEUE")))
meter = Meter()
deliverer = Deliverer(
    contexts=DeliveryContexts(
        hooks_table=setting("HOOKS_TABLE"),
        clients_table=setting("CLIENTS_TABLE"),
        deliveries_table=table,
    ),
    log=log,
    circuits=circuits,
    queue=queue,
    outcomes=Outcomes(
        log=log,
        circuits=circuits,
        hooks=hooks,
        queue=queue,
        bus=EventBus(setting("EVENT_BUS")),
        claims=Claims(setting("EVENT_IDS_TABLE")),
        schedule=schedule,
        meter=meter,
    ),
    recoverer=Recoverer(
        recoveries=Recoveries(table, retention_days=retention_days),
        selections=Selections(table),
        log=log,
        circuits=circuits,
        hooks=hooks,
        queue=queue,
        meter=meter,
    ),
    sender=Sender(timeout_seconds=timeout_seconds, allow_private=switch("ALLOW_PRIVATE_DESTINATIONS")),
    schedule=schedule,
    meter=meter,
    timeout_seconds=timeout_seconds,
)


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Do a batch of the queue; what fails comes again."""
    log_request_id(context)
    with meter.invocation():
        failed = deliverer.deliver([from_record(record) for record in event["Records"]])
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in sorted(failed)]}
