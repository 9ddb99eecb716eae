"""PUT /stores/{store_hash}/{v2,v3}/hooks/{id}"""

from storehooks.adapters.hooks_table import HooksTable
from storehooks.api.hook_input import HookChanges
from storehooks.api.hook_output import hook_response
from storehooks.api.operation import operation
from storehooks.api.request import Request
from storehooks.api.response import Response
from storehooks.domain.identity import DEFAULT_OAUTH_SCOPE
from storehooks.settings import setting, switch

hooks = HooksTable(setting("HOOKS_TABLE"))
allow_private = switch("ALLOW_PRIVATE_DESTINATIONS")


@operation
def update_hook(request: Request) -> Response:
    """Change the given fields of a hook of the caller; the answer is the whole hook."""
    caller = request.caller(DEFAULT_OAUTH_SCOPE)
    hook_id = request.hook_id()
    changes = HookChanges.parse(request.json_object(), allow_private=allow_private)
    return hook_response(request.version, hooks.update(caller, hook_id, changes.fields()))


handler = update_hook
