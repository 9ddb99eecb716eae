"""POST /stores/{store_hash}/v2/hooks/{id}/deliveries/{delivery_id}/redeliver"""

from storehooks.api.operation import operation
from storehooks.api.request import Request
from storehooks.api.response import Response
from storehooks.api.v2 import delivery_to_v2
from storehooks.composition import Handler, Parts, lambda_handler
from storehooks.domain.identity import DEFAULT_OAUTH_SCOPE


def build(parts: Parts) -> Handler:
    """Build the handler."""
    hooks, redeliverer = parts.hooks, parts.redeliverer

    @operation
    def redeliver(request: Request) -> Response:
        """Send a delivery of one of the caller's hooks again, or make its next attempt now."""
        caller = request.caller(DEFAULT_OAUTH_SCOPE)
        hook = hooks.get(caller, request.hook_id())
        delivery = redeliverer.redeliver(hook, request.delivery_id())
        return Response(202, delivery_to_v2(delivery))

    return redeliver


handler = lambda_handler(build)
