"""GET /stores/{store_hash}/v2/hooks/{id}/deliveries/{delivery_id}"""

from storehooks.adapters.delivery_log.deliveries import DeliveryLog
from storehooks.adapters.hooks_table import HooksTable
from storehooks.api.operation import operation
from storehooks.api.request import Request
from storehooks.api.response import Response
from storehooks.api.v2 import whole_delivery_to_v2
from storehooks.domain.identity import DEFAULT_OAUTH_SCOPE
from storehooks.settings import number, setting

hooks = HooksTable(setting("HOOKS_TABLE"))
deliveries = DeliveryLog(setting("DELIVERIES_TABLE"), retention_days=number("DELIVERY_RETENTION_DAYS"))


@operation
def get_delivery(request: Request) -> Response:
    """One delivery of one of the caller's hooks, with its payload and the answers."""
    caller = request.caller(DEFAULT_OAUTH_SCOPE)
    hook = hooks.get(caller, request.hook_id())
    delivery = deliveries.get(hook.store_hash, hook.id, request.delivery_id())
    return Response(200, whole_delivery_to_v2(delivery))


handler = get_delivery
