"""POST /stores/{store_hash}/v2/hooks/{id}/recover"""

from time import time as clock

from storehooks.adapters.deliveries_queue import DeliveriesQueue
from storehooks.adapters.delivery_log.recoveries import Recoveries
from storehooks.adapters.delivery_log.selections import Selections
from storehooks.adapters.hooks_table import HooksTable
from storehooks.adapters.queue import Queue
from storehooks.api.operation import operation
from storehooks.api.recovery_input import NewRecovery
from storehooks.api.request import Request
from storehooks.api.response import Response
from storehooks.api.v2 import recovery_to_v2
from storehooks.domain.identity import DEFAULT_OAUTH_SCOPE
from storehooks.flows.recover import RecoveryOrders
from storehooks.settings import number, setting

hooks = HooksTable(setting("HOOKS_TABLE"))
orders = RecoveryOrders(
    recoveries=Recoveries(setting("DELIVERIES_TABLE"), retention_days=number("DELIVERY_RETENTION_DAYS")),
    selections=Selections(setting("DELIVERIES_TABLE")),
    queue=DeliveriesQueue(Queue(setting("DELIVERIES_QUEUE"))),
)


@operation
def recover_deliveries(request: Request) -> Response:
    """Have deliveries of a time of one of the caller's hooks sent again."""
    caller = request.caller(DEFAULT_OAUTH_SCOPE)
    hook_id = request.hook_id()
    wanted = NewRecovery.parse(request.json_object(), clock())
    recovery = orders.order(hooks.get(caller, hook_id), wanted.statuses, wanted.since, wanted.until)
    return Response(202, recovery_to_v2(recovery))


handler = recover_deliveries
