"""GET /stores/{store_hash}/v2/hooks/{id}/deliveries/{delivery_id}"""

from storehooks.api.operation import operation
from storehooks.api.request import Request
from storehooks.api.response import Response
from storehooks.api.v2 import whole_delivery_to_v2
from storehooks.composition import Handler, Parts, lambda_handler
from storehooks.domain.identity import READ_OAUTH_SCOPE


def build(parts: Parts) -> Handler:
    """Build the handler."""
    hooks, log = parts.hooks, parts.log

    @operation
    def get_delivery(request: Request) -> Response:
        """Return a delivery of one of the caller's hooks, with its payload and the responses."""
        caller = request.caller(READ_OAUTH_SCOPE)
        hook = hooks.get(caller, request.hook_id())
        delivery = log.get(hook.store_hash, hook.id, request.delivery_id())
        hidden = () if caller.sees_header_values else (hook.headers or {}).values()
        return Response(200, whole_delivery_to_v2(delivery, hidden=hidden))

    return get_delivery


handler = lambda_handler(build)
