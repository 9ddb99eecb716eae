"""PUT /stores/{store_hash}/v3/hooks/admin"""

from storehooks.adapters.addresses import Addresses
from storehooks.api.admin_input import AdminChanges
from storehooks.api.operation import operation
from storehooks.api.request import Request
from storehooks.api.response import Response
from storehooks.domain.identity import DEFAULT_OAUTH_SCOPE
from storehooks.settings import setting

addresses = Addresses(setting("HOOKS_TABLE"))


@operation
def update_admin(request: Request) -> Response:
    """Name the addresses to write to when one of the caller's hooks is deactivated."""
    caller = request.caller(DEFAULT_OAUTH_SCOPE)
    changes = AdminChanges.parse(request.json_object())
    addresses.put(caller.store_hash, caller.client_id, changes.emails)
    return Response(204)


handler = update_admin
