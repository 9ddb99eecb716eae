"""POST /stores/{store_hash}/{v2,v3}/hooks"""

from storehooks.adapters.hooks_table import HooksTable
from storehooks.api.hook_input import NewHook
from storehooks.api.hook_output import hook_response
from storehooks.api.operation import operation
from storehooks.api.request import Request
from storehooks.api.response import Response
from storehooks.domain.identity import DEFAULT_OAUTH_SCOPE
from storehooks.settings import setting, switch

hooks = HooksTable(setting("HOOKS_TABLE"))
allow_private = switch("ALLOW_PRIVATE_DESTINATIONS")


@operation
def create_hook(request: Request) -> Response:
    """Register a hook for the caller."""
    caller = request.caller(DEFAULT_OAUTH_SCOPE)
    new = NewHook.parse(request.json_object(), allow_private=allow_private)
    return hook_response(request.version, hooks.create(caller, **new.fields()), is_new=True)


handler = create_hook
