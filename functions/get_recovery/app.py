"""GET /stores/{store_hash}/v2/hooks/{id}/recoveries/{recovery_id}"""

from storehooks.adapters.delivery_log.recoveries import Recoveries
from storehooks.adapters.hooks_table import HooksTable
from storehooks.api.operation import operation
from storehooks.api.request import Request
from storehooks.api.response import Response
from storehooks.api.v2 import recovery_to_v2
from storehooks.domain.identity import DEFAULT_OAUTH_SCOPE
from storehooks.settings import number, setting

hooks = HooksTable(setting("HOOKS_TABLE"))
recoveries = Recoveries(setting("DELIVERIES_TABLE"), retention_days=number("DELIVERY_RETENTION_DAYS"))


@operation
def get_recovery(request: Request) -> Response:
    """How far a recovery of one of the caller's hooks has got."""
    caller = request.caller(DEFAULT_OAUTH_SCOPE)
    hook = hooks.get(caller, request.hook_id())
    return Response(200, recovery_to_v2(recoveries.get(hook.store_hash, hook.id, request.recovery_id())))


handler = get_recovery
