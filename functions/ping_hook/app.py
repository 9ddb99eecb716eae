"""POST /stores/{store_hash}/v2/hooks/{id}/ping"""

from storehooks.adapters.access import ClientSecrets
from storehooks.adapters.hooks_table import HooksTable
from storehooks.adapters.sender import Sender
from storehooks.api.operation import operation
from storehooks.api.request import Request
from storehooks.api.response import Response
from storehooks.api.v2 import ping_to_v2
from storehooks.domain.identity import DEFAULT_OAUTH_SCOPE
from storehooks.flows.ping import Pinger
from storehooks.settings import number, setting, switch

hooks = HooksTable(setting("HOOKS_TABLE"))
sender = Sender(
    timeout_seconds=number("DELIVERY_TIMEOUT_SECONDS"), allow_private=switch("ALLOW_PRIVATE_DESTINATIONS")
)
pinger = Pinger(secrets=ClientSecrets(setting("CLIENTS_TABLE")), sender=sender)


@operation
def ping_hook(request: Request) -> Response:
    """Send a test event to one of the caller's hooks, active or not, and answer what came of it."""
    caller = request.caller(DEFAULT_OAUTH_SCOPE)
    return Response(200, ping_to_v2(*pinger.ping(hooks.get(caller, request.hook_id()))))


handler = ping_hook
