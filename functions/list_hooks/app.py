"""GET /stores/{store_hash}/v2/hooks"""

from storehooks.adapters.hooks_table import HooksTable
from storehooks.api.operation import operation
from storehooks.api.request import Request
from storehooks.api.response import Response
from storehooks.api.v2 import hook_to_v2
from storehooks.domain.identity import DEFAULT_OAUTH_SCOPE
from storehooks.settings import setting

hooks = HooksTable(setting("HOOKS_TABLE"))


@operation
def list_hooks(request: Request) -> Response:
    """A page of the caller's hooks by id; past the end, an empty one."""
    caller = request.caller(DEFAULT_OAUTH_SCOPE)
    page = request.page()
    found = hooks.page(caller, skip=(page.number - 1) * page.size, most=page.size)
    return Response(200, [hook_to_v2(hook) for hook in found])


handler = list_hooks
