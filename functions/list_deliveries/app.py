"""GET /stores/{store_hash}/v2/hooks/{id}/deliveries"""

from storehooks.adapters.delivery_log.deliveries import DeliveryLog
from storehooks.adapters.hooks_table import HooksTable
from storehooks.api.operation import operation
from storehooks.api.request import Request
from storehooks.api.response import Response
from storehooks.api.v2 import delivery_to_v2
from storehooks.domain.identity import DEFAULT_OAUTH_SCOPE
from storehooks.settings import number, setting

hooks = HooksTable(setting("HOOKS_TABLE"))
deliveries = DeliveryLog(setting("DELIVERIES_TABLE"), retention_days=number("DELIVERY_RETENTION_DAYS"))


@operation
def list_deliveries(request: Request) -> Response:
    """A page of the deliveries of one of the caller's hooks, the newest first."""
    caller = request.caller(DEFAULT_OAUTH_SCOPE)
    wanted = request.deliveries_wanted()
    hook = hooks.get(caller, request.hook_id())
    page = deliveries.page(
        hook.store_hash, hook.id, status=wanted.status, most=wanted.most, before=wanted.cursor
    )
    data = [delivery_to_v2(delivery) for delivery in page.deliveries]
    return Response(200, {"data": data, "next_cursor": page.next_id})


handler = list_deliveries
