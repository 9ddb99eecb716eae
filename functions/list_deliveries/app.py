"""GET /stores/{store_hash}/v2/hooks/{id}/deliveries"""

from storehooks.api.operation import operation
from storehooks.api.request import Request
from storehooks.api.response import Response
from storehooks.api.v2 import deliveries_to_v2
from storehooks.composition import Handler, Parts, lambda_handler
from storehooks.domain.identity import READ_OAUTH_SCOPE


def build(parts: Parts) -> Handler:
    """Build the handler."""
    hooks, log, scans = parts.hooks, parts.log, parts.scans

    @operation
    def list_deliveries(request: Request) -> Response:
        """Return a page of the deliveries of one of the caller's hooks, the newest first."""
        caller = request.caller(READ_OAUTH_SCOPE)
        wanted = request.deliveries_wanted()
        hook = hooks.get(caller, request.hook_id())
        part = {"status": wanted.status, "limit": wanted.limit, "before": wanted.cursor}
        if wanted.find is None:
            page = log.page(hook.store_hash, hook.id, **part)
        else:
            page = scans.find(hook.store_hash, hook.id, wanted.find, **part)
        return Response(200, deliveries_to_v2(page.deliveries, next_cursor=page.next_id))

    return list_deliveries


handler = lambda_handler(build)
