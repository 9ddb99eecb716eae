"""POST /stores/{store_hash}/v2/hooks/{id}/deliveries/{delivery_id}/redeliver"""

from storehooks.adapters.deliveries_queue import DeliveriesQueue
from storehooks.adapters.delivery_log.deliveries import DeliveryLog
from storehooks.adapters.hooks_table import HooksTable
from storehooks.adapters.queue import Queue
from storehooks.api.operation import operation
from storehooks.api.request import Request
from storehooks.api.response import Response
from storehooks.api.v2 import delivery_to_v2
from storehooks.domain.identity import DEFAULT_OAUTH_SCOPE
from storehooks.flows.redeliver import Redeliverer
from storehooks.settings import number, setting

hooks = HooksTable(setting("HOOKS_TABLE"))
redeliverer = Redeliverer(
    log=DeliveryLog(setting("DELIVERIES_TABLE"), retention_days=number("DELIVERY_RETENTION_DAYS")),
    queue=DeliveriesQueue(Queue(setting("DELIVERIES_QUEUE"))),
)


@operation
def redeliver(request: Request) -> Response:
    """Send a delivery of one of the caller's hooks again, or its next attempt now."""
    caller = request.caller(DEFAULT_OAUTH_SCOPE)
    hook = hooks.get(caller, request.hook_id())
    delivery = redeliverer.redeliver(hook, request.delivery_id())
    return Response(202, delivery_to_v2(delivery))


handler = redeliver
