"""POST /stores/{store_hash}/v2/hooks"""

from storehooks.adapters.hooks_table import HooksTable
from storehooks.api.hook_input import NewHook
from storehooks.api.operation import operation
from storehooks.api.request import Request
from storehooks.api.response import Response
from storehooks.api.v2 import hook_to_v2
from storehooks.domain.identity import DEFAULT_OAUTH_SCOPE
from storehooks.settings import setting, switch

hooks = HooksTable(setting("HOOKS_TABLE"))
allow_private = switch("ALLOW_PRIVATE_DESTINATIONS")


@operation
def create_hook(request: Request) -> Response:
    """Register a hook for the caller."""
    caller = request.caller(DEFAULT_OAUTH_SCOPE)
    new = NewHook.parse(request.json_object(), allow_private=allow_private)
    return Response(201, hook_to_v2(hooks.create(caller, **new.fields())))


handler = create_hook
